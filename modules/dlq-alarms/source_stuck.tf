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
  for_each = local.keys.source_stuck

  alarm_name = "${var.name_prefix}${local.source_stuck[each.key].source_name}-source-stuck${var.name_suffix}"
  alarm_description = join(" ", [
    "The oldest message in the queue ${local.source_stuck[each.key].source_name} has been waiting for ${local.source_stuck[each.key].age_seconds} seconds: its consumers have stopped, hang, or don't keep up.",
    "Get them to work, or add more: what nobody receives never reaches the dead-letter queue, and is lost when its retention ends.",
    local.source_stuck[each.key].advice,
  ])
  tags = local.source_stuck[each.key].tags

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = local.source_stuck[each.key].age_seconds
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled           = local.source_stuck[each.key].actions_enabled
  alarm_actions             = local.source_stuck[each.key].alarm_actions
  ok_actions                = local.source_stuck[each.key].ok_actions
  insufficient_data_actions = local.source_stuck[each.key].insufficient_data_actions

  namespace   = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions  = { QueueName = local.source_stuck[each.key].source_name }
  statistic   = "Maximum"
  period      = 60

  lifecycle {
    precondition {
      condition = local.source_stuck[each.key].source_name != null
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm source_stuck needs queue_name, the name of the source queue.",
        "Pass the outputs of queue-with-dlq, or set it; or do without the alarm: source_stuck = { enabled = false }.",
      ])
    }

    precondition {
      condition = try(local.source_stuck[each.key].age_seconds < local.source_stuck[each.key].retention, true)
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm source_stuck could never fire, for its age_seconds is ${local.source_stuck[each.key].age_seconds}",
        "and SQS deletes the source queue's messages after message_retention_seconds, ${coalesce(local.source_stuck[each.key].retention, 0)}. Lower source_stuck.age_seconds.",
      ])
    }
  }
}
