package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// notInFleets are the inputs of queue-with-dlq that queue-fleet doesn't have, or has once
// for all queues.
func notInFleets() []string {
	return []string{"additional_source_queue_arns", "publishers", "account_id"}
}

// bounds are inputs with these numbers.
func bounds(receives, consumer, visibility, retention, dlqRetention, delay, wait, size, reuse int) string {
	text := `kms_key_id = "alias/queues"`
	for name, value := range map[string]int{
		"max_receive_count": receives, "consumer_timeout_seconds": consumer, "visibility_timeout_seconds": visibility, "message_retention_seconds": retention,
		"dlq_message_retention_seconds": dlqRetention, "delay_seconds": delay, "receive_wait_time_seconds": wait, "max_message_size": size, "kms_data_key_reuse_period_seconds": reuse,
	} {
		text += fmt.Sprintf("\n%s = %d", name, value)
	}
	return text
}

// TestAFleetIsManyQueuesWithDLQ plans a queue for each input of queue-with-dlq, before and
// after its change, by that module and by queue-fleet: the same attributes, policies and
// outputs are planned.
func TestAFleetIsManyQueuesWithDLQ(t *testing.T) {
	needsTerraform(t)
	root := t.TempDir()
	for _, module := range []string{"queue-with-dlq", "queue-fleet"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, module), os.DirFS(filepath.Join("..", "modules", module))))
	}
	variants := map[string]string{
		"defaults":     "",
		"other names":  "name = \"payments\"\ndlq_name = \"payments-dead\"",
		"fifo names":   "name = \"invoices.fifo\"\ndlq_name = \"invoices-dead\"\nfifo = {}",
		"a key's ARN":  `kms_key_id = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"`,
		"a key's name": `kms_key_id = "alias/queues"`,
		"no TLS":       `require_tls = false`,
		"denied":       `redrive_allow = "denyAll"`,
		"no policy":    `redrive_allow = "off"`,
		"long work":    `consumer_timeout_seconds = 43200`,
		"lower bounds": bounds(1, 1, 1, 60, 61, 0, 0, 1024, 60),
		"upper bounds": bounds(1000, 43200, 43200, 1209599, 1209600, 900, 20, 262144, 86400), // of provider 5
	}
	for input, c := range inputChanges() {
		if !slices.Contains(notInFleets(), input) {
			variants[input+" before"] = c.base + "\n" + c.before
			variants[input+" after"] = c.base + "\n" + c.after
		}
	}
	require.Greater(t, len(variants), 40)
	config, fleet := "provider \"aws\" {\n  region = \"us-east-1\"\n}\n", ""
	keys := map[string]string{}
	for i, variant := range slices.Sorted(maps.Keys(variants)) {
		key := fmt.Sprintf("variant-%d", i)
		keys[key] = variant
		named := "name = \"" + key + "\"\n"
		if variant == "other names" || variant == "fifo names" {
			named = ""
		}
		config += fmt.Sprintf("\nmodule %q {\n  source = \"./queue-with-dlq\"\n%s%s\n}\n", key, named, variants[variant])
		fleet += fmt.Sprintf("%q = {\n%s\n}\n", key, variants[variant])
		config += fmt.Sprintf(`
output %[1]q {
  value = true

  precondition {
    condition = jsonencode([for name in local.outputs : module.%[1]s[name]]) == jsonencode([for name in local.outputs : module.fleet.queues[%[1]q][name]])
    error_message = "%[1]s has other outputs"
  }

  precondition {
    condition = jsonencode([
      module.%[1]s.producer_policy_json, module.%[1]s.consumer_policy_json, module.%[1]s.redrive_operator_policy_json,
    ]) == jsonencode([
      module.fleet.producer_policies_json[%[1]q], module.fleet.consumer_policies_json[%[1]q], module.fleet.redrive_operator_policies_json[%[1]q],
    ])
    error_message = "%[1]s has other IAM policies"
  }
}
`, key)
	}
	config += "\nlocals {\n  outputs = [\"queue_name\", \"dlq_name\", \"max_receive_count\", \"visibility_timeout_seconds\", \"message_retention_seconds\", \"dlq_message_retention_seconds\"]\n}\n"
	config += "\nmodule \"fleet\" {\n  source = \"./queue-fleet\"\n  queues = {\n" + fleet + "}\n}\n"
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))

	plan := prepare(t, root, nil).plan(t)
	for key, variant := range keys {
		for one, ofFleet := range map[string]string{"aws_sqs_queue.source": "aws_sqs_queue.source", "aws_sqs_queue.dlq[0]": "aws_sqs_queue.dlq"} {
			want, got := plan["module."+key+"."+one], plan[fmt.Sprintf("module.fleet.%s[%q]", ofFleet, key)]
			require.NotNil(t, want, variant)
			require.NotNil(t, got, variant)
			require.Equal(t, want.After, got.After, "%s: %s", variant, one)
			require.Equal(t, want.AfterUnknown, got.AfterUnknown, "%s: %s", variant, one)
		}
	}
}

