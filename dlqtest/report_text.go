package dlqtest

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Up to so many messages are listed one by one, and so many events of a history; of more,
// what matters is listed and the rest is counted.
const (
	textMessages = 50
	textEvents   = 60
)

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s (%s), to be dead-lettered after %s\n", r.pair(), r.kind(), count(r.MaxReceiveCount, "receive"))
	fmt.Fprintf(out, "\nmessages\n")
	r.textMessages(out)
	if r.Alarm != nil {
		fmt.Fprintf(out, "\nalarm %s\n", printable(r.Alarm.Name))
		for _, l := range r.Alarm.lines() {
			fmt.Fprintf(out, "  %s  %-17s %s\n", clockTime(l.at), printable(l.state), printable(l.text))
		}
	}
	fmt.Fprintf(out, "\ninvariants\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range r.Verdicts {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", strings.ToUpper(string(v.Status)), v.Invariant, printable(v.Summary))
	}
	if len(r.Verdicts) == 0 {
		fmt.Fprintf(table, "  none was judged\n")
	}
	_ = table.Flush() // out keeps the error
	r.textFindings(out)
	if r.Error != "" {
		fmt.Fprintf(out, "\nthe proof ended early: %s\n", printable(r.Error))
	}
	fmt.Fprintf(out, "\n%s in %.1f s (%s by the queues' clock, which is %s)\n", r.verdict(), r.TookSeconds, seconds(r.PassedSeconds), r.clock())
	return out.Flush()
}

// proven says whether everything held and the proof came to its end.
func (r Report) proven() bool { return r.Proven && r.Error == "" }

func (r Report) verdict() string {
	if r.proven() {
		return "PROVEN"
	}
	return "NOT PROVEN"
}

// pair names the queues.
func (r Report) pair() string {
	if r.Source == "" && r.DLQ == "" {
		return "queues not known"
	}
	return printable(arnName(r.Source)) + " -> " + printable(arnName(r.DLQ))
}

func (r Report) kind() string {
	if r.FIFO {
		return "FIFO"
	}
	return "standard"
}

func (r Report) clock() string {
	if r.Clock == "virtual" {
		return "virtual"
	}
	return "the wall clock"
}

