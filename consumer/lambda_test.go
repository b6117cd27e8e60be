package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// failing is a handler that fails for these messages and notes which it saw.
type failing struct {
	mu   sync.Mutex
	ids  map[string]error
	seen []string
}

func failFor(ids ...string) *failing {
	f := &failing{ids: map[string]error{}}
	for _, id := range ids {
		f.ids[id] = errors.New("failed")
	}
	return f
}

func (f *failing) handle(_ context.Context, m consumer.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, m.ID)
	return f.ids[m.ID]
}

func TestLambdaReportsWhatFailedInTheOrderOfTheBatch(t *testing.T) {
	for _, c := range []struct {
		name, queue  string
		batch, fail  []string
		handled      []string
		wantFailures []string
	}{
		{"none failed", "q", []string{"a1", "a2"}, nil, []string{"a1", "a2"}, []string{}},
		{"one failed", "q", []string{"a1", "a2", "a3"}, []string{"a2"}, []string{"a1", "a2", "a3"}, []string{"a2"}},
		{"all failed", "q", []string{"b", "a"}, []string{"a", "b"}, []string{"b", "a"}, []string{"b", "a"}},
		{"empty batch", "q", nil, nil, nil, []string{}},
		{"the rest of a FIFO group", "q.fifo", []string{"a1", "b1", "a2", "b2", "a3"}, []string{"a2"}, []string{"a1", "a2", "b1", "b2"}, []string{"a2", "a3"}},
		{"two FIFO groups", "q.fifo", []string{"a1", "b1", "c1", "b2", "a2", "c2"}, []string{"a1", "b2"}, []string{"a1", "b1", "b2", "c1", "c2"}, []string{"a1", "b2", "a2"}},
		{"group ids of a standard queue", "q", []string{"a1", "a2", "a3"}, []string{"a1"}, []string{"a1", "a2", "a3"}, []string{"a1"}},
		{"twice in the batch, succeeded", "q", []string{"a", "b", "a"}, nil, []string{"a", "b"}, []string{}},
		{"twice in the batch, failed", "q", []string{"a", "b", "a", "a"}, []string{"a"}, []string{"a", "b"}, []string{"a"}},
		{"twice in a FIFO batch", "q.fifo", []string{"a1", "a1", "a2"}, nil, []string{"a1", "a2"}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := failFor(c.fail...)
			response, err := consumer.Lambda(f.handle, quiet())(t.Context(), records(c.queue, c.batch...))
			require.NoError(t, err)
			require.Equal(t, c.handled, f.seen)
			require.Equal(t, c.wantFailures, failures(response))
		})
	}
}

// Lambda takes an answer without a list for success as well; a null would depend on it.
func TestLambdaAnswersAnEmptyBatchWithAnEmptyList(t *testing.T) {
	response, err := consumer.Lambda(failFor().handle, quiet())(t.Context(), events.SQSEvent{})
	require.NoError(t, err)
	answer, err := json.Marshal(response)
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
}

func TestLambdaRefusesAnEventThatItCouldNotAnswerFor(t *testing.T) {
	for _, c := range []struct{ event, want string }{
		{`{"Records":[{"messageId":"a","eventSource":"aws:sqs"},{"messageId":"","body":"x"}]}`, `malformed event: record 1 has no messageId`},
		{`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`, `malformed event: record 0 comes from "aws:s3", not from aws:sqs`},
		{`{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"x"}}]}`, `malformed event: record 0 comes from "aws:sns", not from aws:sqs`},
		{`{"Records":[{"messageId":"a","eventSourceARN":"arn:aws:sqs:r:1:q"},{"messageId":"b","eventSourceARN":"arn:aws:sqs:r:1:p"}]}`,
			`malformed event: record 1 comes from "arn:aws:sqs:r:1:p", the first from "arn:aws:sqs:r:1:q"`},
	} {
		var event events.SQSEvent
		require.NoError(t, json.Unmarshal([]byte(c.event), &event))
		f := failFor()
		_, err := consumer.Lambda(f.handle, quiet())(t.Context(), event)
		require.EqualError(t, err, c.want)
		require.Empty(t, f.seen)
	}
}

