package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/stretchr/testify/require"
)

// badInput is what somebody may write in a call of a module, and what it must say.
type badInput struct{ inputs, message string }

// badInputs has at least one for each validation of the modules. The modules' own tests
// hold the bounds from both sides; these hold what a person reads.
func badInputs() map[string][]badInput {
	const fifo = "\nfifo = {}"
	return map[string][]badInput{
		"queue-with-dlq": {
			{`name = "my orders"`, "name may hold only letters, digits, hyphens and underscores"},
			{`name = "orders.fifo"`, "name ends in .fifo, but fifo is null: set fifo = {}"},
			{fmt.Sprintf("name = %q", strings.Repeat("n", 77)), "Shorten it to 76 characters"},
			{fmt.Sprintf("name = %q", strings.Repeat("n", 72)) + fifo, "Shorten it to 71 characters"},
			{fmt.Sprintf("name = %q\ndlq_name = \"d\"", strings.Repeat("n", 81)), "name is too long: SQS allows 80 characters"},
			{`name = "orders"` + "\n" + `dlq_name = "orders"`, "dlq_name is the same as name"},
			{`dlq_name = "a/b"`, "dlq_name may hold only letters, digits, hyphens and underscores"},
			{`dlq_name = "dead.fifo"`, "dlq_name ends in .fifo, but fifo is null"},
			{fmt.Sprintf("dlq_name = %q", strings.Repeat("d", 81)), "dlq_name is too long: SQS allows 80 characters, .fifo included"},
			{`existing_dlq = { arn = "dead" }`, "existing_dlq: arn must be an SQS queue's ARN"},
			{`existing_dlq = { arn = "arn:aws:sqs:us-east-1:000000000000:dead.fifo" }`, "existing_dlq is of another type than the source"},
			{`existing_dlq = { arn = "arn:aws:sqs:us-east-1:000000000000:proof-dead" }` + "\n" + `dlq_name = "proof-dead"`, "existing_dlq and dlq_name exclude each other"},
			{`max_receive_count = 0`, "max_receive_count must be a whole number from 1 to 1000; leave it null to take it from workload"},
			{`max_receive_count = 2.5`, "max_receive_count must be a whole number from 1 to 1000"},
			{`workload = "bulk"`, "workload must be one of general, idempotent_fast, external_api, long_running, financial, webhook"},
			{`consumer_timeout_seconds = 43201`, "consumer_timeout_seconds must be a whole number from 1 to 43200"},
			{`visibility_timeout_seconds = -1`, "visibility_timeout_seconds must be a whole number from 0 to 43200"},
			{"consumer_timeout_seconds = 60\nvisibility_timeout_seconds = 59", "visibility_timeout_seconds is shorter than consumer_timeout_seconds"},
			{`message_retention_seconds = 59`, "message_retention_seconds must be a whole number from 60 to 1209599"},
			{`dlq_message_retention_seconds = 1209601`, "dlq_message_retention_seconds must be a whole number from 60 to 1209600"},
			{`dlq_message_retention_seconds = 345600`, "dlq_message_retention_seconds must exceed message_retention_seconds"},
			{`delay_seconds = 901`, "delay_seconds must be a whole number from 0 to 900"},
			{`receive_wait_time_seconds = 21`, "receive_wait_time_seconds must be a whole number from 0 to 20"},
			{`max_message_size = 1023`, "max_message_size must be a whole number from 1024 to 1048576 bytes"},
			{`kms_key_id = "my key"`, "kms_key_id must be a key id, a key ARN, an alias name"},
			{`kms_key_id = "alias/aws/sqs"` + "\n" + `publishers = { account_ids = ["111122223333"] }`, "kms_key_id is the AWS managed key alias/aws/sqs"},
			{`kms_data_key_reuse_period_seconds = 59`, "kms_data_key_reuse_period_seconds must be a whole number from 60 to 86400"},
			{`additional_source_queue_arns = [for n in range(10) : "arn:aws:sqs:us-east-1:000000000000:q${n}"]`, "additional_source_queue_arns holds more than 9 ARNs"},
			{`additional_source_queue_arns = ["https://sqs.us-east-1.amazonaws.com/1/q"]`, "additional_source_queue_arns must hold SQS queue ARNs"},
			{`additional_source_queue_arns = ["arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:000000000000:q"]`, "additional_source_queue_arns holds the same ARN twice"},
			{`additional_source_queue_arns = ["arn:aws:sqs:us-east-1:000000000000:q.fifo"]`, "additional_source_queue_arns mixes types"},
			{"additional_source_queue_arns = [\"arn:aws:sqs:us-east-1:000000000000:q\"]\nexisting_dlq = { arn = \"arn:aws:sqs:us-east-1:000000000000:proof-dead\" }", "additional_source_queue_arns has no effect on an existing_dlq"},
			{"additional_source_queue_arns = [\"arn:aws:sqs:us-east-1:000000000000:q\"]\nredrive_allow = \"denyAll\"", `additional_source_queue_arns has an effect only with redrive_allow = "byQueue"`},
			{`redrive_allow = "ByQueue"`, "redrive_allow must be byQueue, allowAll, denyAll or off"},
			{`publishers = { sns_topic_arns = ["orders"] }`, "publishers: sns_topic_arns must hold ARNs of SNS topics"},
			{`publishers = { sns_topic_arns = ["arn:aws:sns:us-east-1:000000000000:orders"] }` + fifo, "publishers: a FIFO queue can be subscribed to FIFO topics only"},
			{`publishers = { eventbridge_rule_arns = ["orders"] }`, "publishers: eventbridge_rule_arns must hold ARNs of EventBridge rules"},
			{`publishers = { s3_bucket_arns = ["arn:aws:s3:::orders/*"] }`, "publishers: s3_bucket_arns must hold ARNs of S3 buckets"},
			{`publishers = { s3_bucket_arns = ["arn:aws:s3:::orders"] }` + fifo, "publishers: S3 can't notify a FIFO queue"},
			{`publishers = { account_ids = ["1"] }`, "publishers: account_ids must hold account numbers of 12 digits"},
			{`publishers = { account_ids = ["111122223333", "111122223333"] }`, "publishers names one twice"},
			{`policy_documents = ["{}"]`, "policy_documents must hold JSON policy documents with a Statement"},
			{`policy_documents = ["not JSON"]`, "policy_documents must hold JSON policy documents with a Statement"},
			{`policy_documents = [jsonencode({ Statement = [{ Sid = "OwnerAccount" }] })]`, "policy_documents use a Sid twice, or one of the module's own"},
			{`account_id = "1"`, "account_id must be an account number of 12 digits"},
			{`tags = { "aws:cost" = "x" }`, "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:"},
		},
		"dlq-alarms": {
			{`dlqs = { a = { dlq_name = "https://sqs/1/a" } }`, "dlqs: dlq_name must be the name of a queue"},
			{`dlqs = { a = { dlq_name = "a", queue_name = "b c" } }`, "dlqs: queue_name must be the name of a queue"},
			{`dlqs = { a = { dlq_name = "a" }, b = { dlq_name = "a" } }`, "dlqs names the same queue under two keys"},
			{`dlqs = { a = { dlq_name = "a", queue_name = "q" }, b = { dlq_name = "b", queue_name = "q" } }`, "dlqs names the same source queue (queue_name) under two keys"},
			{`dlqs = { a = { dlq_name = "a", dlq_message_retention_seconds = 59 } }`, "dlqs: dlq_message_retention_seconds and message_retention_seconds must be 60 to 1209600"},
			{`dlqs = { a = { dlq_name = "a", severity = "very bad" } }`, "dlqs: severity must be 1 to 32 letters"},
			{`dlqs = { a = { dlq_name = "a", runbook_url = "wiki" } }`, "dlqs: runbook_url must be an http or https URL"},
			{`dlqs = { a = { dlq_name = "a", not_empty = { treat_missing_data = "ok" } } }`, "dlqs: not_empty.treat_missing_data must be missing, ignore, breaching or notBreaching"},
			{`dlqs = { a = { dlq_name = "a", about_to_expire = { share = 1 } } }`, "dlqs: about_to_expire.share must be more than 0 and less than 1"},
			{`dlqs = { a = { dlq_name = "a", source_stuck = { age_seconds = 1 } } }`, "dlqs: age_seconds, of about_to_expire and of source_stuck, must be 60 to 1209600"},
			{`dlqs = { a = { dlq_name = "a", filling_fast = { messages = 1 } } }`, "dlqs: filling_fast.messages must be 2 or more"},
			{`dlqs = { a = { dlq_name = "a", filling_fast = { period_seconds = 90 } } }`, "dlqs: filling_fast.period_seconds must be a multiple of 60"},
			{`dlqs = { a = { dlq_name = "a", alarm_actions = ["pager"] } }`, "dlqs: alarm_actions, ok_actions, insufficient_data_actions and each severity of actions_by_severity may hold"},
			{`not_empty = { severity = "" }`, "not_empty.severity must be 1 to 32 letters"},
			{`not_empty = { treat_missing_data = "ok" }`, "not_empty.treat_missing_data must be missing, ignore, breaching or notBreaching"},
			{`about_to_expire = { severity = "a b" }`, "about_to_expire.severity must be 1 to 32 letters"},
			{`about_to_expire = { share = 0 }`, "about_to_expire.share must be more than 0 and less than 1"},
			{`about_to_expire = { age_seconds = 1 }`, "about_to_expire.age_seconds must be 60 to 1209600"},
			{`filling_fast = { severity = "a b" }`, "filling_fast.severity must be 1 to 32 letters"},
			{`filling_fast = { messages = 1 }`, "filling_fast.messages must be 2 or more"},
			{`filling_fast = { period_seconds = 61 }`, "filling_fast.period_seconds must be a multiple of 60"},
			{`source_stuck = { severity = "a b" }`, "source_stuck.severity must be 1 to 32 letters"},
			{`source_stuck = { age_seconds = 59 }`, "source_stuck.age_seconds must be 60 to 1209600"},
			{`name_prefix = "é"`, "name_prefix may hold at most 80 printable ASCII characters"},
			{`name_suffix = "é"`, "name_suffix may hold at most 60 printable ASCII characters"},
			{`severity = "a b"`, "severity must be 1 to 32 letters"},
			{`runbook_url = "wiki"`, "runbook_url must be an http or https URL"},
			{`actions_by_severity = { critical = ["pager"] }`, "actions_by_severity may hold at most 5 ARNs"},
			{`actions_by_severity = { "very bad" = [] }`, "actions_by_severity: the keys must be severities"},
			{`alarm_actions = ["pager"]`, "alarm_actions may hold at most 5 ARNs"},
			{`ok_actions = ["pager"]`, "ok_actions may hold at most 5 ARNs"},
			{`insufficient_data_actions = ["pager"]`, "insufficient_data_actions may hold at most 5 ARNs"},
			{`tags = { "aws:x" = "y" }`, "tags may hold at most 49"},
		},
		"dlq-redrive":     redriveBadInputs(),
		"lambda-consumer": consumerBadInputs(),
		"queue-fleet":     fleetBadInputs(),
		"dlq-dashboard": {
			{`dashboard_name = "our queues"`, "dashboard_name must be 1 to 255 letters, digits, hyphens and underscores"},
			{`queues = { a = { queue_name = "a b", dlq_name = "c" } }`, "queues: queue_name and dlq_name must be names of queues"},
			{`queues = { a = { queue_name = "a", dlq_name = "a" } }`, "queues: queue_name and dlq_name are the same queue"},
			{`queues = { a = { queue_name = "a", dlq_name = "b", message_retention_seconds = 1 } }`, "queues: message_retention_seconds and dlq_message_retention_seconds must be 60 to 1209600"},
			{`queues = { a = { queue_name = "a", dlq_name = "b", runbook_url = "wiki" } }`, "queues: runbook_url must be an http or https URL"},
			{`queues = { for n in range(241) : "q${n}" => { queue_name = "q${n}", dlq_name = "d${n}" } }`, "queues holds more than the 240 pairs that fit into one dashboard"},
			{`layout = "wide"`, "layout must be detailed or compact"},
			{"queues = { for n in range(91) : \"q${n}\" => { queue_name = \"q${n}\", dlq_name = \"d${n}\" } }\nlayout = \"detailed\"", "layout detailed takes at most 90 queue pairs"},
			{`alarm_arns = { a = { not_empty = "a-not-empty" } }`, "alarm_arns must hold ARNs of CloudWatch alarms"},
			{`title = ""`, "title must be one line of 1 to 200 characters"},
			{`links = { wiki = "wiki" }`, "links must map texts of at most 80 characters"},
			{fmt.Sprintf("header_markdown = %q", strings.Repeat("x", 10001)), "header_markdown may hold at most 10000 characters"},
			{`period = 61`, "period must be a multiple of 60 from 60 to 86400"},
			{`period_override = "none"`, "period_override must be auto or inherit"},
			{`start = "yesterday"`, "start must be relative"},
			{`region = "Ireland"`, "region must be the code of a region"},
			{`widgets_extra = [{ type = "text" }]`, "widgets_extra must be a list of objects, each with at least type and properties"},
		},
	}
}

