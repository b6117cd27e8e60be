package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/require"
)

// inputChange is a change of one input of queue-with-dlq, and what it may change.
type inputChange struct {
	base, before, after string   // inputs in HCL; base holds all the time
	source, dlq         []string // attributes of the queues that change
	back                []string // those of both that change on the way back; empty: the same
}

// inputChanges has one for each input. name, dlq_name, existing_dlq and fifo itself would
// replace queues: the module's own tests show that they are refused.
func inputChanges() map[string]inputChange {
	const key = `kms_key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"`
	return map[string]inputChange{
		"max_receive_count":                 {after: `max_receive_count = 2`, source: []string{"redrive_policy"}},
		"workload":                          {after: `workload = "webhook"`, source: []string{"redrive_policy"}},
		"consumer_timeout_seconds":          {after: `consumer_timeout_seconds = 60`, source: []string{"visibility_timeout_seconds"}},
		"visibility_timeout_seconds":        {after: `visibility_timeout_seconds = 0`, source: []string{"visibility_timeout_seconds"}},
		"message_retention_seconds":         {after: `message_retention_seconds = 3600`, source: []string{"message_retention_seconds"}},
		"dlq_message_retention_seconds":     {after: `dlq_message_retention_seconds = 864000`, dlq: []string{"message_retention_seconds"}},
		"delay_seconds":                     {after: `delay_seconds = 900`, source: []string{"delay_seconds"}},
		"receive_wait_time_seconds":         {after: `receive_wait_time_seconds = 0`, source: []string{"receive_wait_time_seconds"}},
		"max_message_size":                  {after: `max_message_size = 1024`, source: []string{"max_message_size"}, dlq: []string{"max_message_size"}},
		"kms_key_id":                        {after: key, source: []string{"kms_master_key_id"}, dlq: []string{"kms_master_key_id"}, back: []string{"kms_master_key_id", "sqs_managed_sse_enabled"}},
		"kms_data_key_reuse_period_seconds": {base: key, after: `kms_data_key_reuse_period_seconds = 60`, source: []string{"kms_data_key_reuse_period_seconds"}, dlq: []string{"kms_data_key_reuse_period_seconds"}},
		"redrive_allow":                     {after: `redrive_allow = "allowAll"`, dlq: []string{"redrive_allow_policy"}},
		"additional_source_queue_arns":      {after: `additional_source_queue_arns = ["arn:aws:sqs:us-east-1:000000000000:other"]`, dlq: []string{"redrive_allow_policy"}},
		"require_tls":                       {after: `require_tls = false`, source: []string{"policy"}, dlq: []string{"policy"}},
		"publishers":                        {after: `publishers = { sns_topic_arns = ["arn:aws:sns:us-east-1:111122223333:a", "arn:aws:sns:us-east-1:111122223333:b"], s3_bucket_arns = ["arn:aws:s3:::bucket"], account_ids = ["111122223333"] }`, source: []string{"policy"}},
		"policy_documents":                  {after: `policy_documents = [jsonencode({ Statement = { Effect = "Deny", Principal = "*", Action = ["sqs:PurgeQueue"], Resource = "*" } })]`, source: []string{"policy"}},
		"account_id":                        {after: `account_id = "000000000000"`},
		"tags":                              {before: `tags = { team = "a", stage = "x" }`, after: `tags = { team = "b" }`, source: []string{"tags", "tags_all"}, dlq: []string{"tags", "tags_all"}},
		"fifo deduplication":                {before: `fifo = {}`, after: `fifo = { content_based_deduplication = true }`, source: []string{"content_based_deduplication"}, dlq: []string{"content_based_deduplication"}},
		"fifo throughput":                   {before: `fifo = {}`, after: `fifo = { high_throughput = true }`, source: []string{"deduplication_scope", "fifo_throughput_limit"}, dlq: []string{"deduplication_scope", "fifo_throughput_limit"}},
	}
}

// TestEachInputChangesWhatItShould changes one input of each of many queues, and back
// again: the plan shows the attributes that the input stands for and no others, nothing is
// replaced, and once applied there is nothing left to change.
func TestEachInputChangesWhatItShould(t *testing.T) {
	needsTerraform(t)
	changes := inputChanges()
	requireEveryInputChanged(t, changes)
	root := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "queue-with-dlq"), os.DirFS("../modules/queue-with-dlq")))
	name := func(input string) string { return strings.NewReplacer(" ", "-", "_", "-").Replace(input) }
	write := func(stage func(inputChange) string) {
		config := "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"
		for input, c := range changes {
			config += fmt.Sprintf("\nmodule %q {\n  source = \"./queue-with-dlq\"\n  name = %q\n%s\n%s\n}\n", name(input), "change-"+name(input), c.base, stage(c))
		}
		require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	}
	write(func(c inputChange) string { return c.before })
	s := prepare(t, root, nil)
	require.NotNil(t, s.target.Server, "queues of fixed names, under a key that doesn't exist")
	s.apply(t)
	s.requireNoChanges(t)
	for _, back := range []bool{false, true} {
		write(func(c inputChange) string {
			if back {
				return c.before
			}
			return c.after
		})
		plan := s.plan(t)
		for input, c := range changes {
			for resource, want := range map[string][]string{"aws_sqs_queue.source": c.source, "aws_sqs_queue.dlq[0]": c.dlq, "terraform_data.own_dlq": nil} {
				address := "module." + name(input) + "." + resource
				require.Contains(t, plan, address)
				if back && len(c.back) > 0 && len(want) > 0 {
					want = c.back
				}
				require.NotContains(t, plan[address].Actions, tfjson.ActionDelete, address)
				require.Equal(t, slices.Sorted(slices.Values(want)), changedAttributes(plan[address]), "attributes of %s that change (back: %t)", address, back)
			}
		}
		s.apply(t)
		s.requireNoChanges(t)
	}
}

// changedAttributes are the names of the attributes that a change changes.
func changedAttributes(c *tfjson.Change) []string {
	before, _ := c.Before.(map[string]any)
	after, _ := c.After.(map[string]any)
	unknown, _ := c.AfterUnknown.(map[string]any)
	var changed []string
	for attribute := range before {
		if isUnknown, _ := unknown[attribute].(bool); isUnknown || !reflect.DeepEqual(before[attribute], after[attribute]) {
			changed = append(changed, attribute)
		}
	}
	return slices.Sorted(slices.Values(changed))
}

// requireEveryInputChanged requires a change for each input of the module.
func requireEveryInputChanged(t *testing.T, changes map[string]inputChange) {
	t.Helper()
	refused := []string{"name", "dlq_name", "existing_dlq", "fifo"}
	b, err := os.ReadFile("../modules/queue-with-dlq/variables.tf")
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if input, ok := strings.CutPrefix(line, `variable "`); ok {
			input, _, _ = strings.Cut(input, `"`)
			if !slices.Contains(refused, input) {
				require.Contains(t, slices.Collect(maps.Keys(changes)), input, "inputs whose change is tried")
			}
		}
	}
}
