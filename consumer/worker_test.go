package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

func TestAWorkerDeletesWhatSucceedsAndLeavesTheRestToTheRedrivePolicy(t *testing.T) {
	k := start(t)
	url, dlq := k.sourceAndDLQ("q", 3)
	k.send(url, "good", "bad", "third time")
	d := k.desk()
	var log attempts
	d.worker(url, func(_ context.Context, m consumer.Message) error {
		log.add(m, k.clock.Now())
		if m.Body == "bad" || m.Body == "third time" && m.Attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	}, consumer.MaxReceiveCount(3))
	d.until(func() bool { return k.size(url) == 0 })

	got := map[string][]string{}
	for _, all := range log.of {
		for _, a := range all {
			got[a.message.Body] = append(got[a.message.Body], fmt.Sprintf("%d %v", a.message.Attempt, a.message.LastAttempt))
		}
	}
	require.Equal(t, map[string][]string{
		"good": {"1 false"}, "bad": {"1 false", "2 false", "3 true"}, "third time": {"1 false", "2 false", "3 true"},
	}, got)
	dead := k.receive(dlq)
	require.Len(t, dead, 1)
	require.Equal(t, "bad", *dead[0].Body)
}

func TestAHandlerGetsTheMessageAsItWasSent(t *testing.T) {
	k := start(t)
	url := k.queue("orders.fifo", "FifoQueue", "true")
	_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: new("hello"), MessageGroupId: new("g"), MessageDeduplicationId: new("d"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"text":   {DataType: new("String.label"), StringValue: new("täxt")},
			"binary": {DataType: new("Binary"), BinaryValue: []byte{0, 1}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: new("String"), StringValue: new("Root=1-5759e988-bd862e3fe1be46a994272793")}},
	})
	require.NoError(t, err)
	sent := k.clock.Now().Truncate(time.Millisecond).UTC()
	check := func(_ context.Context, m consumer.Message) error {
		require.Equal(t, map[string]consumer.Attribute{"text": {DataType: "String.label", String: "täxt"}, "binary": {DataType: "Binary", Binary: []byte{0, 1}}}, m.Attributes)
		require.Equal(t, []string{"hello", "orders.fifo", "g", "d", "Root=1-5759e988-bd862e3fe1be46a994272793", ""},
			[]string{m.Body, m.Queue, m.GroupID, m.DeduplicationID, m.TraceHeader(), m.Key})
		require.Len(t, m.SequenceNumber, 20)
		require.Len(t, m.ID, 36)
		require.NotEmpty(t, m.ReceiptHandle)
		require.Equal(t, sent, m.Sent)
		require.Equal(t, m.ReceiveCount, m.Attempt)
		return errors.New("once more, by the other way")
	}
	d := k.desk()
	var seen atomic.Int64
	stop := d.worker(url, func(ctx context.Context, m consumer.Message) error { seen.Add(1); return check(ctx, m) })
	d.until(func() bool { return seen.Load() > 0 })
	require.NoError(t, stop())
	k.clock.advance(time.Minute)
	require.Len(t, k.invoke(url, consumer.Lambda(check, quiet())), 1)
}

func TestLongWorkKeepsItsMessageHidden(t *testing.T) {
	k := start(t)
	url := k.queue("q", "VisibilityTimeout", "30")
	k.send(url, "long")
	d := k.desk()
	begun, finish := make(chan struct{}), make(chan struct{})
	d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(begun)
		<-finish
		return ctx.Err()
	})
	<-begun
	for range 3 * 60 { // an hour
		k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
		k.clock.advance(20 * second)
		require.Empty(t, k.receive(url))
	}
	close(finish)
	d.until(func() bool { return k.size(url) == 0 })
	// a call each 20 seconds, at least two of which fit into the visibility timeout
	require.InDelta(t, 180, k.srv.Count("sqs", "ChangeMessageVisibilityBatch"), 2)
}

func TestPrefetchedMessagesStayHiddenToo(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "1", "2", "3", "4")
	d := k.desk()
	begun, finish := make(chan struct{}, 4), make(chan struct{})
	d.worker(url, func(context.Context, consumer.Message) error { begun <- struct{}{}; <-finish; return nil }, consumer.Concurrency(1))
	<-begun
	k.eventually(func() bool { // asking again, it has taken in what it was given before
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.inHand) == 4 && len(d.parked) == 1
	}, "all are held, and it asks for more")
	for range 15 {
		k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
		k.clock.advance(20 * second)
		require.Empty(t, k.receive(url))
	}
	close(finish)
	d.until(func() bool { return k.size(url) == 0 })
}

