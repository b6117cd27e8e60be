// Package sdkhttp keeps the AWS SDK's clients from losing answers of servers that are as
// fast as those on the same machine:
//
//	cfg.HTTPClient = sdkhttp.Client()
package sdkhttp

import (
	"io"
	"net/http"
)

// Client returns an HTTP client for the SDK with the default transport and [PlainBodies].
func Client() *http.Client { return &http.Client{Transport: PlainBodies(http.DefaultTransport)} }

// PlainBodies hides from net/http that the SDK's request bodies can write themselves. Once
// there is an answer the SDK closes the body, whose WriteTo then reports io.EOF; if the
// answer came fast, net/http takes that for a failure and closes the connection, although
// the answer may not have been read to its end. The SDK would repeat the call, which for
// a receive counts twice.
func PlainBodies(next http.RoundTripper) http.RoundTripper { return plainBodies{next} }

type plainBodies struct{ next http.RoundTripper }

func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		plain := *r // a round tripper may not change the request it is given
		plain.Body = struct{ io.ReadCloser }{r.Body}
		r = &plain
	}
	return p.next.RoundTrip(r)
}

// CloseIdleConnections lets http.Client's method of that name reach the transport.
func (p plainBodies) CloseIdleConnections() {
	if next, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
