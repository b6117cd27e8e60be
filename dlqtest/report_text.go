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
)

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	kind := "standard"
	if r.FIFO {
		kind = "FIFO"
	}
	fmt.Fprintf(out, "%s -> %s (%s), to be dead-lettered after %s\n", arnName(r.Source), arnName(r.DLQ), kind, count(r.MaxReceiveCount, "receive"))
	fmt.Fprintf(out, "\nmessages\n")
	r.textMessages(out)
	if r.Alarm != nil {
		fmt.Fprintf(out, "\nalarm %s\n", r.Alarm.Name)
		r.Alarm.text(out)
	}
	fmt.Fprintf(out, "\ninvariants\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range r.Verdicts {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", strings.ToUpper(string(v.Status)), v.Invariant, v.Summary)
	}
	_ = table.Flush() // out keeps the error
	r.textFindings(out)
	verdict := "PROVEN"
	if !r.Proven {
		verdict = "NOT PROVEN"
	}
	fmt.Fprintf(out, "\n%s in %.1f s (%s by the queues' clock, which is %s)\n", verdict, r.TookSeconds, seconds(r.PassedSeconds), r.clock())
	return out.Flush()
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
	for _, m := range r.Messages {
		counts := make([]int, len(m.Receives))
		for i, rec := range m.Receives {
			counts[i] = rec.Count
		}
		group := ""
		if m.Group != "" {
			group = " in " + m.Group
		}
		fmt.Fprintf(table, "  %s\t%s%s\t%s\t%s\n", short(m.MessageID), or(m.Fault, "not sent by the proof"), group, runs(counts), m.end())
	}
	_ = table.Flush()
}

// end says where the message ended.
func (m MessageReport) end() string {
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
	if len(parts) == 0 {
		return "LOST"
	}
	return strings.Join(parts, ", ")
}

// runs writes 1 2 3 4 5 in full and 1 2 3 … 1000 shortened.
func runs(counts []int) string {
	const full = 8
	if len(counts) == 0 {
		return "never"
	}
	consecutive := true
	for i, c := range counts {
		consecutive = consecutive && c == counts[0]+i
	}
	if len(counts) > full && consecutive {
		return fmt.Sprintf("%d %d %d … %d", counts[0], counts[1], counts[2], counts[len(counts)-1])
	}
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = strconv.Itoa(c)
	}
	return strings.Join(words, " ")
}

func (a *AlarmReport) text(out io.Writer) {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	for _, t := range a.Transitions {
		lines = append(lines, line{t.At, fmt.Sprintf("%-17s %s", t.State, t.Reason)})
	}
	for _, n := range a.Notifications {
		lines = append(lines, line{n.At, fmt.Sprintf("%-17s notification of %s -> %s arrived", "", n.From, n.To)})
	}
	slices.SortStableFunc(lines, func(x, y line) int { return x.at.Compare(y.at) })
	for _, l := range lines {
		fmt.Fprintf(out, "  %s  %s\n", clockTime(l.at), l.text)
	}
}

// textFindings writes all that speaks against the proof, and the whole history of each
// message that it names.
func (r Report) textFindings(out io.Writer) {
	for _, v := range r.Verdicts {
		if v.Status == Held {
			for _, n := range v.Notes {
				fmt.Fprintf(out, "\nnote (%s): %s\n", v.Invariant, n)
			}
			continue
		}
		fmt.Fprintf(out, "\n%s: %s\n", v.Invariant, strings.ToUpper(string(v.Status)))
		for _, f := range slices.Concat(v.Findings, v.Notes) {
			fmt.Fprintf(out, "  %s\n", f)
		}
	}
	for _, m := range r.Messages {
		if len(m.Events) == 0 {
			continue
		}
		fmt.Fprintf(out, "\nhistory of message %s %s\n", m.Key, m.MessageID)
		for _, e := range m.Events {
			fmt.Fprintf(out, "  %s  %s\n", clockTime(e.Call), e.text())
		}
	}
}

// text is the event in a line.
func (e Event) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-17s %s", e.Op, arnName(e.Queue))
	if e.Op == OpReceive {
		fmt.Fprintf(&b, " count %d", e.ReceiveCount)
	}
	if e.Op == OpVisibility {
		fmt.Fprintf(&b, " to %s", e.Duration)
	}
	if e.Source != "" {
		fmt.Fprintf(&b, " from %s", arnName(e.Source))
	}
	if e.Outcome != OK {
		fmt.Fprintf(&b, " %s %s", e.Outcome, e.Error)
	}
	return b.String()
}

func arnName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// short is enough of a message id to tell it from others.
func short(id string) string { return id[:min(8, len(id))] }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func seconds(s float64) string {
	return (time.Duration(s*float64(time.Second)) / time.Second * time.Second).String()
}
