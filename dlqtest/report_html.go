package dlqtest

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// Up to fewMessages are drawn one by one. Of more, those that a verdict complains of are,
// and one of each kind of the others; most is how many lanes there are at most.
const (
	fewMessages = 60
	mostLanes   = 200
	htmlEvents  = 120 // of a message's history
)

// Widths in pixels: of what is left of an A4 page on its side, and of a timeline's labels.
const (
	printWidth = 1040.0
	labelWidth = 216.0
)

var (
	//go:embed report.html.tmpl
	htmlTemplate string
	//go:embed report.html.css
	htmlStyle string
	//go:embed report.html.js
	htmlScript string
)

// WriteHTML writes the reports as one HTML page that needs nothing else: no network, and
// no script except for convenience. It draws every message on a timeline; for that the
// reports must come from Proof.Report, not from JSON.
func WriteHTML(w io.Writer, reports ...Report) error {
	page, err := template.New("report").Parse(htmlTemplate)
	if err != nil {
		return fmt.Errorf("parsing the report's template: %w", err)
	}
	sum := sha256.Sum256([]byte(htmlScript))
	view := htmlPage{
		Style: template.CSS(htmlStyle), Script: template.JS(htmlScript), ScriptHash: base64.StdEncoding.EncodeToString(sum[:]),
	}
	for i, r := range reports {
		view.Queues = append(view.Queues, newHTMLQueue(r, fmt.Sprintf("q%d", i+1)))
		if r.proven() {
			view.Proven++
		}
	}
	out := bufio.NewWriter(w)
	if err := page.Execute(out, view); err != nil {
		return fmt.Errorf("writing a report as HTML: %w", err)
	}
	return out.Flush()
}

// What the template is given.
type (
	htmlPage struct {
		Style      template.CSS
		Script     template.JS
		ScriptHash string
		Proven     int
		Queues     []htmlQueue
	}
	htmlQueue struct {
		ID, Verdict, Source, DLQ, Summary, Error string
		Proven                                   bool
		Facts                                    [][2]string
		Invariants                               []htmlInvariant
		Timeline                                 *htmlTimeline
		NoTimeline                               string // why there is none
		Messages                                 []htmlMessage
		Left                                     string // what isn't listed
		Alarm                                    *htmlAlarm
	}
	htmlInvariant struct {
		Name, Status, Meaning, Summary string
		Findings, Notes                []htmlFinding
		More                           int
	}
	// htmlFinding is said of a message, unless its name is empty.
	htmlFinding struct{ Name, Anchor, Text string }
	// htmlTimeline is the drawing and its labels, which stand beside it so that they stay
	// when it is scrolled.
	htmlTimeline struct {
		Axis, Plot template.HTML
		Labels     []htmlLabel
		FootGap    float64
		Foot       []htmlLabel
		Legend     []htmlLegend
		PrintZoom  float64 // with which it fits on a page
	}
	htmlLegend struct {
		Icon template.HTML
		Text string
	}
	htmlLabel struct {
		Anchor, Title, End, Group string
		Height                    float64
		Blamed                    bool
		Number                    int
	}
	htmlMessage struct {
		Anchor, Name, ID, Consumer, Received, End string
		Blamed                                    bool
		Number                                    int
		Findings                                  []string
		Rows                                      []htmlRow
		NoRows                                    string
	}
	htmlRow struct {
		Elapsed, At, Phase, What, Queue, Detail string
		InDLQ, Bad                              bool
		Left                                    int // events left out here; the rest is empty
	}
	htmlAlarm struct {
		Name string
		Rows []htmlRow
	}
)