// The sample event of https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, with
// other values.
func TestLambdaReadsTheEventThatAWSDocuments(t *testing.T) {
	const sample = `{"Records":[{
		"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":"Test message.",
		"attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO",
			"ApproximateFirstReceiveTimestamp":"1545082649185","SequenceNumber":"18849496460467696128","MessageGroupId":"1","MessageDeduplicationId":"d"},
		"messageAttributes":{"kind":{"stringValue":"order","binaryValue":"AAE=","stringListValues":[],"binaryListValues":[],"dataType":"String"}},
		"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}]}`
	var event events.SQSEvent
	require.NoError(t, json.Unmarshal([]byte(sample), &event))
	var got consumer.Message
	_, err := consumer.Lambda(func(_ context.Context, m consumer.Message) error { got = m; return nil }, quiet(), consumer.MaxReceiveCount(3))(t.Context(), event)
	require.NoError(t, err)
	got.System = nil
	require.Equal(t, consumer.Message{
		ID: "059f36b4-87a3-44ab-83d2-661975830a7d", Body: "Test message.", Queue: "my-queue", ReceiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
		Attributes: map[string]consumer.Attribute{"kind": {DataType: "String", String: "order", Binary: []byte{0, 1}}},
		GroupID:    "1", DeduplicationID: "d", SequenceNumber: "18849496460467696128",
		Sent: time.Date(2018, 12, 17, 21, 37, 29, 183e6, time.UTC), ReceiveCount: 3, Attempt: 3, LastAttempt: true,
	}, got)
}

func TestWhatAHandlerDoesToItsGoroutineTouchesItsMessageOnly(t *testing.T) {
	logs := &logs{}
	fn := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		switch m.ID {
		case "a":
			panic("boom")
		case "b":
			panic(consumer.Permanent(errors.New("not an answer")))
		case "c":
			runtime.Goexit()
		case "d":
			var nothing *consumer.Message
			return errors.New(nothing.Body)
		}
		return nil
	}, logs.option(), consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error {
		t.Error("a panic is no permanent failure")
		return nil
	})))
	response, err := fn(t.Context(), records("q", "a", "b", "c", "d", "e"))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "d"}, failures(response))
	require.Equal(t, 3, logs.count("the handler panicked, will be retried"))
	require.Equal(t, 1, logs.count("failed, will be retried"))
	require.Contains(t, logs.lines[0]["stack"], "lambda_test.go")
	require.Equal(t, "the handler panicked: boom", logs.lines[0]["error"])
}

// Lambda's deadline is in real time.
func TestLambdaReportsBeforeItsDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	end := make(chan struct{})
	defer close(end)
	var mu sync.Mutex
	seen := map[string]error{}
	fn := consumer.Lambda(func(ctx context.Context, m consumer.Message) error {
		switch m.ID {
		case "a":
			return nil
		case "b": // stops when it is told to
			<-ctx.Done()
			mu.Lock()
			seen["b"] = context.Cause(ctx)
			mu.Unlock()
			return ctx.Err()
		case "c": // finishes though it is told to stop
			<-ctx.Done()
			return nil
		case "d": // doesn't stop
			select {
			case <-end:
			case <-time.After(20 * time.Second):
			}
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		seen[m.ID] = errors.New("begun")
		return nil
	}, quiet(), consumer.Concurrency(4))
	response, err := fn(ctx, records("q", "a", "b", "c", "d", "e1", "e2", "e3", "e4"))
	require.NoError(t, ctx.Err(), "it has answered in time")
	require.NoError(t, err)
	require.Subset(t, failures(response), []string{"b", "d"})
	require.NotContains(t, failures(response), "a")
	require.NotContains(t, failures(response), "c")
	mu.Lock()
	defer mu.Unlock()
	require.EqualError(t, seen["b"], "the function's deadline is near")
	for _, id := range []string{"e1", "e2", "e3", "e4"} { // begun and answered for, or neither
		if seen[id] == nil {
			require.Contains(t, failures(response), id)
		}
	}
}

func TestLambdaBeginsNothingTooLate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := failFor()
	response, err := consumer.Lambda(f.handle, quiet(), consumer.StopBefore(15*time.Second))(ctx, records("q", "a"))
	require.NoError(t, err)
	require.Empty(t, failures(response))

	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	response, err = consumer.Lambda(f.handle, quiet())(expired, records("q.fifo", "b1", "b2"))
	require.NoError(t, err)
	require.Equal(t, []string{"b1", "b2"}, failures(response))
	require.Equal(t, []string{"a"}, f.seen)
}

func TestStopBeforeSaysWhenHandlersAreToldToStop(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	for _, c := range []struct {
		before, want time.Duration
	}{{0, 0}, {10 * time.Second, 10 * time.Second}, {time.Hour, 15 * time.Second}} {
		_, err := consumer.Lambda(func(ctx context.Context, _ consumer.Message) error {
			end, ok := ctx.Deadline()
			require.True(t, ok)
			require.InDelta(t, c.want.Seconds(), deadline.Sub(end).Seconds(), 2)
			return nil
		}, quiet(), consumer.StopBefore(c.before))(ctx, records("q", "a"))
		require.NoError(t, err)
	}
}

