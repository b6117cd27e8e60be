package main

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// view is what the page shows.
type view struct {
	Version  int
	Interval int64 // seconds
	Status   *statusOf
	Age      int64 // of Status, in seconds
	Error    string
	Rows     []row
	Running  []row // those with a redrive under way
}

// row is a DLQ on the page.
type row struct {
	dlq.DLQ
	Line   string // of its depth, as the points of an SVG polyline
	Depths string // the same in words
}

func newView(s snapshot, interval time.Duration) view {
	v := view{Version: s.version, Interval: int64(interval / time.Second), Status: s.status, Age: int64(s.age / time.Second)}
	if s.err != nil {
		v.Error = s.err.Error()
	}
	if s.status == nil {
		return v
	}
	for _, d := range s.status.DLQs {
		r := row{DLQ: d}
		r.Line, r.Depths = depthLine(s.depths[d.ARN])
		v.Rows = append(v.Rows, r)
		if d.MoveTask.Running() {
			v.Running = append(v.Running, r)
		}
	}
	// what needs attention comes first; otherwise they are sorted by name already
	slices.SortStableFunc(v.Rows, func(a, b row) int { return cmp.Compare(b.Health, a.Health) })
	return v
}

const (
	lineWidth  = 120
	lineHeight = 24
	linePoints = 60 // more can't be told apart
)

// depthLine draws depths over time, and says in words what that shows.
func depthLine(depths []depth) (points, words string) {
	if len(depths) == 0 {
		return "", "no depth known"
	}
	first, last := depths[0], depths[len(depths)-1]
	least, most := first.messages, first.messages
	for _, d := range depths {
		least, most = min(least, d.messages), max(most, d.messages)
	}
	words = fmt.Sprintf("%d messages now, %d to %d in the last %s", last.messages, least, most, dlq.Age(int64(last.at.Sub(first.at)/time.Second)))
	step := (len(depths) + linePoints - 1) / linePoints
	var b strings.Builder
	for i := 0; i < len(depths); i += step {
		d := depths[i]
		for _, other := range depths[i:min(i+step, len(depths))] { // a peak is not to be missed
			if other.messages > d.messages {
				d = other
			}
		}
		x := lineWidth * float64(d.at.Sub(first.at)) / max(1, float64(last.at.Sub(first.at)))
		y := float64(lineHeight-2) * (1 - float64(d.messages)/max(1, float64(most)))
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y+1)
	}
	if len(depths) == 1 { // a line all the same
		fmt.Fprintf(&b, "%d,%.1f ", lineWidth, float64(lineHeight-2)*(1-float64(last.messages)/max(1, float64(most)))+1)
	}
	return strings.TrimSpace(b.String()), words
}

// pageFuncs are the functions of the page's template.
func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"age": func(seconds *int64) string {
			if seconds == nil {
				return "–"
			}
			return dlq.Age(*seconds)
		},
		"ageOf": dlq.Age,
		"clock": func(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") },
		"stamp": func(t time.Time) string { return t.Format(time.RFC3339) },
		"redrive": func(t *dlq.MoveTask) string {
			if text := redriveText(t); text != "-" {
				return text
			}
			return "–"
		},
		"receives": func(n int) string { return count(n, "receive") },
		"problem":  problemText,
		"clean":    clean,
		"summary": func(s *statusOf) string {
			_, text, _ := strings.Cut(summary(s, style{}), ": ")
			return text
		},
		"word": func(h dlq.Health) string { return strings.ReplaceAll(string(h), "_", " ") },
		"name": func(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] },
	}
}
