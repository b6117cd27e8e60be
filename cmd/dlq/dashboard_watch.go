package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

type statusOf = dlq.Status

const (
	// readTimeout bounds one reading of all queues.
	readTimeout = 2 * time.Minute
	// keptPoints is how many depths of a DLQ are kept: two hours at the default interval.
	keptPoints = 240
)

// watcher reads the status again and again, for all browsers together.
type watcher struct {
	read     func(context.Context) (*statusOf, error)
	interval time.Duration

	mu      sync.Mutex
	status  *statusOf // the last that was read, nil before the first
	at      time.Time // when that was, by the wall clock
	err     error     // why the last attempt failed, nil if it didn't
	version int       // rises by one with each attempt
	depths  map[string][]depth
}

// depth is how many messages a DLQ held.
type depth struct {
	at       time.Time
	messages int64
}

func newWatcher(read func(context.Context) (*statusOf, error), interval time.Duration) *watcher {
	return &watcher{read: read, interval: interval, depths: map[string][]depth{}}
}

// run reads until ctx is done.
func (w *watcher) run(ctx context.Context) {
	for {
		w.once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.interval):
		}
	}
}

// once reads once, and keeps what it learned.
func (w *watcher) once(ctx context.Context) {
	timed, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s, err := w.read(timed)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	if w.err = advise(err); err != nil {
		return
	}
	if w.status != nil {
		// queues of which AWS failed to tell would go from the page, as if they were deleted
		if w.err = interrupted(s); w.err != nil {
			return
		}
	}
	w.status, w.at = s, time.Now()
	depths := map[string][]depth{} // of the DLQs that there are, so that this doesn't grow
	for _, d := range s.DLQs {
		points := w.depths[d.ARN]
		if d.Messages != nil {
			points = append(points, depth{w.at, d.Messages.Total()})
		}
		depths[d.ARN] = points[max(0, len(points)-keptPoints):]
	}
	w.depths = depths
}

// interrupted is why a reading missed queues that a later one may well learn of, nil if it
// didn't.
func interrupted(s *statusOf) error {
	for _, p := range s.Problems {
		if p.What == dlq.UnknownQueues && p.Transient {
			return errors.New(problemText(p))
		}
	}
	return nil
}

// snapshot is what is known at a moment.
type snapshot struct {
	status  *statusOf // nil: nothing yet; with Stale set if it is not news
	age     time.Duration
	err     error
	version int
	depths  map[string][]depth
}

// late is how old a status may be before that is said: a reading has been missed.
func (w *watcher) late() time.Duration { return 2*w.interval + 10*time.Second }

func (w *watcher) snapshot() snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := snapshot{err: w.err, version: w.version, depths: w.depths}
	if w.status == nil {
		return out
	}
	s := *w.status // what it points to is not changed any more
	out.status, out.age = &s, time.Since(w.at)
	if w.err != nil || out.age > w.late() {
		s.Stale = &dlq.Stale{AgeSeconds: int64(out.age / time.Second)}
		if w.err != nil {
			s.Stale.Error = w.err.Error()
		}
	}
	return out
}
