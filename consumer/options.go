package consumer

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Option sets up a consumer. Lambda panics on an option that makes no sense and NewWorker
// returns an error, so that a deployment notices rather than a message.
type Option func(*settings)

type settings struct {
	maxReceiveCount int
	receivedBefore  int
	backoff         Backoff
	sink            Sink
	idempotency     *Idempotency
	logger          *slog.Logger
	metrics         *metrics
	hooks           []Hook
	clock           Clock
	concurrency     int
	backsOff        bool // messages are hidden for the backoff's delay
	wrong           []error

	// Lambda only
	client   VisibilityChanger
	queueURL string
	margin   time.Duration

	// Worker only
	prefetch   int
	visibility time.Duration
	pollWait   time.Duration
	drain      time.Duration
}

// MaxReceiveCount states the redrive policy's maxReceiveCount. With it a handler learns
// that an attempt is the last (Message.LastAttempt), and a message that comes back from its
// last receive, failed or not begun, is logged as an error and counted in the metric
// DeadSoon.
func MaxReceiveCount(n int) Option { return func(s *settings) { s.maxReceiveCount = n } }

// ReceivedBefore leaves the first n receives out of the count of attempts. It is for
// consumers of a dead-letter queue: SQS goes on counting there, so that a message of a
// source queue with a maxReceiveCount of n arrives with a count of n + 1.
func ReceivedBefore(n int) Option { return func(s *settings) { s.receivedBefore = n } }

// Retry sets the delays between attempts; DefaultBackoff without it. In Lambda they need
// the option BackoffThrough.
func Retry(b Backoff) Option { return func(s *settings) { s.backoff = b } }

// Quarantine records permanent failures in the sink. Without it a permanent failure is
// retried like any other and ends in the dead-letter queue: it is not acknowledged
// unrecorded.
func Quarantine(sink Sink) Option {
	return func(s *settings) {
		s.refuse(sink == nil, "the sink of Quarantine is nil")
		s.sink = sink
	}
}

// Idempotent keeps the handler from running again for a key that is done.
func Idempotent(i Idempotency) Option { return func(s *settings) { s.idempotency = &i } }

// Logger logs through l instead of slog.Default: successes at level debug, messages handed
// back without an attempt at info, failed attempts at warn; last attempts, permanent
// failures, panics and failing calls at error. Bodies are never logged.
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Metrics writes counts in CloudWatch's embedded metric format to w, in the namespace and
// with the dimension Queue: after each batch in Lambda, once a minute and at the end in a
// Worker. What a Lambda function writes to standard output becomes metrics without
// further ado. See Counts for what is counted.
func Metrics(w io.Writer, namespace string) Option {
	return func(s *settings) {
		s.refuse(w == nil, "the writer of Metrics is nil")
		s.refuse(namespace == "", "the namespace of Metrics is empty")
		s.metrics = &metrics{out: w, namespace: namespace}
	}
}

// Hooks are called around each message that is worked on, the first one outermost.
func Hooks(hooks ...Hook) Option {
	return func(s *settings) {
		for i, h := range hooks {
			s.refuse(h == nil, "hook %d is nil", i)
		}
		s.hooks = append(s.hooks, hooks...)
	}
}

// Time makes the consumer live by the clock instead of WallClock.
func Time(c Clock) Option { return func(s *settings) { s.clock = c } }

// Concurrency is how many messages are worked on at a time: 10 by default in a Worker, 1
// in Lambda, where it is within one batch. Messages of one FIFO group are never worked on
// at the same time.
func Concurrency(n int) Option { return func(s *settings) { s.concurrency = n } }

// BackoffThrough lets Lambda hide failed messages for the backoff's delay, by calls of
// ChangeMessageVisibilityBatch at the end of the batch; the function's role must allow
// sqs:ChangeMessageVisibility. Without it they come back after the queue's visibility
// timeout. Workers always back off.
func BackoffThrough(client VisibilityChanger) Option {
	return func(s *settings) {
		s.refuse(client == nil, "the client of BackoffThrough is nil")
		s.client, s.backsOff = client, true
	}
}

// QueueURL is the queue's URL for BackoffThrough. It is needed only where the URL doesn't
// follow from the ARN in the event.
func QueueURL(url string) Option { return func(s *settings) { s.queueURL = url } }

// StopBefore is how long before the Lambda function's deadline its handlers' contexts end,
// 1 second by default and never more than a quarter of what is left. Half of it is for
// handlers to return, the rest for reporting. Messages that were not begun or did not
// finish by then are reported as failed.
func StopBefore(d time.Duration) Option { return func(s *settings) { s.margin = d } }

// Prefetch is how many messages a Worker holds, beyond those that are worked on, so that
// no handler waits for SQS: by default as many as Concurrency, at least 20. Their
// visibility timeouts are extended as well. A worker that is told to stop hands them back,
// which costs each a receive. Where handlers take more than a few seconds set it to 0: each
// worker then takes no more than it can begin at once.
func Prefetch(n int) Option { return func(s *settings) { s.prefetch = n } }

// Visibility is for how long a Worker hides messages from others at a time, whatever the
// queue's own setting: 60 seconds by default, whole seconds, at least 3. It is extended
// each third of it for as long as a handler works, up to 12 hours, so it bounds how long
// it takes until the message of a worker that died is received again, not how long the
// work may take.
func Visibility(d time.Duration) Option { return func(s *settings) { s.visibility = d } }

// PollWait is how long a Worker's receives wait for messages: 20 seconds by default, the
// longest that SQS has; whole seconds, at least 1.
func PollWait(d time.Duration) Option { return func(s *settings) { s.pollWait = d } }

// DrainFor is how long a Worker that is told to stop lets its handlers finish, 25 seconds
// by default: a little less than what ECS leaves between SIGTERM and SIGKILL. Then their
// contexts end.
func DrainFor(d time.Duration) Option { return func(s *settings) { s.drain = d } }

// settle applies the options and checks them.
func settle(s settings, opts []Option) (*settings, error) {
	for _, o := range opts {
		o(&s)
	}
	s.refuse(s.maxReceiveCount < 0 || s.maxReceiveCount > 1000, "the maxReceiveCount is %d: SQS has 1 to 1000", s.maxReceiveCount)
	s.refuse(s.receivedBefore < 0, "%d receives before: there can't be fewer than none", s.receivedBefore)
	s.refuse(s.concurrency < 1, "the concurrency is %d: it must be at least 1", s.concurrency)
	s.refuse(s.margin < 0, "it is to stop %v before the deadline: that would be after it", s.margin)
	s.refuse(s.clock == nil, "the clock is nil")
	s.refuse(s.logger == nil, "the logger is nil")
	s.wrong = append(s.wrong, s.backoff.check())
	if s.idempotency != nil {
		s.wrong = append(s.wrong, s.idempotency.check())
	}
	return &s, errors.Join(s.wrong...)
}

// refuse notes what makes no sense.
func (s *settings) refuse(bad bool, format string, args ...any) {
	if bad {
		s.wrong = append(s.wrong, fmt.Errorf(format, args...))
	}
}

func defaults() settings {
	return settings{backoff: DefaultBackoff(), logger: slog.Default(), clock: WallClock{}, concurrency: 1}
}
