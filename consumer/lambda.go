package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// VisibilityChanger is what BackoffThrough needs of an SQS client.
type VisibilityChanger interface {
	ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Lambda makes an AWS Lambda function of the handler, for lambda.Start. Its event source
// mapping must have ReportBatchItemFailures switched on: without it Lambda ignores the
// answer and deletes failed messages.
//
// Messages that failed, were not begun or did not finish in time are answered as
// batchItemFailures, in the order of the batch. In a FIFO queue the rest of a group fails
// with its first failure, so that the group stays in order; a permanent failure that was
// recorded is none. Of a message that is in the batch twice the handler sees the first, and
// the second only if that failed. An event that has records which are no messages of SQS is
// answered with an error, before any handler runs, so that the whole batch comes back.
//
// Lambda panics if an option makes no sense, at the function's start.
func Lambda(h Handler, opts ...Option) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	base := defaults()
	base.margin = time.Second
	s, err := settle(base, opts)
	if h == nil {
		err = errors.Join(errors.New("the handler is nil"), err)
	}
	if err != nil {
		panic(fmt.Sprintf("consumer.Lambda: %v", err))
	}
	r := &runner{settings: s, handler: h}
	return r.invoke
}

// invoke is one invocation of the function.
func (r *runner) invoke(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	if len(event.Records) == 0 {
		return answer, nil
	}
	if err := checkEvent(event); err != nil {
		r.logger.ErrorContext(ctx, "a malformed event", "error", err)
		return events.SQSEventResponse{}, err
	}
	b := newBatch(r, event)
	begun := r.clock.Now()
	b.work(ctx)
	results := b.close()
	if r.backsOff {
		r.backOff(ctx, event.Records, results, begun)
	}
	var counts Counts
	reported := map[string]bool{}
	for i, res := range results {
		counts.add(b.messages[i], res.Result)
		if !res.Outcome.finished() && !reported[b.messages[i].ID] {
			reported[b.messages[i].ID] = true
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: b.messages[i].ID})
		}
	}
	if err := r.metrics.write(b.queue, counts, r.clock.Now()); err != nil {
		r.logger.ErrorContext(ctx, "counting", "error", err)
	}
	return answer, nil
}

// checkEvent refuses what could not be answered for: a message without an id can't be
// reported, and what is not listed as failed, Lambda deletes.
func checkEvent(event events.SQSEvent) error {
	for i := range event.Records {
		switch m := &event.Records[i]; {
		case m.EventSource != "" && m.EventSource != "aws:sqs":
			return fmt.Errorf("malformed event: record %d comes from %q, not from aws:sqs", i, m.EventSource)
		case m.MessageId == "":
			return fmt.Errorf("malformed event: record %d has no messageId", i)
		case m.EventSourceARN != event.Records[0].EventSourceARN:
			return fmt.Errorf("malformed event: record %d comes from %q, the first from %q", i, m.EventSourceARN, event.Records[0].EventSourceARN)
		}
	}
	return nil
}

// batch is the messages of an invocation.
type batch struct {
	*runner
	queue    string
	messages []Message
	lanes    [][]int // indexes of messages to be worked on one after the other

	mu      sync.Mutex
	closed  bool
	results []result
}

var (
	errNoTime   = errors.New("the function's deadline was too close to begin")
	errTooLate  = errors.New("the handler did not finish before the function's deadline")
	errDeadline = errors.New("the function's deadline is near")
)

func newBatch(r *runner, event events.SQSEvent) *batch {
	n := len(event.Records)
	b := &batch{runner: r, messages: make([]Message, n), results: make([]result, n)}
	for i := range event.Records {
		b.messages[i] = r.prepare(fromEvent(&event.Records[i]))
		b.results[i] = returned(errNoTime)
	}
	b.queue = b.messages[0].Queue
	b.lanes = lanes(b.queue, b.messages)
	return b
}

// lanes are the indexes of messages that must be worked on one after the other: those of
// a group, in a FIFO queue; in a standard queue, where a group id promises no order, those
// with the same id.
func lanes(queue string, messages []Message) [][]int {
	all := make([][]int, 0, len(messages))
	each := make([]int, len(messages)) // most lanes are one of these
	lane := make(map[string]int, len(messages))
	for i, m := range messages {
		key := m.ID
		if isFIFO(queue) {
			key = m.GroupID
		}
		each[i] = i
		if at, known := lane[key]; known {
			all[at] = append(all[at], i)
			continue
		}
		lane[key] = len(all)
		all = append(all, each[i:i+1:i+1])
	}
	return all
}

