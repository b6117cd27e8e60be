package test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// redriveDefects are edits of dlq-redrive with which nothing heals, or too fast, or nobody
// hears that it didn't.
func redriveDefects() []moduleDefect {
	const redrive = "dlq-redrive"
	return []moduleDefect{
		{"the source instead of the DLQ", redrive, "SourceArn                    = each.value.dlq_arn", "SourceArn                    = each.value.receivers[0]", "the redrive: 0 messages are back"},
		{"another action", redrive, "startMessageMoveTask", "purgeQueue", "the redrive: 0 messages are back"},
		{"disabled", redrive, `each.value.enabled ? "ENABLED" : "DISABLED"`, `each.value.enabled ? "DISABLED" : "ENABLED"`, "the redrive: 0 messages are back"},
		{"another time zone", redrive, "schedule_expression_timezone = each.value.time_zone", `schedule_expression_timezone = "America/New_York"`, "the redrive: 0 messages are back"},
		{"UTC", redrive, "schedule_expression_timezone = each.value.time_zone", `schedule_expression_timezone = "UTC"`, "the redrive: 0 messages are back"},
		{"every hour", redrive, "schedule_expression          = each.value.schedule_expression", `schedule_expression          = "rate(1 hour)"`, "messages came back before"},
		{"a window that nobody asked for", redrive, `each.value.flexible_window_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = each.value.flexible_window_minutes == 0 ? null : each.value.flexible_window_minutes`, "\"FLEXIBLE\"\n    maximum_window_in_minutes = 240", "the redrive: 0 messages are back"},
		{"no throttle", redrive, "MaxNumberOfMessagesPerSecond = each.value.max_messages_per_second", "", "the redrive: 24 messages are back"},
		{"a throttle of its own", redrive, "MaxNumberOfMessagesPerSecond = each.value.max_messages_per_second", "MaxNumberOfMessagesPerSecond = 1", "the redrive: 2 messages are back"},
		{"another destination", redrive, "each.value.destination_arn == null ? {}", "each.value.destination_arn == null ? { DestinationArn = local.failures_dlq.arn }", "the redrive: 0 messages are back"},
		{"no permission to start", redrive, `, "sqs:StartMessageMoveTask"]`, "]", "the redrive: 0 messages are back"},
		{"no permission to receive", redrive, `"sqs:ReceiveMessage", `, "", "the redrive: 0 messages are back"},
		{"no permission to delete", redrive, `"sqs:DeleteMessage", `, "", "the redrive: 0 messages are back"},
		{"no permission to look", redrive, `"sqs:GetQueueAttributes", `, "", "the redrive: 0 messages are back"},
		{"permission to send to the DLQ", redrive, "Resource = try(one(each.value.receivers), each.value.receivers)", "Resource = each.value.dlq_arn", "the redrive: 0 messages are back"},
		{"permission to decrypt and not to encrypt", redrive, `Action   = ["kms:Decrypt", "kms:GenerateDataKey"]`, `Action   = "kms:Decrypt"`, "the redrive: 0 messages are back"},
		{"the key of another queue", redrive, "distinct(concat(each.value.kms_key_arns, local.failures_key_arns))", "local.failures_key_arns", "the redrive: 0 messages are back"},

		{"no failures DLQ", redrive, "dead_letter_config {\n      arn = local.failures_dlq.arn\n    }", "", "the failures DLQ holds 0 messages"},
		{"no permission to report failures", redrive, `Sid      = "ReportFailures"
          Effect   = "Allow"`, `Sid      = "ReportFailures"
          Effect   = "Deny"`, "the failures DLQ holds 0 messages"},
		{"no retries", redrive, "maximum_retry_attempts       = each.value.max_retry_attempts", "maximum_retry_attempts       = 0", "a start that is still tried again"},
		{"a day of retries", redrive, "maximum_event_age_in_seconds = each.value.max_event_age_seconds", "maximum_event_age_in_seconds = 86400", "the failures DLQ holds 0 messages"},
		{"an alarm on the default group", redrive, "dimensions  = { ScheduleGroup = aws_scheduler_schedule_group.this.name }", `dimensions  = { ScheduleGroup = "default" }`, "want ALARM once"},
		{"an alarm on errors that are retried", redrive, `metric_name = "InvocationDroppedCount"`, `metric_name = "TargetErrorCount"`, "a start that is still tried again"},
		{"an alarm that wants two failures", redrive, "threshold           = 0", "threshold           = 1", "want ALARM once"},
		{"an alarm that tells nobody", redrive, "alarm_actions   = var.alarm_actions", "alarm_actions   = []", "want ALARM once"},
		{"an alarm that is silenced", redrive, "actions_enabled = var.actions_enabled", "actions_enabled = false", "want ALARM once"},
		{"an alarm whose end is taken for a repair", redrive, "ok_actions      = var.ok_actions", "ok_actions      = var.alarm_actions", "want ALARM once"},
	}
}

