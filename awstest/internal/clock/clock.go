// Package clock is the endpoint's one clock. It runs with the wall clock, can be
// advanced, and runs every event that falls due on the way in order, each at its
// own instant:
//
//	c := clock.New(time.Now())
//	defer c.Close()
//	c.At(c.Now().Add(14*24*time.Hour), func(now time.Time) { expire(now) })
//	c.Advance(14 * 24 * time.Hour) // expire has run, at its instant
//
// Events never overlap: one runs after the other, on the goroutine that advances
// the clock or, when time passes by itself, on the clock's own. An event may
// schedule further events, pause and resume, but must not advance the clock.
package clock

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Clock is a movable clock. It is safe for concurrent use.
type Clock struct {
	// running serialises whoever runs events: an Advance, or the background runner.
	running sync.Mutex

	mu        sync.Mutex
	origin    time.Time     // wall instant (with its monotonic reading) at which base was taken
	base      time.Time     // virtual instant at origin
	advancing bool          // an Advance is under way: it alone moves base
	paused    bool          // Pause was called
	queue     eventHeap     // pending events, earliest first
	seq       uint64        // order of scheduling, for events at one instant
	wake      chan struct{} // tells the runner that the earliest event has changed
	done      chan struct{}
	closed    bool
	holds     int        // what keeps an Advance at its instant
	stirred   *sync.Cond // on mu: a hold has ended, or an event was scheduled
}

// New returns a clock that stands at start and runs with the wall clock.
func New(start time.Time) *Clock {
	c := &Clock{
		origin: time.Now(),
		base:   start.Round(0),
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	c.stirred = sync.NewCond(&c.mu)
	go c.run()
	return c
}

// Close stops the clock: pending events never run, and sleepers wake with
// context.Canceled. An event that is running finishes; Close doesn't wait for it, since
// it may be its caller.
func (c *Clock) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.done)
		c.stirred.Broadcast()
	}
}

// Hold keeps an Advance at the instant that it has reached until release is called:
// something is going on outside of the clock's events, such as another process at work,
// that belongs to this instant. Events that are due at the instant go on meanwhile; time
// that passes by itself does too. release may be called more than once.
func (c *Clock) Hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.holds--
		c.stirred.Broadcast()
	})
}

// Now is the current virtual time. It never goes back.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// now is called with c.mu held.
func (c *Clock) now() time.Time {
	if c.advancing || c.paused {
		return c.base // time stands still
	}
	return c.base.Add(time.Since(c.origin))
}

// set makes t the current time.
func (c *Clock) set(t time.Time) {
	c.base, c.origin = t, time.Now()
}

// virtual strips t of what belongs to the wall clock, its monotonic reading, and puts it
// into the clock's time zone.
func (c *Clock) virtual(t time.Time) time.Time {
	return t.Round(0).In(c.base.Location())
}

// Pause makes time stand still until Resume; Advance still moves it. Events that are due
// already still run.
func (c *Clock) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.now())
	c.paused = true
}

// Resume lets time run with the wall clock again; at the end of an Advance that is under
// way, if any.
func (c *Clock) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		c.set(c.base)
		c.paused = false
		c.nudge()
	}
}

// Advance moves the clock by d, which must not be negative, and runs every event
// that falls due on the way.
func (c *Clock) Advance(d time.Duration) {
	c.running.Lock()
	defer c.running.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	// target and start are one reading: a second one could lie beyond the target
	c.set(c.now())
	c.advanceTo(c.base.Add(max(d, 0)))
}

// AdvanceTo moves the clock to t and runs every event that falls due on the way.
// It does nothing if t has passed.
func (c *Clock) AdvanceTo(t time.Time) {
	c.running.Lock()
	defer c.running.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.now())
	if t = c.virtual(t); t.After(c.base) {
		c.advanceTo(t)
	}
}

// advanceTo runs all that is due until target, which is not before c.base, the time as
// it was just set. It is called with c.running held, too.
func (c *Clock) advanceTo(target time.Time) {
	c.advancing = true
	defer func() { // also when an event panics
		c.set(c.base)
		c.advancing = false
		c.nudge()
	}()
	for {
		switch {
		case c.due(c.base):
			c.runNext()
		case c.holds > 0 && !c.closed:
			c.stirred.Wait()
		case c.due(target):
			c.base = c.queue[0].at
		default:
			c.base = target
			return
		}
	}
}

// due says whether there is an event to run at time t.
func (c *Clock) due(t time.Time) bool {
	return !c.closed && len(c.queue) > 0 && !c.queue[0].at.After(t)
}

// runNext runs the earliest event, unlocked. It is called with c.running held, too.
func (c *Clock) runNext() {
	e := heap.Pop(&c.queue).(*Event)
	c.mu.Unlock()
	defer c.mu.Lock() // also when the event panics: our callers unlock then
	e.fn(e.at)
}

// run fires events as the wall clock reaches them.
func (c *Clock) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(c.untilNext())
		select {
		case <-c.done:
			return
		case <-c.wake:
		case <-timer.C:
			c.runDue()
		}
	}
}

// untilNext is how long the runner may sleep: whatever makes an earlier event due wakes it.
func (c *Clock) untilNext() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.advancing || len(c.queue) == 0:
		return time.Hour
	case c.paused && !c.due(c.base):
		return time.Hour
	default:
		return c.queue[0].at.Sub(c.now())
	}
}

// runDue runs the events that are due now. Unlike advanceTo it lets time run on
// meanwhile: a request may have seen a later instant already.
func (c *Clock) runDue() {
	c.running.Lock()
	defer c.running.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.due(c.now()) {
		c.runNext()
	}
}

func (c *Clock) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// At schedules fn to run when the clock reaches t; at once if it has passed,
// though never before At returns to an event that calls it. fn receives t.
func (c *Clock) At(t time.Time, fn func(now time.Time)) *Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(c.virtual(t), fn)
}

// After schedules fn to run when d has passed.
func (c *Clock) After(d time.Duration, fn func(now time.Time)) *Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(c.now().Add(d), fn)
}

func (c *Clock) at(t time.Time, fn func(now time.Time)) *Event {
	c.seq++
	e := &Event{clock: c, at: t, seq: c.seq, fn: fn}
	heap.Push(&c.queue, e)
	if c.queue[0] == e && !c.advancing {
		c.nudge()
	}
	if c.holds > 0 {
		c.stirred.Broadcast()
	}
	return e
}

// Sleep waits until d of the clock's time has passed, ctx is done or the clock is closed;
// it returns ctx's error or context.Canceled in the latter cases. An Advance over its
// end wakes the sleeper, but doesn't wait for what it does next.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	woken := make(chan struct{})
	e := c.After(d, func(time.Time) { close(woken) })
	defer e.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return context.Canceled
	case <-woken:
		return nil
	}
}

// Event is something scheduled to happen.
type Event struct {
	clock *Clock
	at    time.Time
	seq   uint64
	index int // position in the heap; -1 once it has left it
	fn    func(time.Time)
}

// Stop cancels the event. It reports whether that kept it from running.
func (e *Event) Stop() bool {
	e.clock.mu.Lock()
	defer e.clock.mu.Unlock()
	if e.index < 0 {
		return false
	}
	heap.Remove(&e.clock.queue, e.index)
	return true
}

// eventHeap orders events by instant, then by order of scheduling.
type eventHeap []*Event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *eventHeap) Push(x any) {
	e := x.(*Event)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
