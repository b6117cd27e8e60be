package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
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

// kit is an endpoint whose time stands still but for advance, and the client of a worker
// that can be waited for until it is idle.
type kit struct {
	testing.TB
	ctx   context.Context
	srv   *awstest.Server
	sqs   *sqs.Client
	clock *waiting
}

func start(t testing.TB, opts ...awstest.Option) *kit {
	t.Helper()
	srv := awstest.Start(t, opts...)
	srv.Clock.Pause()
	client := sqs.NewFromConfig(srv.DirectConfig(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	return &kit{TB: t, ctx: t.Context(), srv: srv, sqs: client, clock: &waiting{clock: srv.Clock, wake: make(chan struct{}), sleep: map[*time.Time]struct{}{}}}
}

// waiting is the endpoint's clock for those who wait until the test has moved it.
type waiting struct {
	clock *awstest.Clock

	mu    sync.Mutex
	wake  chan struct{}           // closed when the clock is moved
	sleep map[*time.Time]struct{} // until when others sleep
}

func (c *waiting) Now() time.Time { return c.clock.Now() }

func (c *waiting) Sleep(ctx context.Context, d time.Duration) error {
	end := c.Now().Add(d)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.sleep, &end)
	}()
	for {
		c.mu.Lock()
		wake := c.wake
		if !c.Now().Before(end) {
			c.mu.Unlock()
			return nil
		}
		c.sleep[&end] = struct{}{}
		c.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// asleep is how many sleep and won't have been woken by the last advance.
func (c *waiting) asleep() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sleep)
}

func (c *waiting) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.Advance(d)
	for end := range c.sleep {
		if !c.Now().Before(*end) {
			delete(c.sleep, end)
		}
	}
	close(c.wake)
	c.wake = make(chan struct{})
}

// desk is a worker's client that knows when the worker is idle: it waits for messages, no
// other call is under way, and each message that was received is deleted or hidden for
// later (in a FIFO queue with it those behind it in its group).
type desk struct {
	*kit
	mu     sync.Mutex
	polls  int                  // receives that the worker has begun
	active int                  // calls under way
	parked map[*int]struct{}    // receives that wait for the clock to be moved
	inHand map[string]flight    // by receipt flight
	hidden []hidden             // what was hidden for later
	dead   chan struct{}        // closed: no call has any effect, as the process is gone
	step   func(at string) bool // told before and after each call; true: the process dies
	beat   int32                // the visibility timeout that heartbeats set; no backoff may be as long
}

type flight struct{ id, group string }

type hidden struct {
	id      string
	seconds int32
}

func (k *kit) desk() *desk {
	return &desk{kit: k, parked: map[*int]struct{}{}, inHand: map[string]flight{}, dead: make(chan struct{}), beat: 60}
}

var errCrashed = errors.New("the process is gone")

// at is a point at which the process may die. It says whether it is dead.
func (d *desk) at(where string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.dead:
		return errCrashed
	default:
	}
	if d.step != nil && d.step(where) {
		close(d.dead)
		return errCrashed
	}
	return nil
}

func (d *desk) begin() (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.active--
	}
}

// advance moves the clock. Receives that wait are busy from then on.
func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	d.active += len(d.parked)
	clear(d.parked)
	d.mu.Unlock()
	d.clock.advance(by)
}

func (d *desk) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.active == 0 && len(d.inHand) == 0 && len(d.parked) > 0
}

// until moves the clock second by second, each time when all desks are idle, until the
// condition holds.
func (d *desk) until(condition func() bool, others ...*desk) {
	d.Helper()
	for range 100_000 {
		for _, d := range append(others, d) {
			for began := time.Now(); !d.idle(); time.Sleep(20 * time.Microsecond) {
				require.Less(d, time.Since(began), time.Minute, "the worker doesn't get idle")
			}
		}
		if condition() {
			return
		}
		for _, o := range others {
			o.mu.Lock()
			o.active += len(o.parked)
			clear(o.parked)
			o.mu.Unlock()
		}
		d.advance(time.Second)
	}
	require.Fail(d, "it never happens")
}

