package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	awshttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const testAccount = "000000000000"

var testStart = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// harness is a service behind HTTP, with the SDK's client in front of it, on a clock that
// only moves when it is advanced.
type harness struct {
	*testing.T
	clk *clock.Clock
	svc *Service
	url string
	sqs *awssqs.Client
}

func newHarness(t *testing.T, opts Options) *harness {
	t.Helper()
	clk := clock.New(testStart)
	clk.Pause()
	svc := New(clk, opts)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		clk.Close()
	})
	h := &harness{T: t, clk: clk, svc: svc, url: srv.URL}
	h.sqs = h.client("test", "us-east-1")
	return h
}

// client is a client with that access key; one of 12 digits names the account.
func (h *harness) client(key, region string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: region, BaseEndpoint: &h.url,
		Credentials:      credentials.NewStaticCredentialsProvider(key, "test", ""),
		RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
	})
}

func (h *harness) ctx() context.Context { return h.Context() }

// queue creates a queue, with attributes as name, value, …; it returns the URL.
func (h *harness) queue(name string, attributes ...string) string {
	h.Helper()
	out, err := h.sqs.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)})
	require.NoError(h, err)
	return *out.QueueUrl
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func arnOf(name string) string { return "arn:aws:sqs:us-east-1:" + testAccount + ":" + name }

func redriveTo(dlq string, n int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arnOf(dlq), n)
}

func (h *harness) send(url, body string) *awssqs.SendMessageOutput {
	h.Helper()
	out, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	require.NoError(h, err)
	return out
}

func (h *harness) sendTo(url, group, body string) *awssqs.SendMessageOutput {
	h.Helper()
	out, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: &group})
	require.NoError(h, err)
	return out
}

// receive receives up to n messages with all attributes.
func (h *harness) receive(url string, n int32) []types.Message {
	h.Helper()
	out, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: n, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	require.NoError(h, err)
	return out.Messages
}

func (h *harness) delete(url string, m types.Message) {
	h.Helper()
	_, err := h.sqs.DeleteMessage(h.ctx(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	require.NoError(h, err)
}

// hide changes a message's visibility timeout, in seconds.
func (h *harness) hide(url string, m types.Message, seconds int32) error {
	_, err := h.sqs.ChangeMessageVisibility(h.ctx(), &awssqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

func (h *harness) attributes(url string, names ...string) map[string]string {
	h.Helper()
	if len(names) == 0 {
		names = []string{"All"}
	}
	var list []types.QueueAttributeName
	for _, n := range names {
		list = append(list, types.QueueAttributeName(n))
	}
	out, err := h.sqs.GetQueueAttributes(h.ctx(), &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: list})
	require.NoError(h, err)
	return out.Attributes
}

func (h *harness) set(url string, attributes ...string) error {
	_, err := h.sqs.SetQueueAttributes(h.ctx(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: pairs(attributes)})
	return err
}

// counts are a queue's visible, in-flight and delayed messages.
func (h *harness) counts(url string) [3]int {
	h.Helper()
	a := h.attributes(url, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
	var n [3]int
	for i, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		var err error
		n[i], err = strconv.Atoi(a[name])
		require.NoError(h, err)
	}
	return n
}

func bodies(messages []types.Message) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, *m.Body)
	}
	return out
}

// requireError asks for an API error of the code, message and HTTP status.
func requireError(t require.TestingT, err error, status int, code, message string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		require.FailNow(t, "no API error", "%v", err)
	}
	require.Equal(t, code, api.ErrorCode())
	require.Equal(t, message, api.ErrorMessage())
	var resp *awshttp.ResponseError
	require.ErrorAs(t, err, &resp)
	require.Equal(t, status, resp.HTTPStatusCode())
}

// raw calls an operation in JSON, with an input as it stands.
func (h *harness) raw(op string, input any) (int, http.Header, map[string]any) {
	h.Helper()
	body, err := json.Marshal(input)
	require.NoError(h, err)
	return h.rawTo("/", op, body)
}

type typesAttr = types.QueueAttributeName

func ptr[T any](v T) *T { return &v }

// rawTo posts a JSON body to a path.
func (h *harness) rawTo(path, op string, body []byte) (int, http.Header, map[string]any) {
	h.Helper()
	req, err := http.NewRequestWithContext(h.ctx(), http.MethodPost, h.url+path, bytes.NewReader(body))
	require.NoError(h, err)
	req.Header.Set("X-Amz-Target", "AmazonSQS."+op)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	defer resp.Body.Close()
	out := map[string]any{}
	require.NoError(h, json.NewDecoder(resp.Body).Decode(&out))
	return resp.StatusCode, resp.Header, out
}