func TestAHandlerIsToldWhenItsMessageCannotBeKeptAndItsFailureLeavesTheMessageAlone(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "ChangeMessageVisibilityBatch"})
	d := k.desk()
	begun, told := make(chan struct{}), make(chan error, 1)
	var outcome atomic.Value
	stop := d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(begun)
		<-ctx.Done()
		told <- context.Cause(ctx)
		return ctx.Err()
	}, consumer.Hooks(func(ctx context.Context, _ consumer.Message) (context.Context, func(consumer.Result)) {
		return nil, func(r consumer.Result) { outcome.Store(r.Outcome) }
	}))
	<-begun
	k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
	k.clock.advance(20 * second)
	k.eventually(func() bool { return k.clock.asleep() == 1 }, "one more try")
	require.Empty(t, told)
	k.clock.advance(20 * second)
	require.Equal(t, consumer.ErrLost, <-told)
	k.eventually(func() bool { return outcome.Load() == consumer.Retried }, "it failed")
	require.NoError(t, stop())
	require.Equal(t, 2, k.srv.Count("sqs", "ChangeMessageVisibilityBatch")) // the beats': the failure made none
}

func TestAfterTwelveHoursAMessageIsLost(t *testing.T) {
	k := start(t)
	url := k.queue("q", "MessageRetentionPeriod", "1209600")
	k.send(url, "a")
	d, logs := k.desk(), &logs{}
	var lost atomic.Value
	received := make(chan struct{})
	d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(received)
		<-ctx.Done()
		lost.Store(k.clock.Now())
		require.Equal(t, consumer.ErrLost, context.Cause(ctx))
		return ctx.Err()
	}, consumer.Visibility(30*time.Minute), logs.option())
	begun := k.clock.Now()
	<-received
	settled := func() bool { // the heartbeat sleeps, and the handler knows if it has given up
		gaveUp := logs.count("a message is no longer hidden from others; its handler should stop") > 0
		return k.clock.asleep() == 1 && (!gaveUp || lost.Load() != nil)
	}
	k.eventually(settled, "the heartbeat sleeps")
	for lost.Load() == nil && k.clock.Now().Sub(begun) < 13*time.Hour {
		k.clock.advance(10 * time.Minute)
		k.eventually(settled, "the heartbeat sleeps again")
	}
	after := lost.Load().(time.Time).Sub(begun)
	require.Greater(t, after, 11*time.Hour+30*time.Minute)
	require.Less(t, after, 12*time.Hour)
	for _, c := range k.srv.Calls() { // more than is left would be an error
		require.Empty(t, c.Error, c.Operation)
	}
}

// A heartbeat that is under way when a handler fails must not set the visibility timeout
// after the backoff has.
func TestTheBackoffComesAfterAHeartbeatUnderWay(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	slow := &slowBeat{desk: d, begun: make(chan struct{}), goOn: make(chan struct{})}
	begun, fail, failed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	w, err := consumer.NewWorker(slow, url, func(context.Context, consumer.Message) error {
		close(begun)
		<-fail
		defer close(failed)
		return errors.New("failed")
	}, quiet(), consumer.Time(k.clock), consumer.Retry(consumer.Backoff{Base: 600 * second, Factor: 1, Cap: 600 * second}))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	<-begun
	k.eventually(func() bool { return k.clock.asleep() == 1 }, "the heartbeat sleeps")
	k.clock.advance(20 * second)
	<-slow.begun
	close(fail)
	<-failed
	time.Sleep(5 * time.Millisecond) // in which a hasty worker would hide it
	d.mu.Lock()
	require.Empty(t, d.hidden)
	d.mu.Unlock()
	close(slow.goOn)
	k.eventually(d.idle, "hidden")
	k.clock.advance(299 * second)
	require.Empty(t, k.receive(url))
	cancel()
	k.eventually(func() bool {
		k.clock.advance(second)
		select {
		case err := <-done:
			return err == nil
		default:
			return false
		}
	}, "stopped")
}

type slowBeat struct {
	*desk
	begun, goOn chan struct{}
}

func (s *slowBeat) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if in.Entries[0].VisibilityTimeout == 60 {
		close(s.begun)
		<-s.goOn
	}
	return s.desk.ChangeMessageVisibilityBatch(ctx, in, opts...)
}

func TestADrainLetsHandlersFinish(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	begun := make(chan struct{})
	stop := d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(begun)
		return k.clock.Sleep(ctx, 20*second)
	}, consumer.DrainFor(25*second))
	<-begun
	require.NoError(t, stop())
	require.Equal(t, 0, k.size(url))
}

