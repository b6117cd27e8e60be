package awstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// DirectConfig is like Config, but its clients call the endpoint in this process without
// a connection in between. That costs about half, which counts where a test makes
// thousands of calls; all else is the same, injected faults included.
func (s *Server) DirectConfig() aws.Config {
	cfg := s.Config()
	cfg.HTTPClient = direct{s.http.Handler}
	return cfg
}

// direct is an HTTP client that has a handler serve the requests.
type direct struct{ handler http.Handler }

// Do lets the handler serve the request, of which it sees a copy that shares header and
// URL: handlers read these, and the SDK's clients make a request of their own for each try.
func (d direct) Do(r *http.Request) (resp *http.Response, err error) {
	in := r.WithContext(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if r.Host != "" {
		in.Host = r.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		if r.Body != nil {
			_ = r.Body.Close() // as a transport must
		}
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			if out := in.Context().Err(); out != nil {
				resp, err = nil, out
				return
			}
			resp, err = nil, fmt.Errorf("the connection was dropped: %w", io.ErrUnexpectedEOF)
		default:
			panic(p)
		}
	}()
	answer := &directAnswer{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(answer, in)
	if err := in.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status)), StatusCode: answer.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}, nil
}

// directAnswer collects an answer.
type directAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *directAnswer) Header() http.Header         { return a.header }
func (a *directAnswer) WriteHeader(status int)      { a.status = status }
func (a *directAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }
