package dlqtest

import (
	"fmt"
	"slices"
)

// messageGroup is messages that fared alike, so that reports of thousands can be read.
type messageGroup struct {
	first  MessageReport
	n      int
	blamed bool // a blamed message stands alone
}

// groupMessages groups messages by how their consumers failed and what became of them.
// Those that a verdict complains of stand alone; of the others, the largest groups come
// first.
func (r Report) groupMessages() (alone, alike []messageGroup) {
	blamed := r.blamed()
	place := map[string]int{}
	for _, m := range r.Messages {
		if blamed[m.name()] {
			alone = append(alone, messageGroup{m, 1, true})
			continue
		}
		like := fmt.Sprintf("%s\n%s\n%s", m.Fault, m.received(), m.end(false))
		i, ok := place[like]
		if !ok {
			place[like] = len(alike)
			alike = append(alike, messageGroup{m, 1, false})
			continue
		}
		alike[i].n++
	}
	slices.SortStableFunc(alike, func(a, b messageGroup) int { return b.n - a.n })
	return alone, alike
}

// listed is how messages are listed: each by itself, in order of sending, if there are
// so few; else those that a verdict complains of, then groups of the others, but so many
// in all at most. left says how many messages are then not listed.
func (r Report) listed(few, most int) (groups []messageGroup, left int) {
	if len(r.Messages) <= few {
		blamed := r.blamed()
		for _, m := range r.Messages {
			groups = append(groups, messageGroup{m, 1, blamed[m.name()]})
		}
		return groups, 0
	}
	alone, alike := r.groupMessages()
	alone = alone[:min(len(alone), most-min(len(alike), most/4))]
	alike = alike[:min(len(alike), most-len(alone))]
	groups = slices.Concat(alone, alike)
	left = len(r.Messages)
	for _, g := range groups {
		left -= g.n
	}
	return groups, left
}

// lost are the messages that the proof found to be lost.
func (r Report) lost() map[messageName]bool {
	lost := map[messageName]bool{}
	for _, v := range r.Verdicts {
		if v.Status != Violated || v.Invariant != Conserved {
			continue
		}
		for _, f := range v.Findings {
			lost[messageName{f.Key, f.MessageID}] = true
		}
	}
	return lost
}

// tally counts what became of the messages that the proof sent.
type tally struct{ sent, deadLettered, processed, redriven int }

func (r Report) tally() tally {
	var t tally
	for _, m := range r.Messages {
		if m.Key == "" {
			continue
		}
		t.sent++
		if m.DeadLettered != nil {
			t.deadLettered++
		}
		if m.Processed != nil {
			t.processed++
		}
		if m.Redriven != nil {
			t.redriven++
		}
	}
	return t
}