// TestRedriveDefectsAreNoticed deploys the defects beside a sound module.
func TestRedriveDefectsAreNoticed(t *testing.T) {
	needsTerraform(t)
	defects := redriveDefects()
	s := deployDefects(t, defects, notificationsFixture(t)+"\nresource \"aws_kms_key\" \"queues\" {}\n\nresource \"aws_kms_key\" \"failures\" {}\n", writeHealing)
	c := clientsOf(s.target.Target)
	check := func(ctx context.Context, name string) error {
		var h healing
		s.output(t, name, &h)
		nightly := night{zone: "Europe/Berlin", hour: 3, perSecond: 8}
		if err := checkHealing(ctx, c, h, nightly, 2); err != nil {
			return errors.Join(err, c.drain(ctx, h.DLQURL, 0))
		}
		return checkFailedStart(ctx, c, h, nightly, 2)
	}
	t.Run("none", func(t *testing.T) { require.NoError(t, check(t.Context(), "sound")) })
	for i, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			require.ErrorContains(t, check(t.Context(), defectName(i)), d.caughtBy, "the defect survived")
		})
	}
}

// writeHealing writes a queue pair under a KMS key with its alarms and its redrive, from the
// modules in the directory.
func writeHealing(w *strings.Builder, name string) {
	fmt.Fprintf(w, `
module "%[1]s" {
  source            = "./%[1]s/queue-with-dlq"
  name              = "%[1]s"
  max_receive_count = 2
  kms_key_id        = aws_kms_key.queues.arn
}

module "%[1]s-alarms" {
  source        = "./%[1]s/dlq-alarms"
  dlqs          = { it = module.%[1]s }
  alarm_actions = [aws_sns_topic.alarms.arn]
}

module "%[1]s-redrive" {
  source                  = "./%[1]s/dlq-redrive"
  name                    = "%[1]s-redrive"
  redrives                = { it = merge(module.%[1]s, { kms_key_arns = [aws_kms_key.queues.arn] }) }
  time_zone               = "Europe/Berlin"
  max_messages_per_second = 8
  failures_kms_key_arn    = aws_kms_key.failures.arn
  alarm_actions           = [aws_sns_topic.alarms.arn]
}

output "%[1]s" {
  value = {
    queue_url              = module.%[1]s.queue_url
    queue_arn              = module.%[1]s.queue_arn
    dlq_url                = module.%[1]s.dlq_url
    dlq_arn                = module.%[1]s.dlq_arn
    not_empty_alarm_name   = module.%[1]s-alarms.alarm_names["it"].not_empty
    notification_queue_url = aws_sqs_queue.ops.url
    failures_dlq_url       = module.%[1]s-redrive.failures_dlq_url
    failed_alarm_name      = module.%[1]s-redrive.failed_alarm_name
  }
}
`, name)
}
