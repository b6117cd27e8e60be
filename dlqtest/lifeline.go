package dlqtest

import (
	"slices"
	"time"
)

// lifeline is what a history says of one message.
type lifeline struct {
	key  string
	id   string // MessageId as sent; of a message that wasn't sent, as received
	sent *Event // nil if the proof didn't send it

	receives []*Event // from the source, before the redrive
	changes  []*Event // of its visibility at the source, before the redrive
	deletes  []*Event // from the source, before the redrive
	landings []*Event // receives from the DLQ, before the redrive
	returns  []*Event // receives from the source, after the redrive
	settled  []*Event // deletes from the source, after the redrive
}

// fails says whether the message can't be processed in so many receives.
func (m *lifeline) fails(maxReceiveCount int) bool {
	return m.sent != nil && (m.sent.Fails == Always || m.sent.Fails >= maxReceiveCount)
}

// processed returns the event by which the message was acknowledged at the source, nil
// if it wasn't. A delete with a stale handle counts if the message was never seen again:
// SQS doesn't promise either.
func (m *lifeline) processed() *Event {
	var stale *Event
	for _, e := range m.deletes {
		if e.Outcome != OK {
			continue
		}
		if !e.Stale {
			return e
		}
		stale = e
	}
	if stale == nil || len(m.landings) > 0 || len(m.receives) > 0 && m.receives[len(m.receives)-1].Seq > stale.Seq {
		return nil
	}
	return stale
}

// perhapsProcessed says whether an acknowledgement was sent whose answer never came.
func (m *lifeline) perhapsProcessed() bool {
	return slices.ContainsFunc(m.deletes, func(e *Event) bool { return e.Outcome == Unknown })
}

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
	unseen   []*Event    // receives of which answers may have been lost
}

func sortByMessage(h *History) *lifelines {
	l := &lifelines{History: h}
	byID, byKey := map[string]*lifeline{}, map[string][]*lifeline{}
	add := func(e *Event) *lifeline {
		m := &lifeline{key: e.Key, id: e.MessageID}
		l.messages = append(l.messages, m)
		if m.id != "" {
			byID[m.id] = m
		}
		if m.key != "" {
			byKey[m.key] = append(byKey[m.key], m)
		}
		return m
	}
	drained := false // the source was, since the last message was sent
	// line finds the message that was seen. An id that was never sent is another sight of
	// the one with its key; unless the send was repeated, or its answer lost: then the
	// message may exist twice, and each has an id of its own.
	line := func(e *Event) *lifeline {
		if m := byID[e.MessageID]; m != nil {
			return m
		}
		candidates := byKey[e.Key]
		if e.Key == "" || len(candidates) == 0 {
			return add(e)
		}
		if l.redrive != nil {
			for _, m := range candidates {
				if len(m.returns) == 0 && len(m.landings) > 0 {
					byID[e.MessageID] = m
					return m
				}
			}
			return candidates[0]
		}
		first := candidates[0]
		switch {
		case first.id == "":
			first.id = e.MessageID
		case first.sent != nil && (first.sent.Attempts > 1 || first.sent.Outcome == Unknown):
			twin := add(e)
			twin.sent = first.sent
			return twin
		default:
			return first
		}
		byID[e.MessageID] = first
		return first
	}
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Op == OpRedrive && e.Outcome != Failed:
			l.redrive = e
		case e.Op == OpSend && e.Outcome != Failed:
			add(e).sent = e
			drained = false
		case e.Op == OpDrain && e.Queue == h.SourceARN && e.Outcome == OK:
			drained = true
		case e.Op == OpReceive && e.lost() > 0:
			l.unseen = append(l.unseen, e)
		}
		if e.MessageID == "" {
			continue
		}
		switch {
		case e.Op == OpReceive && e.Queue == h.DLQARN && l.redrive == nil:
			m := line(e)
			m.landings = append(m.landings, e)
		case e.Op == OpReceive && e.Queue == h.SourceARN && l.redrive == nil:
			m := line(e)
			m.receives = append(m.receives, e)
		case e.Op == OpReceive && e.Queue == h.SourceARN:
			m := line(e)
			m.returns = append(m.returns, e)
		case e.Op == OpVisibility && e.Queue == h.SourceARN && l.redrive == nil:
			m := line(e)
			m.changes = append(m.changes, e)
		case e.Op == OpDelete && e.Queue == h.SourceARN && l.redrive == nil:
			// a stale handle can't acknowledge what has left the queue
			if m := line(e); !e.Stale || !drained {
				m.deletes = append(m.deletes, e)
			}
		case e.Op == OpDelete && e.Queue == h.SourceARN:
			m := line(e)
			m.settled = append(m.settled, e)
		}
	}
	return l
}

// lost is how many receives the operation may have made whose answers were lost.
func (e *Event) lost() int {
	if e.Outcome == Unknown {
		return max(e.Attempts, 1)
	}
	return max(e.Attempts-1, 0)
}

// unseenBetween is how many receives of a message there may have been that no consumer saw,
// because the answer was lost, between two points of the history.
func (l *lifelines) unseenBetween(queue string, from, to int) int {
	n := 0
	for _, e := range l.unseen {
		if e.Queue == queue && e.Seq > from && e.Seq <= to {
			n += e.lost()
		}
	}
	return n
}

// unseenSince is how many receives of a message from the source there may have been that no
// consumer saw, from a point of the history until the source was drained.
func (l *lifelines) unseenSince(from int) int {
	end := len(l.Events)
	if d := l.drained(l.SourceARN, false); d != nil {
		end = d.Seq
	}
	return l.unseenBetween(l.SourceARN, from, end)
}

// strict says whether the ground promises that clients see every receive, once.
func (l *lifelines) strict() bool { return l.Ground != AWS }

// doomed returns the messages that must be dead-lettered.
func (l *lifelines) doomed() []*lifeline {
	var out []*lifeline
	for _, m := range l.messages {
		if m.fails(l.MaxReceiveCount) && m.processed() == nil {
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

// unremarkable is by how much two clocks may differ before that is taken for a skew.
const unremarkable = 5 * time.Second

// skew is how far the queues' clock is ahead of the one that the history was recorded by,
// as the messages' SentTimestamps show. It is nothing if they agree to a few seconds, which
// is how long a send may take.
func (l *lifelines) skew() time.Duration {
	for _, m := range l.messages {
		if m.sent == nil || len(m.receives) == 0 || m.receives[0].Sent.IsZero() {
			continue
		}
		if ahead := m.receives[0].Sent.Sub(m.sent.Return); ahead.Abs() > unremarkable {
			return ahead
		}
		return 0
	}
	return 0
}
