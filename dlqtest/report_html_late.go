package dlqtest

import "fmt"

// lateness follows a message's events to tell what its consumers did late or twice.
type lateness struct {
	source    string
	processed int                  // the event by which it was processed with a handle that wasn't stale; 0 if none
	received  map[string]*laneMark // receives from the source, by receipt handle
	hides     *Event               // the latest that hides it
}

func newLateness(events []Event, source string) *lateness {
	l := &lateness{source: source, received: map[string]*laneMark{}}
	for i := range events {
		if e := &events[i]; e.Op == OpDelete && e.Queue == source && e.Outcome == OK && !e.Stale {
			l.processed = e.Seq
			break
		}
	}
	return l
}

// see remembers an event and its mark.
func (l *lateness) see(e *Event, m *laneMark) {
	if e.Queue != l.source || e.Outcome != OK {
		return
	}
	switch e.Op {
	case OpReceive:
		l.received[e.Handle], l.hides = m, e
	case OpVisibility:
		l.hides = e
	case OpDelete, OpSend:
		l.hides = nil
	}
}

// early says whether a receive returned the message while it was hidden.
func (l *lateness) early(e *Event) bool {
	return l.hides != nil && e.Return.Before(l.hides.HiddenUntil) && e.certainlyAfter(l.hides)
}

// acknowledge makes m the mark of a delete with a stale handle.
func (l *lateness) acknowledge(m *laneMark, e *Event) {
	m.glyph, m.title = glyphStale, "acknowledged too late"
	again := l.processed > 0 && l.processed < e.Seq
	if again {
		m.glyph, m.title = glyphAgain, "acknowledged a second time"
	}
	if m.of = l.received[e.Handle]; m.of != nil {
		m.title += fmt.Sprintf(", by the consumer of receive %s, whose visibility timeout had lapsed", m.of.label)
	} else {
		m.title += ", with a stale receipt handle"
	}
	switch {
	case e.Outcome == Failed && !again:
		m.title += fmt.Sprintf(": refused, so that it stays (%s)", printable(e.Error))
	case e.Outcome != OK:
		m.title += fmt.Sprintf(": %s %s", printable(string(e.Outcome)), printable(e.Error))
	case again:
		m.title += ": another had processed it already"
	default:
		m.title += ": that removes nothing, for the message has moved on"
	}
}
