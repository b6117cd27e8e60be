package dlq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// run is a selective redrive under way.
type run struct {
	Redrive
	began      time.Time // by SQS's clock: what was sent later is left
	ledger     *ledger
	left       *left
	tally      *tally
	busy       *busy
	sources    *sources
	limiter    *rate.Limiter // nil: any rate
	quarantine *keptFile     // nil: none
	discards   *keptFile

	mu       sync.Mutex
	taken    int    // messages received, and those that are being
	redriven int    // likewise
	stopped  string // why the run ends early
}

// maxTime is how long a run may take: SQS hides no message for more than 12 hours after
// it was received.
const maxTime = 11 * time.Hour

// begin reads what there is and opens the files.
func (r Redrive) begin(ctx context.Context) (*run, error) {
	x := &run{Redrive: r, busy: newBusy(), sources: newSources(r.Client)}
	before := r.Now()
	out, err := r.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.DLQ.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("reading queue %s: %w", r.DLQ.Name, err)
	}
	if p := parseRedrivePolicy(out.Attributes["RedrivePolicy"]); p != nil && !r.AllowRedrivePolicy {
		return nil, &RedrivePolicyError{r.DLQ.Name, p.MaxReceiveCount, p.Target}
	}
	x.began = before
	// The SDK compares clocks by a header with seconds only, so a small difference is none.
	if skew, ok := awsmiddleware.GetAttemptSkew(out.ResultMetadata); ok && skew.Abs() > 2*time.Second {
		x.Now = func() time.Time { return r.Now().Add(skew) }
		x.began = before.Add(skew)
	}
	there := messagesIn(out.Attributes)
	x.tally = newTally(r.Samples, int(there.Total()), r.Progress)
	if r.Rate > 0 {
		x.limiter = rate.NewLimiter(rate.Limit(r.Rate), min(r.Rate, maxBatch))
	}
	x.left = &left{client: r.Client, url: r.DLQ.URL, visibility: r.Visibility}
	if r.DryRun {
		x.ledger, err = openLedger("", r.DLQ.ARN, "")
		return x, err
	}
	if x.ledger, err = openLedger(r.Ledger, r.DLQ.ARN, x.began.UTC().Format(time.RFC3339)); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		file **keptFile
	}{{r.QuarantineFile, &x.quarantine}, {r.DiscardFile, &x.discards}} {
		if f.name == "" {
			continue
		}
		if *f.file, err = openKept(f.name); err != nil {
			return nil, errors.Join(err, x.close())
		}
	}
	return x, nil
}

func (x *run) close() error {
	err := x.ledger.close()
	for _, f := range []*keptFile{x.quarantine, x.discards} {
		if f != nil {
			err = errors.Join(err, f.close())
		}
	}
	return err
}

// meetAll receives until there is no more.
func (x *run) meetAll(ctx context.Context) error {
	settled := time.Duration(0)
	for round := 0; ; {
		workers, workCtx := errgroup.WithContext(ctx)
		for range x.Concurrency {
			workers.Go(func() error { return x.work(workCtx) })
		}
		if err := workers.Wait(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.ended() {
			return nil
		}
		// A receive may find nothing although there is something, and SQS's numbers may be
		// a minute old.
		there, elsewhere, err := x.count(ctx)
		switch {
		case err != nil:
			return err
		case there.Visible > 0 && !x.DLQ.FIFO() && round < 2:
			round++
		case elsewhere > 0 && !x.DryRun && settled < time.Minute:
			if settled == 0 && x.Waiting != nil {
				x.Waiting(elsewhere)
			}
			if err := x.Sleep(ctx, 5*time.Second); err != nil {
				return err
			}
			settled += 5 * time.Second
		default:
			return nil
		}
	}
}

// count reads how many messages there are, and how many are in flight elsewhere.
func (x *run) count(ctx context.Context) (Messages, int64, error) {
	attributes, err := attributesOf(ctx, x.Client, x.DLQ.URL)
	if err != nil {
		return Messages{}, 0, fmt.Errorf("reading queue %s: %w", x.DLQ.Name, err)
	}
	there := messagesIn(attributes)
	return there, max(0, there.InFlight-int64(x.left.count())), nil
}

// end shows what is left, closes the files and sums up.
func (x *run) end(ctx context.Context, err error) (*RedriveSummary, error) {
	ctx = context.WithoutCancel(ctx) // interrupted or not
	var elsewhere int64
	var remaining Messages
	if !isGone(err) {
		_, n, countErr := x.count(ctx)
		elsewhere = n
		showErr := x.left.show(ctx)
		if countErr == nil {
			remaining, _, countErr = x.count(ctx)
		}
		if err == nil { // else these are probably the same
			err = errors.Join(countErr, showErr)
		} else {
			err = errors.Join(err, showErr)
		}
	} else {
		x.left.forget()
	}
	err = errors.Join(err, x.close())
	s := x.tally.summary(x.Rules)
	s.DLQ, s.DryRun, s.Started, s.Ended = x.DLQ, x.DryRun, x.began.UTC(), x.Now().UTC()
	s.Remaining, s.HiddenElsewhere, s.Stopped = remaining, elsewhere, x.stopped
	if !x.DryRun {
		s.Ledger = x.Ledger
	}
	return s, err
}

// work receives and handles batches until a receive brings nothing.
func (x *run) work(ctx context.Context) error {
	for ctx.Err() == nil && !x.ended() {
		now := x.Now()
		if now.Sub(x.began) > maxTime {
			x.stop("it ran for eleven hours, and SQS hides no message for more than twelve; run again")
			return nil
		}
		if err := x.left.renew(ctx, now); err != nil {
			return unlessDone(ctx, err)
		}
		n := x.take()
		if n == 0 {
			return nil
		}
		messages, err := x.receive(ctx, n)
		x.giveBack(n - len(messages))
		if ErrorCode(err) == "OverLimit" || ErrorCode(err) == "AWS.SimpleQueueService.OverLimit" {
			x.stop("as many messages are in flight as SQS allows (120,000); run again when these are done with, or with rules that leave fewer")
			return nil
		}
		if err != nil {
			return unlessDone(ctx, fmt.Errorf("receiving from %s: %w", x.DLQ.Name, err))
		}
		if len(messages) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return x.left.add(lettersOf(messages), x.Now())
		}
		if err := x.handle(ctx, messages); err != nil {
			return err
		}
	}
	return nil
}

