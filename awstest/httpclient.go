package awstest

import (
	"net/http"
	"time"

	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

// newHTTPClient returns the HTTP client of Config.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the endpoint is on this machine
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.IdleConnTimeout = 30 * time.Second
	return &http.Client{Transport: sdkhttp.PlainBodies(transport)}
}