func newHTMLQueue(r Report, id string) htmlQueue {
	q := htmlQueue{
		ID: id, Verdict: r.verdict(), Proven: r.proven(), Error: printable(r.Error), Summary: printable(r.summary()),
		Source: printable(or(arnName(r.Source), "unknown queue")), DLQ: printable(or(arnName(r.DLQ), "unknown DLQ")), Facts: r.facts(),
	}
	anchor := func(i int) string { return fmt.Sprintf("%s-m%d", id, i+1) }
	groups, left := r.listed(fewMessages, mostLanes)
	if len(groups) < len(r.Messages) {
		q.Left = fmt.Sprintf("Of %s, those complained of have a lane each; of the others, the first of each kind stands for all that fared alike.", count(len(r.Messages), "message"))
	}
	if left > 0 {
		q.Left += fmt.Sprintf(" That would be too many: %s more were left out.", count(left, "message"))
	}
	anchors := map[messageName]string{}
	for i, g := range groups {
		anchors[g.first.name()] = anchor(i)
	}
	q.judge(r, anchors)
	h := r.history
	switch {
	case h == nil:
		q.NoTimeline = "This report carries no history, so there is no timeline."
		h = &History{Header: Header{SourceARN: r.Source, DLQARN: r.DLQ, Started: r.Started}}
	case len(h.Events) == 0:
		q.NoTimeline = "Nothing happened: the history is empty."
	default:
		q.Timeline = newHTMLTimeline(newTimeline(r, groups, anchor), r)
	}
	index := indexEvents(h, r.Messages)
	findings := r.findings()
	lost := r.lost()
	for i, g := range groups {
		events := index[g.first.name()]
		if r.history == nil {
			events = g.first.Events
		}
		q.Messages = append(q.Messages, htmlMessage{
			Anchor: anchor(i), Name: g.name(), ID: printable(g.first.MessageID), Consumer: g.first.consumer(g.n == 1),
			Received: g.first.received(), End: g.first.end(lost[g.first.name()]), Blamed: g.blamed, Number: g.n,
			Findings: findings[g.first.name()], Rows: htmlRows(h, events),
		})
	}
	if r.Alarm != nil {
		q.Alarm = &htmlAlarm{Name: printable(r.Alarm.Name)}
		for _, l := range r.Alarm.lines() {
			q.Alarm.Rows = append(q.Alarm.Rows, htmlRow{
				Elapsed: elapsed(l.at.Sub(h.Started)), At: clockTime(l.at), What: or(printable(l.state), "✉"), Detail: printable(l.text),
			})
		}
	}
	return q
}

// name is what the messages are called where there is little room.
func (g messageGroup) name() string {
	if g.n > 1 {
		return count(g.n, "message")
	}
	return g.first.name().short()
}

// short is the key without the run's name before it.
func (m messageName) short() string {
	switch _, after, ok := strings.Cut(m.key, "-"); {
	case ok && after != "":
		return printable(after)
	case m.key != "":
		return printable(m.key)
	default:
		return printable(short(m.id))
	}
}

// summary says in a sentence what was found.
func (r Report) summary() string {
	if !r.proven() {
		bad := map[Status]int{}
		var first string
		for _, v := range r.Verdicts {
			bad[v.Status]++
			if first == "" && v.Status != Held {
				first = v.Summary
			}
		}
		var parts []string
		for _, s := range []Status{Violated, NotKnown} {
			if n := bad[s]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, s))
			}
		}
		switch {
		case len(r.Verdicts) == 0:
			return "No invariant was judged."
		case len(parts) == 0:
			return fmt.Sprintf("What was done showed nothing wrong, but the proof didn't come to its end (%s).", count(len(r.Verdicts), "invariant"))
		}
		return fmt.Sprintf("Of %s: %s. First: %s.", count(len(r.Verdicts), "invariant"), strings.Join(parts, ", "), first)
	}
	t := r.tally()
	text := fmt.Sprintf("%s sent: %d failed %s and went to the DLQ, %d processed.", count(t.sent, "message"), t.deadLettered, times(r.MaxReceiveCount), t.processed)
	if t.redriven > 0 {
		text += fmt.Sprintf(" A redrive brought %d back.", t.redriven)
	}
	return text
}

func (r Report) facts() [][2]string {
	facts := [][2]string{
		{"queue", r.kind()}, {"expected receives", fmt.Sprint(r.MaxReceiveCount)}, {"ground", printable(string(r.Ground))},
		{"queues' clock", span(time.Duration(r.PassedSeconds*float64(time.Second)).Truncate(time.Second)) + " (" + r.clock() + ")"},
		{"took", fmt.Sprintf("%.2f s", r.TookSeconds)},
	}
	if !r.Started.IsZero() {
		facts = append(facts, [2]string{"began", clockTime(r.Started) + " UTC"})
	}
	return slices.DeleteFunc(facts, func(f [2]string) bool { return f[1] == "" || f[1] == "0" })
}

