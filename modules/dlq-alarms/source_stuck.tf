locals {
  source_stuck = {
    for key, dlq in var.dlqs : key => merge(local.common[key].source_stuck, {
      source_name = dlq.queue_name
      retention   = dlq.message_retention_seconds
      # an hour, or a quarter of the retention where that is less
      age_seconds = coalesce(
        dlq.source_stuck.age_seconds, var.source_stuck.age_seconds,
        try(min(3600, floor(dlq.message_retention_seconds / 4)), 3600),
      )
    }) if coalesce(dlq.source_stuck.enabled, var.source_stuck.enabled)
  }
}

# What nobody receives is never dead-lettered: it waits until its retention ends, and
# the DLQ's alarms hear nothing of it. An empty queue reports no age.
resource "aws_cloudwatch_metric_alarm" "source_stuck" {
  for_each = local.source_stuck

  alarm_name = "${var.name_prefix}${each.value.source_name}-source-stuck${var.name_suffix}"
  alarm_description = join(" ", [
    "The oldest message in the queue ${each.value.source_name} has been waiting for ${each.value.age_seconds} seconds: its consumers have stopped, hang, or don't keep up.",
    "Get them to work, or add more: what nobody receives never reaches the dead-letter queue, and is lost when its retention ends.",
    each.value.advice,
  ])
  tags = each.value.tags

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.age_seconds
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled           = each.value.actions_enabled
  alarm_actions             = each.value.alarm_actions
  ok_actions                = each.value.ok_actions
  insufficient_data_actions = each.value.insufficient_data_actions

  namespace   = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions  = { QueueName = each.value.source_name }
  statistic   = "Maximum"
  period      = 60

  lifecycle {
    precondition {
      condition = each.value.source_name != null
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm source_stuck needs queue_name, the name of the source queue.",
        "Pass the outputs of queue-with-dlq, or set it; or do without the alarm: source_stuck = { enabled = false }.",
      ])
    }

    precondition {
      condition = try(each.value.age_seconds < each.value.retention, true)
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm source_stuck could never fire, for its age_seconds is ${each.value.age_seconds}",
        "and SQS deletes the source queue's messages after message_retention_seconds, ${coalesce(each.value.retention, 0)}. Lower source_stuck.age_seconds.",
      ])
    }
  }
}
