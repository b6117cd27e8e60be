package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// attributesMD5 is the digest of message attributes that clients check: over name, data
// type and value of each, in order of names, each with its length before it and the
// value with the kind of its encoding. See "Calculating the MD5 message digest for
// message attributes" in the SQS developer guide.
func attributesMD5(attributes map[string]AttributeValue) string {
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	var buf []byte
	put := func(s string) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	for _, name := range names {
		a := attributes[name]
		put(name)
		put(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			buf = append(buf, 2)
			put(string(a.BinaryValue))
		} else {
			buf = append(buf, 1)
			if a.StringValue != nil {
				put(*a.StringValue)
			}
		}
	}
	sum := md5.Sum(buf)
	return hex.EncodeToString(sum[:])
}
