package consumer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// runner works on single messages: what Lambda and Worker have in common.
type runner struct {
	*settings
	handler Handler
}

// errStopped is the cause with which a handler's context ends for reasons that are not
// the message's: a worker that stops.
var errStopped = errors.New("the consumer is stopping")

// errNotBegun says that it was too late to call the handler.
var errNotBegun = errors.New("it was not begun")

// attempt is one message at work.
type attempt struct {
	message Message
	// lease returns until when a lease on the message's key is to last.
	lease func() time.Time
	// leased, if not nil, is told of the lease, so that it can be extended. What it returns
	// is called when the lease must no longer be: before it is given up.
	leased func(Lease) (stop func())
	// patient says to wait while another holds the lease rather than to hand the message
	// back: it has no receive left to come back with, and somebody keeps it hidden.
	patient bool
}

// prepare numbers the attempt.
func (r *runner) prepare(m Message) Message {
	m.Attempt = max(m.ReceiveCount-r.receivedBefore, 1)
	m.LastAttempt = r.maxReceiveCount > 0 && m.Attempt >= r.maxReceiveCount
	return m
}

// result is what became of a message, and, if it comes back, after how long.
type result struct {
	Result
	delay   time.Duration
	delayed bool // delay counts; otherwise the visibility timeout is left as it is
	logged  bool
}

func retried(err error) result  { return result{Result: Result{Outcome: Retried, Err: err}} }
func returned(err error) result { return result{Result: Result{Outcome: Returned, Err: err}} }

// run works on one message. The handler's context is work; the books are kept under keep,
// which outlasts it.
func (r *runner) run(work, keep context.Context, a attempt) (res result) {
	res = retried(errExited) // unless the handler returns
	for _, hook := range r.hooks {
		next, end := hook(work, a.message)
		if next != nil {
			work = next
		}
		if end != nil {
			defer func() { end(res.Result) }()
		}
	}
	defer func() {
		r.log(work, a.message, res)
		res.logged = true
	}()
	res = r.runOnce(work, keep, a)
	cause := context.Cause(work)
	switch {
	case res.Outcome.finished():
		return res
	case res.Outcome == Retried && errors.Is(cause, errStopped):
		// We cut it short, which is no failure of its own: it may go on elsewhere at once.
		res = returned(res.Err)
		res.delayed = true
	case errors.Is(res.Err, errNotBegun):
		res = returned(res.Err)
	case errors.Is(cause, ErrLost):
		// Another may have received it by now, whose visibility timeout it would be: SQS
		// takes the old handle for that.
	case res.Outcome == Retried:
		res.delay, res.delayed = r.backoff.Delay(a.message.Attempt, nil), true
	default: // held by another: each look at the lease costs a receive
		res.delay, res.delayed = max(res.delay, r.backoff.Delay(a.message.Attempt, nil)), true
	}
	res.delayed = res.delayed && r.backsOff
	return res
}

// runOnce runs the handler, unless the key's record says that it has run or runs.
func (r *runner) runOnce(work, keep context.Context, a attempt) result {
	if r.idempotency == nil {
		return r.settleError(keep, a.message, r.call(work, a.message))
	}
	key, err := r.idempotency.keyOf(a.message)
	if err != nil {
		return r.settleError(keep, a.message, err)
	}
	a.message.Key = key
	l := Lease{Key: key, Owner: rand.Text()}
	claim, err := r.acquire(work, &l, a)
	if err != nil {
		// It may have been taken all the same, and would then be in the way of the next
		// attempt. If this fails as well it ends by itself.
		_ = r.idempotency.Store.Release(keep, l)
		return retried(fmt.Errorf("acquiring the lease: %w", err))
	}
	switch claim.State {
	case Done:
		return result{Result: Result{Outcome: Succeeded, Duplicate: true}}
	case Held:
		err := fmt.Errorf("another consumer works on it until %s", claim.Until.UTC().Format(time.RFC3339))
		wait := max(claim.Until.Sub(r.clock.Now()), 0) + time.Second // SQS counts in whole ones
		res := returned(err)
		res.delay = wait
		return res
	}
	stop := func() {}
	if a.leased != nil {
		stop = a.leased(l)
	}
	err = r.call(work, a.message)
	stop()
	if err == nil {
		r.complete(keep, a.message, l)
		return result{Result: Result{Outcome: Succeeded}}
	}
	res := r.settleError(keep, a.message, err)
	// The effect has not happened, so the key is free: for the next attempt, and for the
	// message that comes repaired out of quarantine.
	if err := r.idempotency.Store.Release(keep, l); err != nil {
		r.logger.ErrorContext(keep, "giving up the lease; it ends by itself", r.about(a.message, err)...)
	}
	return res
}

