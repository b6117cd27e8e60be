package consumer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// hand is a clock that is moved by hand.
type hand struct{ now time.Time }

func (h *hand) Now() time.Time                             { return h.now }
func (h *hand) Sleep(context.Context, time.Duration) error { return errors.New("nobody should sleep") }

func idempotent(store consumer.Store) consumer.Option {
	return consumer.Idempotent(consumer.Idempotency{Store: store})
}

func TestTheKeyIsWhatMakesTwoMessagesTheSameWork(t *testing.T) {
	body := func(m consumer.Message) (string, error) { return m.Body, nil }
	for _, c := range []struct {
		name string
		key  func(consumer.Message) (string, error)
		want string
	}{
		{"none: the MessageId", nil, "m1"},
		{"a function", body, "body-m1"},
		{"an attribute", consumer.ByAttribute("order"), "o-7"},
		{"an attribute that is missing: the MessageId", consumer.ByAttribute("other"), "m1"},
		{"the deduplication id", consumer.ByDeduplicationID(), "dedup-7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			event := records("q.fifo", "m1")
			event.Records[0].Attributes["MessageDeduplicationId"] = "dedup-7"
			event.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{"order": {DataType: "String", StringValue: new("o-7")}}
			store := &consumer.MemoryStore{}
			runs := 0
			fn := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
				runs++
				require.Equal(t, c.want, m.Key)
				return nil
			}, quiet(), consumer.Idempotent(consumer.Idempotency{Store: store, Key: c.key}))
			for range 2 {
				response, err := fn(t.Context(), event)
				require.NoError(t, err)
				require.Empty(t, failures(response))
			}
			require.Equal(t, 1, runs)
			claim, err := store.Acquire(t.Context(), consumer.Lease{Key: c.want, Owner: "x", Until: time.Now()}, time.Now())
			require.NoError(t, err)
			require.Equal(t, consumer.Done, claim.State)
		})
	}
}

func TestAKeyThatCannotBeFoundFailsTheMessageAsTheHandlerWould(t *testing.T) {
	for _, c := range []struct {
		name     string
		key      func(consumer.Message) (string, error)
		failures []string
		recorded int
	}{
		{"error", func(consumer.Message) (string, error) { return "", errors.New("no order") }, []string{"a"}, 0},
		{"panic", func(consumer.Message) (string, error) { panic("no order") }, []string{"a"}, 0},
		{"permanent", func(consumer.Message) (string, error) { return "", consumer.Permanent(errors.New("no order")) }, []string{}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			recorded := 0
			f := failFor()
			response, err := consumer.Lambda(f.handle, quiet(), consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { recorded++; return nil })),
				consumer.Idempotent(consumer.Idempotency{Store: &consumer.MemoryStore{}, Key: c.key}))(t.Context(), records("q", "a"))
			require.NoError(t, err)
			require.Equal(t, c.failures, failures(response))
			require.Equal(t, c.recorded, recorded)
			require.Empty(t, f.seen)
		})
	}
}

func TestAKeyStaysDoneForItsTTL(t *testing.T) {
	for _, c := range []struct{ ttl, want time.Duration }{{0, 14 * 24 * time.Hour}, {time.Hour, time.Hour}} {
		clock := &hand{now: time.Unix(1_700_000_000, 0)}
		f := failFor()
		fn := consumer.Lambda(f.handle, quiet(), consumer.Time(clock), consumer.Idempotent(consumer.Idempotency{Store: &consumer.MemoryStore{}, TTL: c.ttl}))
		run := func() {
			_, err := fn(t.Context(), records("q", "a"))
			require.NoError(t, err)
		}
		run()
		clock.now = clock.now.Add(c.want - 1)
		run()
		require.Len(t, f.seen, 1)
		clock.now = clock.now.Add(1)
		run()
		require.Len(t, f.seen, 2)
	}
}

func TestAFailureFreesItsKey(t *testing.T) {
	f := failFor("a", "b")
	f.ids["b"] = consumer.Permanent(errors.New("for good"))
	fn := consumer.Lambda(f.handle, quiet(), idempotent(&consumer.MemoryStore{}),
		consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { return nil })))
	for range 2 { // b comes again repaired, out of quarantine
		_, err := fn(t.Context(), records("q", "a", "b"))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a", "b", "a", "b"}, f.seen)
}

func TestAMessageWhoseKeyAnotherHoldsComesBackWhenTheLeaseHasEnded(t *testing.T) {
	clock := &hand{now: time.Unix(1_700_000_000, 0)}
	store := &consumer.MemoryStore{}
	_, err := store.Acquire(t.Context(), consumer.Lease{Key: "a", Owner: "another", Until: clock.now.Add(100 * time.Second)}, clock.now)
	require.NoError(t, err)
	f := failFor()
	hides := &hideCalls{}
	logs := &logs{}
	fn := consumer.Lambda(f.handle, logs.option(), idempotent(store), consumer.Time(clock), consumer.BackoffThrough(hides))
	response, err := fn(t.Context(), records("q", "a"))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, failures(response))
	require.Equal(t, []int32{101}, hides.seconds)
	require.Equal(t, 1, logs.count("handed back"))

	clock.now = clock.now.Add(100 * time.Second) // it has crashed
	response, err = fn(t.Context(), records("q", "a"))
	require.NoError(t, err)
	require.Empty(t, failures(response))
	require.Equal(t, []string{"a"}, f.seen)
}