// fleetBadInputs has one for each validation of queue-fleet.
func fleetBadInputs() []badInput {
	queue := func(settings, message string) badInput {
		return badInput{"queues = { good = {}, bad = { " + settings + " } }", message}
	}
	return []badInput{
		{`queues = { "my orders" = {} }`, "queues: a name (the key, unless name is given) may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue). Rename my orders, or give it a name."},
		queue(`name = "my orders"`, "Rename bad, or give it a name."),
		queue(`dlq_name = "a/b"`, "queues: dlq_name may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue). Correct it in bad."),
		queue(`name = "orders.fifo"`, "queues: a name ends in .fifo where fifo is null, in bad: set fifo = {} for FIFO queues"),
		queue(`dlq_name = "dead.fifo"`, "queues: a name ends in .fifo where fifo is null, in bad"),
		queue(`name = join("", [for n in range(77) : "n"])`, "queues: SQS allows 80 characters for a name, and -dlq (unless dlq_name is given) and .fifo (for FIFO) are added to it. Shorten bad."),
		queue(`name = join("", [for n in range(72) : "n"]), fifo = {}`, "queues: SQS allows 80 characters for a name"),
		queue(`dlq_name = join("", [for n in range(81) : "d"])`, "queues: SQS allows 80 characters for a name"),
		queue(`name = "good"`, "queues: two queues have the same name, or a DLQ has the name of another queue."),
		queue(`dlq_name = "good"`, "queues: two queues have the same name, or a DLQ has the name of another queue."),
		queue(`dlq_name = "bad"`, "queues: two queues have the same name, or a DLQ has the name of another queue."),
		queue(`max_receive_count = 1001`, "queues: max_receive_count must be a whole number from 1 to 1000, or null to take it from workload; it isn't in bad."),
		queue(`max_receive_count = 2.5`, "queues: max_receive_count must be a whole number from 1 to 1000"),
		queue(`workload = "bulk"`, "queues: workload must be one of general, idempotent_fast, external_api, long_running, financial, webhook; it isn't in bad."),
		queue(`consumer_timeout_seconds = 0`, "queues: consumer_timeout_seconds must be a whole number from 1 to 43200 (12 hours, the longest visibility timeout); it isn't in bad."),
		queue(`visibility_timeout_seconds = 43201`, "queues: visibility_timeout_seconds must be a whole number from 0 to 43200 (12 hours); it isn't in bad."),
		queue(`visibility_timeout_seconds = 59, consumer_timeout_seconds = 60`, "queues: visibility_timeout_seconds is shorter than consumer_timeout_seconds in bad:"),
		queue(`message_retention_seconds = 59`, "queues: message_retention_seconds and dlq_message_retention_seconds must be whole numbers from 60 to 1209600"),
		queue(`message_retention_seconds = 1209600`, "queues: dlq_message_retention_seconds must exceed message_retention_seconds, and doesn't in bad:"),
		queue(`delay_seconds = 901`, "queues: delay_seconds must be a whole number from 0 to 900"),
		queue(`receive_wait_time_seconds = 21`, "queues: receive_wait_time_seconds must be a whole number from 0 to 20"),
		queue(`max_message_size = 1048577`, "queues: max_message_size must be a whole number from 1024 to 1048576 bytes"),
		queue(`kms_key_id = "my key"`, "queues: kms_key_id must be a key id, a key ARN, an alias name"),
		queue(`kms_data_key_reuse_period_seconds = 59`, "queues: kms_data_key_reuse_period_seconds must be a whole number from 60 to 86400"),
		queue(`redrive_allow = "byqueue"`, "queues: redrive_allow must be byQueue, allowAll, denyAll or off."),
		queue(`policy_documents = ["{}"]`, "queues: policy_documents must hold JSON policy documents with a Statement"),
		queue(`policy_documents = [jsonencode({ Statement = [{ Sid = "OwnerAccount" }] })]`, "queues: policy_documents of one queue use a Sid twice, or one of the module's own"),
		queue(`tags = { "aws:cost" = "x" }`, "queues: tags, with those of the module, may hold at most 50"),
		{`account_id = "1"`, "account_id must be an account number of 12 digits"},
		{`tags = { "aws:cost" = "x" }`, "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:"},
	}
}
