package consumer_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// hideCalls notes what is hidden.
type hideCalls struct {
	mu       sync.Mutex
	urls     []string
	seconds  []int32
	deadline time.Time
}

func (h *hideCalls) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.urls = append(h.urls, *in.QueueUrl)
	h.deadline, _ = ctx.Deadline()
	for _, e := range in.Entries {
		h.seconds = append(h.seconds, e.VisibilityTimeout)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func TestOptionsThatMakeNoSenseAreRefusedAtTheStart(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  consumer.Option
		want string
	}{
		{"count", consumer.MaxReceiveCount(1001), "the maxReceiveCount is 1001: SQS has 1 to 1000"},
		{"receives before", consumer.ReceivedBefore(-1), "-1 receives before: there can't be fewer than none"},
		{"concurrency", consumer.Concurrency(0), "the concurrency is 0: it must be at least 1"},
		{"margin", consumer.StopBefore(-time.Second), "it is to stop -1s before the deadline: that would be after it"},
		{"clock", consumer.Time(nil), "the clock is nil"},
		{"logger", consumer.Logger(nil), "the logger is nil"},
		{"sink", consumer.Quarantine(nil), "the sink of Quarantine is nil"},
		{"metrics", consumer.Metrics(nil, "n"), "the writer of Metrics is nil"},
		{"namespace", consumer.Metrics(io.Discard, ""), "the namespace of Metrics is empty"},
		{"hook", consumer.Hooks(nil), "hook 0 is nil"},
		{"client", consumer.BackoffThrough(nil), "the client of BackoffThrough is nil"},
		{"store", consumer.Idempotent(consumer.Idempotency{}), "idempotency needs a store"},
		{"TTL", consumer.Idempotent(consumer.Idempotency{Store: &consumer.MemoryStore{}, TTL: -1}), "the idempotency's TTL is -1ns and its lease 0s: they can't be negative"},
		{"base", consumer.Retry(consumer.Backoff{Base: time.Millisecond, Factor: 2, Cap: time.Hour}), "the backoff's base is 1ms: SQS counts in whole seconds, so it must be at least one"},
		{"factor", consumer.Retry(consumer.Backoff{Base: time.Second, Factor: 0.5, Cap: time.Hour}), "the backoff's factor is 0.5: it must be at least 1"},
		{"cap below base", consumer.Retry(consumer.Backoff{Base: time.Minute, Factor: 2, Cap: time.Second}), "the backoff's cap is 1s: it must lie between its base, 1m0s, and 12h0m0s"},
		{"cap above 12 h", consumer.Retry(consumer.Backoff{Base: time.Minute, Factor: 2, Cap: 13 * time.Hour}), "the backoff's cap is 13h0m0s: it must lie between its base, 1m0s, and 12h0m0s"},
		{"jitter", consumer.Retry(consumer.Backoff{Base: time.Minute, Factor: 2, Cap: time.Hour, Jitter: 7}), "the backoff's jitter is 7: it must be EqualJitter or FullJitter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.PanicsWithValue(t, "consumer.Lambda: "+c.want, func() { consumer.Lambda(failFor().handle, c.opt) })
			_, err := consumer.NewWorker(fakeSQS{}, "https://example/q", failFor().handle, c.opt)
			require.EqualError(t, err, "making a worker: "+c.want)
		})
	}
	require.PanicsWithValue(t, "consumer.Lambda: the handler is nil", func() { consumer.Lambda(nil) })
}

func TestWorkersRefuseWhatSQSWould(t *testing.T) {
	for _, c := range []struct {
		opt  consumer.Option
		want string
	}{
		{consumer.Visibility(2 * time.Second), "the visibility timeout is 2s: it must be whole seconds from 3 to 43200"},
		{consumer.Visibility(13 * time.Hour), "the visibility timeout is 13h0m0s: it must be whole seconds from 3 to 43200"},
		{consumer.Visibility(3500 * time.Millisecond), "the visibility timeout is 3.5s: it must be whole seconds from 3 to 43200"},
		{consumer.PollWait(21 * time.Second), "the wait for messages is 21s: it must be whole seconds from 1 to 20"},
		{consumer.PollWait(0), "the wait for messages is 0s: it must be whole seconds from 1 to 20"}, // would be a busy loop, at a price
		{consumer.DrainFor(-1), "the drain is to take -1ns: it can't be negative"},
	} {
		_, err := consumer.NewWorker(fakeSQS{}, "https://example/q", failFor().handle, c.opt)
		require.EqualError(t, err, "making a worker: "+c.want)
	}
	_, err := consumer.NewWorker(nil, "", nil)
	require.EqualError(t, err, "making a worker: the handler is nil\nthe client is nil\nthe queue's URL is empty")
	_, err = consumer.NewWorker(fakeSQS{}, "https://example/q", failFor().handle, consumer.Visibility(consumer.MaxVisibility), consumer.DrainFor(0), consumer.PollWait(time.Second))
	require.NoError(t, err)
}

func TestReceivesBeforeAreLeftOutOfTheAttempts(t *testing.T) {
	event := records("q-dlq", "a", "b", "c")
	for i, count := range []string{"6", "7", "rubbish"} {
		event.Records[i].Attributes["ApproximateReceiveCount"] = count
	}
	var got [][3]any
	_, err := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		got = append(got, [3]any{m.ReceiveCount, m.Attempt, m.LastAttempt})
		return nil
	}, quiet(), consumer.ReceivedBefore(5), consumer.MaxReceiveCount(2))(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, [][3]any{{6, 1, false}, {7, 2, true}, {1, 1, false}}, got)
}

func TestHooksAreCalledAroundEachMessageTheFirstOneOutermost(t *testing.T) {
	var order []string
	type key struct{}
	hook := func(name string) consumer.Hook {
		return func(ctx context.Context, m consumer.Message) (context.Context, func(consumer.Result)) {
			order = append(order, name+" before "+m.ID)
			seen, _ := ctx.Value(key{}).(string)
			return context.WithValue(ctx, key{}, seen+name), func(r consumer.Result) {
				order = append(order, name+" after "+m.ID+" "+r.Outcome.String())
			}
		}
	}
	f := failFor("b")
	_, err := consumer.Lambda(func(ctx context.Context, m consumer.Message) error {
		order = append(order, ctx.Value(key{}).(string)+" "+m.ID)
		return f.handle(ctx, m)
	}, quiet(), consumer.Hooks(hook("x"), hook("y")))(t.Context(), records("q", "a", "b"))
	require.NoError(t, err)
	require.Equal(t, strings.Split("x before a,y before a,xy a,y after a succeeded,x after a succeeded,x before b,y before b,xy b,y after b retried,x after b retried", ","), order)
}

func TestTheWallClockSleepsUntilItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	clock := consumer.WallClock{}
	before := clock.Now()
	require.NoError(t, clock.Sleep(ctx, time.Millisecond))
	require.GreaterOrEqual(t, clock.Now().Sub(before), time.Millisecond)
	cancel()
	require.ErrorIs(t, clock.Sleep(ctx, time.Hour), context.Canceled)
}
