locals {
  not_empty = {
    for key, dlq in var.dlqs : key => merge(local.common[key].not_empty, {
      treat_missing_data = coalesce(dlq.not_empty.treat_missing_data, var.not_empty.treat_missing_data)
    })
  }
}

# One message in a DLQ is one too many: a single minute above zero is enough, and
# Maximum, since an average over the minute could hide it. Not
# NumberOfMessagesSent, which dead-lettering does not count.
resource "aws_cloudwatch_metric_alarm" "not_empty" {
  for_each = local.keys.not_empty

  alarm_name = "${var.name_prefix}${local.not_empty[each.key].name}-not-empty${var.name_suffix}"
  alarm_description = join(" ", [
    "The dead-letter queue ${local.not_empty[each.key].name} holds messages that its consumers could not process.",
    "Find out why, then redrive or delete them all: until it is empty, this alarm tells of no further ones.",
    local.not_empty[each.key].advice,
  ])
  tags = local.not_empty[each.key].tags

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = local.not_empty[each.key].treat_missing_data

  actions_enabled           = local.not_empty[each.key].actions_enabled
  alarm_actions             = local.not_empty[each.key].alarm_actions
  ok_actions                = local.not_empty[each.key].ok_actions
  insufficient_data_actions = local.not_empty[each.key].insufficient_data_actions

  # Messages that somebody looks at are in flight, not visible: without counting
  # them, inspecting the DLQ would turn the alarm off.
  dynamic "metric_query" {
    for_each = local.not_empty[each.key].count_in_flight ? local.depth_metrics : {}

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = local.not_empty[each.key].name }
        stat        = "Maximum"
        period      = 60
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.not_empty[each.key].count_in_flight ? ["visible + in_flight"] : []

    content {
      id          = "messages"
      expression  = metric_query.value
      label       = "Messages in ${local.not_empty[each.key].name}, visible and in flight"
      return_data = true
    }
  }

  namespace   = local.not_empty[each.key].count_in_flight ? null : "AWS/SQS"
  metric_name = local.not_empty[each.key].count_in_flight ? null : local.depth_metrics.visible
  dimensions  = local.not_empty[each.key].count_in_flight ? null : { QueueName = local.not_empty[each.key].name }
  statistic   = local.not_empty[each.key].count_in_flight ? null : "Maximum"
  period      = local.not_empty[each.key].count_in_flight ? null : 60
}