func TestADrainCutsHandlersShortAtItsEndAndHandsTheirMessagesBack(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	begun, cause := make(chan struct{}), make(chan error, 1)
	stop := d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(begun)
		err := k.clock.Sleep(ctx, 40*second)
		cause <- context.Cause(ctx)
		return err
	}, consumer.DrainFor(25*second))
	<-begun
	require.NoError(t, stop())
	require.EqualError(t, <-cause, "the consumer is stopping")
	require.Len(t, k.receive(url), 1, "visible at once: it did not fail")
}

func TestADrainHandsBackTheRestOfAGroupWithAHandlerThatItCutsShort(t *testing.T) {
	k := start(t)
	url := k.queue("q.fifo", "FifoQueue", "true")
	k.sendGroup(url, "g", "1", "2", "3")
	d := k.desk()
	begun := make(chan struct{})
	stop := d.worker(url, func(ctx context.Context, _ consumer.Message) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}, consumer.DrainFor(0))
	<-begun
	require.NoError(t, stop())
	require.Len(t, k.receive(url), 3)
}

func TestADrainDoesNotWaitForHandlersThatDoNotEnd(t *testing.T) {
	before := goroutinesSince(nil)
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	begun, end := make(chan struct{}), make(chan struct{})
	stop := d.worker(url, func(context.Context, consumer.Message) error {
		close(begun)
		<-end
		return nil
	}, consumer.DrainFor(10*second))
	<-begun
	require.EqualError(t, stop(), "1 messages of q were still being worked on 12s after the worker was told to stop; they are not acknowledged")
	close(end)
	k.eventually(func() bool { return len(goroutinesSince(before)) == 0 }, "nothing runs on")
	require.Equal(t, 1, k.size(url), "not deleted, though the handler ended well after all")
}

func TestADrainHandsBackAtOnceWhatWasNotBegun(t *testing.T) {
	for _, c := range []struct {
		queue string
		opts  []string
	}{{"q", nil}, {"q.fifo", []string{"FifoQueue", "true"}}} {
		t.Run(c.queue, func(t *testing.T) {
			k := start(t)
			url := k.queue(c.queue, c.opts...)
			d := k.desk()
			begun := make(chan string, 20)
			go1 := make(chan struct{})
			w, err := consumer.NewWorker(d, url, func(_ context.Context, m consumer.Message) error {
				begun <- m.Body
				<-go1
				return nil
			}, quiet(), consumer.Time(k.clock), consumer.Concurrency(1), consumer.Prefetch(10), consumer.DrainFor(time.Hour))
			require.NoError(t, err)
			if c.queue == "q" {
				k.send(url, "1", "2", "3", "4", "5", "6", "7")
			} else {
				k.sendGroup(url, "g", "1", "2", "3", "4", "5", "6", "7")
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			<-begun
			k.eventually(func() bool { d.mu.Lock(); defer d.mu.Unlock(); return len(d.inHand) == 7 }, "received")
			cancel()
			if c.queue == "q" { // while the first is still being worked on
				k.eventually(func() bool {
					k.clock.advance(100 * time.Millisecond)
					d.mu.Lock()
					defer d.mu.Unlock()
					return len(d.hidden) == 6
				}, "handed back")
			}
			close(go1)
			k.eventually(func() bool { k.clock.advance(100 * time.Millisecond); return len(done) == 1 }, "drained")
			require.NoError(t, <-done)
			require.Empty(t, begun)
			back := k.receive(url)
			require.Len(t, back, 6)
			for i, m := range back {
				require.Equal(t, "2", m.Attributes["ApproximateReceiveCount"])
				if c.queue != "q" {
					require.Equal(t, fmt.Sprint(i+2), *m.Body)
				}
			}
		})
	}
}

func TestSIGTERMDrains(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	begun := make(chan struct{})
	w, err := consumer.NewWorker(k.sqs, url, func(context.Context, consumer.Message) error {
		close(begun)
		<-ctx.Done()
		return nil
	}, quiet())
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	<-begun
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	require.NoError(t, <-done)
	require.Equal(t, 0, k.size(url))
}

func TestAWorkerGoesOnAfterReceivesThatFail(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "ReceiveMessage", Times: 3})
	logs := &logs{}
	d := k.desk()
	d.worker(url, func(context.Context, consumer.Message) error { return nil }, logs.option())
	begun := k.clock.Now()
	k.eventually(func() bool { k.clock.advance(100 * time.Millisecond); return k.size(url) == 0 }, "done in the end")
	require.Equal(t, 3, logs.count("receiving, will be tried again"))
	require.Greater(t, k.clock.Now().Sub(begun), 3500*time.Millisecond) // at least half of 1 + 2 + 4 seconds
}

