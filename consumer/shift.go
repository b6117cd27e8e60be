package consumer

import (
	"context"
	"errors"
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

	room      chan struct{} // one for each message that may be held
	taking    sync.Mutex    // one poller at a time takes room, so that none keeps half of it
	more      chan struct{} // a receive came back full: another poller may join
	units     chan []*holding
	acks      chan ack
	abandoned chan struct{} // closed when handlers are given up on
	held      held

	mu     sync.Mutex
	counts Counts
}

func newShift(w *Worker, ctx context.Context) *shift {
	capacity := w.concurrency + w.prefetch
	s := &shift{
		Worker: w, room: make(chan struct{}, capacity), more: make(chan struct{}, 1),
		units: make(chan []*holding, capacity), acks: make(chan ack, capacity), abandoned: make(chan struct{}),
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
			s.handBack(unit[n:], result{Result: Result{Outcome: Returned, Err: errStopped}, delayed: true})
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
			// receive while the first is tried again.
			s.handBack(unit[n+1:], result{Result: Result{Outcome: Returned, Err: errors.New("a message of its group failed before it")}})
			return
		}
		s.add(h.message, res.Result)
		err := s.ack(h)
		s.release(1)
		if err != nil {
			s.handBack(unit[n+1:], result{Result: Result{Outcome: Returned, Err: errors.New("a message of its group could not be deleted before it")}})
			return
		}
	}
}

// handBack gives up messages that were not begun.
func (s *shift) handBack(unit []*holding, res result) {
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
