package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/stretchr/testify/require"
)

// TestAlarmsThatCannotWorkAreRefused plans calls of dlq-alarms that ask for alarms which
// could never fire in time, all at once. What is wrong lies between the inputs, so the
// alarms' own preconditions say it, and what to do.
func TestAlarmsThatCannotWorkAreRefused(t *testing.T) {
	needsTerraform(t)
	const (
		needsRetention = "dlqs, orders: the alarm about_to_expire needs dlq_message_retention_seconds and, unless the DLQ is FIFO, message_retention_seconds. " +
			"Pass the outputs of queue-with-dlq, or set both, or a fixed age: about_to_expire = { age_seconds = ... }; or do without the alarm: about_to_expire = { enabled = false }."
		tooLate = "dlqs, orders: the alarm about_to_expire would leave less than 5 minutes: it fires when a message has been in the DLQ for %d seconds, and SQS may delete it after %d " +
			"(the DLQ's retention; on a standard queue, less the source's). Raise dlq_message_retention_seconds, to 1209600 at best, or lower about_to_expire.share or age_seconds."
		needsName = "dlqs, orders: the alarm source_stuck needs queue_name, the name of the source queue. " +
			"Pass the outputs of queue-with-dlq, or set it; or do without the alarm: source_stuck = { enabled = false }."
		neverFires = "dlqs, orders: the alarm source_stuck could never fire, for its age_seconds is 345600 and SQS deletes the source queue's messages after message_retention_seconds, 345600. " +
			"Lower source_stuck.age_seconds."
	)
	cases := []struct{ queue, message string }{
		{`dlq_name = "orders-dlq"`, needsRetention},
		{`dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600`, needsRetention},
		{`dlq_name = "orders-dlq", message_retention_seconds = 345600`, needsRetention},
		{`dlq_name = "orders-dlq.fifo", message_retention_seconds = 345600`, needsRetention},
		{
			`dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, about_to_expire = { age_seconds = 863701 }`,
			fmt.Sprintf(tooLate, 863701, 864000),
		},
		{
			`dlq_name = "orders-dlq.fifo", dlq_message_retention_seconds = 3600, about_to_expire = { share = 0.95 }`,
			fmt.Sprintf(tooLate, 3420, 3600),
		},
		{
			`dlq_name = "orders-dlq", dlq_message_retention_seconds = 345600, message_retention_seconds = 345600`,
			fmt.Sprintf(tooLate, 0, 0),
		},
		{`dlq_name = "orders-dlq", about_to_expire = { enabled = false }, source_stuck = { enabled = true }`, needsName},
		{
			`dlq_name = "orders-dlq", about_to_expire = { enabled = false }, queue_name = "orders", message_retention_seconds = 345600, source_stuck = { enabled = true, age_seconds = 345600 }`,
			neverFires,
		},
	}

	root := t.TempDir()
	config := "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"
	for i, c := range cases {
		// a copy each, for the messages point into the module and not at the call
		module := fmt.Sprintf("case-%d", i)
		require.NoError(t, os.CopyFS(filepath.Join(root, module), os.DirFS("../modules/dlq-alarms")))
		config += fmt.Sprintf("\nmodule %q {\n  source = \"./%s\"\n  dlqs = { orders = { %s } }\n}\n", module, module, c.queue)
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	s := prepare(t, root, nil)
	s.options.ExtraArgs.Plan = []string{"-json"}
	out, err := terraform.PlanContextE(t, t.Context(), s.options)
	require.Error(t, err)
	got := refusals(out + "\n" + err.Error())
	for i, c := range cases {
		require.Equal(t, []string{c.message}, got[i], c.queue)
	}
	require.Len(t, got, len(cases))
}

// refusals are the errors in Terraform's messages, by number of the case.
func refusals(output string) map[int][]string {
	of, said := map[int][]string{}, map[string]bool{}
	copied := regexp.MustCompile(`^case-(\d+)/`)
	for line := range strings.Lines(output) {
		var message struct {
			Diagnostic struct {
				Detail string
				Range  struct{ Filename string }
			}
		}
		begin := strings.Index(line, `{"@level":"error"`)
		if begin < 0 || said[line[begin:]] || json.Unmarshal([]byte(line[begin:]), &message) != nil {
			continue
		}
		said[line[begin:]] = true
		number := -1 // not of a case
		if m := copied.FindStringSubmatch(message.Diagnostic.Range.Filename); m != nil {
			number, _ = strconv.Atoi(m[1])
		}
		of[number] = append(of[number], message.Diagnostic.Detail)
	}
	return of
}
