package awstest

import (
	"io"
	"net/http"
	"time"
)

// newHTTPClient returns the HTTP client of Config. It hides from net/http that the SDK's
// request bodies can write themselves: once a server as fast as this one has answered,
// the SDK closes the body, whose WriteTo then reports io.EOF; net/http takes that for a
// failure and closes the connection, although the answer may not have been read to its
// end. The SDK would repeat the call, which for a receive counts twice.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the endpoint is on this machine
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.IdleConnTimeout = 30 * time.Second
	return &http.Client{Transport: plainBodies{transport}}
}

type plainBodies struct{ next http.RoundTripper }

func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		plain := *r // a round tripper may not change the request it is given
		plain.Body = struct{ io.ReadCloser }{r.Body}
		r = &plain
	}
	return p.next.RoundTrip(r)
}