func TestALeaseInLambdaLastsUntilTheDeadlineUnlessToldOtherwise(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	withDeadline, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		lease time.Duration
		want  time.Duration
	}{
		{"deadline", withDeadline, 0, time.Minute},
		{"no deadline", t.Context(), 0, 15 * time.Minute},
		{"own", withDeadline, time.Hour, time.Hour},
	} {
		store := &consumer.MemoryStore{}
		_, err := consumer.Lambda(func(ctx context.Context, m consumer.Message) error {
			claim, err := store.Acquire(ctx, consumer.Lease{Key: m.Key, Owner: "another"}, time.Now())
			require.NoError(t, err)
			require.Equal(t, consumer.Held, claim.State)
			require.WithinDuration(t, time.Now().Add(c.want), claim.Until, 10*time.Second, c.name)
			return nil
		}, quiet(), consumer.Idempotent(consumer.Idempotency{Store: store, Lease: c.lease}))(c.ctx, records("q", "a"))
		require.NoError(t, err)
	}
}

func TestTwoMessagesWithOneKeyInABatchRunOnce(t *testing.T) {
	runs := 0
	response, err := consumer.Lambda(func(context.Context, consumer.Message) error { runs++; return nil }, quiet(), consumer.Idempotent(consumer.Idempotency{
		Store: &consumer.MemoryStore{}, Key: func(consumer.Message) (string, error) { return "order", nil },
	}))(t.Context(), records("q", "a", "b", "c"))
	require.NoError(t, err)
	require.Empty(t, failures(response))
	require.Equal(t, 1, runs)
}

// faulty is a store that fails where it is told to.
type faulty struct {
	consumer.MemoryStore
	acquire, complete, release error
}

func (f *faulty) Acquire(ctx context.Context, l consumer.Lease, now time.Time) (consumer.Claim, error) {
	if f.acquire != nil {
		return consumer.Claim{}, f.acquire
	}
	return f.MemoryStore.Acquire(ctx, l, now)
}

func (f *faulty) Complete(ctx context.Context, l consumer.Lease, until time.Time) error {
	if f.complete != nil {
		return f.complete
	}
	return f.MemoryStore.Complete(ctx, l, until)
}

func (f *faulty) Release(ctx context.Context, l consumer.Lease) error {
	if f.release != nil {
		return f.release
	}
	return f.MemoryStore.Release(ctx, l)
}

func TestAStoreThatFails(t *testing.T) {
	down := errors.New("the store is down")
	for _, c := range []struct {
		name     string
		store    *faulty
		fail     []string
		seen     []string
		failures []string
		log      string
	}{
		{"nothing runs unless it is known that it may", &faulty{acquire: down}, nil, nil, []string{"a"}, "failed, will be retried"},
		{"what has run is acknowledged", &faulty{complete: down}, nil, []string{"a"}, []string{}, "recording as done; a duplicate would run again"},
		{"a lease ends by itself", &faulty{release: down}, []string{"a"}, []string{"a"}, []string{"a"}, "giving up the lease; it ends by itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := failFor(c.fail...)
			logs := &logs{}
			response, err := consumer.Lambda(f.handle, logs.option(), idempotent(c.store))(t.Context(), records("q", "a"))
			require.NoError(t, err)
			require.Equal(t, c.seen, f.seen)
			require.Equal(t, c.failures, failures(response))
			require.Equal(t, 1, logs.count(c.log))
		})
	}
}

// A store's answer can be lost on its way.
func TestALeaseThatWasTakenThoughTheStoreFailedIsGivenUp(t *testing.T) {
	store := &lossy{}
	f := failFor()
	fn := consumer.Lambda(f.handle, quiet(), idempotent(store))
	for _, want := range [][]string{{"a"}, {}} {
		response, err := fn(t.Context(), records("q", "a"))
		require.NoError(t, err)
		require.Equal(t, want, failures(response))
		store.heard = true
	}
	require.Equal(t, []string{"a"}, f.seen)
}

type lossy struct {
	consumer.MemoryStore
	heard bool
}

func (l *lossy) Acquire(ctx context.Context, lease consumer.Lease, now time.Time) (consumer.Claim, error) {
	claim, err := l.MemoryStore.Acquire(ctx, lease, now)
	if err == nil && !l.heard {
		return consumer.Claim{}, errors.New("the connection was dropped")
	}
	return claim, err
}