// work runs the handlers until all have returned, or until it is time to report.
func (b *batch) work(ctx context.Context) {
	work, lease := ctx, longestLease
	abandon := make(<-chan time.Time)
	if deadline, ok := ctx.Deadline(); ok {
		// Lambda's deadline is the wall clock's, whatever clock the rest lives by.
		left := time.Until(deadline)
		margin := min(b.margin, left/4)
		lease = left
		var cancel context.CancelFunc
		work, cancel = context.WithDeadlineCause(ctx, deadline.Add(-margin), errDeadline)
		defer cancel()
		timer := time.NewTimer(left - margin/2)
		defer timer.Stop()
		abandon = timer.C
	}
	if b.idempotency != nil && b.idempotency.Lease > 0 {
		lease = b.idempotency.Lease
	}
	leaseEnd := b.clock.Now().Add(lease)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var group errgroup.Group
		group.SetLimit(b.concurrency)
		for _, lane := range b.lanes {
			if work.Err() != nil {
				break
			}
			group.Go(func() error {
				b.workLane(work, ctx, lane, func() time.Time { return leaseEnd })
				return nil
			})
		}
		_ = group.Wait() // lanes return no errors
	}()
	select {
	case <-done:
	case <-abandon:
	case <-ctx.Done():
	}
}

// workLane works on the messages of a lane until the first failure.
func (b *batch) workLane(work, keep context.Context, lane []int, lease func() time.Time) {
	var res result
	n, ended := 0, false
	defer func() {
		if !ended { // by us: a handler has ended the goroutine
			b.fail(lane[n:], result{Result: retried(errExited).Result, logged: true})
		}
	}()
	for ; n < len(lane); n++ {
		i := lane[n]
		if work.Err() != nil || !b.begin(i) {
			break
		}
		if n > 0 && b.messages[i].ID == b.messages[lane[n-1]].ID {
			b.end(i, result{Result: Result{Outcome: res.Outcome, Err: res.Err, Duplicate: true}})
			continue
		}
		res = b.run(work, keep, attempt{message: b.messages[i], lease: lease})
		if !res.Outcome.finished() {
			b.fail(lane[n:], res)
			break
		}
		b.end(i, res)
	}
	ended = true
}

// fail ends a lane whose first message has not finished: the rest fails with it.
func (b *batch) fail(lane []int, res result) {
	b.end(lane[0], res)
	for _, i := range lane[1:] {
		b.end(i, returned(fmt.Errorf("message %s, before it, failed", b.messages[lane[0]].ID)))
	}
}

// begin says that a handler is about to run. It reports whether there is still a point.
func (b *batch) begin(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.results[i] = retried(errTooLate) // unless it ends
	}
	return !b.closed
}

func (b *batch) end(i int, res result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.results[i] = res
	}
}

// close returns the results so far. What handlers bring about afterwards is not reported,
// so their messages come back.
func (b *batch) close() []result {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for i, res := range b.results {
		if !res.logged {
			b.log(context.Background(), b.messages[i], res)
		}
	}
	return b.results
}

// backOff hides the failed messages for their delays. Where that fails the queue's
// visibility timeout stands. Handlers that didn't finish may still run when the function
// is next invoked, so their messages are left alone; and so are, in FIFO queues, those
// behind a failure: hidden longer than it, they spend no receive while it is tried again.
func (r *runner) backOff(ctx context.Context, records []events.SQSMessage, results []result, begun time.Time) {
	url := r.queueURL
	if url == "" {
		url = urlOf(records[0].EventSourceARN)
	}
	if deadline, ok := ctx.Deadline(); ok { // the answer must be out before it
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(r.margin, time.Until(deadline))/4))
		defer cancel()
	}
	// Lambda received the messages before it invoked us: a batching window earlier at most.
	const window = 5 * time.Minute
	ago := r.clock.Now().Sub(begun) + window
	var calls errgroup.Group
	calls.SetLimit(8)
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	flush := func() {
		if len(entries) == 0 {
			return
		}
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: entries}
		entries = nil
		calls.Go(func() error {
			out, err := r.client.ChangeMessageVisibilityBatch(ctx, in)
			if err != nil {
				r.logger.ErrorContext(ctx, "hiding failed messages: they come back after the queue's visibility timeout", "queue", nameOf(url, "/"), "messages", len(in.Entries), "error", err)
				return nil
			}
			for _, f := range out.Failed {
				r.logger.ErrorContext(ctx, "hiding a failed message: it comes back after the queue's visibility timeout", "queue", nameOf(url, "/"), "code", deref(f.Code), "reason", deref(f.Message))
			}
			return nil
		})
	}
	for i, res := range results {
		if res.Outcome.finished() || !res.delayed {
			continue
		}
		id := strconv.Itoa(i)
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: &id, ReceiptHandle: &records[i].ReceiptHandle, VisibilityTimeout: within(res.delay, ago),
		})
		if len(entries) == 10 {
			flush()
		}
	}
	flush()
	_ = calls.Wait() // they log their errors
}

// urlOf is the queue's URL by its ARN, arn:<partition>:sqs:<region>:<account>:<name>.
//
// Source: https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
func urlOf(arn string) string {
	part := strings.Split(arn, ":")
	if len(part) != 6 {
		return ""
	}
	domain := "amazonaws.com"
	if part[1] == "aws-cn" {
		domain = "amazonaws.com.cn"
	}
	return "https://sqs." + part[3] + "." + domain + "/" + part[4] + "/" + part[5]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
