package sqs

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestDeliver(t *testing.T) {
	topic := fabric.Principal{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:000000000000:t", SourceAccount: testAccount}
	h := newHarness(t, Options{Allowed: func(policyDoc string, from fabric.Principal, action, resource string) bool {
		require.Equal(t, topic, from)
		require.Equal(t, "sqs:SendMessage", action)
		require.Equal(t, arnOf("q"), resource[:len(arnOf("q"))])
		return strings.Contains(policyDoc, "sns.amazonaws.com")
	}})
	policy := `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"}}]}`
	refused := func(err error, code string) {
		t.Helper()
		var e *wire.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, code, e.Code)
	}
	refused(h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{Body: "x"}), "AWS.SimpleQueueService.NonExistentQueue")
	q := h.queue("q", "MaximumMessageSize", "1024")
	refused(h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{Body: "x"}), "AccessDenied")
	require.NoError(t, h.set(q, "Policy", policy))
	refused(h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{Body: strings.Repeat("x", 1025)}), "InvalidParameterValue")
	require.NoError(t, h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{
		Body: "x", TraceHeader: "Root=1",
		Attributes: map[string]fabric.Attribute{"s": {DataType: "String", StringValue: "v"}, "b": {DataType: "Binary", BinaryValue: []byte{1}}},
	}))
	m := h.receive(q, 1)[0]
	require.Equal(t, "sns.amazonaws.com", m.Attributes["SenderId"])
	require.Equal(t, "Root=1", m.Attributes["AWSTraceHeader"])
	require.Equal(t, "v", *m.MessageAttributes["s"].StringValue)
	require.Equal(t, []byte{1}, m.MessageAttributes["b"].BinaryValue)

	fifo := h.queue("q.fifo", "FifoQueue", "true", "Policy", policy)
	refused(h.svc.Deliver(topic, arnOf("q.fifo"), fabric.QueueMessage{Body: "x"}), "MissingParameter")
	require.NoError(t, h.svc.Deliver(topic, arnOf("q.fifo"), fabric.QueueMessage{Body: "x", GroupID: "g", DeduplicationID: "1"}))
	require.Equal(t, "g", h.receive(fifo, 1)[0].Attributes["MessageGroupId"])
}

func TestAnotherServiceCanInvokeOperations(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	h.clk.Advance(7 * time.Hour)
	require.NotContains(t, h.publish(), "q")
	call := &wire.Call{Operation: "SendMessage", Account: testAccount, Region: "us-east-1"}
	_, err := h.svc.API().Invoke(t.Context(), call, []byte(`{"QueueUrl":"`+q+`","MessageBody":"scheduled"}`))
	require.NoError(t, err)
	require.Contains(t, h.publish(), "q", "which makes the queue active")
	require.Equal(t, []string{"scheduled"}, bodies(h.receive(q, 1)))
}
