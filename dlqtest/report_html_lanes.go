package dlqtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// glyph is what a mark on a timeline looks like.
type glyph int

const (
	glyphSent glyph = iota
	glyphReceive
	glyphNack
	glyphExtend
	glyphDelete
	glyphStale // a delete with a stale receipt handle, of a message that stays
	glyphAgain // the same, of one that was processed already
	glyphMove
	glyphDLQReceive
	glyphRedrive
	glyphReturned // a receive from the source queue after the redrive
	glyphFailed   // an operation that failed, or whose outcome is unknown
	glyphDrained
	glyphRedriveTask
	glyphAlarm
	glyphPhase
)

// laneMark is a mark in a lane.
type laneMark struct {
	mark
	glyph glyph
	inDLQ bool      // in the lane's lower row
	label string    // e.g. a receive count
	until time.Time // when it becomes visible again; zero if that isn't known
	title string    // what it is, in words
	// before is when it would have become visible again, had it not been hidden for longer.
	before time.Time
	of     *laneMark // the receive whose handle a late acknowledgement has
	early  bool      // a receive while an earlier one had it hidden
}

// lane is a message's line in a timeline.
type lane struct {
	group  messageGroup
	anchor string
	marks  []*laneMark
	dead   bool // it needs the DLQ's row
	lost   bool
}

// timeline is a history as it is drawn.
type timeline struct {
	h       *History
	lanes   []*lane
	source  []*laneMark // what was learned of the source queue
	dlq     []*laneMark
	trouble []*laneMark // failures that are about neither queue
	alarm   []*laneMark // transitions
	notices []*laneMark // notifications
	phases  []*laneMark
	axis    *axis

	redrive  *Event
	receives []*Event      // of the source queue, also those that returned nothing
	hides    time.Duration // about how long a receive hides a message
}

// newTimeline lays out the groups' first messages.
func newTimeline(r Report, groups []messageGroup, anchor func(i int) string) *timeline {
	t := &timeline{h: r.history}
	index := indexEvents(r.history, r.Messages)
	t.survey()
	lost := r.lost()
	for i, g := range groups {
		events := index[g.first.name()]
		t.hides = shorter(t.hides, hideTime(events, r.Source))
		t.lanes = append(t.lanes, &lane{group: g, anchor: anchor(i), lost: lost[g.first.name()]})
	}
	for i, l := range t.lanes {
		row := fmt.Sprint("lane ", i)
		if r.FIFO && l.group.first.Group != "" {
			row = "group " + l.group.first.Group // in order within the group
		}
		t.fill(l, index[l.group.first.name()], row)
	}
	if r.FIFO {
		sortByGroup(t.lanes)
	}
	if r.Alarm != nil {
		t.fillAlarm(r.Alarm)
	}
	var all []*mark
	for _, marks := range append([][]*laneMark{t.phases, t.alarm, t.source, t.dlq, t.trouble}, t.laneMarks()...) {
		for _, m := range marks {
			all = append(all, &m.mark)
		}
	}
	t.axis = newAxis(all)
	for _, m := range t.notices {
		m.x = t.axis.at(m.at)
	}
	return t
}

func (t *timeline) laneMarks() [][]*laneMark {
	all := make([][]*laneMark, len(t.lanes))
	for i, l := range t.lanes {
		all[i] = l.marks
	}
	return all
}

// sortByGroup puts the lanes of a message group next to each other.
func sortByGroup(lanes []*lane) {
	first := map[string]int{}
	for i, l := range lanes {
		if _, ok := first[l.group.first.Group]; !ok {
			first[l.group.first.Group] = i
		}
	}
	slices.SortStableFunc(lanes, func(a, b *lane) int { return first[a.group.first.Group] - first[b.group.first.Group] })
}

// survey collects what isn't about a message.
func (t *timeline) survey() {
	phase := ""
	for i := range t.h.Events {
		e := &t.h.Events[i]
		if e.Phase != phase && e.Phase != "" {
			phase = e.Phase
			t.phases = append(t.phases, &laneMark{mark: mark{at: e.Call, seq: e.Seq, row: "phase", apart: true}, glyph: glyphPhase, label: phase})
		}
		if e.Op == OpReceive && e.Queue == t.h.SourceARN {
			t.receives = append(t.receives, e)
		}
		if m := t.queueMark(e); m != nil {
			switch e.Queue {
			case t.h.DLQARN:
				t.dlq = append(t.dlq, m)
			case t.h.SourceARN:
				t.source = append(t.source, m)
			default:
				t.trouble = append(t.trouble, m)
			}
		}
		if e.Op == OpRedrive && e.Outcome != Failed {
			t.redrive = e
		}
	}
}

