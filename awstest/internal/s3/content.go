package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// decodeContent returns a copy of what a body carries, and the trailer that follows it. The
// SDKs send content in chunks (aws-chunked) that have their signatures in between, which
// aren't checked here, and a checksum behind. [S3 API reference, "Signature calculations:
// transferring payload in multiple chunks"]
func decodeContent(h http.Header, body []byte) (content []byte, trailer http.Header, err error) {
	if !strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") && !isChunked(h) {
		return bytes.Clone(body), nil, nil
	}
	content, trailer, err = unchunk(body)
	if err != nil {
		return nil, nil, &wire.Error{Code: "IncompleteBody", Message: "The request body terminated unexpectedly: " + err.Error()}
	}
	if want := h.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(content)) {
		return nil, nil, &wire.Error{
			Code: "IncompleteBody", Message: "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header",
		}
	}
	return content, trailer, nil
}

func isChunked(h http.Header) bool {
	first, _, _ := strings.Cut(h.Get("Content-Encoding"), ",")
	return strings.TrimSpace(first) == "aws-chunked"
}

// unchunk undoes aws-chunked.
func unchunk(body []byte) (content []byte, trailer http.Header, err error) {
	content = make([]byte, 0, len(body))
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		if !ok {
			return nil, nil, errors.New("a chunk has no size")
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil {
			return nil, nil, fmt.Errorf("the size of a chunk is %.20q", size)
		}
		if n == 0 {
			body = rest
			break
		}
		if uint64(len(rest)) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return nil, nil, errors.New("a chunk is not as long as it says")
		}
		content = append(content, rest[:n]...)
		body = rest[n+2:]
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return content, nil, nil
	}
	lines, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(body))).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) { // not all clients end the trailer with an empty line
		return nil, nil, fmt.Errorf("the trailer can't be read: %w", err)
	}
	return content, http.Header(lines), nil
}

// checksum is one of the checksums of an object's content, in base64. [S3 user guide,
// "Checking object integrity in Amazon S3"]
type checksum struct{ Algorithm, Value string }

// header is the header that carries the checksum.
func (c checksum) header() string { return "X-Amz-Checksum-" + c.Algorithm }

// algorithms are the names of checksums, the default one first.
func algorithms() []string { return []string{"Crc64nvme", "Crc32", "Crc32c", "Sha1", "Sha256"} }

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "Crc32":
		return crc32.NewIEEE()
	case "Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "Sha1":
		return sha1.New()
	case "Sha256":
		return sha256.New()
	}
	return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) // NVMe's, its bits reversed
}

func checksumOf(algorithm string, content []byte) checksum {
	h := newHash(algorithm)
	_, _ = h.Write(content) // never fails
	return checksum{algorithm, base64.StdEncoding.EncodeToString(h.Sum(nil))}
}

// verify compares the content with the checksums that came with it, and returns the one to
// keep: the sender's or, without one, the default.
func verify(header, trailer http.Header, content []byte) (checksum, error) {
	if want := header.Get("Content-Md5"); want != "" {
		sum := md5.Sum(content)
		raw, err := base64.StdEncoding.DecodeString(want)
		if err != nil || len(raw) != len(sum) {
			return checksum{}, &wire.Error{Code: "InvalidDigest", Message: "The Content-MD5 you specified was invalid."}
		}
		if !bytes.Equal(raw, sum[:]) {
			return checksum{}, &wire.Error{Code: "BadDigest", Message: "The Content-MD5 you specified did not match what we received."}
		}
	}
	for _, name := range algorithms() {
		for _, h := range []http.Header{header, trailer} {
			want := h.Get(checksum{Algorithm: name}.header())
			if want == "" {
				continue
			}
			sum := checksumOf(name, content)
			if sum.Value != want {
				return checksum{}, &wire.Error{Code: "BadDigest", Message: "The " + strings.ToUpper(name) + " you specified did not match the calculated checksum."}
			}
			return sum, nil
		}
	}
	return checksumOf(algorithms()[0], content), nil
}
