package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

const second = time.Second

func TestBoundsGrowByTheFactorUpToTheCap(t *testing.T) {
	for _, c := range []struct {
		backoff           consumer.Backoff
		attempt           int
		shortest, longest time.Duration
	}{
		{consumer.DefaultBackoff(), 1, 5 * second, 10 * second},
		{consumer.DefaultBackoff(), 2, 10 * second, 20 * second},
		{consumer.DefaultBackoff(), 3, 20 * second, 40 * second},
		{consumer.DefaultBackoff(), 4, 40 * second, 80 * second},
		{consumer.DefaultBackoff(), 7, 320 * second, 640 * second},
		{consumer.DefaultBackoff(), 8, 450 * second, 900 * second},
		{consumer.DefaultBackoff(), 1000, 450 * second, 900 * second},
		{consumer.DefaultBackoff(), 0, 5 * second, 10 * second},
		{consumer.Backoff{Base: 3 * second, Factor: 1.5, Cap: time.Minute}, 1, 1 * second, 3 * second},
		{consumer.Backoff{Base: 3 * second, Factor: 1.5, Cap: time.Minute}, 2, 2 * second, 5 * second},
		{consumer.Backoff{Base: 10 * second, Factor: 1, Cap: 10 * second}, 9, 5 * second, 10 * second},
		{consumer.Backoff{Base: 10 * second, Factor: 2, Cap: time.Minute, Jitter: consumer.FullJitter}, 3, 0, 40 * second},
		{consumer.Backoff{Base: time.Hour, Factor: 24, Cap: consumer.MaxVisibility}, 2, 6 * time.Hour, 12 * time.Hour},
		{consumer.Backoff{Base: second, Factor: 1e300, Cap: consumer.MaxVisibility}, 1000, 6 * time.Hour, 12 * time.Hour},
	} {
		t.Run(fmt.Sprintf("%v attempt %d", c.backoff, c.attempt), func(t *testing.T) {
			shortest, longest := c.backoff.Bounds(c.attempt)
			require.Equal(t, []time.Duration{c.shortest, c.longest}, []time.Duration{shortest, longest})
		})
	}
}

func TestDelaysAreDrawnFromTheWholeRange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[time.Duration]int{}
	for range 1000 {
		seen[consumer.DefaultBackoff().Delay(1, random)]++
		own := consumer.DefaultBackoff().Delay(1, nil)
		require.True(t, 5*second <= own && own <= 10*second, own)
	}
	require.Len(t, seen, 6)
	for d := 5 * second; d <= 10*second; d += second {
		require.Greater(t, seen[d], 130, d) // of 167
	}
}

// Messages that fail together, as in an outage, must not come back together.
func TestAThousandDelaysSpreadOverTheWindow(t *testing.T) {
	for _, c := range []struct {
		jitter  consumer.Jitter
		seconds int // of the window
	}{
		{consumer.EqualJitter, 101}, // 100 s to 200 s
		{consumer.FullJitter, 201},  // 0 s to 200 s
	} {
		random := rand.New(rand.NewPCG(7, 7))
		perSecond := map[time.Duration]int{}
		most := 0
		for range 1000 {
			d := consumer.Backoff{Base: 200 * second, Factor: 2, Cap: time.Hour, Jitter: c.jitter}.Delay(1, random)
			perSecond[d]++
			most = max(most, perSecond[d])
		}
		require.LessOrEqual(t, most, 22)
		require.GreaterOrEqual(t, len(perSecond), c.seconds*95/100)
	}
}

// The same through a worker. Nothing is seeded here: with 1,000 draws from 101 seconds, 60
// for one of them happen once in 10^26 runs.
func TestAThousandMessagesThatFailTogetherComeBackSpread(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	for i := range 1000 {
		k.send(url, fmt.Sprint(i))
	}
	d := k.desk()
	stop := d.worker(url, func(context.Context, consumer.Message) error { return errors.New("outage") }, consumer.Concurrency(50),
		consumer.Retry(consumer.Backoff{Base: 200 * second, Factor: 2, Cap: time.Hour}))
	// time stands still, so they all fail at the same instant
	k.eventually(func() bool { d.mu.Lock(); defer d.mu.Unlock(); return len(d.hidden) == 1000 }, "all have failed")
	require.NoError(t, stop())

	perSecond, most := map[int32]int{}, 0
	for _, h := range d.hidden {
		require.True(t, 100 <= h.seconds && h.seconds <= 200, h.seconds)
		perSecond[h.seconds]++
		most = max(most, perSecond[h.seconds])
	}
	require.Less(t, most, 60)
	require.Greater(t, len(perSecond), 90)
}