// queueMark is the mark of an event that is about a queue, nil of any other.
func (t *timeline) queueMark(e *Event) *laneMark {
	m := &laneMark{mark: mark{at: e.Return, seq: e.Seq, row: "queues", apart: true}}
	name := printable(arnName(e.Queue))
	held := count(e.Visible+e.InFlight+e.Delayed, "message")
	switch {
	case e.Op == OpDrain && e.Outcome == OK:
		m.glyph, m.title = glyphDrained, fmt.Sprintf("%s was read to its end; it says that it holds %s", name, held)
	case e.Op == OpRedrive && e.Outcome == OK:
		m.glyph, m.title = glyphRedriveTask, "a redrive of "+name+" to its source was started"
	case e.Op == OpRedriven && e.Outcome == OK:
		m.glyph, m.title = glyphDrained, "the redrive of "+name+" was completed"
	case e.Op == OpDrain || e.Op == OpRedrive || e.Op == OpRedriven || e.Outcome != OK && e.MessageID == "" && e.Key == "":
		m.glyph, m.title = glyphFailed, fmt.Sprintf("%s %s: %s %s", printable(string(e.Op)), name, printable(string(e.Outcome)), printable(e.Error))
	default:
		return nil
	}
	m.title += t.when(e.Return)
	return m
}

// fill puts the message's events into its lane. It adds what nobody sees, but must have
// been: the move into the DLQ, and back.
func (t *timeline) fill(l *lane, events []Event, row string) {
	add := func(at time.Time, seq int, m laneMark) *laneMark {
		m.mark = mark{at: at, seq: seq, row: row}
		l.marks = append(l.marks, &m)
		l.dead = l.dead || m.inDLQ
		return &m
	}
	var last *Event // its last receive from the source, and what was done with it
	late := newLateness(events, t.h.SourceARN)
	moved, back := false, false
	for i := range events {
		e := &events[i]
		inDLQ := e.Queue == t.h.DLQARN
		redriven := t.redrive != nil && e.Seq > t.redrive.Seq
		if e.Op == OpReceive && inDLQ && last != nil && !moved {
			moved = true
			at, seq := t.moveTime(last, e)
			add(at, seq, laneMark{glyph: glyphMove, inDLQ: true, title: fmt.Sprintf("moved into the DLQ: between %s, when the source queue gave it last, and %s, when it was found there", t.since(last.Return), t.since(e.Return))})
		}
		if e.Op == OpReceive && !inDLQ && redriven && l.dead && !back {
			back = true
			add(t.redrive.Return, t.redrive.Seq, laneMark{glyph: glyphRedrive, title: "redriven to the source queue" + t.when(t.redrive.Return)})
		}
		if !inDLQ && (e.Op == OpReceive || e.Op == OpVisibility || e.Op == OpSend) {
			last = e
		}
		m := laneMark{inDLQ: inDLQ, until: e.HiddenUntil, title: t.words(e)}
		switch {
		case e.Op == OpDelete && e.Stale && !inDLQ && !(e.Outcome == OK && e.Return.Equal(l.processed()) && late.processed == 0):
			late.acknowledge(&m, e)
			m.title += t.when(e.Return)
		case e.Outcome != OK:
			m.glyph = glyphFailed
		case e.Op == OpSend:
			m.glyph = glyphSent
		case e.Op == OpReceive && inDLQ:
			m.glyph, m.label = glyphDLQReceive, fmt.Sprint(e.ReceiveCount)
		case e.Op == OpReceive && redriven:
			m.glyph, m.label = glyphReturned, fmt.Sprint(e.ReceiveCount)
		case e.Op == OpReceive:
			m.glyph, m.label = glyphReceive, fmt.Sprint(e.ReceiveCount)
			if m.early = late.early(e); m.early {
				m.title += fmt.Sprintf("; though it was hidden for another %s", span(late.hides.HiddenUntil.Sub(e.Return)))
			}
		case e.Op == OpDelete:
			m.glyph = glyphDelete
		case e.Op == OpVisibility && e.Duration <= 0:
			m.glyph = glyphNack
		case e.Op == OpVisibility:
			m.glyph = glyphExtend
			if late.hides != nil {
				m.before = late.hides.HiddenUntil
			}
		default:
			continue
		}
		late.see(e, add(e.Return, e.Seq, m))
	}
	slices.SortStableFunc(l.marks, func(a, b *laneMark) int { return cmp.Or(a.at.Compare(b.at), a.seq-b.seq) })
	routine := func(i int) bool {
		return i >= 0 && i < len(l.marks) && slices.Contains([]glyph{glyphReceive, glyphNack, glyphExtend, glyphStale}, l.marks[i].glyph) && !l.marks[i].early
	}
	for i, m := range l.marks {
		m.dull = routine(i) && routine(i-1) && routine(i+1)
	}
}

