package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// ErrLost is the cause with which a handler's context ends when its message, or the lease
// on its key, can no longer be kept from others.
var ErrLost = errors.New("the message can't be kept from other consumers any longer")

// holding is a message that a worker holds.
type holding struct {
	*shift
	message  Message
	received time.Time
	ctx      context.Context
	cancel   context.CancelCauseFunc

	until time.Time // when its visibility timeout ends; under shift.held.mu

	leasing sync.Mutex // held while the lease is being extended
	lease   *Lease     // nil if there is none to extend
}

// held is the set of messages whose visibility timeouts are extended.
type held struct {
	mu  sync.Mutex
	all map[*holding]struct{}
	// beating is locked while calls that extend visibility timeouts are under way.
	beating sync.Mutex
}

func (s *shift) hold(m Message, now time.Time) *holding {
	h := &holding{shift: s, message: m, received: now, until: now.Add(s.visibility)}
	h.ctx, h.cancel = context.WithCancelCause(s.work)
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	if s.held.all == nil {
		s.held.all = map[*holding]struct{}{}
	}
	s.held.all[h] = struct{}{}
	return h
}

// drop ends the extending.
func (d *held) drop(h *holding) {
	d.mu.Lock()
	delete(d.all, h)
	d.mu.Unlock()
	h.cancel(nil)
}

func (d *held) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.all)
}

// ending are the messages whose visibility timeouts end within the time, except those that
// are lost.
func (d *held) ending(now time.Time, within time.Duration) []*holding {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*holding
	for h := range d.all {
		if h.until.Sub(now) <= within && context.Cause(h.ctx) != ErrLost {
			list = append(list, h)
		}
	}
	return list
}

// beat extends visibility timeouts and leases, each third of a visibility timeout those
// that have two thirds of it left or less: so each is tried twice before it ends.
func (s *shift) beat() {
	third := s.visibility / 3
	for s.clock.Sleep(s.keep, third) == nil {
		s.extend(2 * third)
		for _, h := range s.held.ending(s.clock.Now(), third) {
			s.logger.ErrorContext(s.keep, "a message is no longer hidden from others; its handler should stop", s.about(h.message, nil)...)
			h.cancel(ErrLost) // the next beat would come too late
		}
	}
}

// extend hides the messages whose visibility timeouts end within d for another one, as far
// as SQS lets it.
func (s *shift) extend(d time.Duration) {
	s.held.beating.Lock() // before looking what is held: see hide
	defer s.held.beating.Unlock()
	var calls errgroup.Group
	calls.SetLimit(4)
	for batch := range slices.Chunk(s.held.ending(s.clock.Now(), d), most) {
		calls.Go(func() error {
			now := s.clock.Now()
			for _, h := range s.change(batch, s.visibility, s.visibility/3) {
				s.held.mu.Lock()
				h.until = now.Add(time.Duration(within(s.visibility, now.Sub(h.received))) * time.Second)
				s.held.mu.Unlock()
				h.extendLease()
			}
			return nil
		})
	}
	_ = calls.Wait() // they log their errors
}

// hide lets messages come back after the result's delay, if it has one.
func (s *shift) hide(batch []*holding, res result) {
	if !res.delayed {
		return
	}
	// A call under way that extends the visibility timeout must not come after ours. Later
	// ones don't know the message any longer.
	s.held.beating.Lock()
	s.held.beating.Unlock() //nolint:staticcheck // waited for, nothing more
	for batch := range slices.Chunk(batch, most) {
		s.change(batch, res.delay, callTimeout)
	}
}

// change sets the time until the messages, ten at most, become visible, and returns those
// for which that succeeded. The call may take as long as timeout.
func (s *shift) change(batch []*holding, d, timeout time.Duration) []*holding {
	ctx, cancel := context.WithTimeout(s.keep, timeout)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &s.url, Entries: make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))}
	now := s.clock.Now()
	for i, h := range batch {
		id := strconv.Itoa(i)
		in.Entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: &id, ReceiptHandle: &h.message.ReceiptHandle, VisibilityTimeout: within(d, now.Sub(h.received)),
		}
	}
	out, err := s.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		s.logger.ErrorContext(s.keep, "changing visibility timeouts", "queue", s.queue, "messages", len(batch), "error", err)
		return nil
	}
	failed := map[string]bool{}
	for _, f := range out.Failed {
		failed[deref(f.Id)] = true
		if i, err := strconv.Atoi(deref(f.Id)); err == nil && i < len(batch) && context.Cause(batch[i].ctx) == nil {
			s.logger.ErrorContext(s.keep, "changing a visibility timeout", s.about(batch[i].message, fmt.Errorf("%s: %s", deref(f.Code), deref(f.Message)))...)
		}
	}
	var changed []*holding
	for i, h := range batch {
		if !failed[strconv.Itoa(i)] {
			changed = append(changed, h)
		}
	}
	return changed
}

// leaseEnd is until when a lease lasts that is taken or extended now: a second less than
// the visibility timeout, so that whoever receives the message next finds the key free.
func (h *holding) leaseEnd() time.Time {
	h.held.mu.Lock()
	defer h.held.mu.Unlock()
	return h.until.Add(-time.Second)
}

// leased has the lease extended with the visibility timeout until stop is called.
func (h *holding) leased(l Lease) (stop func()) {
	h.leasing.Lock()
	defer h.leasing.Unlock()
	h.lease = &l
	return func() {
		h.leasing.Lock()
		defer h.leasing.Unlock()
		h.lease = nil
	}
}

func (h *holding) extendLease() {
	h.leasing.Lock()
	defer h.leasing.Unlock()
	if h.lease == nil {
		return
	}
	l := *h.lease
	l.Until = h.leaseEnd()
	ctx, cancel := context.WithTimeout(h.keep, h.visibility/3)
	defer cancel()
	claim, err := h.idempotency.Store.Acquire(ctx, l, h.clock.Now())
	switch {
	case err == nil && claim.State == Acquired:
		h.lease = &l
		return
	case err == nil:
		err = fmt.Errorf("the key is %v", claim.State)
		h.cancel(ErrLost)
	case h.lease.Until.Sub(h.clock.Now()) <= h.visibility/3:
		h.cancel(ErrLost) // the next beat would come too late
	}
	h.logger.ErrorContext(h.ctx, "extending a lease", h.about(h.message, err)...)
}
