package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// MaxBody bounds a request's body, in bytes, also once unzipped. The largest that AWS
// takes is a batch of 1 MiB, which JSON escapes and form encoding can make up to six
// times as long.
const MaxBody = 8 << 20

const (
	// trusted is how much memory a request gets on its word, its Content-Length.
	trusted = 1 << 20
	// pooled is the largest buffer that is kept for another request.
	pooled = 1 << 20
)

// readBody reads the request's body into a buffer that the caller gives back by
// releaseBody.
func (x *exchange) readBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil {
		return nil // a request that comes from no server
	}
	limit := int64(MaxBody)
	if x.svc != nil && x.svc.MaxBody > 0 {
		limit = int64(x.svc.MaxBody)
	}
	raw := http.MaxBytesReader(w, r.Body, limit)
	var in io.Reader = raw
	// S3 keeps objects as they are sent
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") && x.call.Protocol != XML {
		zipped, err := gzip.NewReader(raw)
		if err != nil {
			return unreadable("The body is not gzip: ", err)
		}
		in = zipped
	}
	buf, _ := x.rt.bodies.Get().(*bytes.Buffer)
	if buf == nil {
		buf = &bytes.Buffer{}
	}
	x.body = buf
	if n := r.ContentLength; n > 0 {
		buf.Grow(int(min(n, trusted)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(in, limit+1))
	x.call.Size = int(n)
	var maxBytes *http.MaxBytesError
	switch {
	case errors.As(err, &maxBytes), n > limit:
		return &Error{Code: "RequestEntityTooLarge", Message: fmt.Sprintf("Request body is larger than %d bytes.", limit), Status: http.StatusRequestEntityTooLarge, framework: true}
	case err != nil:
		return unreadable("The body could not be read: ", err)
	}
	return nil
}

// releaseBody gives the body's buffer back. Inputs don't refer to it: all decoders copy.
func (x *exchange) releaseBody() {
	if x.body != nil && x.body.Cap() <= pooled {
		x.body.Reset()
		x.rt.bodies.Put(x.body)
	}
	x.body = nil
}

// unreadable is the error that the input can't be decoded.
func unreadable(what string, err error) *Error {
	return &Error{Code: "MalformedInput", Type: "SerializationException", Message: what + err.Error(), framework: true}
}