func TestAWorkerExtendsItsLeasesWithTheVisibilityTimeout(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	store := &consumer.MemoryStore{}
	finish := make(chan struct{})
	var runs atomic.Int64
	d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		runs.Add(1)
		<-finish
		return ctx.Err()
	}, consumer.Idempotent(consumer.Idempotency{Store: store, Key: func(consumer.Message) (string, error) { return "k", nil }}))
	k.eventually(func() bool { return runs.Load() == 1 }, "begun")
	for range 30 {
		k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
		k.clock.advance(20 * second)
		claim, err := store.Acquire(t.Context(), consumer.Lease{Key: "k", Owner: "another"}, k.clock.Now())
		require.NoError(t, err)
		require.Equal(t, consumer.Held, claim.State)
		// whoever gets the message when its visibility timeout has ended finds the key free
		require.LessOrEqual(t, claim.Until.Sub(k.clock.Now()), 59*second)
	}
	close(finish)
	d.until(func() bool { return k.size(url) == 0 })
	require.Equal(t, int64(1), runs.Load())
}

func TestAHandlerWhoseLeaseIsLostIsToldToStop(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*faulty)
		beats int
	}{
		{"another has it", func(f *faulty) {
			_ = f.MemoryStore.Complete(context.Background(), consumer.Lease{Key: "k"}, time.Now().Add(100*time.Hour))
		}, 1},
		{"the store is down", func(f *faulty) { f.acquire = errors.New("down") }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := start(t)
			url := k.queue("q")
			k.send(url, "a")
			d := k.desk()
			store := &guarded{store: &faulty{}}
			begun := make(chan struct{})
			told := make(chan error, 1)
			d.worker(url, func(ctx context.Context, _ consumer.Message) error {
				close(begun)
				<-ctx.Done()
				told <- context.Cause(ctx)
				return ctx.Err()
			}, consumer.Idempotent(consumer.Idempotency{Store: store, Key: func(consumer.Message) (string, error) { return "k", nil }}))
			<-begun
			store.do(c.spoil)
			for range c.beats {
				require.Empty(t, told)
				k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
				k.clock.advance(20 * second)
			}
			require.Equal(t, consumer.ErrLost, <-told)
		})
	}
}

// guarded is a store that can be spoiled while it is in use.
type guarded struct {
	mu    sync.Mutex
	store *faulty
}

func (g *guarded) do(f func(*faulty)) { g.mu.Lock(); defer g.mu.Unlock(); f(g.store) }
func (g *guarded) Acquire(ctx context.Context, l consumer.Lease, now time.Time) (c consumer.Claim, err error) {
	g.do(func(f *faulty) { c, err = f.Acquire(ctx, l, now) })
	return c, err
}
func (g *guarded) Complete(ctx context.Context, l consumer.Lease, until time.Time) (err error) {
	g.do(func(f *faulty) { err = f.Complete(ctx, l, until) })
	return err
}
func (g *guarded) Release(ctx context.Context, l consumer.Lease) (err error) {
	g.do(func(f *faulty) { err = f.Release(ctx, l) })
	return err
}

// On its last receive a message has no other to come back with: handed back it would be
// dead-lettered, while the work is perhaps being done.
func TestOnTheLastReceiveAWorkerWaitsForWhoHoldsTheKey(t *testing.T) {
	k := start(t)
	url, dlq := k.sourceAndDLQ("q", 1)
	k.send(url, "a")
	store := &consumer.MemoryStore{}
	key := func(consumer.Message) (string, error) { return "k", nil }
	_, err := store.Acquire(t.Context(), consumer.Lease{Key: "k", Owner: "another", Until: k.clock.Now().Add(90 * second)}, k.clock.Now())
	require.NoError(t, err)
	d := k.desk()
	f := failFor()
	d.worker(url, f.handle, consumer.MaxReceiveCount(1), consumer.Idempotent(consumer.Idempotency{Store: store, Key: key}))
	k.eventually(func() bool { return k.clock.asleep() == 2 }, "the heartbeat and the handler sleep")
	require.NoError(t, store.Complete(t.Context(), consumer.Lease{Key: "k", Owner: "another"}, k.clock.Now().Add(time.Hour)))
	for range 9 {
		k.eventually(func() bool { return k.clock.asleep() == 2 }, "they sleep on")
		k.clock.advance(10 * second)
	}
	d.until(func() bool { return k.size(url) == 0 })
	require.Empty(t, k.receive(dlq))
	require.Empty(t, f.seen)
}

func TestAMemoryStoreForgetsWhatHasExpired(t *testing.T) {
	var store consumer.MemoryStore
	now := time.Unix(1_700_000_000, 0)
	for i := range 100_000 {
		now = now.Add(time.Second)
		l := consumer.Lease{Key: now.String(), Owner: "o", Until: now.Add(time.Minute)}
		_, err := store.Acquire(t.Context(), l, now)
		require.NoError(t, err)
		if i%2 == 0 {
			require.NoError(t, store.Complete(t.Context(), l, now.Add(time.Minute)))
		}
	}
	require.LessOrEqual(t, store.Size(), 1000)
}