func (d *desk) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	d.mu.Lock()
	d.polls++
	d.active++
	d.mu.Unlock()
	end := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.active--
	}
	until := d.clock.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
	short := *in
	short.WaitTimeSeconds = 0
	for {
		d.clock.mu.Lock()
		wake := d.clock.wake
		d.clock.mu.Unlock()
		if err := d.at("before receive"); err != nil {
			end()
			return nil, err
		}
		out, err := d.sqs.ReceiveMessage(ctx, &short, opts...)
		if err == nil && len(out.Messages) > 0 {
			err = d.at("after receive")
		}
		if err != nil || len(out.Messages) > 0 || !d.clock.Now().Before(until) {
			d.mu.Lock()
			if err == nil {
				for _, m := range out.Messages {
					d.inHand[*m.ReceiptHandle] = flight{*m.MessageId, m.Attributes["MessageGroupId"]}
				}
			}
			d.active--
			d.mu.Unlock()
			return out, err
		}
		me := new(int)
		d.mu.Lock()
		d.parked[me] = struct{}{}
		d.active--
		d.mu.Unlock()
		unpark := func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if _, still := d.parked[me]; still {
				delete(d.parked, me)
				d.active++
			}
		}
		select {
		case <-wake:
			unpark() // by others than advance
		case <-d.dead:
			unpark()
			end()
			return nil, errCrashed
		case <-ctx.Done():
			unpark()
			end()
			return nil, ctx.Err()
		}
	}
}

func (d *desk) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	defer d.begin()()
	if err := d.at("before delete"); err != nil {
		return nil, err
	}
	out, err := d.sqs.DeleteMessageBatch(ctx, in, opts...)
	d.mu.Lock()
	for _, e := range in.Entries {
		delete(d.inHand, *e.ReceiptHandle)
	}
	d.mu.Unlock()
	if err == nil {
		err = d.at("after delete")
	}
	return out, err
}

func (d *desk) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	defer d.begin()()
	if err := d.at("before hide"); err != nil {
		return nil, err
	}
	out, err := d.sqs.ChangeMessageVisibilityBatch(ctx, in, opts...)
	d.mu.Lock()
	for _, e := range in.Entries {
		if e.VisibilityTimeout == d.beat {
			continue
		}
		h := d.inHand[*e.ReceiptHandle]
		d.hidden = append(d.hidden, hidden{h.id, e.VisibilityTimeout})
		for other, o := range d.inHand {
			if other == *e.ReceiptHandle || h.group != "" && o.group == h.group {
				delete(d.inHand, other)
			}
		}
	}
	d.mu.Unlock()
	if err == nil {
		err = d.at("after hide")
	}
	return out, err
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
			MessageId: id, ReceiptHandle: "flight-" + id, Body: "body-" + id, EventSource: "aws:sqs", EventSourceARN: arnOf(queue),
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

// worker runs a worker at the desk until stop is called, which returns what Run does. Unless
// the options say otherwise, its backoff stays below the visibility timeout, so that the
// desk can't take a failed message for one that is held on to.
func (d *desk) worker(url string, h consumer.Handler, opts ...consumer.Option) (stop func() error) {
	d.Helper()
	w, err := consumer.NewWorker(d, url, h, append([]consumer.Option{
		quiet(), consumer.Time(d.clock), consumer.Retry(consumer.Backoff{Base: 10 * second, Factor: 2, Cap: 50 * second}),
	}, opts...)...)
	require.NoError(d, err)
	ctx, cancel := context.WithCancel(d.ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		for {
			d.clock.advance(time.Second) // what the drain waits for, if for anything but handlers
			select {
			case err := <-done:
				return err
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	d.Cleanup(func() { _ = stop() })
	return stop
}

func (k *kit) eventually(condition func() bool, what string) {
	k.Helper()
	require.Eventually(k, condition, 30*time.Second, time.Millisecond, what)
}

// attempts are those of each message.
type attempts struct {
	mu sync.Mutex
	of map[string][]attempt // by message id
}

type attempt struct {
	message consumer.Message
	at      time.Time
}

func (a *attempts) add(m consumer.Message, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = map[string][]attempt{}
	}
	a.of[m.ID] = append(a.of[m.ID], attempt{m, now})
}

// logs are the lines that a consumer logs.
type logs struct {
	mu    sync.Mutex
	lines []map[string]any
}

func (l *logs) option() consumer.Option {
	return consumer.Logger(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, err
	}
	delete(fields, "time")
	l.lines = append(l.lines, fields)
	return len(line), nil
}

func (l *logs) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if line["msg"] == message {
			n++
		}
	}
	return n
}