func TestAWorkerEndsWhenItsQueueIsGone(t *testing.T) {
	k := start(t)
	w, err := consumer.NewWorker(k.sqs, k.srv.URL+"/000000000000/nowhere", func(context.Context, consumer.Message) error { return nil }, quiet())
	require.NoError(t, err)
	var gone *types.QueueDoesNotExist
	require.ErrorAs(t, w.Run(t.Context()), &gone)
}

func TestSingleDeletesThatSQSRefusesAreTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		fault        types.BatchResultErrorEntry
		refusals     int // of the first entry
		calls, comes int
	}{
		{"once", types.BatchResultErrorEntry{Code: new("InternalError")}, 1, 2, 0},
		{"again and again", types.BatchResultErrorEntry{Code: new("InternalError")}, 9, 3, 1},
		{"for good", types.BatchResultErrorEntry{Code: new("ReceiptHandleIsInvalid"), SenderFault: true}, 9, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := start(t)
			url := k.queue("q")
			k.send(url, "a")
			d := k.desk()
			logs := &logs{}
			r := &refusing{desk: d, fault: c.fault, refusals: c.refusals}
			w, err := consumer.NewWorker(r, url, func(context.Context, consumer.Message) error { return nil }, logs.option(), consumer.Time(k.clock))
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			k.eventually(func() bool { return r.calls.Load() == int64(c.calls) }, "deleted")
			cancel()
			k.eventually(func() bool { k.clock.advance(time.Second / 10); return len(done) == 1 }, "drained")
			require.Equal(t, int64(c.calls), r.calls.Load())
			require.Equal(t, c.comes, k.size(url))
			require.Equal(t, c.comes, logs.count("deleting a finished message: it will come again"))
		})
	}
}

type refusing struct {
	*desk
	fault    types.BatchResultErrorEntry
	refusals int
	calls    atomic.Int64
}

func (r *refusing) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if r.calls.Add(1) > int64(r.refusals) {
		return r.desk.DeleteMessageBatch(ctx, in, opts...)
	}
	f := r.fault
	f.Id = in.Entries[0].Id
	return &sqs.DeleteMessageBatchOutput{Failed: []types.BatchResultErrorEntry{f}}, nil
}

func TestAHandlerThatEndsItsGoroutineEndsNeitherTheWorkerNorItsMessage(t *testing.T) {
	k := start(t)
	url := k.queue("q.fifo", "FifoQueue", "true")
	k.sendGroup(url, "g", "1", "2")
	d := k.desk()
	d.beat = -1
	logs := &logs{}
	var mu sync.Mutex
	var seen []string
	stop := d.worker(url, func(_ context.Context, m consumer.Message) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, m.Body)
		switch len(seen) {
		case 1:
			runtime.Goexit()
		case 2:
			panic("once more")
		}
		return nil
	}, consumer.Concurrency(1), logs.option())
	k.eventually(func() bool {
		k.clock.advance(time.Second)
		return k.size(url) == 0
	}, "done")
	require.NoError(t, stop())
	require.Equal(t, []string{"1", "1", "1", "2"}, seen)
	require.Equal(t, 1, logs.count("failed, will be retried"))
	require.Equal(t, 1, logs.count("the handler panicked, will be retried"))
}

func TestConcurrencyIsReachedAndNeverExceeded(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	for i := range 40 {
		k.send(url, fmt.Sprint(i))
	}
	d := k.desk()
	var now, most atomic.Int64
	all := make(chan struct{})
	d.worker(url, func(context.Context, consumer.Message) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 4 {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		<-all
		return nil
	}, consumer.Concurrency(4))
	d.until(func() bool { return k.size(url) == 0 })
	require.Equal(t, int64(4), most.Load())
}

// However long the queue is.
func TestAWorkerHoldsNoMoreThanItWorksOnAndPrefetches(t *testing.T) {
	for _, messages := range []int{100, 2000} {
		k := start(t)
		url := k.queue("q")
		for i := range messages {
			k.send(url, fmt.Sprint(i))
		}
		d := k.desk()
		most := 0
		var handled atomic.Int64
		release := make(chan struct{})
		stop := d.worker(url, func(context.Context, consumer.Message) error {
			<-release
			handled.Add(1)
			d.mu.Lock()
			most = max(most, len(d.inHand))
			d.mu.Unlock()
			return nil
		}, consumer.Concurrency(3), consumer.Prefetch(5))
		k.eventually(func() bool { d.mu.Lock(); defer d.mu.Unlock(); return len(d.inHand) == 8 }, "it takes all it may")
		time.Sleep(5 * time.Millisecond)
		d.mu.Lock()
		require.Len(t, d.inHand, 8)
		d.mu.Unlock()
		close(release)
		k.eventually(func() bool { return handled.Load() == int64(messages) }, "all are handled")
		require.NoError(t, stop())
		// 8, as many that are finished and wait for being deleted, and the deletes under way
		require.LessOrEqual(t, most, 8+8+20)
	}
}