// otherwiseGood is what a call of each module must have besides.
func otherwiseGood() map[string]map[string]string {
	return map[string]map[string]string{
		"queue-with-dlq": {"name": `"orders"`},
		"queue-fleet":    {"queues": `{ orders = {} }`},
		"dlq-alarms":     {"dlqs": `{ orders = { dlq_name = "orders-dlq" } }`},
		"dlq-redrive":    {"name": `"redrive"`, "redrives": `{ orders = { dlq_arn = "arn:aws:sqs:us-east-1:000000000000:orders-dlq", queue_arn = "arn:aws:sqs:us-east-1:000000000000:orders" } }`},
		"dlq-dashboard":  {"dashboard_name": `"orders"`, "queues": `{ orders = { queue_name = "orders", dlq_name = "orders-dlq" } }`},
		"lambda-consumer": {
			"queue":    `{ queue_arn = "arn:aws:sqs:us-east-1:000000000000:orders", visibility_timeout_seconds = 30 }`,
			"function": `{ name = "orders", filename = "orders.zip", source_code_hash = "aGFzaA==" }`,
		},
	}
}

// TestBadInputIsExplained writes each bad input into a call of its own and plans all of
// them at once: each call must get the one message that is meant for it. Validations that
// look at another variable come to be evaluated only when no other error is left, so that
// the calls that have had theirs are taken out and the rest is planned again.
func TestBadInputIsExplained(t *testing.T) {
	needsTerraform(t)
	root := t.TempDir()
	calls, waiting := map[string]string{}, map[string]badInput{} // by name of the call
	for module, inputs := range badInputs() {
		require.NoError(t, os.CopyFS(filepath.Join(root, "modules", module), os.DirFS(filepath.Join("..", "modules", module))))
		requireEveryValidationTried(t, module, inputs)
		for i, in := range inputs {
			name := fmt.Sprintf("%s-%d", module, i)
			calls[name], waiting[name] = in.call(name, module), in
		}
	}
	write := func() {
		config := "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"
		for name := range waiting {
			config += calls[name]
		}
		require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	}
	write()
	s := prepare(t, root, nil)
	// read by the plan, where existing_dlq itself is good
	dead, err := s.sqs.CreateQueue(s.ctx, &sqs.CreateQueueInput{QueueName: aws.String("proof-dead")})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := s.sqs.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: dead.QueueUrl})
		require.NoError(t, err)
	})
	options := *s.options
	options.ExtraArgs.Plan = []string{"-json"}
	for len(waiting) > 0 {
		out, err := terraform.PlanContextE(t, t.Context(), &options)
		got := map[string][]string{}
		if err != nil {
			got = errorsByCall(out + "\n" + err.Error())
		}
		if len(got) == 0 {
			for _, in := range waiting {
				t.Errorf("nothing is said of\n%s\nwant %q", in.inputs, in.message)
			}
			break
		}
		for call, messages := range got {
			in, ok := waiting[call]
			if !ok {
				t.Fatalf("an error that nobody expects, in %q: %q", call, messages)
			}
			if len(messages) != 1 || !strings.Contains(messages[0], in.message) {
				t.Errorf("of\n%s\nit says %q\nwant %q", in.inputs, messages, in.message)
			}
			delete(waiting, call)
		}
		write()
	}
}