// findings are what verdicts say of each message.
func (r Report) findings() map[messageName][]string {
	findings := map[messageName][]string{}
	for _, v := range r.Verdicts {
		for _, f := range slices.Concat(v.Findings, v.Notes) {
			name := messageName{f.Key, f.MessageID}
			findings[name] = append(findings[name], fmt.Sprintf("%s: %s", v.Invariant, printable(f.What)))
		}
	}
	return findings
}

// judge lists the invariants, those first that didn't hold.
func (q *htmlQueue) judge(r Report, anchors map[messageName]string) {
	const most = 50
	for _, v := range r.Verdicts {
		i := htmlInvariant{Name: string(v.Invariant), Status: string(v.Status), Meaning: v.Invariant.meaning(r.MaxReceiveCount), Summary: printable(v.Summary)}
		list := func(findings []Finding) (out []htmlFinding) {
			for _, f := range findings[:min(len(findings), most)] {
				said := htmlFinding{Text: printable(f.What)}
				if name := (messageName{f.Key, f.MessageID}); name != (messageName{}) {
					said.Name, said.Anchor = "message "+name.short(), anchors[name]
				}
				out = append(out, said)
			}
			return out
		}
		i.Findings, i.Notes, i.More = list(v.Findings), list(v.Notes), max(0, len(v.Findings)-most)
		q.Invariants = append(q.Invariants, i)
	}
	rank := map[string]int{string(Violated): -2, string(NotKnown): -1}
	slices.SortStableFunc(q.Invariants, func(a, b htmlInvariant) int { return rank[a.Status] - rank[b.Status] })
}

// meaning says what must be so.
func (i Invariant) meaning(n int) string {
	switch i {
	case Exact:
		return fmt.Sprintf("Every message that fails is received exactly %s, numbered from 1, and never again.", times(n))
	case DeadLettered:
		return fmt.Sprintf("It then stands in the DLQ once, with receive count %d, and names its source queue.", n+1)
	case Intact:
		return "What arrives is what was sent: id, body, attributes and, on FIFO queues, group and order."
	case Spared:
		return "A message that succeeds on an allowed receive never reaches the DLQ."
	case Conserved:
		return "Each message sent ends in exactly one place: nothing is lost or doubled."
	case Isolated:
		return "Nothing else is in the DLQ."
	case Alarmed:
		return "The alarm is OK before, fires soon after, stays, clears, and notifies."
	case Redriven:
		return "A redrive brings each message back once, unchanged, to be received from 1 again."
	default:
		return ""
	}
}

func newHTMLTimeline(t *timeline, r Report) *htmlTimeline {
	v := &htmlTimeline{Axis: t.drawAxis(), Plot: t.draw(), FootGap: footGap, Legend: legend(t)}
	v.PrintZoom = min(1, printWidth/(labelWidth+t.axis.width))
	group := ""
	for _, l := range t.lanes {
		m := l.group.first
		label := htmlLabel{
			Anchor: l.anchor, Title: l.group.name() + " · " + or(printable(m.Fault), "not sent by the proof"), End: m.end(l.lost),
			Height: l.height(), Blamed: l.group.blamed, Number: l.group.n,
		}
		if l.group.n > 1 {
			label.Title = fmt.Sprintf("%d × %s", l.group.n, or(printable(m.Fault), "not sent by the proof"))
		} else if m.Group != "" && m.Group != group {
			label.Group = printable(m.Group)
		}
		group = m.Group
		v.Labels = append(v.Labels, label)
	}
	for i := range t.foot() {
		v.Foot = append(v.Foot, htmlLabel{Title: []string{"source queue", "DLQ", "elsewhere"}[i], Height: laneHeight})
	}
	if r.Alarm != nil {
		v.Foot = append(v.Foot, htmlLabel{Title: "alarm", Height: laneHeight + 8})
	}
	return v
}

