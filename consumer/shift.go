package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// shift is one run of a worker.
type shift struct {
	*Worker
	stop     context.Context         // done: receive no more
	stopPoll context.CancelCauseFunc // ends stop with the reason why
	work     context.Context         // the handlers'
	stopWork context.CancelCauseFunc
	keep     context.Context // that of the calls to SQS, until the end
	endKeep  context.CancelFunc

	room   chan struct{} // one for each message that may be held
	taking sync.Mutex    // one poller at a time takes room, so that none keeps half of it
	more   chan struct{} // a receive came back full: another poller may join
	units  chan []*holding
	held   held

	acks       chan ack
	noMoreAcks chan struct{} // closed when handlers have returned or are given up on
	deleted    chan struct{} // closed when all acks are dealt with

	mu     sync.Mutex
	counts Counts
}

func newShift(w *Worker, ctx context.Context) *shift {
	capacity := w.concurrency + w.prefetch
	s := &shift{
		Worker: w, room: make(chan struct{}, capacity), more: make(chan struct{}, 1),
		units: make(chan []*holding, capacity), acks: make(chan ack, capacity), noMoreAcks: make(chan struct{}), deleted: make(chan struct{}),
	}
	s.stop, s.stopPoll = context.WithCancelCause(ctx)
	s.keep, s.endKeep = context.WithCancel(context.WithoutCancel(ctx))
	s.work, s.stopWork = context.WithCancelCause(s.keep)
	for range capacity {
		s.room <- struct{}{}
	}
	return s
}

func (s *shift) end() {
	s.stopPoll(nil)
	s.stopWork(errStopped)
	s.endKeep()
}

// fatal is why polling ended, nil if it was told to.
func (s *shift) fatal() error {
	var f fatalError
	if errors.As(context.Cause(s.stop), &f) {
		return f.error
	}
	return nil
}

// fatalError is one that repeating the call won't mend.
type fatalError struct{ error }

func (s *shift) add(m Message, r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.add(m, r)
}

// count writes the counts each minute.
func (s *shift) count() {
	if s.metrics == nil {
		return
	}
	for s.clock.Sleep(s.keep, time.Minute) == nil {
		s.writeCounts()
	}
}

func (s *shift) writeCounts() {
	s.mu.Lock()
	counts := s.counts
	s.counts = Counts{}
	s.mu.Unlock()
	if err := s.metrics.write(s.queue, counts, s.clock.Now()); err != nil {
		s.logger.Error("counting", "error", err)
	}
}

// handle works on what the pollers bring until they bring no more.
func (s *shift) handle() {
	for unit := range s.units {
		s.workUnit(unit)
	}
}

// workUnit works on messages one after the other, until the first failure.
func (s *shift) workUnit(unit []*holding) {
	for n, h := range unit {
		if s.stop.Err() != nil {
			s.handBack(unit[n:], errStopped, true)
			return
		}
		res := s.run(h.ctx, s.keep, attempt{
			message: h.message, lease: h.leaseEnd, leased: h.leased,
			patient: h.message.LastAttempt,
		})
		s.held.drop(h)
		if !res.Outcome.finished() {
			s.add(h.message, res.Result)
			s.hide([]*holding{h}, res)
			s.release(1)
			// The rest of a group stays hidden behind it: it keeps its order, and spends no
			// receive while the first is tried again. If we stop, others may go on at once.
			s.handBack(unit[n+1:], fmt.Errorf("message %s of its group failed before it", h.message.ID), s.stop.Err() != nil)
			return
		}
		s.add(h.message, res.Result)
		err := s.ack(h.message)
		s.release(1)
		if err != nil {
			s.handBack(unit[n+1:], fmt.Errorf("message %s of its group, before it, could not be deleted: %w", h.message.ID, err), s.stop.Err() != nil)
			return
		}
	}
}

// handBack gives up messages that were not begun: they are visible at once, or when their
// visibility timeout ends.
func (s *shift) handBack(unit []*holding, why error, atOnce bool) {
	res := returned(why)
	res.delayed = atOnce
	for _, h := range unit {
		s.held.drop(h)
		s.log(h.ctx, h.message, res)
		s.add(h.message, res.Result)
	}
	s.hide(unit, res)
	s.release(len(unit))
}

// release makes room for so many messages.
func (s *shift) release(n int) {
	for range n {
		s.room <- struct{}{}
	}
}
