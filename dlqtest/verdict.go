package dlqtest

import (
	"fmt"
	"slices"
)

// Invariant is something that must be so if dead-lettering works.
type Invariant string

// The invariants.
const (
	// Exact: every message that fails is received exactly MaxReceiveCount times from the
	// source, numbered from 1 in order, and never again; none while it is hidden, and, but
	// for AWS, none is held back when it isn't.
	Exact Invariant = "exact"
	// DeadLettered: it then stands in the DLQ once, with receive count
	// MaxReceiveCount+1 at its first receive there, and names the source queue.
	DeadLettered Invariant = "dead-lettered"
	// Intact: its id, body, attributes, trace header and, on a FIFO queue, group and
	// order are what was sent; and it counts as sent when it was, or in a FIFO DLQ, when it
	// was moved there.
	Intact Invariant = "intact"
	// Spared: a message that succeeds on an allowed receive never reaches the DLQ.
	Spared Invariant = "spared"
	// Conserved: each message sent ends in exactly one place, and late acknowledgements take
	// none out of the DLQ.
	Conserved Invariant = "conserved"
	// Isolated: nothing else is in the DLQ.
	Isolated Invariant = "isolated"
	// Alarmed: the alarm is OK before, in ALARM soon after, OK again when the DLQ is
	// empty, and its notifications arrive.
	Alarmed Invariant = "alarmed"
	// Redriven: a redrive brings each dead-lettered message back to the source once, with
	// its body and attributes, as a new message, to be received from 1 again; a FIFO
	// queue's group in its order.
	Redriven Invariant = "redriven"
)

// Status is what is known of an invariant.
type Status string

// The statuses. An invariant that nothing is known of is not proven: it fails, too.
const (
	Held     Status = "held"
	Violated Status = "violated"
	NotKnown Status = "unknown"
)

// Verdict is the judgement on one invariant.
type Verdict struct {
	Invariant Invariant `json:"invariant"`
	Status    Status    `json:"status"`
	// Summary says what was found.
	Summary string `json:"summary"`
	// Findings are the reasons for a status other than held.
	Findings []Finding `json:"findings,omitempty"`
	// Notes are observations that don't make the invariant fail, such as a duplicate
	// delivery on AWS.
	Notes []Finding `json:"notes,omitempty"`
}

// Finding is something found about a message, or about none in particular.
type Finding struct {
	Key       string `json:"key,omitempty"`
	MessageID string `json:"messageId,omitempty"`
	What      string `json:"what"`
}

// String names the message and what was found.
func (f Finding) String() string {
	switch {
	case f.Key == "" && f.MessageID == "":
		return f.What
	case f.Key == "":
		return fmt.Sprintf("message %s: %s", f.MessageID, f.What)
	default:
		return fmt.Sprintf("message %s (%s): %s", f.Key, f.MessageID, f.What)
	}
}

// judge collects what is found about one invariant.
type judge struct {
	invariant                 Invariant
	violations, doubts, notes []Finding
}

func (j *judge) violated(m *lifeline, format string, args ...any) {
	j.violations = append(j.violations, finding(m, format, args...))
}

func (j *judge) unknown(m *lifeline, format string, args ...any) {
	j.doubts = append(j.doubts, finding(m, format, args...))
}

func (j *judge) note(m *lifeline, format string, args ...any) {
	j.notes = append(j.notes, finding(m, format, args...))
}

func finding(m *lifeline, format string, args ...any) Finding {
	f := Finding{What: fmt.Sprintf(format, args...)}
	if m != nil {
		f.Key, f.MessageID = m.key, m.id
	}
	return f
}

// verdict is the judgement; held says what it means that nothing was found.
func (j *judge) verdict(held string, args ...any) Verdict {
	v := Verdict{Invariant: j.invariant, Status: Held, Summary: fmt.Sprintf(held, args...), Notes: j.notes}
	if len(j.doubts) > 0 {
		v.Status = NotKnown
	}
	if len(j.violations) > 0 {
		v.Status = Violated
	}
	v.Findings = slices.Concat(j.violations, j.doubts)
	if n := len(v.Findings); n > 0 {
		v.Summary = v.Findings[0].String()
		if n > 1 {
			v.Summary += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return v
}
