package dlqtest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Up to so many messages are listed one by one; of more, what matters is listed and the
// rest is counted. CI pages have little room.
const (
	markdownMessages = 25
	markdownFindings = 20
)

// WriteMarkdown writes a summary of the reports for CI pages such as GitHub's
// ($GITHUB_STEP_SUMMARY).
func WriteMarkdown(w io.Writer, reports ...Report) error {
	out := bufio.NewWriter(w)
	if len(reports) != 1 {
		proven := 0
		for _, r := range reports {
			if r.proven() {
				proven++
			}
		}
		fmt.Fprintf(out, "## %s Dead-lettering: %d of %s proven\n\n", sign(proven == len(reports) && proven > 0), proven, count(len(reports), "queue"))
	}
	for _, r := range reports {
		r.markdown(out)
	}
	return out.Flush()
}

func sign(good bool) string {
	if good {
		return "✅"
	}
	return "❌"
}

func (s Status) sign() string {
	switch s {
	case Held:
		return "✅"
	case Violated:
		return "❌"
	default:
		return "❔"
	}
}

func (r Report) markdown(out io.Writer) {
	fmt.Fprintf(out, "### %s %s: %s\n\n", sign(r.proven()), r.verdict(), md(strings.Replace(r.pair(), "->", "→", 1)))
	fmt.Fprintf(out, "%s queue on %s · dead-lettered after %s · %s by the queues' clock (%s), in %.1f s\n\n",
		r.kind(), md(or(string(r.Ground), "an unknown ground")), count(r.MaxReceiveCount, "receive"), seconds(r.PassedSeconds), r.clock(), r.TookSeconds)
	if r.Error != "" {
		fmt.Fprintf(out, "**The proof ended early:** %s\n\n", md(r.Error))
	}
	if len(r.Verdicts) > 0 {
		fmt.Fprintf(out, "| | Invariant | Status | Found |\n|---|---|---|---|\n")
	}
	for _, v := range r.Verdicts {
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", v.Status.sign(), md(string(v.Invariant)), md(string(v.Status)), md(v.Summary))
	}
	r.markdownFindings(out)
	r.markdownMessages(out)
	r.markdownAlarm(out)
	fmt.Fprintln(out)
}

// markdownFindings writes what the table of invariants has no room for.
func (r Report) markdownFindings(out io.Writer) {
	for _, v := range r.Verdicts {
		if v.Status != Held && len(v.Findings) > 1 {
			fmt.Fprintf(out, "\n**%s** is %s:\n\n", md(string(v.Invariant)), md(string(v.Status)))
			markdownList(out, v.Findings)
		}
		if len(v.Notes) > 0 {
			fmt.Fprintf(out, "\nNotes on **%s**:\n\n", md(string(v.Invariant)))
			markdownList(out, v.Notes)
		}
	}
}

func markdownList(out io.Writer, findings []Finding) {
	for _, f := range findings[:min(len(findings), markdownFindings)] {
		fmt.Fprintf(out, "- %s\n", md(f.String()))
	}
	if left := len(findings) - markdownFindings; left > 0 {
		fmt.Fprintf(out, "- … and %d more\n", left)
	}
}

func (r Report) markdownMessages(out io.Writer) {
	if len(r.Messages) == 0 {
		fmt.Fprintf(out, "\nNo message was sent.\n")
		return
	}
	fmt.Fprintf(out, "\n| | Message | Consumer | Received | End |\n|---|---|---|---|---|\n")
	lost := r.lost()
	groups, left := r.listed(markdownMessages, markdownMessages)
	for _, g := range groups {
		mark, what := "", short(printable(g.first.MessageID))
		if g.blamed {
			mark = "⚠️"
		}
		if g.n > 1 {
			what = count(g.n, "message")
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", mark, md(what), md(g.first.consumer(g.n == 1)), md(g.first.received()), md(g.first.end(lost[g.first.name()])))
	}
	if left > 0 {
		fmt.Fprintf(out, "\n… and %s more.\n", count(left, "message"))
	}
	told := 0
	for _, m := range r.Messages {
		if len(m.Events) == 0 {
			continue
		}
		if told++; told == 1 {
			fmt.Fprintf(out, "\n<details><summary>What happened to the messages complained of</summary>\n\n")
		}
		if told > markdownMessages {
			fmt.Fprintf(out, "- … and others\n")
			break
		}
		fmt.Fprintf(out, "- %s: %s\n", md(or(m.Key, m.MessageID)), md(lifelineText(m.Events, r.DLQ)))
	}
	if told > 0 {
		fmt.Fprintf(out, "\n</details>\n")
	}
}

func (r Report) markdownAlarm(out io.Writer) {
	if r.Alarm == nil {
		return
	}
	fmt.Fprintf(out, "\n| Alarm %s | At | |\n|---|---|---|\n", md(r.Alarm.Name))
	for _, l := range r.Alarm.lines() {
		fmt.Fprintf(out, "| %s | %s | %s |\n", md(or(l.state, "✉")), clockTime(l.at), md(l.text))
	}
}

// md makes text that stands for itself in Markdown, also in a table's cell: HTML becomes
// entities, and what Markdown would read as its own is escaped.
func md(s string) string {
	var b strings.Builder
	for _, r := range printable(s) {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\\', '`', '*', '_', '[', ']', '|', '~', '#', '!':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
