package wire_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The shapes of the hot path: what SQS's SendMessage and ReceiveMessage look like.
type sendInput struct {
	QueueUrl          string                `json:"QueueUrl"`
	MessageBody       string                `json:"MessageBody"`
	DelaySeconds      *int                  `json:"DelaySeconds,omitempty"`
	MessageAttributes map[string]sendAttrib `json:"MessageAttributes" query:"MessageAttribute,flat,Name,Value"`
}

type sendAttrib struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue"`
	BinaryValue []byte `json:"BinaryValue,omitempty"`
}

type sendOutput struct {
	MessageId        string `json:"MessageId"`
	MD5OfMessageBody string `json:"MD5OfMessageBody"`
}

func benchRouter() *wire.Router {
	return wire.NewRouter(time.Now, nil, &wire.Service{
		Name: "sqs", JSONTarget: "AmazonSQS", Shapes: "com.amazonaws.sqs", CBORName: "SQS",
		XMLNamespace: "http://queue.amazonaws.com/doc/2012-11-05/", Version: "2012-11-05",
		Operations: map[string]wire.Operation{
			"SendMessage": wire.Op(func(context.Context, *wire.Call, *sendInput) (*sendOutput, error) {
				return &sendOutput{"5fea7756-0ea4-451a-a703-a558b933e274", "fafb00f5732ab283681e124bf8747ed1"}, nil
			}),
		},
	})
}

// nowhere is a response that goes nowhere.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header               { return n.header }
func (n *nowhere) Write(b []byte) (int, error)       { return len(b), nil }
func (n *nowhere) WriteHeader(status int)            { n.status = status }
func (n *nowhere) SetReadDeadline(_ time.Time) error { return nil }

const benchAuthorization = "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-target, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"

func benchmarkRouter(b *testing.B, body []byte, header http.Header) {
	rt := benchRouter()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if header.Get("Smithy-Protocol") != "" {
		r.URL.Path = "/service/SQS/operation/SendMessage"
	}
	r.Header = header
	r.Header.Set("Authorization", benchAuthorization)
	r.ContentLength = int64(len(body))
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(w.header)
		rt.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("status %d", w.status)
		}
	}
}

func jsonHeader() http.Header {
	return http.Header{"X-Amz-Target": {"AmazonSQS.SendMessage"}, "Content-Type": {"application/x-amz-json-1.0"}}
}

func BenchmarkJSON(b *testing.B) {
	benchmarkRouter(b, []byte(`{"MessageBody":"hello, dead letters","QueueUrl":"http://127.0.0.1:4566/000000000000/orders"}`), jsonHeader())
}

func BenchmarkJSONWithAttributes(b *testing.B) {
	benchmarkRouter(b, []byte(`{"MessageAttributes":{"kind":{"DataType":"String","StringValue":"poison"},"n":{"DataType":"Number","StringValue":"7"}},"MessageBody":"hello, dead letters","QueueUrl":"http://127.0.0.1:4566/000000000000/orders"}`), jsonHeader())
}

func BenchmarkJSONOf256KiB(b *testing.B) {
	benchmarkRouter(b, []byte(`{"MessageBody":"`+string(bytes.Repeat([]byte("x"), 256<<10))+`","QueueUrl":"http://127.0.0.1:4566/000000000000/orders"}`), jsonHeader())
}

func BenchmarkQuery(b *testing.B) {
	benchmarkRouter(b, []byte("Action=SendMessage&MessageBody=hello%2C+dead+letters&QueueUrl=http%3A%2F%2F127.0.0.1%3A4566%2F000000000000%2Forders&Version=2012-11-05"),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func BenchmarkCBOR(b *testing.B) {
	body, err := cbor.Marshal(map[string]any{"MessageBody": "hello, dead letters", "QueueUrl": "http://127.0.0.1:4566/000000000000/orders"})
	require.NoError(b, err)
	benchmarkRouter(b, body, http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}})
}
