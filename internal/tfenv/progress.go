package tfenv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Status is how far the change of a resource has come.
type Status string

// The statuses of an [Event].
const (
	Started Status = "started"
	Running Status = "running" // repeated every 10 s by Terraform
	Done    Status = "done"
	Failed  Status = "failed"
)

// Event is one step of an apply or a destroy.
type Event struct {
	Address string        // such as module.orders.aws_sqs_queue.dlq
	Action  string        // create, update, delete or read
	Status  Status        // of the action
	Elapsed time.Duration // since Started, in whole seconds
}

// String is a line for people, such as "aws_sqs_queue.dlq: created in 25s".
func (e Event) String() string {
	doing, done := strings.TrimSuffix(e.Action, "e")+"ing", strings.TrimSuffix(e.Action, "e")+"ed"
	if e.Action == "read" {
		done = "read"
	}
	switch e.Status {
	case Started:
		return e.Address + ": " + doing
	case Running:
		return fmt.Sprintf("%s: still %s %v", e.Address, doing, e.Elapsed)
	case Failed:
		return fmt.Sprintf("%s: %s failed after %v", e.Address, doing, e.Elapsed)
	}
	return fmt.Sprintf("%s: %s in %v", e.Address, done, e.Elapsed)
}

// Diagnostic is an error that Terraform reports.
type Diagnostic struct {
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
	Address string `json:"address"` // of the resource concerned, if any
	File    string `json:"-"`       // relative to the root module, if known
	Line    int    `json:"-"`
}

// String gives all that is known on one line, unless the detail has more.
func (d Diagnostic) String() string {
	s := d.Summary
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	var where []string
	if d.Address != "" {
		where = append(where, d.Address)
	}
	if d.File != "" {
		where = append(where, fmt.Sprintf("%s:%d", d.File, d.Line))
	}
	if len(where) > 0 {
		s += " (" + strings.Join(where, ", ") + ")"
	}
	return s
}

// uiMessage is the part that is used here of a line of Terraform's
// machine-readable UI, https://developer.hashicorp.com/terraform/internals/machine-readable-ui.
type uiMessage struct {
	Type string   `json:"type"`
	Hook uiChange `json:"hook"`

	Change     uiChange `json:"change"`
	Diagnostic struct {
		Diagnostic
		Severity string `json:"severity"`
		Range    struct {
			Filename string `json:"filename"`
			Start    struct {
				Line int `json:"line"`
			} `json:"start"`
		} `json:"range"`
	} `json:"diagnostic"`
}

type uiChange struct {
	Resource struct {
		Addr string `json:"addr"`
	} `json:"resource"`
	Action         string  `json:"action"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
}

// uiWriter reads the output of a command with -json as it is written.
type uiWriter struct {
	onEvent func(Event)

	partial []byte // a line without its end
	errors  []Diagnostic
	planned []string // "address: action"
}

// Write never fails: what is not a message of the UI is passed over, as the
// protocol demands of its readers.
func (w *uiWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		line, rest, ok := bytes.Cut(w.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.partial = rest
		var m uiMessage
		if err := json.Unmarshal(line, &m); err == nil {
			w.take(m)
		}
	}
}

func (w *uiWriter) take(m uiMessage) {
	switch m.Type {
	case "apply_start":
		w.emit(m.Hook, Started)
	case "apply_progress":
		w.emit(m.Hook, Running)
	case "apply_complete":
		w.emit(m.Hook, Done)
	case "apply_errored":
		w.emit(m.Hook, Failed)
	case "planned_change":
		w.planned = append(w.planned, m.Change.Resource.Addr+": "+m.Change.Action)
	case "diagnostic":
		if m.Diagnostic.Severity == "error" {
			d := m.Diagnostic.Diagnostic
			d.File, d.Line = m.Diagnostic.Range.Filename, m.Diagnostic.Range.Start.Line
			w.errors = append(w.errors, d)
		}
	}
}

func (w *uiWriter) emit(c uiChange, s Status) {
	if w.onEvent == nil {
		return
	}
	w.onEvent(Event{
		Address: c.Resource.Addr,
		Action:  c.Action,
		Status:  s,
		Elapsed: time.Duration(c.ElapsedSeconds) * time.Second,
	})
}
