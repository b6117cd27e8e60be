package dlq

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// status judges what was read.
func (s *scan) status() *Status {
	st := &Status{Schema: StatusSchema, Time: s.began.UTC(), Health: Healthy, DLQs: []DLQ{}, Problems: s.told()}
	st.Summary.Queues = len(s.byARN)
	for queue, r := range s.byARN {
		if a, err := arn.Parse(queue); err == nil {
			st.Account, st.Region = a.AccountID, a.Region
		}
		if r.selected && r.policy == nil && s.dlqs[queue] == nil {
			st.Summary.WithoutDLQ++
		}
	}
	for _, d := range s.dlqs {
		d.judge(s.began)
		st.DLQs = append(st.DLQs, *d)
		st.Summary.DLQs++
		st.Summary.Pairs += len(d.Sources)
		if d.Messages != nil {
			st.Summary.Messages += d.Messages.Total()
		}
		if d.MoveTask.Running() {
			st.Summary.RunningMoveTasks++
		}
		if d.Health != Healthy {
			st.Summary.NeedAttention++
			st.Health = Degraded
		}
	}
	slices.SortFunc(st.DLQs, func(a, b DLQ) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ARN, b.ARN)) })
	for _, p := range st.Problems {
		if p.What == UnknownQueues {
			st.Health = Degraded // who knows what is in them
		}
	}
	return st
}

// told gathers the problems of a kind into one.
func (s *scan) told() []Problem {
	out := []Problem{}
	slices.SortFunc(s.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.queue, b.queue))
	})
	last := map[int]string{} // a queue may have been tried twice
	for _, p := range s.problems {
		action, transient := MissingAction(p.err), isTransient(p.err)
		i := slices.IndexFunc(out, func(o Problem) bool { return o.What == p.what && o.Action == action && o.Transient == transient })
		if i < 0 {
			i = len(out)
			out = append(out, Problem{What: p.what, Action: action, Transient: transient, Text: p.queue + ": " + advice(p.err)})
		}
		if last[i] != p.queue {
			last[i] = p.queue
			out[i].Queues++
		}
	}
	return out
}

// judge says how the DLQ is, and why.
func (d *DLQ) judge(now time.Time) {
	slices.SortFunc(d.Sources, func(a, b Source) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ARN, b.ARN)) })
	if d.Sources == nil {
		d.Sources = []Source{}
	}
	reasons := d.Reasons
	if reasons == nil {
		reasons = []Reason{}
	}
	add := func(code Code, format string, args ...any) {
		reasons = append(reasons, Reason{code, fmt.Sprintf(format, args...)})
	}
	switch d.State {
	case Missing:
		add(DLQMissing, "it does not exist, though %s it: create it, or correct the redrive policy", d.named())
	case Elsewhere:
		add(DLQElsewhere, "it is in another account or region than %s, where SQS moves no messages: correct the redrive policy", d.sourceNames())
	}
	if d.Messages != nil && d.Messages.Total() > 0 {
		add(HasMessages, "%s", d.holds())
		if t := d.MoveTask; t != nil && t.Status == "FAILED" {
			add(RedriveFailed, "the redrive of %s failed after %s: %s", t.Started.Format("2006-01-02 15:04 UTC"), plural(t.Moved, "message"), t.FailureReason)
		}
	}
	d.Reasons, d.Warnings = reasons, d.warnings()
	d.Health = Healthy
	if len(reasons) > 0 {
		d.Health = NeedsAttention
	}
}

// holds says what is in the DLQ and what becomes of it.
func (d *DLQ) holds() string {
	var b strings.Builder
	b.WriteString(plural(d.Messages.Total(), "message"))
	if n := d.Messages.InFlight; n > 0 {
		fmt.Fprintf(&b, ", %d of them in flight", n)
	}
	if age := d.OldestAgeSeconds; age != nil {
		fmt.Fprintf(&b, "; the oldest came %s ago", Age(*age))
		// on a standard queue retention counts from the original send, which was earlier
		switch left := *d.RetentionSeconds - *age; {
		case left <= 0:
			b.WriteString(" and expires now")
		case d.FIFO():
			fmt.Fprintf(&b, " and expires in %s", Age(left))
		default:
			fmt.Fprintf(&b, " and expires in %s at the latest", Age(left))
		}
	}
	if t := d.MoveTask; t.Running() {
		fmt.Fprintf(&b, "; a redrive has moved %d", t.Moved)
		if t.ToMove != nil {
			fmt.Fprintf(&b, " of %d", *t.ToMove)
		}
	}
	return b.String()
}

func (d *DLQ) warnings() []Reason {
	out := []Reason{}
	if len(d.Sources) == 0 && d.State == Found {
		out = append(out, Reason{NoSources, "no queue names it as its DLQ any more: a redrive needs a destination"})
	}
	for _, src := range d.Sources {
		if d.RetentionSeconds == nil || d.FIFO() || src.RetentionSeconds == nil || *src.RetentionSeconds < *d.RetentionSeconds {
			continue
		}
		out = append(out, Reason{ShortRetention, fmt.Sprintf(
			"it keeps messages for %s and %s does for %s, both counted from the original send: a message may expire as soon as it is dead-lettered; keep them longer in the DLQ",
			Age(*d.RetentionSeconds), src.Name, Age(*src.RetentionSeconds))})
		break // one says it
	}
	return out
}

// named says who names it, as a subject with its verb.
func (d *DLQ) named() string {
	if len(d.Sources) == 1 {
		return d.Sources[0].Name + " names"
	}
	return d.sourceNames() + " name"
}

// sourceNames names the sources, but not many.
func (d *DLQ) sourceNames() string {
	var names []string
	for _, s := range d.Sources {
		names = append(names, s.Name)
	}
	if n := len(names); n > 3 {
		names = append(names[:2], fmt.Sprintf("%d others", n-2))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Age writes a number of seconds in its two largest units, e.g. "3d 4h".
func Age(seconds int64) string {
	units := []struct {
		name    string
		seconds int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}
	for i, u := range units {
		if seconds < u.seconds && u.seconds > 1 {
			continue
		}
		text := fmt.Sprintf("%d%s", seconds/u.seconds, u.name)
		if i+1 < len(units) {
			if rest := seconds % u.seconds / units[i+1].seconds; rest > 0 {
				text += fmt.Sprintf(" %d%s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0s"
}
