package test

import (
	"fmt"
	"strings"
)

// redriveBadInputs are the bad inputs of dlq-redrive.
func redriveBadInputs() []badInput {
	const arn = "arn:aws:sqs:us-east-1:000000000000:"
	redrive := func(settings string) string {
		return fmt.Sprintf("redrives = { orders = { dlq_arn = %q, queue_arn = %q, %s } }", arn+"orders-dlq", arn+"orders", settings)
	}
	return []badInput{
		{`name = "a.b"`, "name must be 1 to 62 letters, digits, hyphens and underscores"},
		{`name = "default"`, "name is that of AWS's own schedule group, default"},
		{fmt.Sprintf(`redrives = { "a b" = { dlq_arn = %q, queue_arn = %q } }`, arn+"d", arn+"q"), "redrives: the keys, which name the schedules, must be 1 to 62"},
		{fmt.Sprintf("name = \"redrive\"\nredrives = { %s = { dlq_arn = %q, queue_arn = %q } }", strings.Repeat("k", 57), arn+"d", arn+"q"), "redrives: a key is too long: IAM takes 64 characters for a role's name, which is <name>-<key>. Shorten name ("},
		{fmt.Sprintf(`redrives = { orders = { dlq_arn = "orders-dlq", queue_arn = %q } }`, arn+"orders"), "redrives: dlq_arn must be an SQS queue's ARN"},
		{redrive(`destination_arn = "repair"`), "redrives: queue_arn, additional_source_queue_arns and destination_arn must be SQS queues' ARNs"},
		{fmt.Sprintf(`redrives = { orders = { dlq_arn = %q } }`, arn+"orders-dlq"), "redrives: say where the messages go"},
		{fmt.Sprintf(`redrives = { orders = { dlq_arn = %q, queue_arn = %[1]q } }`, arn+"orders"), "redrives: a DLQ can't be its own source or destination"},
		{fmt.Sprintf(`redrives = { a = { dlq_arn = %q, queue_arn = %q }, b = { dlq_arn = %[1]q, queue_arn = %[2]q } }`, arn+"d", arn+"q"), "redrives names the same DLQ under two keys"},
		{redrive(fmt.Sprintf("additional_source_queue_arns = [%q]", arn+"orders")), "redrives: additional_source_queue_arns may hold at most 10 ARNs, each once"},
		{redrive(fmt.Sprintf("destination_arn = %q", arn+"repair.fifo")), "redrives mixes types"},
		{redrive(`kms_key_arns = ["alias/orders"]`), "redrives: kms_key_arns must hold ARNs of keys"},
		{redrive(`schedule_expression = "every night"`), "redrives: schedule_expression must be cron("},
		{redrive(`time_zone = "+01:00"`), "redrives: time_zone must be a name of the IANA time zone database"},
		{redrive(`flexible_window_minutes = 1441`), "redrives: flexible_window_minutes must be a whole number from 1 to 1440"},
		{redrive(`max_messages_per_second = 501`), "redrives: max_messages_per_second must be a whole number from 1 to 500"},
		{redrive(`max_event_age_seconds = 59`), "redrives: max_event_age_seconds must be a whole number from 60 to 86400"},
		{redrive(`max_retry_attempts = 186`), "redrives: max_retry_attempts must be a whole number from 0 to 185"},
		{`schedule_expression = "cron(0 3 * * *)"`, "schedule_expression must be cron("},
		{`time_zone = "Europe/ Berlin"`, "time_zone must be a name of the IANA time zone database"},
		{`flexible_window_minutes = 0.5`, "flexible_window_minutes must be a whole number from 1 to 1440"},
		{`max_messages_per_second = 0`, "max_messages_per_second must be a whole number from 1 to 500"},
		{`max_event_age_seconds = 86401`, "max_event_age_seconds must be a whole number from 60 to 86400"},
		{`max_retry_attempts = -1`, "max_retry_attempts must be a whole number from 0 to 185"},
		{fmt.Sprintf("existing_failures_dlq = { arn = %q }", arn+"f.fifo"), "existing_failures_dlq: arn must be a standard SQS queue's ARN"},
		{fmt.Sprintf(`existing_failures_dlq = { arn = %q, kms_key_arn = "alias/f" }`, arn+"proof-dead"), "existing_failures_dlq: kms_key_arn must be the ARN of a key"},
		{fmt.Sprintf("existing_failures_dlq = { arn = %q }\nfailures_kms_key_arn = \"arn:aws:kms:us-east-1:000000000000:key/f\"", arn+"proof-dead"), "existing_failures_dlq and failures_kms_key_arn exclude each other"},
		{`failures_kms_key_arn = "alias/f"`, "failures_kms_key_arn must be the ARN of a key"},
		{`alarm_actions = ["ops"]`, "alarm_actions may hold at most 5 ARNs"},
		{`ok_actions = ["ops"]`, "ok_actions may hold at most 5 ARNs"},
		{`runbook_url = "see the wiki"`, "runbook_url must be an http or https URL of at most 400 characters"},
		{`permissions_boundary_arn = "arn:aws:iam::000000000000:role/b"`, "permissions_boundary_arn must be the ARN of an IAM policy"},
		{`account_id = "1"`, "account_id must be an account number of 12 digits"},
		{`tags = { "aws:cost" = "x" }`, "tags may hold at most 50"},
	}
}
