package tfenv

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressOfAnApply(t *testing.T) {
	// Lines of Terraform 1.11, in pieces as a pipe may deliver them.
	pieces := []string{
		`{"@level":"info","@message":"Terraform 1.11.4","terraform":"1.11.4","type":"version","ui":"1.2"}` + "\n",
		`{"type":"planned_change","change":{"resource":{"addr":"aws_sqs_queue.dlq"},"action":"create"}}` + "\n" + `{"type":"apply_start","hook":{"resource":{"addr":"aws_sqs_queue.dlq"},`,
		`"action":"create"}}` + "\nnot a message\n",
		`{"type":"apply_progress","hook":{"resource":{"addr":"aws_sqs_queue.dlq"},"action":"create","elapsed_seconds":20}}` + "\n",
		`{"type":"apply_complete","hook":{"resource":{"addr":"aws_sqs_queue.dlq"},"action":"create","id_key":"id","id_value":"x","elapsed_seconds":25}}` + "\n",
		`{"type":"apply_errored","hook":{"resource":{"addr":"aws_sqs_queue.main"},"action":"update","elapsed_seconds":3}}` + "\n",
	}
	var events []Event
	w := &uiWriter{onEvent: func(e Event) { events = append(events, e) }}
	for _, p := range pieces {
		n, err := w.Write([]byte(p))
		require.NoError(t, err)
		require.Equal(t, len(p), n)
	}
	require.Equal(t, []Event{
		{Address: "aws_sqs_queue.dlq", Action: "create", Status: Started},
		{Address: "aws_sqs_queue.dlq", Action: "create", Status: Running, Elapsed: 20 * time.Second},
		{Address: "aws_sqs_queue.dlq", Action: "create", Status: Done, Elapsed: 25 * time.Second},
		{Address: "aws_sqs_queue.main", Action: "update", Status: Failed, Elapsed: 3 * time.Second},
	}, events)
	require.Equal(t, []string{"aws_sqs_queue.dlq: create"}, w.planned)
}

func TestEventsReadWell(t *testing.T) {
	tests := []struct {
		event Event
		want  string
	}{
		{Event{Address: "a.b", Action: "create", Status: Started}, "a.b: creating"},
		{Event{Address: "a.b", Action: "create", Status: Running, Elapsed: 20 * time.Second}, "a.b: still creating 20s"},
		{Event{Address: "a.b", Action: "delete", Status: Done, Elapsed: 61 * time.Second}, "a.b: deleted in 1m1s"},
		{Event{Address: "a.b", Action: "update", Status: Failed, Elapsed: time.Second}, "a.b: updating failed after 1s"},
		{Event{Address: "data.a.b", Action: "read", Status: Done}, "data.a.b: read in 0s"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) { require.Equal(t, tt.want, tt.event.String()) })
	}
}

func TestErrorsOfACommandReadWell(t *testing.T) {
	const (
		warning = `{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"Deprecated"}}` + "\n"
		located = `{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Resource postcondition failed","detail":"it was told to fail","address":"terraform_data.a","range":{"filename":"main.tf","start":{"line":13}}}}` + "\n"
		bare    = `{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No value","detail":"line one\nline two"}}` + "\n"
	)
	tests := []struct {
		name, output, want string
	}{
		{"one error is one line", warning + located, "terraform apply: Resource postcondition failed: it was told to fail (terraform_data.a, main.tf:13)"},
		{"several are listed", located + bare, "terraform apply: 2 errors\n- Resource postcondition failed: it was told to fail (terraform_data.a, main.tf:13)\n- No value: line one\n  line two"},
		{"none falls back on how the process ended", warning, "terraform apply: exit status 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &uiWriter{}
			_, err := w.Write([]byte(tt.output))
			require.NoError(t, err)
			require.EqualError(t, &CommandError{Command: "terraform apply", Diagnostics: w.errors, Err: errors.New("exit status 1")}, tt.want)
		})
	}
}

func TestParseState(t *testing.T) {
	tests := []struct {
		name, state string
		want        []string
		problem     string
	}{
		{name: "no state at all has no resources", state: "\n"},
		{
			name: "addresses carry modules and keys, data sources are left out",
			state: `{"version":4,"resources":[
				{"mode":"data","type":"aws_region","name":"here","instances":[{"attributes":{}}]},
				{"mode":"managed","type":"aws_sqs_queue","name":"main","instances":[{"attributes":{"name":"orders"}}]},
				{"module":"module.q[\"a\"]","mode":"managed","type":"aws_sqs_queue","name":"dlq","instances":[{"index_key":0},{"index_key":"k"}]}]}`,
			want: []string{"aws_sqs_queue.main", `module.q["a"].aws_sqs_queue.dlq[0]`, `module.q["a"].aws_sqs_queue.dlq["k"]`},
		},
		{name: "another version is refused", state: `{"version":5}`, problem: "state version 5 is not supported"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseState([]byte(tt.state))
			if tt.problem != "" {
				require.EqualError(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			var addresses []string
			for _, r := range got {
				addresses = append(addresses, r.Address)
			}
			require.Equal(t, tt.want, addresses)
		})
	}
}
