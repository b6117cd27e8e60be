package dlqtest

import "slices"

// lifeline is what a history says of one message.
type lifeline struct {
	key   string
	id    string // MessageId as sent; of a message that wasn't sent, as received
	sent  *Event // nil if the proof didn't send it
	order int    // its place among the messages sent

	receives []*Event // from the source, before the redrive
	deletes  []*Event // from the source, before the redrive
	landings []*Event // receives from the DLQ, before the redrive
	returns  []*Event // receives from the source, after the redrive
	settled  []*Event // deletes from the source, after the redrive
}

// doomed says whether the message can't be processed in so many receives.
func (m *lifeline) doomed(maxReceiveCount int) bool {
	return m.sent != nil && (m.sent.Fails == Always || m.sent.Fails >= maxReceiveCount)
}

// processed returns the event by which the message was acknowledged at the source, nil
// if it wasn't.
func (m *lifeline) processed() *Event { return firstOK(m.deletes) }

func firstOK(events []*Event) *Event {
	if i := slices.IndexFunc(events, func(e *Event) bool { return e.Outcome == OK }); i >= 0 {
		return events[i]
	}
	return nil
}

// lifelines is a history sorted by message.
type lifelines struct {
	*History
	messages []*lifeline // in order of sending, foreign ones last
	redrive  *Event      // nil if there was none
}

func sortByMessage(h *History) *lifelines {
	l := &lifelines{History: h}
	byKey := map[string]*lifeline{}
	line := func(e *Event) *lifeline {
		name := e.Key
		if name == "" {
			name = "id " + e.MessageID
		}
		m := byKey[name]
		if m == nil {
			m = &lifeline{key: e.Key, id: e.MessageID, order: len(l.messages)}
			byKey[name] = m
			l.messages = append(l.messages, m)
		}
		return m
	}
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Op == OpRedrive && e.Outcome != Failed:
			l.redrive = e
		case e.Op == OpSend && e.Outcome != Failed:
			m := line(e)
			m.sent = e
		case e.Op == OpReceive && e.MessageID != "":
			m := line(e)
			switch {
			case e.Queue == h.DLQARN && l.redrive == nil:
				m.landings = append(m.landings, e)
			case e.Queue == h.SourceARN && l.redrive == nil:
				m.receives = append(m.receives, e)
			case e.Queue == h.SourceARN:
				m.returns = append(m.returns, e)
			}
		case e.Op == OpDelete && e.Queue == h.SourceARN && e.MessageID != "":
			m := line(e)
			if l.redrive == nil {
				m.deletes = append(m.deletes, e)
			} else {
				m.settled = append(m.settled, e)
			}
		}
	}
	return l
}

// strict says whether the ground promises that clients see every receive, once.
func (l *lifelines) strict() bool { return l.Ground != AWS }

// doomed returns the messages that must be dead-lettered.
func (l *lifelines) doomed() []*lifeline {
	var out []*lifeline
	for _, m := range l.messages {
		if m.doomed(l.MaxReceiveCount) {
			out = append(out, m)
		}
	}
	return out
}

// drained returns the last drain of the queue before the redrive (or, if after is set,
// after it), nil if it was never seen drained.
func (l *lifelines) drained(queue string, after bool) *Event {
	for i := len(l.Events) - 1; i >= 0; i-- {
		e := &l.Events[i]
		if e.Op == OpDrain && e.Queue == queue && e.Outcome == OK && after == (l.redrive != nil && e.Seq > l.redrive.Seq) {
			return e
		}
	}
	return nil
}

// firstDrain returns the first drain of the source queue in the phase, nil if there was none.
func (l *lifelines) firstDrain(phase string) *Event {
	for i := range l.Events {
		if e := &l.Events[i]; e.Op == OpDrain && e.Phase == phase && e.Queue == l.SourceARN && e.Outcome == OK {
			return e
		}
	}
	return nil
}