// legend explains the glyphs that the timeline has.
func legend(t *timeline) []htmlLegend {
	used, early := map[glyph]bool{}, false
	for _, marks := range append(t.laneMarks(), t.foot()...) {
		for _, m := range marks {
			used[m.glyph] = true
			early = early || m.early
		}
	}
	var out []htmlLegend
	add := func(text string, draw func(s *svg)) {
		s := &svg{}
		draw(s)
		out = append(out, htmlLegend{template.HTML(`<svg xmlns="http://www.w3.org/2000/svg" width="26" height="24" viewBox="-13 -12 26 24" aria-hidden="true">` + s.String() + `</svg>`), text})
	}
	for _, l := range []struct {
		glyph glyph
		label string
		text  string
	}{
		{glyphSent, "", "sent"},
		{glyphReceive, "1", "received, with its receive count"},
		{glyphNack, "", "given back"},
		{glyphExtend, "", "heartbeat: a slow consumer has it hidden for longer"},
		{glyphDelete, "", "processed: acknowledged and deleted"},
		{glyphStale, "", "acknowledged too late, after its visibility timeout: it stays"},
		{glyphAgain, "", "acknowledged a second time: two consumers had it"},
		{glyphMove, "", "moved into the DLQ (nobody sees it: drawn where it must have been)"},
		{glyphDLQReceive, "6", "found in the DLQ"},
		{glyphRedrive, "", "redriven"},
		{glyphReturned, "1", "received after the redrive"},
		{glyphDrained, "", "read to its end, or done"},
		{glyphFailed, "", "failed, or its outcome is unknown"},
	} {
		if used[l.glyph] {
			add(l.text, func(s *svg) {
				s.glyph(&laneMark{glyph: l.glyph, label: l.label, title: l.text}, 0, legendTop(l.glyph), 18)
			})
		}
	}
	add("in flight: hidden from other consumers", func(s *svg) { s.add(`<rect class="window hidden" x="-12" y="-5" width="24" height="10" rx="5"/>`) })
	if used[glyphExtend] {
		add("in flight for longer, and when it would have come back without a heartbeat", func(s *svg) {
			s.add(`<rect class="window hidden" x="-12" y="-5" width="24" height="10" rx="5"/><rect class="longer" x="-1" y="-5" width="13" height="10"/><g class="deadline" transform="translate(-1)">`)
			s.tick()
			s.add(`</g>`)
		})
	}
	if used[glyphStale] || used[glyphAgain] {
		add("from the receive to its late acknowledgement", func(s *svg) { s.bracket(-11, 11, -12) })
	}
	if early {
		add("received while it was hidden: a duplicate delivery", func(s *svg) {
			s.glyph(&laneMark{glyph: glyphReceive, label: "2", title: "a duplicate delivery", early: true}, 0, 0, 0)
		})
	}
	add("waiting, visible", func(s *svg) { s.add(`<line class="line visible" x1="-12" x2="12" y1="0" y2="0"/>`) })
	if len(t.notices) > 0 {
		add("notification of the alarm", func(s *svg) {
			s.add(`<g class="notice"><rect x="-8" y="-6" width="16" height="12" rx="1.5"/><path d="M-8 -5L0 1.5L8 -5"/></g>`)
		})
	}
	return out
}

// legendTop centres the arrows, which go down from where they are drawn.
func legendTop(g glyph) float64 {
	if g == glyphMove || g == glyphRedrive {
		return -9
	}
	return 0
}

// htmlRows are a message's history as a table.
func htmlRows(h *History, events []Event) []htmlRow {
	var rows []htmlRow
	for _, e := range abridge(events, htmlEvents) {
		if e == nil {
			rows = append(rows, htmlRow{Left: len(events) - htmlEvents})
			continue
		}
		rows = append(rows, htmlRow{
			Elapsed: elapsed(e.Call.Sub(h.Started)), At: clockTime(e.Call), Phase: printable(e.Phase), What: printable(string(e.Op)),
			Queue: printable(arnName(e.Queue)), Detail: strings.TrimSpace(e.detail()), InDLQ: e.Queue == h.DLQARN, Bad: e.Outcome != OK,
		})
	}
	return rows
}
