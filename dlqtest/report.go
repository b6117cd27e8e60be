package dlqtest

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Report is a proof as data. WriteText, WriteJSON, WriteMarkdown, WriteJUnit and WriteHTML
// write it, also of a proof that was interrupted: what was done until then is in it.
type Report struct {
	Proven bool `json:"proven"`
	// Error says why the proof ended early, if it did; whoever ran it sets it. A proof that
	// ended early is written as not proven, whatever Proven says.
	Error string `json:"error,omitempty"`
	// Source and DLQ are the queues' ARNs, MaxReceiveCount what was expected of them.
	Source          string `json:"source"`
	DLQ             string `json:"dlq"`
	FIFO            bool   `json:"fifo"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
	Ground          Ground `json:"ground"`
	Clock           string `json:"clock"`
	// Started is when the proof began, by the queues' clock.
	Started time.Time `json:"started,omitzero"`
	// TookSeconds is by the wall clock, PassedSeconds by the queues' own.
	TookSeconds   float64         `json:"tookSeconds"`
	PassedSeconds float64         `json:"passedSeconds"`
	Verdicts      []Verdict       `json:"verdicts"`
	Messages      []MessageReport `json:"messages"`
	Alarm         *AlarmReport    `json:"alarm,omitempty"`

	history *History // what WriteHTML draws; nil in a report that was read from JSON
}

// MessageReport is what became of a message.
type MessageReport struct {
	Key       string `json:"key,omitempty"` // empty if the proof didn't send it
	MessageID string `json:"messageId"`
	Fault     string `json:"fault,omitempty"`
	Group     string `json:"group,omitempty"`
	// Receives are those from the source queue, in order.
	Receives []ReceiveReport `json:"receives"`
	// Processed is when it was acknowledged at the source queue.
	Processed *time.Time `json:"processed,omitempty"`
	// DeadLettered is its first receive from the DLQ.
	DeadLettered *ReceiveReport `json:"deadLettered,omitempty"`
	// Redriven is its first receive from the source queue after the redrive.
	Redriven *ReceiveReport `json:"redriven,omitempty"`
	// Events is its whole history; only of messages that a verdict complains of.
	Events []Event `json:"events,omitempty"`
}

// ReceiveReport is one receive of a message.
type ReceiveReport struct {
	Count int       `json:"count"`
	At    time.Time `json:"at"`
}

// AlarmReport is what the alarm did.
type AlarmReport struct {
	Name          string               `json:"name"`
	Transitions   []TransitionReport   `json:"transitions"`
	Notifications []NotificationReport `json:"notifications"`
}

// TransitionReport is a state that the alarm was seen in.
type TransitionReport struct {
	State  string    `json:"state"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// NotificationReport is a notification that arrived.
type NotificationReport struct {
	From string    `json:"from"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
}

// Report puts the proof into the form that is reported.
func (p *Proof) Report() Report {
	h := p.History
	if h == nil {
		h = &History{} // the proof ended before it began
	}
	r := Report{
		Proven: p.Proven(), Source: h.SourceARN, DLQ: h.DLQARN, FIFO: h.FIFO, MaxReceiveCount: h.MaxReceiveCount,
		Ground: h.Ground, Clock: h.Clock, Started: h.Started, TookSeconds: p.Took.Seconds(), PassedSeconds: p.Passed.Seconds(),
		Verdicts: p.Verdicts, Messages: []MessageReport{}, history: h,
	}
	for _, m := range sortByMessage(h).messages {
		r.Messages = append(r.Messages, m.report())
	}
	blamed, events := r.blamed(), indexEvents(h, r.Messages)
	for i, m := range r.Messages {
		if blamed[m.name()] {
			r.Messages[i].Events = events[m.name()]
		}
	}
	if h.Alarm != "" {
		r.Alarm = reportAlarm(h)
	}
	return r
}

func (m *lifeline) report() MessageReport {
	r := MessageReport{Key: m.key, MessageID: m.id, Receives: []ReceiveReport{}}
	if m.sent != nil {
		r.Fault, r.Group = m.sent.Fault, m.sent.Group
	}
	for _, e := range m.receives {
		r.Receives = append(r.Receives, *receiveReport(e))
	}
	if e := m.processed(); e != nil {
		r.Processed = &e.Return
	}
	if len(m.landings) > 0 {
		r.DeadLettered = receiveReport(m.landings[0])
	}
	if len(m.returns) > 0 {
		r.Redriven = receiveReport(m.returns[0])
	}
	return r
}

func receiveReport(e *Event) *ReceiveReport {
	return &ReceiveReport{Count: e.ReceiveCount, At: e.Return}
}

func reportAlarm(h *History) *AlarmReport {
	a := &AlarmReport{Name: h.Alarm, Transitions: []TransitionReport{}, Notifications: []NotificationReport{}}
	for _, e := range h.Events {
		switch e.Op {
		case OpAlarm:
			if n := len(a.Transitions); e.State != "" && (n == 0 || a.Transitions[n-1].State != e.State) {
				a.Transitions = append(a.Transitions, TransitionReport{State: e.State, At: e.Changed, Reason: e.Reason})
			}
		case OpNotification:
			a.Notifications = append(a.Notifications, NotificationReport{From: e.From, To: e.State, At: e.Changed})
		}
	}
	return a
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	return nil
}