// processed is when the message was acknowledged, zero if it wasn't.
func (l *lane) processed() time.Time {
	if at := l.group.first.Processed; at != nil {
		return *at
	}
	return time.Time{}
}

// moveTime is about when the message was moved into the DLQ, where it was found: at the
// first receive from the source queue that can't have found it hidden. Nobody sees the
// move itself.
func (t *timeline) moveTime(last, found *Event) (at time.Time, seq int) {
	hidden := time.Duration(0)
	if last.Op == OpReceive {
		hidden = max(t.hides*9/10, time.Nanosecond)
	}
	i, _ := slices.BinarySearchFunc(t.receives, last.Seq+1, func(e *Event, seq int) int { return e.Seq - seq })
	for _, e := range t.receives[i:] {
		if e.Seq > found.Seq {
			break
		}
		if last.HiddenUntil.IsZero() && e.Return.Sub(last.Return) >= hidden || !last.HiddenUntil.IsZero() && !e.Return.Before(last.HiddenUntil) {
			return e.Return, e.Seq
		}
	}
	return found.Return, found.Seq
}

// hideTime is the shortest time between two receives of a message that nobody gave back:
// its visibility timeout, or a little more. It is 0 if nothing tells.
func hideTime(events []Event, source string) time.Duration {
	shortest := time.Duration(0)
	var last *Event
	for i := range events {
		e := &events[i]
		if e.Op == OpReceive && e.Queue == source {
			if last != nil {
				shortest = shorter(shortest, e.Return.Sub(last.Return))
			}
			last = e
		} else {
			last = nil
		}
	}
	return shortest
}

// shorter is the shorter of two durations, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (t *timeline) fillAlarm(a *AlarmReport) {
	at := func(when time.Time) time.Time {
		if when.Before(t.h.Started) {
			return t.h.Started
		}
		return when
	}
	for i, tr := range a.Transitions {
		t.alarm = append(t.alarm, &laneMark{
			mark: mark{at: at(tr.At), seq: i, row: "alarm"}, glyph: glyphAlarm, label: printable(tr.State),
			title: printable(tr.State) + t.when(tr.At) + ": " + printable(tr.Reason),
		})
	}
	for _, n := range a.Notifications {
		t.notices = append(t.notices, &laneMark{
			mark: mark{at: at(n.At)}, label: printable(n.To),
			title: fmt.Sprintf("notification: %s -> %s", printable(n.From), printable(n.To)) + t.when(n.At),
		})
	}
}

// words say what an event of a message is.
func (t *timeline) words(e *Event) string {
	text := strings.TrimSpace(e.text())
	switch where := printable(arnName(e.Queue)); {
	case e.Outcome != OK:
	case e.Op == OpSend:
		text = "sent to " + where
	case e.Op == OpReceive:
		text = fmt.Sprintf("received from %s with receive count %d", where, e.ReceiveCount)
	case e.Op == OpDelete:
		text = "processed: deleted from " + where
	case e.Op == OpVisibility && e.Duration <= 0:
		text = "given back to " + where + " (visibility timeout 0)"
	case e.Op == OpVisibility:
		text = fmt.Sprintf("heartbeat: hidden in %s for another %s", where, span(e.Duration))
	}
	if e.Outcome == OK {
		text += e.circumstances()
	}
	return text + t.when(e.Return)
}

func (t *timeline) when(at time.Time) string { return ", " + t.since(at) }

// since is how long after the proof's beginning an instant is.
func (t *timeline) since(at time.Time) string { return elapsed(at.Sub(t.h.Started)) }

// elapsed writes a time from the start of a proof in its two largest units.
func elapsed(d time.Duration) string {
	if d <= -time.Second/10 {
		return "−" + span(-d)
	}
	return "+" + span(max(d, 0))
}

// span writes a length of time in its two largest units: 12 h, 2 d 3 h, 1.5 s.
func span(d time.Duration) string {
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	}
	if d < time.Minute {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	}
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.size, u.name)
		if i+1 < len(units) && d%u.size >= units[i+1].size {
			text += fmt.Sprintf(" %d %s", d%u.size/units[i+1].size, units[i+1].name)
		}
		return text
	}
	return "0 s"
}
