package dlqtest

import (
	"fmt"
	"slices"
	"time"
)

// Check judges a history, and nothing else: it is a pure function. It returns a verdict
// for each invariant that the history's header asks for.
func Check(h *History) []Verdict {
	l := sortByMessage(h)
	verdicts := []Verdict{
		checkExact(l), checkDeadLettered(l), checkIntact(l), checkSpared(l), checkConserved(l), checkIsolated(l),
	}
	if h.Alarm != "" {
		verdicts = append(verdicts, checkAlarmed(l))
	}
	if !h.KeepDLQ {
		verdicts = append(verdicts, checkRedriven(l))
	}
	return verdicts
}

// Proven says whether every verdict is that the invariant held.
func Proven(verdicts []Verdict) bool {
	return len(verdicts) > 0 && !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Status != Held })
}

func checkExact(l *lifelines) Verdict {
	j := &judge{invariant: Exact}
	n := l.MaxReceiveCount
	drained := l.drained(l.SourceARN, false)
	for _, m := range l.messages {
		if m.sent == nil {
			continue
		}
		last, seq := checkCounts(j, l, m)
		if !m.fails(n) || m.processed() != nil {
			continue
		}
		switch {
		case last >= n && drained != nil && drained.Seq > seq:
		case last >= n:
			j.unknown(m, "whether receive %d would return it is not known: the source queue was not drained after receive %d", n+1, n)
		case m.perhapsProcessed():
			j.unknown(m, "of %d receives the consumers saw %d, and the answer to an acknowledgement was lost", n, last)
		case l.unseenSince(seq) >= n-last:
			j.note(m, "receives %d to %d were not seen: their answers were lost", last+1, n)
		case !l.strict() && last > 0, drained == nil || drained.Seq < seq:
			j.unknown(m, "of %d receives the consumers saw %d", n, last)
		case last == 0:
			j.violated(m, "was never received from the source queue")
		default:
			j.violated(m, "was received %s, not %d times", times(last), n)
		}
	}
	checkOffered(j, l)
	doomed := l.doomed()
	if len(doomed) == 0 {
		j.unknown(nil, "no message was sent that must fail %d times", n)
	}
	return j.verdict("%s received exactly %s each, and never again", count(len(doomed), "poison message"), times(n))
}

// checkCounts holds a message's receives to the numbers 1, 2, 3 … and returns the last
// number and its place in the history. A number may be missing where the answer of a
// receive was lost, and on AWS.
func checkCounts(j *judge, l *lifelines, m *lifeline) (last, seq int) {
	hidden := m.sent // the latest event that hides the message
	seq = m.sent.Seq
	for _, e := range m.receives {
		switch {
		case e.ReceiveCount > l.MaxReceiveCount:
			j.violated(m, "was received with count %d at %s, though the queue is to allow %d", e.ReceiveCount, clockTime(e.Call), l.MaxReceiveCount)
		case e.ReceiveCount <= last:
			j.violated(m, "was received with count %d after count %d", e.ReceiveCount, last)
		case e.ReceiveCount == last+1:
		case l.unseenBetween(l.SourceARN, seq, e.Seq) >= e.ReceiveCount-last-1:
			j.note(m, "receives before the one with count %d were not seen: their answers were lost", e.ReceiveCount)
		case l.strict():
			j.violated(m, "was received with count %d, but no consumer saw count %d", e.ReceiveCount, e.ReceiveCount-1)
		default:
			j.unknown(m, "a receive before the one with count %d was not seen by a consumer", e.ReceiveCount)
		}
		// a long poll may begin while the message is hidden, but not return it
		if until := m.hiddenUntil(hidden, e); e.Return.Before(until) && e.certainlyAfter(hidden) {
			what := fmt.Sprintf("was received at %s, though it was hidden until %s", clockTime(e.Return), clockTime(until))
			if l.strict() {
				j.violated(m, "%s", what)
			} else {
				j.note(m, "%s: at-least-once delivery", what)
			}
		}
		last, seq, hidden = e.ReceiveCount, e.Seq, e
	}
	return last, seq
}

// hiddenUntil is until when the message was hidden before the receive e: by the receive
// before it, or by a change of its visibility since.
func (m *lifeline) hiddenUntil(before, e *Event) time.Time {
	until := before.HiddenUntil
	for _, v := range m.changes {
		if v.Seq > before.Seq && !v.certainlyAfter(e) && v.Outcome != Failed {
			until = v.HiddenUntil
		}
	}
	return until
}

