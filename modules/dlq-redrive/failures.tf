# What becomes of a start that fails: the scheduler retries, then gives up, puts the
# call with the reason into the failures DLQ, and the alarm tells.
locals {
  failures_dlq_name = var.existing_failures_dlq == null ? "${var.name}-failures" : null
  failures_key_arns = [
    for arn in [var.existing_failures_dlq == null ? var.failures_kms_key_arn : var.existing_failures_dlq.kms_key_arn] : arn if arn != null
  ]

  failures_dlq = var.existing_failures_dlq == null ? {
    arn  = one(aws_sqs_queue.failures[*].arn)
    url  = one(aws_sqs_queue.failures[*].url)
    name = one(aws_sqs_queue.failures[*].name)
    } : {
    arn  = var.existing_failures_dlq.arn
    url  = one(data.aws_sqs_queue.failures[*].url)
    name = one(data.aws_sqs_queue.failures[*].name)
  }
}

# Standard, for the scheduler takes no other; kept as long as SQS keeps anything.
resource "aws_sqs_queue" "failures" {
  count = var.existing_failures_dlq == null ? 1 : 0

  name = local.failures_dlq_name
  tags = var.tags

  message_retention_seconds = 1209600

  sqs_managed_sse_enabled           = var.failures_kms_key_arn == null ? true : null
  kms_master_key_id                 = var.failures_kms_key_arn
  kms_data_key_reuse_period_seconds = var.failures_kms_key_arn == null ? null : 300

  # No queue's dead letters belong here.
  redrive_allow_policy = jsonencode({ redrivePermission = "denyAll" })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = "${local.queue_arn_prefix}${local.failures_dlq_name}"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

# Fails the plan if the caller's queue doesn't exist, and tells its URL.
data "aws_sqs_queue" "failures" {
  count = var.existing_failures_dlq == null ? 0 : 1

  name = reverse(split(":", var.existing_failures_dlq.arn))[0]
}

# Dropped is what the scheduler has given up on, whether or not it could be put into the
# failures DLQ. Attempts that fail, and are retried with success, are nobody's business.
# The metric has data only when something happens.
resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name = "${var.name}-failed"
  alarm_description = join(" ", compact([
    "A scheduled redrive of the schedule group ${var.name} could not be started: the messages stay in their dead-letter queue.",
    "The failures DLQ holds the call with the reason, in ERROR_CODE and ERROR_MESSAGE. Put it right; the schedule tries again at its next time.",
    "The alarm is over some minutes later even if nothing was done, and fires again the next time.",
    var.runbook_url == null ? "" : "Runbook: ${var.runbook_url}",
  ]))
  tags = var.tags

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled = var.actions_enabled
  alarm_actions   = var.alarm_actions
  ok_actions      = var.ok_actions

  namespace   = "AWS/Scheduler"
  metric_name = "InvocationDroppedCount"
  dimensions  = { ScheduleGroup = aws_scheduler_schedule_group.this.name }
  statistic   = "Sum"
  period      = 300
}
