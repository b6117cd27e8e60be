package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

// plan is an event and what it does when it runs.
type plan struct {
	id       int
	delay    time.Duration // from when it is scheduled; may be negative for those of children
	children []*plan       // scheduled by the event
	stops    int           // id of an event that it stops, if pending; 0 for none
}

// happened is what one event saw.
type happened struct {
	id       int
	due, now time.Time
}

// model is a clock that looks through all its events for the next one.
type model struct {
	now     time.Time
	pending []modelEvent // in order of scheduling
	log     []happened
}

type modelEvent struct {
	plan *plan
	at   time.Time
}

func (m *model) schedule(p *plan) { m.pending = append(m.pending, modelEvent{p, m.now.Add(p.delay)}) }

func (m *model) stop(id int) bool {
	for i, e := range m.pending {
		if e.plan.id == id {
			m.pending = append(m.pending[:i:i], m.pending[i+1:]...)
			return true
		}
	}
	return false
}

func (m *model) advance(d time.Duration) {
	target := m.now.Add(max(d, 0))
	for {
		next := -1
		for i, e := range m.pending {
			if !e.at.After(target) && (next < 0 || e.at.Before(m.pending[next].at)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		e := m.pending[next]
		m.stop(e.plan.id)
		if e.at.After(m.now) {
			m.now = e.at
		}
		m.log = append(m.log, happened{e.plan.id, e.at, m.now})
		for _, c := range e.plan.children {
			m.schedule(c)
		}
		if e.plan.stops > 0 {
			m.stop(e.plan.stops)
		}
	}
	m.now = target
}

// real drives the clock as the model is driven.
type real struct {
	*clock.Clock
	events map[int]*clock.Event
	log    []happened
}

func (r *real) schedule(p *plan) {
	r.events[p.id] = r.After(p.delay, func(due time.Time) {
		r.log = append(r.log, happened{p.id, due, r.Now()})
		for _, c := range p.children {
			r.schedule(c)
		}
		if p.stops > 0 {
			r.stop(p.stops)
		}
	})
}

func (r *real) stop(id int) bool {
	e := r.events[id]
	return e != nil && e.Stop()
}

func TestClockBehavesAsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.New(start)
		defer c.Close()
		c.Pause()
		c.AdvanceTo(start.Add(time.Second))
		r := &real{Clock: c, events: map[int]*clock.Event{}}
		m := &model{now: c.Now()}
		ids := 0
		var draw func(least, depth int) *plan
		draw = func(least, depth int) *plan {
			ids++
			p := &plan{id: ids, delay: time.Duration(rapid.IntRange(least, 20).Draw(t, "delay"))}
			p.stops = rapid.IntRange(0, ids).Draw(t, "stops")
			if depth < 3 {
				for range rapid.IntRange(0, 2).Draw(t, "children") {
					p.children = append(p.children, draw(-3, depth+1))
				}
			}
			return p
		}
		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) {
				// what is due at once runs on the clock's own goroutine: not in step with the model
				p := draw(1, 0)
				m.schedule(p)
				r.schedule(p)
			},
			"stop": func(t *rapid.T) {
				id := rapid.IntRange(0, ids).Draw(t, "id")
				require.Equal(t, m.stop(id), r.stop(id))
			},
			"advance": func(t *rapid.T) {
				d := time.Duration(rapid.IntRange(-2, 30).Draw(t, "d"))
				m.advance(d)
				r.Advance(d)
			},
			"": func(t *rapid.T) {
				require.Equal(t, m.now, r.Now())
				require.Equal(t, m.log, r.log)
			},
		})
	})
}
