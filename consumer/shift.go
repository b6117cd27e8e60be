package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
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

	capacity int                 // how many messages may be held
	room     *semaphore.Weighted // for so many
	more     chan struct{}       // a receive came back full: another poller may join
	units    chan []*holding
	handlers sync.WaitGroup // those who take them
	held     held
	acks     acks

	mu     sync.Mutex
	counts Counts
}

func newShift(w *Worker, ctx context.Context) *shift {
	capacity := w.concurrency + w.prefetch
	s := &shift{
		Worker: w, capacity: capacity, room: semaphore.NewWeighted(int64(capacity)), more: make(chan struct{}, 1),
		units: make(chan []*holding, capacity), acks: acks{room: semaphore.NewWeighted(int64(capacity))},
	}
	s.stop, s.stopPoll = context.WithCancelCause(ctx)
	s.keep, s.endKeep = context.WithCancel(context.WithoutCancel(ctx))
	s.work, s.stopWork = context.WithCancelCause(s.keep)
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
	ended := false
	defer func() {
		if !ended { // by us: a handler has ended the goroutine
			s.handlers.Go(s.handle)
		}
	}()
	for unit := range s.units {
		s.workUnit(unit)
	}
	ended = true
}

// workUnit works on messages one after the other, until the first failure.
func (s *shift) workUnit(unit []*holding) {
	n, ended := 0, false
	defer func() {
		if !ended { // by us: a handler has ended the goroutine
			s.fail(unit[n:], retried(errExited))
		}
	}()
	for ; n < len(unit); n++ {
		h := unit[n]
		if s.stop.Err() != nil {
			s.handBack(unit[n:], errStopped, true)
			break
		}
		res := s.run(h.ctx, s.keep, attempt{
			message: h.message, lease: h.leaseEnd, leased: h.leased,
			patient: h.message.LastAttempt,
		})
		if !res.Outcome.finished() {
			s.fail(unit[n:], res)
			break
		}
		s.held.drop(h)
		s.add(h.message, res.Result)
		err := s.ack(h.message)
		s.release(1)
		if err != nil {
			s.handBack(unit[n+1:], fmt.Errorf("message %s of its group, before it, could not be deleted: %w", h.message.ID, err), s.stop.Err() != nil)
			break
		}
	}
	ended = true
}

// fail ends work on a unit whose first message has not finished. The rest of a group stays
// hidden behind it: it keeps its order, and spends no receive while the first is tried
// again. If we stop, others may go on at once.
func (s *shift) fail(unit []*holding, res result) {
	h := unit[0]
	s.held.drop(h)
	s.add(h.message, res.Result)
	s.hide(unit[:1], res)
	s.release(1)
	s.handBack(unit[1:], fmt.Errorf("message %s of its group failed before it", h.message.ID), s.stop.Err() != nil)
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
func (s *shift) release(n int) { s.room.Release(int64(n)) }