// acquire takes the lease, or says why it can't be had.
func (r *runner) acquire(ctx context.Context, l *Lease, a attempt) (Claim, error) {
	for {
		now := r.clock.Now()
		l.Until = a.lease()
		claim, err := r.idempotency.Store.Acquire(ctx, *l, now)
		if err != nil || claim.State != Held || !a.patient {
			return claim, err
		}
		if err := r.clock.Sleep(ctx, max(claim.Until.Sub(now), time.Second)); err != nil {
			return claim, nil
		}
	}
}

// call runs the handler.
func (r *runner) call(ctx context.Context, m Message) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errNotBegun, context.Cause(ctx))
	}
	return sheltered(func() error { return r.handler(ctx, m) })
}

// complete records the key as done. If that fails the message is acknowledged all the
// same: leaving it would repeat the effect for certain.
func (r *runner) complete(ctx context.Context, m Message, l Lease) {
	ttl := r.idempotency.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	if err := r.idempotency.Store.Complete(ctx, l, r.clock.Now().Add(ttl)); err != nil {
		r.logger.ErrorContext(ctx, "recording as done; a duplicate would run again", r.about(m, err)...)
	}
}

// settleError decides what becomes of a message whose handler returned the error.
func (r *runner) settleError(ctx context.Context, m Message, err error) result {
	switch {
	case err == nil:
		return result{Result: Result{Outcome: Succeeded}}
	case !isPermanentAnswer(err):
		return retried(err)
	case r.sink == nil:
		return retried(fmt.Errorf("failed for good, but there is no quarantine to record it in: %w", err))
	}
	record := func() error { return r.sink.Record(ctx, Failure{Message: m, Err: err, Time: r.clock.Now()}) }
	if failed := sheltered(record); failed != nil {
		return retried(fmt.Errorf("recording a permanent failure: %w (the failure: %w)", failed, err))
	}
	return result{Result: Result{Outcome: Quarantined, Err: err}}
}

// isPermanentAnswer says that the handler answered with a permanent error, rather than
// panicked with one.
func isPermanentAnswer(err error) bool {
	var p *PanicError
	return IsPermanent(err) && !errors.As(err, &p)
}

// log says what became of a message.
func (r *runner) log(ctx context.Context, m Message, res result) {
	if res.Outcome == Succeeded && !r.logger.Enabled(ctx, slog.LevelDebug) {
		return // most messages
	}
	args := r.about(m, res.Err)
	if res.delayed {
		args = append(args, slog.Duration("retry_after", res.delay))
	}
	var p *PanicError
	if errors.As(res.Err, &p) {
		args = append(args, slog.String("stack", string(p.Stack)))
	}
	switch {
	case res.Duplicate:
		r.logger.DebugContext(ctx, "done before", args...)
	case res.Outcome == Succeeded:
		r.logger.DebugContext(ctx, "succeeded", args...)
	case res.Outcome == Quarantined:
		r.logger.ErrorContext(ctx, "failed for good, recorded", args...)
	case m.LastAttempt && res.Outcome == Returned:
		r.logger.ErrorContext(ctx, "handed back at its last receive: SQS dead-letters it next", args...)
	case m.LastAttempt:
		r.logger.ErrorContext(ctx, "the last attempt failed: SQS dead-letters it next", args...)
	case res.Outcome == Returned:
		r.logger.InfoContext(ctx, "handed back", args...)
	case p != nil:
		r.logger.ErrorContext(ctx, "the handler panicked, will be retried", args...)
	default:
		r.logger.WarnContext(ctx, "failed, will be retried", args...)
	}
}

// about are a log line's attributes for a message.
func (r *runner) about(m Message, err error) []any {
	args := []any{slog.String("queue", m.Queue), slog.String("message_id", m.ID), slog.Int("attempt", m.Attempt)}
	if r.maxReceiveCount > 0 {
		args = append(args, slog.Int("max_receive_count", r.maxReceiveCount))
	}
	if m.GroupID != "" {
		args = append(args, slog.String("group", m.GroupID))
	}
	if err != nil {
		args = append(args, slog.Any("error", err))
	}
	return args
}
