package dlqtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The elements of JUnit XML as CI systems read it: what is violated is a failure, what is
// not known an error.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Output     string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		Output    string        `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the reports as one JUnit XML document: a test suite for each queue, a
// test case for each invariant.
func WriteJUnit(w io.Writer, reports ...Report) error {
	all := junitSuites{Name: "dead-lettering"}
	took := 0.0
	for _, r := range reports {
		s := r.junit()
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		took += r.TookSeconds
	}
	all.Time = fmt.Sprintf("%.3f", took)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding reports as JUnit XML: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, text); err != nil {
		return fmt.Errorf("writing reports as JUnit XML: %w", err)
	}
	return nil
}

func (r Report) junit() junitSuite {
	var text strings.Builder
	_ = r.WriteText(&text) // a strings.Builder takes everything
	s := junitSuite{
		Name: r.pair(), Time: fmt.Sprintf("%.3f", r.TookSeconds), Output: text.String(),
		Properties: []junitProperty{
			{"source", printable(r.Source)}, {"dlq", printable(r.DLQ)}, {"maxReceiveCount", strconv.Itoa(r.MaxReceiveCount)},
			{"kind", r.kind()}, {"ground", printable(string(r.Ground))}, {"clock", printable(r.Clock)}, {"passed", seconds(r.PassedSeconds)},
			{"messages", strconv.Itoa(len(r.Messages))},
		},
	}
	if !r.Started.IsZero() {
		s.Timestamp = r.Started.UTC().Format(time.RFC3339)
	}
	add := func(c junitCase) {
		c.ClassName, c.Time = "dlq."+printable(arnName(r.Source)), "0.000"
		s.Cases = append(s.Cases, c)
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	for _, v := range r.Verdicts {
		add(v.junit())
	}
	switch {
	case r.Error != "":
		add(junitCase{Name: "completed", Error: &junitProblem{"the proof ended early", "error", printable(r.Error)}})
	case len(r.Verdicts) == 0:
		add(junitCase{Name: "completed", Error: &junitProblem{"no invariant was judged", "unknown", ""}})
	}
	return s
}

func (v Verdict) junit() junitCase {
	c := junitCase{Name: string(v.Invariant)}
	if v.Status == Held {
		c.Output = lines(v.Notes)
		return c
	}
	problem := &junitProblem{printable(v.Summary), string(v.Status), lines(slices.Concat(v.Findings, v.Notes))}
	if v.Status == Violated {
		c.Failure = problem
	} else {
		c.Error = problem
	}
	return c
}

// lines writes findings, one a line.
func lines(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(printable(f.String()) + "\n")
	}
	return b.String()
}