func TestLambdaWorksOnAMessageAtATimeUnlessToldOtherwise(t *testing.T) {
	for _, c := range []struct {
		opts []consumer.Option
		want int64
	}{{nil, 1}, {[]consumer.Option{consumer.Concurrency(3)}, 3}} {
		var now, most atomic.Int64
		_, err := consumer.Lambda(func(context.Context, consumer.Message) error {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			for deadline := time.Now().Add(10 * time.Second); most.Load() < c.want && time.Now().Before(deadline); {
				time.Sleep(100 * time.Microsecond)
			}
			return nil
		}, append(c.opts, quiet())...)(t.Context(), records("q", "a", "b", "c", "d", "e", "f"))
		require.NoError(t, err)
		require.Equal(t, c.want, most.Load())
	}
}

// A FIFO group with ten of a batch, whatever the concurrency.
func TestAFIFOGroupIsWorkedOnInOrderHoweverManyWork(t *testing.T) {
	ids := []string{}
	for i := range 10 {
		for _, g := range "abc" {
			ids = append(ids, fmt.Sprintf("%c%d", g, i))
		}
	}
	var mu sync.Mutex
	seen := map[string][]string{}
	busy := map[string]bool{}
	_, err := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		mu.Lock()
		require.False(t, busy[m.GroupID])
		busy[m.GroupID] = true
		seen[m.GroupID] = append(seen[m.GroupID], m.ID)
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		defer mu.Unlock()
		busy[m.GroupID] = false
		return nil
	}, quiet(), consumer.Concurrency(8))(t.Context(), records("q.fifo", ids...))
	require.NoError(t, err)
	require.Equal(t, []string{"b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"}, seen["b"])
	require.Len(t, seen["a"], 10)
	require.Len(t, seen["c"], 10)
}

func TestInAFIFOQueueTheRestOfAGroupIsNotHiddenBeyondItsFailure(t *testing.T) {
	k := start(t)
	url := k.queue("q.fifo", "FifoQueue", "true", "VisibilityTimeout", "30")
	k.sendGroup(url, "g", "1", "2", "3")
	k.sendGroup(url, "h", "1")
	var seen []string
	fail := true
	fn := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		seen = append(seen, m.GroupID+m.Body)
		if fail && m.GroupID == "g" {
			return errors.New("failed")
		}
		return nil
	}, quiet(), consumer.Time(k.clock), consumer.BackoffThrough(k.sqs), consumer.QueueURL(url),
		consumer.Retry(consumer.Backoff{Base: 60 * time.Second, Factor: 1, Cap: 60 * time.Second}))
	require.Len(t, k.invoke(url, fn), 3)
	fail = false
	k.clock.advance(29 * time.Second)
	require.Empty(t, k.invoke(url, fn))
	k.clock.advance(31 * time.Second)
	require.Empty(t, k.invoke(url, fn))
	require.Equal(t, []string{"g1", "h1", "g1", "g2", "g3"}, seen)
	require.Equal(t, 0, k.size(url))
}

func TestTheQueueURLFollowsFromTheARN(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sqs:eu-central-1:111122223333:orders":       "https://sqs.eu-central-1.amazonaws.com/111122223333/orders",
		"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:q":    "https://sqs.us-gov-west-1.amazonaws.com/111122223333/q",
		"arn:aws-cn:sqs:cn-north-1:111122223333:orders.fifo": "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/orders.fifo",
	} {
		event := records("q", "a")
		event.Records[0].EventSourceARN = arn
		c := &hideCalls{}
		_, err := consumer.Lambda(failFor("a").handle, quiet(), consumer.BackoffThrough(c))(t.Context(), event)
		require.NoError(t, err)
		require.Equal(t, []string{want}, c.urls)
	}
}

// The calls that hide messages must not take the time that the answer needs.
func TestHidingEndsBeforeTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end, _ := ctx.Deadline()
	c := &hideCalls{}
	_, err := consumer.Lambda(failFor("a").handle, quiet(), consumer.BackoffThrough(c), consumer.StopBefore(4*time.Second))(ctx, records("q", "a"))
	require.NoError(t, err)
	require.InDelta(t, 1, end.Sub(c.deadline).Seconds(), 0.1)
}
