package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBeyondTofu(t *testing.T) {
	const passed = "tests/policies.tftest.hcl... pass\n  run \"tls\"... pass\n"
	const calls = `tests/limits.tftest.hcl... fail
  run "short"... pass
  run "long"... fail

Error: No value for required variable

  on variables.tf line 1:

Error: Function calls not allowed

  on tests/limits.tftest.hcl line 19, in run "long":

Functions may not be called here.
  run "longer"... skip
`
	const failed = `tests/limits.tftest.hcl... fail
  run "short"... fail

Error: Test assertion failed

  on tests/limits.tftest.hcl line 9, in run "short":
`
	const blocks = `tests/unknown.tftest.hcl... fail
  run "first"... fail

Error: Provider produced invalid plan

Provider "provider[\"registry.opentofu.org/hashicorp/aws\"]" planned an
invalid value for module.own.aws_lambda_event_source_mapping.this.scaling_config:
planned value cty.ListValEmpty(cty.Object(map[string]cty.Type{})) for unknown
dynamic block.
`
	const missing = "tests/limits.tftest.hcl... fail\n  run \"short\"... fail\n\nError: No value for required variable\n"
	for _, tt := range []struct {
		name string
		out  string
		want []string
	}{
		{"all passed", passed + "\nSuccess! 1 passed, 0 failed.\n", nil},
		{"functions in variables alone", passed + calls + "\nFailure! 2 passed, 1 failed, 1 skipped.\n", []string{"tests/limits.tftest.hcl"}},
		{"a mock of an unknown block, and functions", passed + blocks + calls, []string{"tests/unknown.tftest.hcl", "tests/limits.tftest.hcl"}},
		{"an assertion besides a mock", blocks + "\nError: Test assertion failed\n", nil},
		{"an assertion besides, in the same file", calls + "\nError: Test assertion failed\n", nil},
		{"an assertion besides, in another file", calls + failed, nil},
		{"a variable that is really missing", missing, nil},
		{"no test at all", "Error: Invalid configuration\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, beyondTofu(tt.out)) })
	}
}
