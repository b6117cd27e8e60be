package dlqtest

import (
	"strings"
	"time"
)

func checkIntact(l *lifelines) Verdict {
	j := &judge{invariant: Intact}
	seen := 0
	for _, m := range l.messages {
		if m.sent == nil {
			continue
		}
		for _, e := range m.receives {
			checkContent(j, m, e, "the source queue")
			checkConstant(j, l, m, m.receives[0], e)
			if l.FIFO && m.sent.Outcome == OK && (e.Sequence != m.sent.Sequence || e.DedupID != m.sent.DedupID) {
				j.violated(m, "has sequence number %q and deduplication id %q in the source queue; %q and %q were sent", e.Sequence, e.DedupID, m.sent.Sequence, m.sent.DedupID)
			}
		}
		for _, e := range m.landings {
			seen++
			checkContent(j, m, e, "the DLQ")
			if len(m.receives) > 0 {
				checkKept(j, l, m, m.receives[len(m.receives)-1], e)
			}
		}
	}
	if l.FIFO {
		checkOrder(j, l)
	}
	if seen == 0 {
		j.unknown(nil, "no message was seen in the DLQ")
	}
	what := "id, body, attributes and trace header"
	if l.FIFO {
		what = "id, body, attributes, trace header, group and order"
	}
	return j.verdict("%s are what was sent", what)
}

// checkContent compares a received message with the one sent.
func checkContent(j *judge, m *lifeline, e *Event, where string) {
	if e.MessageID != m.id {
		j.violated(m, "has id %s in %s", e.MessageID, where)
	}
	if what := difference(m.sent, e); what != "" {
		j.violated(m, "has another %s in %s than was sent", what, where)
	}
	if e.BadMD5 != "" {
		j.violated(m, "the MD5 digest of its %s, as %s states it, is wrong", e.BadMD5, where)
	}
}

// difference names what differs between two sights of a message, empty if nothing does.
func difference(a, b *Event) string {
	var parts []string
	if a.Body != b.Body {
		parts = append(parts, "body")
	}
	if a.Attributes != b.Attributes {
		parts = append(parts, "set of attributes")
	}
	if a.Group != b.Group {
		parts = append(parts, "group")
	}
	return strings.Join(parts, " and ")
}

// checkConstant compares what only receives tell, and every receive from the source tells
// alike, if it was recorded. AWS calls the time of the first receive approximate.
func checkConstant(j *judge, l *lifelines, m *lifeline, first, e *Event) {
	differ := func(a, b time.Time) bool { return !a.IsZero() && !b.IsZero() && !a.Equal(b) }
	if differ(first.Sent, e.Sent) {
		j.violated(m, "was sent at %s by its receive at %s, at %s by that at %s", clockTime(first.Sent), clockTime(first.Return), clockTime(e.Sent), clockTime(e.Return))
	}
	if l.strict() && differ(first.FirstReceived, e.FirstReceived) {
		j.violated(m, "was first received at %s by its receive at %s, at %s by that at %s", clockTime(first.FirstReceived), clockTime(first.Return), clockTime(e.FirstReceived), clockTime(e.Return))
	}
	if e.Sender != first.Sender && e.Sender != "" && first.Sender != "" {
		j.violated(m, "was sent by %q by its receive at %s, by %q by that at %s", first.Sender, clockTime(first.Return), e.Sender, clockTime(e.Return))
	}
}

// checkKept compares what the last receive from the source told with what the DLQ tells. A
// standard queue's DLQ keeps the time of sending, by which retention goes on counting; in a
// FIFO queue's the message counts as sent when it is moved (Amazon SQS Developer Guide,
// "Understanding message retention periods for dead-letter queues").
func checkKept(j *judge, l *lifelines, m *lifeline, source, dlq *Event) {
	switch {
	case !l.FIFO && !source.Sent.Equal(dlq.Sent):
		j.violated(m, "was sent at %s by the source queue, at %s by the DLQ", clockTime(source.Sent), clockTime(dlq.Sent))
	case l.FIFO && l.strict() && !dlq.Sent.IsZero() && dlq.Sent.Add(unremarkable).Before(source.Call.Add(l.skew())):
		j.violated(m, "was sent at %s by the DLQ, before it was received from the source queue at %s: in a FIFO DLQ it counts as sent when it is moved", clockTime(dlq.Sent), clockTime(source.Call))
	}
	if l.strict() && source.Sender != dlq.Sender {
		j.violated(m, "was sent by %q by the source queue, by %q by the DLQ", source.Sender, dlq.Sender)
	}
}

// checkOrder holds a FIFO queue to its order: a message is received only once all that
// were sent before it to its group are processed or dead-lettered, and the DLQ, too,
// gives a group's messages in that order.
func checkOrder(j *judge, l *lifelines) {
	ahead := map[string][]*lifeline{} // messages of a group, in order of sending
	lastLanding := map[string]*lifeline{}
	for _, m := range l.messages {
		if m.sent == nil {
			continue
		}
		group := m.sent.Group
		for _, e := range m.receives {
			for _, earlier := range ahead[group] {
				if !earlier.outOfTheWay(l, e) {
					j.violated(m, "was received at %s, while %s, sent before it to group %s, was still to be processed", clockTime(e.Call), earlier.key, group)
				}
			}
		}
		ahead[group] = append(ahead[group], m)
		if len(m.landings) > 0 {
			if last := lastLanding[group]; last != nil && last.landings[0].Seq > m.landings[0].Seq {
				j.violated(m, "was received from the DLQ before %s, which was sent before it to group %s", last.key, group)
			}
			lastLanding[group] = m
		}
	}
}

// outOfTheWay says whether the message may have been processed, or received as often as
// allowed, before the receive e of another ended.
func (m *lifeline) outOfTheWay(l *lifelines, e *Event) bool {
	if done := m.processed(); done != nil && !done.certainlyAfter(e) {
		return true
	}
	for _, r := range m.receives {
		if r.ReceiveCount >= l.MaxReceiveCount && !r.certainlyAfter(e) {
			return true
		}
	}
	return len(m.landings) > 0 && len(m.receives) < l.MaxReceiveCount && l.unseenSince(m.sent.Seq) > 0 // its last receives' answers were lost
}