// unlessDone is err unless it comes of ctx being done, which is said elsewhere.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// maxGrace is how long an answer may take when a run is interrupted.
const maxGrace = 5 * time.Second

func (x *run) receive(interrupted context.Context, n int) ([]types.Message, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &x.DLQ.URL, MaxNumberOfMessages: int32(n),
		VisibilityTimeout: int32(x.Visibility / time.Second), WaitTimeSeconds: int32(max(0, x.Wait) / time.Second),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{ // those that letterOf reads
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameDeadLetterQueueSourceArn, types.MessageSystemAttributeNameMessageGroupId,
			types.MessageSystemAttributeNameAWSTraceHeader,
		},
	}
	if x.DLQ.FIFO() { // an answer that got lost can be had again
		in.ReceiveRequestAttemptId = new(string)
		*in.ReceiveRequestAttemptId = rand.Text()
	}
	// A receive that were given up might hide messages that nobody shows again, so who is
	// interrupted waits for its answer.
	ctx, stop := context.WithCancel(context.WithoutCancel(interrupted))
	defer stop()
	defer context.AfterFunc(interrupted, func() { time.AfterFunc(x.Wait+maxGrace, stop) })()
	out, err := x.Client.ReceiveMessage(ctx, in, patiently)
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// take says how many messages to receive, at most ten, 0 if the run may meet no more.
func (x *run) take() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := maxBatch
	if x.limiter != nil {
		n = min(n, x.limiter.Burst())
	}
	if x.Max > 0 {
		n = min(n, x.Max-x.taken)
	}
	if x.maxRedriven > 0 {
		n = min(n, x.maxRedriven-x.redriven)
	}
	x.taken += n
	return n
}

func (x *run) giveBack(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.taken -= n
}

func (x *run) countRedriven(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.redriven += n
}

// ended says whether the run is to meet no more messages.
func (x *run) ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stopped != "" || x.Max > 0 && x.taken >= x.Max || x.maxRedriven > 0 && x.redriven >= x.maxRedriven
}

func (x *run) stop(why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopped = why
}

// pace waits until n more messages may be redriven.
func (x *run) pace(ctx context.Context, n int) error {
	if x.limiter == nil || n == 0 {
		return nil
	}
	now := x.Now()
	reserved := x.limiter.ReserveN(now, n)
	if d := reserved.DelayFrom(now); d > 0 {
		return x.Sleep(ctx, d)
	}
	return nil
}

// busy knows which messages are being worked on, and which were finished with lately: SQS
// may deliver a message twice.
type busy struct {
	mu     sync.Mutex
	now    map[string]bool
	lately map[string]bool
	ring   []string
	next   int
}

// maxLately is how many finished messages are remembered.
const maxLately = 10_000

func newBusy() *busy {
	return &busy{now: map[string]bool{}, lately: make(map[string]bool, maxLately), ring: make([]string, maxLately)}
}

// begin says whether a message may be worked on, and whether it was finished with before.
func (b *busy) begin(id string) (may, before bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now[id] {
		return false, false
	}
	b.now[id] = true
	return true, b.lately[id]
}

func (b *busy) end(id string, finished bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.now, id)
	if !finished || b.lately[id] {
		return
	}
	delete(b.lately, b.ring[b.next])
	b.ring[b.next], b.lately[id] = id, true
	b.next = (b.next + 1) % maxLately
}

// sources finds the queues that messages were dead-lettered from.
type sources struct {
	client Finder
	mu     sync.Mutex
	found  map[string]found
}

type found struct {
	queue Queue
	err   error // it doesn't exist
}

func newSources(client Finder) *sources { return &sources{client: client, found: map[string]found{}} }

// find finds a queue by its ARN. That it doesn't exist is an error for which isGone holds.
func (s *sources) find(ctx context.Context, arn string) (Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.found[arn]; ok {
		return f.queue, f.err
	}
	q, err := queueFromARN(arn)
	if err == nil {
		q, err = locate(ctx, s.client, q)
	}
	if err == nil || isGone(err) {
		s.found[arn] = found{q, err}
	}
	return q, err
}