// Measured where it counts: from a failure to the next receive, on the endpoint's clock.
func TestAWorkerComesBackToAMessageWithinTheBoundsOfEachAttempt(t *testing.T) {
	for _, c := range []struct {
		name    string
		backoff consumer.Backoff
		bounds  [][2]int // in seconds, after attempts 1 to 4
	}{
		{"equal jitter", consumer.Backoff{Base: 10 * second, Factor: 2, Cap: 50 * second}, [][2]int{{5, 10}, {10, 20}, {20, 40}, {25, 50}}},
		{"full jitter", consumer.Backoff{Base: 8 * second, Factor: 3, Cap: time.Hour, Jitter: consumer.FullJitter}, [][2]int{{0, 8}, {0, 24}, {0, 72}, {0, 216}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := start(t)
			url, dlq := k.sourceAndDLQ("q", 5)
			const messages = 20
			for i := range messages {
				k.send(url, fmt.Sprint(i))
			}
			d := k.desk()
			d.beat = 7201
			var log attempts
			d.worker(url, func(_ context.Context, m consumer.Message) error {
				log.add(m, k.clock.Now())
				return errors.New("always")
			}, consumer.Retry(c.backoff), consumer.Visibility(7201*second))
			d.until(func() bool { return k.size(url) == 0 })

			require.Len(t, log.of, messages)
			distinct := map[time.Duration]bool{}
			for id, all := range log.of {
				require.Len(t, all, 5, id)
				for i, bounds := range c.bounds {
					apart := all[i+1].at.Sub(all[i].at)
					// The test looks each second, and so the worker may.
					require.GreaterOrEqual(t, apart, time.Duration(bounds[0])*second, "after attempt %d", i+1)
					require.LessOrEqual(t, apart, time.Duration(bounds[1]+1)*second, "after attempt %d", i+1)
					distinct[apart] = true
				}
			}
			require.Greater(t, len(distinct), 10)
			require.Len(t, k.receive(dlq), messages)
		})
	}
}

func TestOfTwelveHoursOnlyWhatIsLeftIsAskedFor(t *testing.T) {
	// SQS refuses more than is left of twelve hours from the receive, so a handler that has
	// taken seven of them can hide its message for five more.
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	stop := d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		_ = k.clock.Sleep(ctx, 7*time.Hour)
		return errors.New("after seven hours")
	}, consumer.Visibility(12*time.Hour), consumer.Retry(consumer.Backoff{Base: 10 * time.Hour, Factor: 1, Cap: 10 * time.Hour}))
	asked := func(times int) func() bool {
		return func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return len(d.hidden) == times
		}
	}
	k.eventually(func() bool { return k.clock.asleep() == 2 }, "the heartbeat and the handler sleep")
	k.clock.advance(4 * time.Hour)
	k.eventually(asked(1), "the heartbeat has come")
	k.clock.advance(3 * time.Hour)
	k.eventually(asked(2), "it has failed")
	require.NoError(t, stop())
	require.Equal(t, int32(8*3600-1), d.hidden[0].seconds)
	require.Equal(t, int32(5*3600-1), d.hidden[1].seconds)
}

func TestLambdaHidesFailedMessagesForTheBackoff(t *testing.T) {
	k := start(t)
	url := k.queue("q", "VisibilityTimeout", "3600")
	k.send(url, "bad", "good", "bad")
	fn := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		if m.Body == "bad" {
			return errors.New("bad")
		}
		return nil
	}, quiet(), consumer.Time(k.clock), consumer.BackoffThrough(k.sqs), consumer.QueueURL(url),
		consumer.Retry(consumer.Backoff{Base: 10 * second, Factor: 4, Cap: time.Hour}))
	require.Len(t, k.invoke(url, fn), 2)
	require.Equal(t, 1, k.srv.Count("sqs", "ChangeMessageVisibilityBatch"))
	k.clock.advance(5*second - 1)
	require.Empty(t, k.receive(url))
	k.clock.advance(5*second + 1)
	require.Len(t, k.invoke(url, fn), 2)
	k.clock.advance(20*second - 1)
	require.Empty(t, k.receive(url))
	k.clock.advance(20*second + 1)
	require.Len(t, k.invoke(url, fn), 2)
}

func TestLambdaReportsFailuresThoughTheyCannotBeHidden(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "bad")
	k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "ChangeMessageVisibilityBatch"})
	fn := consumer.Lambda(func(context.Context, consumer.Message) error { return errors.New("bad") }, quiet(), consumer.BackoffThrough(k.sqs), consumer.QueueURL(url))
	require.Len(t, k.invoke(url, fn), 1)
	k.clock.advance(30 * second)
	require.Len(t, k.receive(url), 1)
}
