package dlq_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// morning is an endpoint with a source and its DLQ, the morning after.
type morning struct {
	testing.TB
	srv         *awstest.Server
	sqs         *sqs.Client
	suffix      string // .fifo, or none
	orders, dlq dlq.Queue
}

// newMorning has the queues orders and orders-dlq; messages are dead-lettered after one
// receive.
func newMorning(t testing.TB, opts ...awstest.Option) *morning { return morningOf(t, "", opts...) }

// newFIFOMorning has the same with FIFO queues.
func newFIFOMorning(t testing.TB) *morning { return morningOf(t, ".fifo") }

func morningOf(t testing.TB, suffix string, opts ...awstest.Option) *morning {
	srv := awstest.Start(t, opts...)
	cfg := srv.DirectConfig()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	m := &morning{TB: t, srv: srv, sqs: sqs.NewFromConfig(cfg), suffix: suffix}
	m.dlq = m.create("orders-dlq")
	m.orders = m.source("orders")
	return m
}

func (m *morning) create(name string, attributes ...string) dlq.Queue {
	m.Helper()
	name += m.suffix
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	if m.suffix != "" {
		in.Attributes["FifoQueue"] = "true"
	}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	_, err := m.sqs.CreateQueue(m.Context(), in)
	require.NoError(m, err)
	q, err := dlq.Find(m.Context(), m.sqs, name)
	require.NoError(m, err)
	return q
}

// source creates another source of the DLQ, whose messages are visible again at once.
func (m *morning) source(name string) dlq.Queue {
	m.Helper()
	return m.create(name, "VisibilityTimeout", "0", "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"1"}`, m.dlq.ARN))
}

// message is one to send.
type message = types.SendMessageBatchRequestEntry

func body(text string) message { return message{MessageBody: aws.String(text)} }

// inGroup is a message for a FIFO queue.
func inGroup(group, text string) message {
	return message{MessageBody: aws.String(text), MessageGroupId: aws.String(group), MessageDeduplicationId: aws.String(group + "-" + text)}
}

// numbered are n messages, {"n":0} and so on.
func numbered(n int) []message {
	var all []message
	for i := range n {
		all = append(all, body(`{"n":`+strconv.Itoa(i)+`}`))
	}
	return all
}

func (m *morning) send(q dlq.Queue, messages ...message) {
	m.Helper()
	for batch := range slices.Chunk(messages, 10) {
		for i := range batch {
			batch[i].Id = aws.String(strconv.Itoa(i))
		}
		out, err := m.sqs.SendMessageBatch(m.Context(), &sqs.SendMessageBatchInput{QueueUrl: &q.URL, Entries: batch})
		require.NoError(m, err)
		require.Empty(m, out.Failed)
	}
}

// fail sends messages and has consumers fail until they are all in the DLQ.
func (m *morning) fail(source dlq.Queue, messages ...message) {
	m.Helper()
	m.send(source, messages...)
	m.failAll(source)
}

// failAll has consumers fail until the queue is empty.
func (m *morning) failAll(q dlq.Queue) {
	m.Helper()
	for len(m.receive(q, 0)) > 0 {
	}
}

// receive receives up to ten messages and hides them for so many seconds, 0 for those of
// the queue.
func (m *morning) receive(q dlq.Queue, hidden int32) []types.Message {
	m.Helper()
	out, err := m.sqs.ReceiveMessage(m.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.URL, MaxNumberOfMessages: 10, VisibilityTimeout: hidden,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	require.NoError(m, err)
	return out.Messages
}

// drain receives and deletes all that is visible.
func (m *morning) drain(q dlq.Queue) []types.Message {
	m.Helper()
	var all []types.Message
	for {
		got := m.receive(q, 600)
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
		for _, g := range got {
			_, err := m.sqs.DeleteMessage(m.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: g.ReceiptHandle})
			require.NoError(m, err)
		}
	}
}

func bodies(messages []types.Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return all
}

// count is how many messages are visible and in flight.
func (m *morning) count(q dlq.Queue) [2]string {
	m.Helper()
	out, err := m.sqs.GetQueueAttributes(context.WithoutCancel(m.Context()), &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(m, err)
	return [2]string{out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]}
}

// redrive is a redrive by rules, on the endpoint's clock.
func (m *morning) redrive(rules string) dlq.Redrive {
	m.Helper()
	r, err := dlq.ParseRules("rules.yaml", []byte(rules))
	require.NoError(m, err)
	return dlq.Redrive{Client: m.sqs, DLQ: m.dlq, Rules: r, Wait: -1, Now: m.srv.Clock.Now, Sleep: m.srv.Clock.Sleep}
}

func (m *morning) run(r dlq.Redrive) *dlq.RedriveSummary {
	m.Helper()
	s, err := r.Run(m.Context())
	require.NoError(m, err)
	return s
}

// all are rules that redrive everything.
const all = "otherwise: redrive"

func (m *morning) file(name string) string { return filepath.Join(m.TempDir(), name) }

// keptIn reads a file of kept messages.
func (m *morning) keptIn(name string) []dlq.KeptMessage {
	m.Helper()
	f, err := os.Open(name)
	require.NoError(m, err)
	defer f.Close()
	var all []dlq.KeptMessage
	require.NoError(m, dlq.ReadKept(f, func(k dlq.KeptMessage) error { all = append(all, k); return nil }))
	return all
}

// inject makes the endpoint fail.
func (m *morning) inject(f awstest.Fault) {
	m.Helper()
	f.Service = "sqs"
	m.Cleanup(m.srv.Inject(f))
}

func lines(s ...string) string { return strings.Join(s, "\n") }

const minute = time.Minute
