package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// SQS is what a Worker needs of an SQS client.
type SQS interface {
	VisibilityChanger
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// Worker consumes a queue in a process of its own.
//
// It receives by long polling, ten messages a call where it has room for them, works on
// Concurrency messages at a time, extends the visibility timeout of what it holds, hides
// failed messages for the backoff's delay, and deletes finished ones, ten a call when there
// are many. An idle queue is polled by one call at a time; more join while calls return
// full. It holds Concurrency + Prefetch messages at most, however long the queue is.
//
// In a FIFO queue it works on the messages of a group one after the other, each after the
// one before it was deleted, and hands the rest back after a failure.
type Worker struct {
	runner
	client SQS
	url    string
	queue  string // its name
}

// NewWorker makes a worker of the handler for the queue of that URL.
func NewWorker(client SQS, queueURL string, h Handler, opts ...Option) (*Worker, error) {
	base := defaults()
	base.concurrency = 10
	base.prefetch = -1
	base.visibility = time.Minute
	base.pollWait = 20 * time.Second
	base.drain = 25 * time.Second
	s, err := settle(base, opts)
	if s.prefetch < 0 {
		s.prefetch = max(s.concurrency, 2*most) // so that one receive can be under way while the next is handled
	}
	whole := func(d time.Duration) bool { return d%time.Second == 0 }
	for _, c := range []struct {
		bad  bool
		what error
	}{
		{h == nil, errors.New("the handler is nil")},
		{client == nil, errors.New("the client is nil")},
		{queueURL == "", errors.New("the queue's URL is empty")},
		{!whole(s.visibility) || s.visibility < 3*time.Second || s.visibility > MaxVisibility,
			fmt.Errorf("the visibility timeout is %v: it must be whole seconds from 3 to 43200", s.visibility)},
		{!whole(s.pollWait) || s.pollWait < time.Second || s.pollWait > 20*time.Second,
			fmt.Errorf("the wait for messages is %v: it must be whole seconds from 1 to 20", s.pollWait)},
		{s.drain < 0, fmt.Errorf("the drain is to take %v: it can't be negative", s.drain)},
	} {
		if c.bad {
			err = errors.Join(err, c.what)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("making a worker: %w", err)
	}
	s.backsOff = true
	return &Worker{runner: runner{settings: s, handler: h}, client: client, url: queueURL, queue: nameOf(queueURL, "/")}, nil
}

const (
	// pollGrace is how long a receive that is under way may go on when the worker is told
	// to stop: cutting it off could lose its answer, and a receive of each message in it.
	pollGrace = time.Second
	// stopGrace is how long handlers may take to return when their contexts end.
	stopGrace = 2 * time.Second
)

// Run consumes until ctx is done, usually by SIGTERM (signal.NotifyContext), and then
// drains: it receives no more, hands back what was not begun (visible at once), and lets
// handlers finish for as long as DrainFor says. Then their contexts end.
//
// It returns nil once drained; an error if handlers were still running at the end, whose
// messages are not acknowledged, or if the queue doesn't exist. Other failures to receive
// are logged and tried again.
func (w *Worker) Run(ctx context.Context) error {
	s := newShift(w, ctx)
	defer s.end()
	var pollers, others sync.WaitGroup
	for range w.concurrency {
		s.handlers.Go(s.handle)
	}
	for i := range s.pollers() {
		pollers.Go(func() { s.poll(i == 0) })
	}
	others.Go(s.beat)
	others.Go(s.count)

	pollers.Wait()
	close(s.units)
	var waiting []*holding // what no handler has taken, and busy ones would take too late
	for unit := range s.units {
		waiting = append(waiting, unit...)
	}
	s.handBack(waiting, errStopped, true)
	err := s.drainHandlers()
	s.endAcks()
	s.endKeep()
	others.Wait()
	s.writeCounts()
	return errors.Join(s.fatal(), err)
}

// drainHandlers waits until the handlers have returned, as long as they may take.
func (s *shift) drainHandlers() error {
	drained, returned := context.WithCancel(s.keep)
	go func() {
		s.handlers.Wait()
		returned()
	}()
	if s.clock.Sleep(drained, s.drain) == nil {
		s.stopWork(errStopped)
		_ = s.clock.Sleep(drained, stopGrace) // ends early when they have returned
	}
	if drained.Err() != nil {
		return nil
	}
	return fmt.Errorf("%d messages of %s were still being worked on %v after the worker was told to stop; they are not acknowledged", s.held.size(), s.queue, s.drain+stopGrace)
}
