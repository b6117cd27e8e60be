package dlqtest

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// badMD5 says whose MD5 digest, as the queue states it, is wrong: the body's, the
// attributes', or nobody's (empty).
func badMD5(m types.Message) string {
	if sum := md5.Sum([]byte(aws.ToString(m.Body))); hex.EncodeToString(sum[:]) != aws.ToString(m.MD5OfBody) {
		return "body"
	}
	if len(m.MessageAttributes) > 0 && md5OfAttributes(m.MessageAttributes) != aws.ToString(m.MD5OfMessageAttributes) {
		return "attributes"
	}
	return ""
}

// md5OfAttributes is the digest that the Amazon SQS Developer Guide gives under
// "Calculating the MD5 message digest for message attributes".
func md5OfAttributes(attributes map[string]types.MessageAttributeValue) string {
	const isString, isBinary = 1, 2
	h := md5.New()
	part := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(b))) // a hash takes everything
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		part([]byte(name))
		part([]byte(aws.ToString(a.DataType)))
		if strings.HasPrefix(aws.ToString(a.DataType), "Binary") {
			h.Write([]byte{isBinary})
			part(a.BinaryValue)
		} else {
			h.Write([]byte{isString})
			part([]byte(aws.ToString(a.StringValue)))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