func (r Report) textMessages(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  MESSAGE\tCONSUMER\tRECEIVED\tEND\n")
	lost := r.lost()
	groups, left := r.listed(textMessages, textMessages)
	for _, g := range groups {
		what := short(printable(g.first.MessageID))
		if g.n > 1 {
			what = count(g.n, "message")
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", what, g.first.consumer(g.n == 1), g.first.received(), g.first.end(lost[g.first.name()]))
	}
	_ = table.Flush()
	if left > 0 {
		fmt.Fprintf(out, "  … and %s more\n", count(left, "message"))
	}
}

// consumer says how the message's consumer fails, and in which group it is.
func (m MessageReport) consumer(withGroup bool) string {
	consumer := or(printable(m.Fault), "not sent by the proof")
	if withGroup && m.Group != "" {
		consumer += " in " + printable(m.Group)
	}
	return consumer
}

// received gives the receive counts that the source queue's consumers saw.
func (m MessageReport) received() string {
	counts := make([]int, len(m.Receives))
	for i, rec := range m.Receives {
		counts[i] = rec.Count
	}
	return runs(counts)
}

// end says where the message ended; lost, that the proof found it in none of the places
// where it must be.
func (m MessageReport) end(lost bool) string {
	var parts []string
	if m.Processed != nil {
		parts = append(parts, "processed")
	}
	if m.DeadLettered != nil {
		parts = append(parts, fmt.Sprintf("DLQ (receive %d)", m.DeadLettered.Count))
	}
	if m.Redriven != nil {
		parts = append(parts, "redriven")
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case lost:
		return "LOST"
	default:
		return "not known"
	}
}

// runs writes 1 2 3 4 5 in full and 1 2 3 … 1000 shortened.
func runs(counts []int) string {
	const full, most = 8, 40
	if len(counts) == 0 {
		return "never"
	}
	consecutive := true
	for i, c := range counts {
		consecutive = consecutive && c == counts[0]+i
	}
	last := counts[len(counts)-1]
	if len(counts) > full && consecutive {
		return fmt.Sprintf("%d %d %d … %d", counts[0], counts[1], counts[2], last)
	}
	words := make([]string, min(len(counts), most))
	for i := range words {
		words[i] = strconv.Itoa(counts[i])
	}
	if len(counts) > most {
		words = append(words, fmt.Sprintf("… %d (%d in all)", last, len(counts)))
	}
	return strings.Join(words, " ")
}

// alarmLine is something that the alarm did.
type alarmLine struct {
	at    time.Time
	state string // empty for a notification
	text  string
}

// lines are the alarm's transitions and notifications in order of time.
func (a *AlarmReport) lines() []alarmLine {
	var lines []alarmLine
	for _, t := range a.Transitions {
		lines = append(lines, alarmLine{t.At, t.State, t.Reason})
	}
	for _, n := range a.Notifications {
		lines = append(lines, alarmLine{n.At, "", fmt.Sprintf("notification of %s -> %s arrived", n.From, n.To)})
	}
	slices.SortStableFunc(lines, func(x, y alarmLine) int { return x.at.Compare(y.at) })
	return lines
}

// textFindings writes all that speaks against the proof, and the history of each
// message that it names.
func (r Report) textFindings(out io.Writer) {
	for _, v := range r.Verdicts {
		if v.Status == Held {
			for _, n := range v.Notes {
				fmt.Fprintf(out, "\nnote (%s): %s\n", v.Invariant, printable(n.String()))
			}
			continue
		}
		fmt.Fprintf(out, "\n%s: %s\n", v.Invariant, strings.ToUpper(string(v.Status)))
		for _, f := range slices.Concat(v.Findings, v.Notes) {
			fmt.Fprintf(out, "  %s\n", printable(f.String()))
		}
	}
	told := 0
	for _, m := range r.Messages {
		if len(m.Events) == 0 {
			continue
		}
		if told++; told > textMessages {
			fmt.Fprintf(out, "\nthe histories of further messages are left out\n")
			break
		}
		fmt.Fprintf(out, "\nhistory of message %s %s\n  %s\n", printable(m.Key), printable(m.MessageID), lifelineText(m.Events, r.DLQ))
		for _, e := range abridge(m.Events, textEvents) {
			if e == nil {
				fmt.Fprintf(out, "  … %d events are left out here\n", len(m.Events)-textEvents)
				continue
			}
			fmt.Fprintf(out, "  %s  %s\n", clockTime(e.Call), e.text())
		}
	}
}

// abridge leaves events out of the middle, where nil then stands.
func abridge(events []Event, most int) []*Event {
	var out []*Event
	for i := range events {
		switch half := most / 2; {
		case len(events) <= most || i < half || i >= len(events)-(most-half):
			out = append(out, &events[i])
		case i == half:
			out = append(out, nil)
		}
	}
	return out
}

// lifelineText draws a message's history in a line: sent · 1 · 2 nack · 3 · DLQ 4.
func lifelineText(events []Event, dlq string) string {
	var parts []string
	for _, e := range abridge(events, textEvents) {
		if e == nil {
			parts = append(parts, "…")
			continue
		}
		var what string
		switch {
		case e.Op == OpSend:
			what = "sent"
		case e.Op == OpReceive && e.Queue == dlq:
			what = fmt.Sprintf("DLQ %d", e.ReceiveCount)
		case e.Op == OpReceive:
			what = strconv.Itoa(e.ReceiveCount)
		case e.Op == OpDelete && e.Stale:
			what = "deleted with a stale handle"
		case e.Op == OpDelete:
			what = "deleted"
		case e.Op == OpVisibility && e.Duration <= 0:
			what = "nack"
		case e.Op == OpVisibility:
			what = "hidden for " + e.Duration.String()
		default:
			what = printable(string(e.Op))
		}
		if e.Outcome != OK {
			what += " (" + printable(string(e.Outcome)) + ")"
		}
		// what a consumer did with a receive stands with it
		if n := len(parts); n > 0 && (e.Op == OpVisibility || e.Op == OpDelete) && parts[n-1] != "…" {
			parts[n-1] += " " + what
			continue
		}
		parts = append(parts, what)
	}
	return strings.Join(parts, " · ")
}

// text is the event in a line.
func (e Event) text() string {
	return fmt.Sprintf("%-17s %s%s", printable(string(e.Op)), printable(arnName(e.Queue)), e.detail())
}

// detail is what there is to say of the event beside its operation and queue.
func (e Event) detail() string {
	var b strings.Builder
	if e.Op == OpReceive {
		fmt.Fprintf(&b, " count %d", e.ReceiveCount)
	}
	if e.Op == OpVisibility {
		fmt.Fprintf(&b, " to %s", e.Duration)
	}
	if e.Source != "" {
		fmt.Fprintf(&b, " from %s", printable(arnName(e.Source)))
	}
	b.WriteString(e.circumstances())
	if e.BadMD5 != "" {
		fmt.Fprintf(&b, " with a wrong MD5 digest of its %s", printable(e.BadMD5))
	}
	if e.Outcome != OK {
		fmt.Fprintf(&b, " %s %s", printable(string(e.Outcome)), printable(e.Error))
	}
	return b.String()
}

// circumstances are what isn't so with most events.
func (e Event) circumstances() string {
	var b strings.Builder
	if e.Stale {
		b.WriteString(" with a stale receipt handle")
	}
	if e.Consumer > 0 {
		fmt.Fprintf(&b, " by consumer %d", e.Consumer)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " in %d attempts", e.Attempts)
	}
	return b.String()
}

// printable makes a string that somebody else wrote safe to print: on one line, without
// control characters, which could drive a terminal, without those that turn the
// direction of writing, which could hide what it says, and not endless.
func printable(s string) string {
	const most = 600
	var b strings.Builder
	n := 0
	for _, r := range s { // of bytes that are no UTF-8, U+FFFD
		if n++; n > most {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFFFE', r == '\uFFFF':
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// short is enough of a message id to tell it from others.
func short(id string) string {
	runes := []rune(id)
	return string(runes[:min(8, len(runes))])
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func seconds(s float64) string {
	return (time.Duration(s*float64(time.Second)) / time.Second * time.Second).String()
}
