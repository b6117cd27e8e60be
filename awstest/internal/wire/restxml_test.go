package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// page is the input of a REST-XML service.
type page struct{ Bucket, Body string }

func (p *page) ReadRequest(r *http.Request, body []byte) error {
	if len(body) == 0 {
		return &wire.Error{Code: "MissingBody", Message: "no <body>", Detail: []wire.Detail{{Name: "Path", Value: r.URL.Path}}, Header: http.Header{"X-Hint": {"write"}}}
	}
	p.Bucket, p.Body = r.URL.Path[1:], string(body)
	return nil
}

// pages echoes what it is sent.
func pages() *wire.Service {
	return &wire.Service{
		Name: "pages",
		OperationOf: func(r *http.Request) string {
			return map[string]string{"PUT": "PutPage", "GET": "GetPage"}[r.Method]
		},
		Operations: map[string]wire.Operation{
			"PutPage": wire.Op(func(_ context.Context, _ *wire.Call, in *page) (*wire.Response, error) {
				return &wire.Response{Status: http.StatusCreated, Body: []byte(in.Body)}, nil
			}),
		},
	}
}

func TestRESTXML(t *testing.T) {
	var call *wire.Call
	rt := wire.NewRouter(func() time.Time { return now }, func(c *wire.Call, next func() wire.Response) wire.Response {
		call = c
		return next()
	}, pages(), otherToy(&seen{}))
	send := func(method, body string, header ...string) (*http.Response, string) {
		r := httptest.NewRequest(method, "http://x/front", strings.NewReader(body))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/pages/aws4_request, x")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		answer, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		return w.Result(), string(answer)
	}
	t.Run("answers are the service's own", func(t *testing.T) {
		resp, body := send("PUT", "text", "Content-Encoding", "gzip")
		require.Equal(t, http.StatusCreated, resp.StatusCode)
		require.Equal(t, "text", body, "the body is passed on as it is")
		require.NotEmpty(t, resp.Header.Get("X-Amz-Request-Id"))
		require.NotEmpty(t, resp.Header.Get("X-Amz-Id-2"))
		require.Equal(t, "PutPage", call.Operation)
		require.Equal(t, "front", call.Resource)
		require.Equal(t, wire.XML, call.Protocol)
	})
	t.Run("errors have no envelope", func(t *testing.T) {
		resp, body := send("PUT", "")
		require.Equal(t, http.StatusBadRequest, resp.StatusCode)
		require.Equal(t, "write", resp.Header.Get("X-Hint"))
		require.Contains(t, body, "<Error><Code>MissingBody</Code><Message>no &lt;body&gt;</Message><Path>/front</Path><RequestId>")
	})
	t.Run("an operation that is not served is named", func(t *testing.T) {
		resp, body := send("GET", "")
		require.Equal(t, http.StatusNotImplemented, resp.StatusCode)
		require.Contains(t, body, "The operation pages:GetPage is not served here.")
	})
	t.Run("what is no operation is none", func(t *testing.T) {
		resp, body := send("PATCH", "x")
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
		require.Contains(t, body, "UnknownOperationException")
	})
	t.Run("other services can't call it with JSON", func(t *testing.T) {
		_, err := pages().Invoke(t.Context(), &wire.Call{Operation: "PutPage"}, []byte("{}"))
		var e *wire.Error
		require.True(t, errors.As(err, &e))
		require.Equal(t, "NotImplemented", e.Code)
	})
}