func checkDeadLettered(l *lifelines) Verdict {
	j := &judge{invariant: DeadLettered}
	n := l.MaxReceiveCount
	drained := l.drained(l.DLQARN, false)
	doomed := l.doomed()
	for _, m := range doomed {
		if len(m.landings) == 0 {
			if drained == nil {
				j.unknown(m, "was not found in the DLQ, which was not read to its end")
			} else {
				j.violated(m, "never reached the DLQ")
			}
			continue
		}
		first := m.landings[0]
		switch {
		case first.ReceiveCount == n+1:
		case first.ReceiveCount > n && (!l.strict() || l.unseenBetween(l.DLQARN, 0, first.Seq) >= first.ReceiveCount-n-1):
			j.note(m, "its first receive from the DLQ that this consumer saw had count %d rather than %d", first.ReceiveCount, n+1)
		default:
			j.violated(m, "its first receive from the DLQ had count %d, not %d", first.ReceiveCount, n+1)
		}
		if first.Source != l.SourceARN {
			j.violated(m, "names %q as its source queue, not %s", first.Source, l.SourceARN)
		}
		for i, again := range m.landings[1:] {
			if !again.Return.Before(m.landings[i].HiddenUntil) && !m.landings[i].HiddenUntil.IsZero() {
				continue // it had become visible again
			}
			what := fmt.Sprintf("was received from the DLQ again at %s, while its first receive had it hidden", clockTime(again.Call))
			if l.strict() {
				j.violated(m, "%s", what)
			} else {
				j.note(m, "%s", what)
			}
		}
	}
	if len(doomed) == 0 {
		j.unknown(nil, "no message was sent that must be dead-lettered")
	}
	return j.verdict("each stands in the DLQ once, with receive count %d, naming its source", n+1)
}

func checkSpared(l *lifelines) Verdict {
	j := &judge{invariant: Spared}
	spared := 0
	for _, m := range l.messages {
		if m.sent == nil || m.fails(l.MaxReceiveCount) {
			continue
		}
		spared++
		switch {
		case len(m.landings) == 0:
		case len(m.receives) < l.MaxReceiveCount && l.unseenSince(m.sent.Seq) >= l.MaxReceiveCount-len(m.receives):
			j.unknown(m, "is in the DLQ, but answers of receives were lost, which count as failures")
		default:
			j.violated(m, "is in the DLQ, though its consumer (%s) succeeds on receive %d of %d", m.sent.Fault, m.sent.Fails+1, l.MaxReceiveCount)
		}
	}
	if spared == 0 {
		j.unknown(nil, "no message was sent that can be processed")
	}
	if l.drained(l.DLQARN, false) == nil {
		j.unknown(nil, "the DLQ was not read to its end")
	}
	return j.verdict("none of %s that can be processed reached the DLQ", count(spared, "message"))
}

func checkConserved(l *lifelines) Verdict {
	j := &judge{invariant: Conserved}
	drained := l.drained(l.SourceARN, false) != nil && l.drained(l.DLQARN, false) != nil
	sent := 0
	for _, m := range l.messages {
		if m.sent == nil {
			continue
		}
		sent++
		done, landed := m.processed(), len(m.landings) > 0
		switch {
		case done != nil && landed:
			j.violated(m, "was acknowledged at %s and is in the DLQ as well", clockTime(done.Return))
		case done != nil || landed:
		case m.sent.Outcome == Unknown:
			j.unknown(m, "whether it was sent is not known, and it was not seen again")
		case m.perhapsProcessed():
			j.unknown(m, "is gone, but the answer to its acknowledgement was lost")
		case !drained:
			j.unknown(m, "was neither acknowledged nor found in the DLQ, but the queues were not read to their end")
		default:
			j.violated(m, "is lost: it was neither acknowledged nor is it in the DLQ")
		}
		if done == nil {
			continue
		}
		for _, e := range m.receives {
			if !e.certainlyAfter(done) {
				continue
			}
			if l.strict() {
				j.violated(m, "was received again at %s, after it had been acknowledged at %s", clockTime(e.Call), clockTime(done.Return))
			} else {
				j.note(m, "was delivered again at %s, after it had been acknowledged: at-least-once delivery", clockTime(e.Call))
			}
		}
	}
	checkNothingTaken(j, l)
	if sent == 0 {
		j.unknown(nil, "nothing was sent")
	}
	return j.verdict("each of %s ended in exactly one place", count(sent, "message"))
}

// checkNothingTaken holds the DLQ to what it has: before the redrive nothing is taken out
// of it, not by an acknowledgement either that comes when its message was moved. AWS's
// counts are approximate.
func checkNothingTaken(j *judge, l *lifelines) {
	if !l.strict() {
		return
	}
	var before *Event
	for i := range l.Events {
		e := &l.Events[i]
		if l.redrive != nil && e.Seq > l.redrive.Seq {
			return
		}
		if e.Queue != l.DLQARN || e.Op != OpDrain && (e.Op != OpDepth || e.Outcome != OK) {
			continue
		}
		if before != nil && e.held() < before.held() {
			j.violated(nil, "the DLQ held %s at %s, but %d at %s, though nothing was taken out of it", count(before.held(), "message"), clockTime(before.Call), e.held(), clockTime(e.Call))
		}
		before = e
	}
}