// call is the call of the module with the input.
func (in badInput) call(name, module string) string {
	text := fmt.Sprintf("\nmodule %q {\n  source = \"./modules/%s\"\n", name, module)
	for variable, value := range otherwiseGood()[module] {
		if !regexp.MustCompile(`(?m)^` + variable + ` = `).MatchString(in.inputs) {
			text += fmt.Sprintf("  %s = %s\n", variable, value)
		}
	}
	return text + in.inputs + "\n}\n"
}

// requireEveryValidationTried requires a bad input for each validation of the module's
// variables, known by how its message begins.
func requireEveryValidationTried(t *testing.T, module string, inputs []badInput) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "modules", module, "variables.tf"))
	require.NoError(t, err)
	messages := regexp.MustCompile(`(?m)^ +error_message = "(.*)"$`).FindAllStringSubmatch(string(b), -1)
	require.NotEmpty(t, messages)
	for _, m := range messages {
		tried := false
		for _, in := range inputs {
			text := strings.ReplaceAll(m[1], `\"`, `"`)
			beginning, _, names := strings.Cut(text, "${")
			tried = tried || strings.Contains(text, in.message) || names && strings.HasPrefix(in.message, beginning) || strings.HasPrefix(in.message, "Shorten it to") && strings.HasSuffix(beginning, "Shorten it to ")
		}
		if !tried {
			t.Errorf("%s: no bad input tries the validation %q", module, m[1])
		}
	}
}

// errorsByCall reads Terraform's messages and sorts the errors by the module call in the
// root module that they point to.
func errorsByCall(output string) map[string][]string {
	found := map[string][]string{}
	seen := map[string]bool{}
	call := regexp.MustCompile(`^module "([^"]+)"$`)
	for line := range strings.Lines(output) {
		var message struct {
			Level      string `json:"@level"`
			Diagnostic struct {
				Summary, Detail string
				Snippet         struct{ Context string }
			}
		}
		i := strings.Index(line, `{"@level":"error"`)
		if i < 0 || json.Unmarshal([]byte(line[i:]), &message) != nil || seen[line[i:]] {
			continue
		}
		seen[line[i:]] = true
		d := message.Diagnostic
		in := d.Snippet.Context
		if m := call.FindStringSubmatch(in); m != nil {
			in = m[1]
		}
		found[in] = append(found[in], d.Summary+": "+d.Detail)
	}
	return found
}