func TestAnIdleQueueIsPolledByOneCallAtATime(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	d := k.desk()
	stop := d.worker(url, func(context.Context, consumer.Message) error { return nil }, consumer.Concurrency(100))
	for range 10 {
		k.eventually(d.idle, "it polls")
		d.advance(20 * second)
	}
	require.NoError(t, stop())
	// ten that found nothing, and one that was stopped
	require.LessOrEqual(t, d.polls, 11)
}

func TestReceivesAskForWhatTheOptionsSay(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	asked := make(chan *sqs.ReceiveMessageInput, 1)
	w, err := consumer.NewWorker(fakeSQS{receive: func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		_, bounded := ctx.Deadline()
		require.True(t, bounded, "a connection that hangs would stop the worker")
		select {
		case asked <- in:
		default:
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}, url, func(context.Context, consumer.Message) error { return nil }, quiet(), consumer.Concurrency(3), consumer.Prefetch(0),
		consumer.Visibility(90*second), consumer.PollWait(7*second))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	in := <-asked
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, []int32{3, 7, 90}, []int32{in.MaxNumberOfMessages, in.WaitTimeSeconds, in.VisibilityTimeout})
	require.Equal(t, url, *in.QueueUrl)
}

// fakeSQS has one message, or what receive returns, and says whether its calls are bounded.
type fakeSQS struct {
	receive func(context.Context, *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error)
	bounded func(operation string, ctx context.Context)
}

func (f fakeSQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return f.receive(ctx, in)
}

func (f fakeSQS) DeleteMessageBatch(ctx context.Context, _ *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	f.bounded("delete", ctx)
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (f fakeSQS) ChangeMessageVisibilityBatch(ctx context.Context, _ *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	f.bounded("hide", ctx)
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// A connection that hangs must not hold up a drain for ever.
func TestCallsToSQSAreBounded(t *testing.T) {
	var mu sync.Mutex
	left := map[string]time.Duration{}
	var received atomic.Int64
	client := fakeSQS{
		receive: func(ctx context.Context, _ *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
			switch n := received.Add(1); n {
			case 1, 2:
				return &sqs.ReceiveMessageOutput{Messages: []types.Message{{MessageId: new(fmt.Sprint(n)), ReceiptHandle: new("h"), Body: new(fmt.Sprint(n))}}}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		},
		bounded: func(operation string, ctx context.Context) {
			deadline, ok := ctx.Deadline()
			mu.Lock()
			defer mu.Unlock()
			if ok {
				left[operation] = time.Until(deadline)
			}
		},
	}
	w, err := consumer.NewWorker(client, "https://example/q", func(_ context.Context, m consumer.Message) error {
		if m.Body == "1" {
			return errors.New("failed")
		}
		return nil
	}, quiet())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(left) == 2 }, 10*second, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.InDelta(t, 20, left["delete"].Seconds(), 5)
	require.InDelta(t, 20, left["hide"].Seconds(), 5)
}

func TestNothingOfAWorkerIsLeftWhenRunReturns(t *testing.T) {
	before := goroutinesSince(nil)
	k := start(t)
	url := k.queue("q")
	for i := range 30 {
		k.send(url, fmt.Sprint(i))
	}
	d := k.desk()
	stop := d.worker(url, func(_ context.Context, m consumer.Message) error {
		if m.Body == "7" {
			return errors.New("failed")
		}
		return nil
	}, consumer.Metrics(&strings.Builder{}, "n"), consumer.Idempotent(consumer.Idempotency{Store: &consumer.MemoryStore{}}))
	k.eventually(d.idle, "all are handled")
	require.NotEmpty(t, goroutinesSince(before))
	require.NoError(t, stop())
	k.eventually(func() bool { return len(goroutinesSince(before)) == 0 }, "no goroutine is left")
}

// goroutinesSince are the goroutines that run code of workers, but for those before.
func goroutinesSince(before map[string]bool) map[string]bool {
	buffer := make([]byte, 1<<22)
	found := map[string]bool{}
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		if strings.Contains(stack, "consumer.(*") && !before[name] {
			found[name] = true
		}
	}
	return found
}
