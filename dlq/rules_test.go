package dlq_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestRulesThatSayNothingAreRefusedWithWhereAndWhatToDo(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "r.yaml: there are no rules: add some below rules:, or say by otherwise: what becomes of all messages"},
		{"rules: []", "r.yaml: there are no rules: add some below rules:, or say by otherwise: what becomes of all messages"},
		{"otherwise: delete", `r.yaml:1: otherwise: "delete" is no action: choose redrive, quarantine, discard or leave`},
		{"otherwise: leave\nredrive_limit: many", `r.yaml:2: redrive_limit is "many": give a number, how often a message may be redriven, or 0 for no limit`},
		{"otherwise: leave\nredrive_limit: -1", `r.yaml:2: redrive_limit is "-1": give a number, how often a message may be redriven, or 0 for no limit`},
		{"otherwise: leave\nredrive_limit: 1.5", `r.yaml:2: redrive_limit is "1.5": give a number, how often a message may be redriven, or 0 for no limit`},
		{"otherwise: leave\nrule: x", `r.yaml: line 2: unknown field "rule"`},
		{"otherwise: [", "r.yaml: line 1: sequence end token ']' not found"},
		{"otherwise: leave\n---\notherwise: redrive", "r.yaml: the file has several YAML documents: leave one"},
		{"rules:\n  - when: \"a\" in attributes && true\n    then: redrive", "r.yaml: line 2: value is not allowed in this context. map key-value is pre-defined; write a condition that begins with a quote, or has a colon and a space in it, on the line after when: |"},
		{"otherwise: {a: 1}", "r.yaml: line 1: this must be text"},
	} {
		_, err := dlq.ParseRules("r.yaml", []byte(tt.text))
		require.EqualError(t, err, tt.want, tt.text)
	}
	_, err := dlq.LoadRules(t.TempDir() + "/none.yaml")
	require.ErrorContains(t, err, "reading the rules: open ")
}