func checkIsolated(l *lifelines) Verdict {
	j := &judge{invariant: Isolated}
	landed := 0
	for _, m := range l.messages {
		if len(m.landings) > 0 {
			landed++
		}
		if m.sent != nil {
			continue
		}
		switch {
		case len(m.landings) > 0:
			j.violated(m, "is in the DLQ, but the proof didn't send it")
		case len(m.receives) > 0:
			j.violated(m, "was received from the source queue, but the proof didn't send it: is somebody else using the queue?")
		}
	}
	if d := l.drained(l.DLQARN, false); d == nil {
		j.unknown(nil, "the DLQ was not read to its end")
	} else if l.strict() && d.held() != landed {
		j.violated(nil, "the DLQ says that it holds %s, but %d could be received", count(d.held(), "message"), landed)
	}
	return j.verdict("nothing else is in the DLQ")
}

func checkRedriven(l *lifelines) Verdict {
	j := &judge{invariant: Redriven}
	if l.redrive == nil {
		for _, e := range l.Events {
			if e.Op == OpRedrive {
				j.violated(nil, "the redrive was refused: %s", e.Error)
			}
		}
		if len(j.violations) == 0 {
			j.unknown(nil, "no redrive was started")
		}
		return j.verdict("")
	}
	drained := l.drained(l.SourceARN, true) != nil && l.drained(l.DLQARN, true) != nil
	for i := range l.Events {
		switch e := &l.Events[i]; {
		case e.Op == OpRedriven && e.Outcome != OK:
			j.violated(nil, "the redrive ended as %s: %s", e.State, e.Error)
		case e.Op == OpDrain && e.Outcome == Failed && e.Queue == l.DLQARN && e.Seq > l.redrive.Seq && l.strict():
			j.violated(nil, "the DLQ %s after the redrive", e.Error)
		}
	}
	back := 0
	for _, m := range l.messages {
		if len(m.landings) == 0 {
			if len(m.returns) > 0 {
				j.violated(m, "was received from the source queue after the redrive, but was not in the DLQ")
			}
			continue
		}
		if len(m.returns) == 0 {
			if drained {
				j.violated(m, "is lost: the redrive did not bring it back to the source queue")
			} else {
				j.unknown(m, "did not come back, but the queues were not read to their end")
			}
			continue
		}
		back++
		first, landing := m.returns[0], m.landings[0]
		if first.ReceiveCount != 1 && l.strict() && l.unseenBetween(l.SourceARN, l.redrive.Seq, first.Seq) < first.ReceiveCount-1 {
			j.violated(m, "came back with receive count %d, not 1", first.ReceiveCount)
		}
		if what := difference(first, landing); what != "" {
			j.violated(m, "came back with another %s than it had in the DLQ", what)
		}
		if l.strict() && !first.Sent.IsZero() && first.Sent.Add(unremarkable).Before(l.redrive.Call.Add(l.skew())) {
			j.violated(m, "came back as sent at %s, before the redrive at %s: a redriven message is new, and its retention begins anew", clockTime(first.Sent), clockTime(l.redrive.Call))
		}
		for _, again := range m.returns[1:] {
			if l.strict() {
				j.violated(m, "came back twice: again at %s", clockTime(again.Call))
			} else {
				j.note(m, "was delivered twice after the redrive: at-least-once delivery")
			}
		}
		if firstOK(m.settled) == nil {
			j.unknown(m, "came back, but was not acknowledged")
		}
	}
	if l.FIFO && l.strict() {
		checkOrderOfReturn(j, l)
	}
	if back == 0 && len(j.violations) == 0 {
		j.unknown(nil, "there was nothing to redrive")
	}
	if !drained {
		j.unknown(nil, "the queues were not read to their end after the redrive")
	}
	return j.verdict("%s came back to the source once, unchanged, and the DLQ is empty", count(back, "message"))
}

// checkOrderOfReturn holds a redrive to the order of a FIFO DLQ: it begins with the oldest
// message (Amazon SQS Developer Guide, "Configure a dead-letter queue redrive"), so that a
// group's messages come back in the order in which they were dead-lettered.
func checkOrderOfReturn(j *judge, l *lifelines) {
	last := map[string]*lifeline{} // by group, that came back last of those dead-lettered so far
	landed := slices.DeleteFunc(slices.Clone(l.messages), func(m *lifeline) bool { return len(m.landings) == 0 || len(m.returns) == 0 })
	slices.SortFunc(landed, func(a, b *lifeline) int { return a.landings[0].Seq - b.landings[0].Seq })
	for _, m := range landed {
		group := m.landings[0].Group
		if before := last[group]; before != nil && before.returns[0].Seq > m.returns[0].Seq {
			j.violated(m, "came back before %s, which stood before it in group %s of the DLQ", before.key, group)
			continue
		}
		last[group] = m
	}
}
