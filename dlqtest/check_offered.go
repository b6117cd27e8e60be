package dlqtest

import (
	"math"
	"slices"
	"time"
)

// checkOffered holds the source queue to handing out what is visible. A receive that finds
// nothing says that nothing was there: a message whose visibility timeout had lapsed, or
// which was given back, or whose group isn't held up, must have been received before it. On
// AWS one receive alone doesn't say that.
func checkOffered(j *judge, l *lifelines) {
	if !l.strict() {
		return
	}
	o := &offers{lifelines: l, empty: l.emptyReceives(), ahead: map[*lifeline][]*lifeline{}, free: map[*lifeline]int{}}
	o.sortGroups()
	for _, m := range l.messages {
		if m.sent == nil || m.sent.Outcome != OK || m.sent.Attempts > 1 {
			continue // it may exist twice, or not at all
		}
		points := m.points()
		for i, p := range points {
			until := l.endOf(points, i)
			from := m.visibleAfter(l, points, i)
			if e := o.missed(m, p, from, until); e != nil {
				j.violated(m, "%s, but a receive at %s found nothing", whyVisible(p, from), clockTime(e.Call))
				break
			}
		}
	}
}

// whyVisible says why a message was there to be received after the point p.
func whyVisible(p *Event, from time.Time) string {
	switch {
	case p.Op == OpSend:
		return "could be received from " + clockTime(from) + " on"
	case p.Op == OpVisibility && p.Duration == 0:
		return "was given back at " + clockTime(p.Return)
	default:
		return "was hidden until " + clockTime(from) + " only"
	}
}

// offers is what is known of when messages could be received.
type offers struct {
	*lifelines
	empty []*Event                  // receives from the source that found nothing, before the redrive
	ahead map[*lifeline][]*lifeline // of FIFO queues: the messages sent earlier to the group
	free  map[*lifeline]int         // the event from which on a message holds up its group no longer
}

// emptyReceives returns the receives from the source that found nothing, before the redrive.
func (l *lifelines) emptyReceives() []*Event {
	var empty []*Event
	for i := range l.Events {
		e := &l.Events[i]
		if l.redrive != nil && e.Seq > l.redrive.Seq {
			break
		}
		if e.Op == OpReceive && e.Queue == l.SourceARN && e.MessageID == "" && e.Outcome == OK {
			empty = append(empty, e)
		}
	}
	return empty
}

// sortGroups finds, in a FIFO queue, what stands ahead of each message.
func (o *offers) sortGroups() {
	if !o.FIFO {
		return
	}
	groups := map[string][]*lifeline{}
	for _, m := range o.messages {
		if m.sent == nil {
			continue
		}
		o.ahead[m] = groups[m.sent.Group]
		groups[m.sent.Group] = append(groups[m.sent.Group], m)
		o.free[m] = o.freeFrom(m)
	}
}

// freeFrom is the event from which on the message certainly is out of its group's way:
// acknowledged, or moved to the DLQ by a receive that found nothing.
func (o *offers) freeFrom(m *lifeline) int {
	for _, e := range m.deletes {
		if e.Outcome == OK && !e.Stale {
			return e.Seq
		}
	}
	points := m.points()
	if len(points) == 0 || len(m.receives) < o.MaxReceiveCount {
		return math.MaxInt
	}
	last := points[len(points)-1]
	from := o.hiddenAfter(last)
	for _, e := range o.empty {
		if !from.IsZero() && e.certainlyAfter(last) && !e.Call.Before(from) {
			return e.Seq
		}
	}
	return math.MaxInt
}

// points returns what was done to the message in the source queue, in order: what lies
// between two of them is known.
func (m *lifeline) points() []*Event {
	points := slices.Concat([]*Event{m.sent}, m.receives, m.changes, m.deletes)
	slices.SortFunc(points, func(a, b *Event) int { return a.Seq - b.Seq })
	return points
}

// endOf is the last event of which it is certain that it came before the next of the points.
func (l *lifelines) endOf(points []*Event, i int) int {
	end := len(l.Events)
	for _, next := range points[i+1:] {
		end = min(end, next.began())
	}
	return end
}

// visibleAfter is from when on the message can be received, if nothing happens to it after
// the i-th point; zero if that isn't known.
func (m *lifeline) visibleAfter(l *lifelines, points []*Event, i int) time.Time {
	p := points[i]
	if i > 0 && !p.certainlyAfter(points[i-1]) {
		return time.Time{} // which of the two took effect last isn't known
	}
	for _, earlier := range points[:i+1] {
		if earlier.ReceiveCount >= l.MaxReceiveCount {
			return time.Time{} // the next receive moves it to the DLQ
		}
	}
	return l.hiddenAfter(p)
}

// hiddenAfter is until when at the latest the point hides its message; zero if that isn't
// known, or the message may be gone.
func (l *lifelines) hiddenAfter(p *Event) time.Time {
	if p.HiddenUntil.IsZero() || p.Outcome != OK {
		return time.Time{}
	}
	until := p.HiddenUntil.Add(p.Return.Sub(p.Call)) // it took effect when it ended, at the latest
	if l.Clock != "virtual" && p.HiddenUntil.After(p.Call) {
		until = until.Add(time.Second) // not every endpoint counts in less
	}
	return until
}

// missed is the first receive that found nothing between the point p and the end, although
// the message could be received from then on; nil if there was none.
func (o *offers) missed(m *lifeline, p *Event, from time.Time, end int) *Event {
	if from.IsZero() {
		return nil
	}
	first, _ := slices.BinarySearchFunc(o.empty, p.Seq, func(e *Event, seq int) int { return e.Seq - seq })
	for _, e := range o.empty[first:] {
		switch {
		case e.Seq > end:
			return nil
		case !e.certainlyAfter(p) || e.Call.Before(from):
		case o.perhapsUnseen(p, e):
			return nil // that may have hidden it again
		case !o.heldUp(m, e):
			return e
		}
	}
	return nil
}

// perhapsUnseen says whether a receive of which the answer was lost may have come between
// two events.
func (o *offers) perhapsUnseen(p, e *Event) bool {
	return slices.ContainsFunc(o.unseen, func(u *Event) bool {
		return u.Queue == o.SourceARN && u.Seq > p.Seq && u.began() < e.Seq
	})
}

// heldUp says whether an earlier message of its group may have held the message up when
// e began.
func (o *offers) heldUp(m *lifeline, e *Event) bool {
	return slices.ContainsFunc(o.ahead[m], func(earlier *lifeline) bool { return e.began() < o.free[earlier] })
}
