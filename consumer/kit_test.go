package consumer_test

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// kit is an endpoint whose time stands still but for Advance.
type kit struct {
	testing.TB
	ctx   context.Context
	srv   *awstest.Server
	sqs   *sqs.Client
	clock *waiting
}

func start(t testing.TB) *kit {
	t.Helper()
	srv := awstest.Start(t)
	srv.Clock.Pause()
	return &kit{TB: t, ctx: t.Context(), srv: srv, sqs: sqs.NewFromConfig(srv.DirectConfig()), clock: &waiting{clock: srv.Clock, wake: make(chan struct{})}}
}

// waiting is the endpoint's clock for those who wait until the test has moved it.
type waiting struct {
	clock *awstest.Clock

	mu   sync.Mutex
	wake chan struct{}
}

func (c *waiting) Now() time.Time { return c.clock.Now() }

func (c *waiting) Sleep(ctx context.Context, d time.Duration) error {
	for end := c.Now().Add(d); ; {
		c.mu.Lock()
		wake := c.wake
		c.mu.Unlock()
		if !c.Now().Before(end) {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *waiting) Advance(d time.Duration) {
	c.clock.Advance(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.wake)
	c.wake = make(chan struct{})
}

// queue creates a queue, with attributes in pairs of name and value.
func (k *kit) queue(name string, attributes ...string) string {
	k.Helper()
	m := map[string]string{}
	for i := 0; i+1 < len(attributes); i += 2 {
		m[attributes[i]] = attributes[i+1]
	}
	out, err := k.sqs.CreateQueue(k.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: m})
	require.NoError(k, err)
	return *out.QueueUrl
}

// sourceAndDLQ creates a queue that dead-letters after n receives.
func (k *kit) sourceAndDLQ(name string, n int, attributes ...string) (source, dlq string) {
	k.Helper()
	dlq = k.queue(name + "-dlq")
	policy := `{"deadLetterTargetArn":"` + arnOf(name+"-dlq") + `","maxReceiveCount":` + strconv.Itoa(n) + `}`
	return k.queue(name, append(attributes, "RedrivePolicy", policy)...), dlq
}

func arnOf(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

func (k *kit) send(url string, bodies ...string) {
	k.Helper()
	for _, body := range bodies {
		_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		require.NoError(k, err)
	}
}

// sendGroup sends to a FIFO queue.
func (k *kit) sendGroup(url, group string, bodies ...string) {
	k.Helper()
	for _, body := range bodies {
		_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: aws.String(group + "-" + body),
		})
		require.NoError(k, err)
	}
}

// receive takes all that is visible.
func (k *kit) receive(url string) []types.Message {
	k.Helper()
	var all []types.Message
	for {
		out, err := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		require.NoError(k, err)
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// size is how many messages the queue has, in flight or not.
func (k *kit) size(url string) int {
	k.Helper()
	out, err := k.sqs.GetQueueAttributes(k.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(k, err)
	n := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		v, err := strconv.Atoi(out.Attributes[name])
		require.NoError(k, err)
		n += v
	}
	return n
}

type function = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// invoke does what an event source mapping does once: it takes all that is visible as one
// batch, invokes the function, and deletes what isn't reported as failed. It returns the
// ids that were.
func (k *kit) invoke(url string, fn function) (failed []string) {
	k.Helper()
	messages := k.receive(url)
	response, err := fn(k.ctx, eventOf(url, messages))
	require.NoError(k, err)
	reported := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		reported[f.ItemIdentifier] = true
		failed = append(failed, f.ItemIdentifier)
	}
	for _, m := range messages {
		if !reported[*m.MessageId] {
			_, err := k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
			require.NoError(k, err)
		}
	}
	return failed
}

// eventOf is the event in which Lambda passes messages.
func eventOf(url string, messages []types.Message) events.SQSEvent {
	var event events.SQSEvent
	for _, m := range messages {
		r := events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			EventSource: "aws:sqs", EventSourceARN: arnOf(nameOf(url)), AWSRegion: "us-east-1",
			MessageAttributes: map[string]events.SQSMessageAttribute{},
		}
		for name, a := range m.MessageAttributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{DataType: *a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
		}
		event.Records = append(event.Records, r)
	}
	return event
}

func nameOf(url string) string {
	for i := len(url) - 1; i >= 0; i-- {
		if url[i] == '/' {
			return url[i+1:]
		}
	}
	return url
}

// records are an event's records for messages of a queue that nobody serves.
func records(queue string, ids ...string) events.SQSEvent {
	var event events.SQSEvent
	for _, id := range ids {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: id, ReceiptHandle: "handle-" + id, Body: "body-" + id, EventSource: "aws:sqs", EventSourceARN: arnOf(queue),
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "MessageGroupId": id[:1]},
		})
	}
	return event
}

func failures(r events.SQSEventResponse) []string {
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func quiet() consumer.Option { return consumer.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))) }

// runWorker runs a worker until stop is called, which returns what Run does.
func (k *kit) runWorker(w *consumer.Worker) (stop func() error) {
	ctx, cancel := context.WithCancel(k.ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	k.Cleanup(cancel)
	return func() error {
		cancel()
		for {
			select {
			case err := <-done:
				return err
			case <-time.After(time.Millisecond):
				k.clock.Advance(time.Second) // what the drain waits for
			}
		}
	}
}

func (k *kit) eventually(condition func() bool, what string) {
	k.Helper()
	require.Eventually(k, condition, 30*time.Second, time.Millisecond, what)
}
