locals {
  filling_fast = {
    for key, dlq in var.dlqs : key => merge(local.common[key].filling_fast, {
      messages = coalesce(dlq.filling_fast.messages, var.filling_fast.messages)
      seconds  = coalesce(dlq.filling_fast.period_seconds, var.filling_fast.period_seconds)
    }) if coalesce(dlq.filling_fast.enabled, var.filling_fast.enabled)
  }
}

# By how many messages the DLQ has grown since the period before.
#
# Average, not Maximum: a message that is taken to be looked at moves from visible to
# in flight, and only averages add up to the same number wherever it was meanwhile.
#
# FILL, since DIFF has no value for the first data point after a gap, and the burst
# that wakes a DLQ which has been silent for hours is just that.
resource "aws_cloudwatch_metric_alarm" "filling_fast" {
  for_each = local.filling_fast

  alarm_name = "${var.name_prefix}${each.value.name}-filling-fast${var.name_suffix}"
  alarm_description = join(" ", [
    "The dead-letter queue ${each.value.name} has grown by ${each.value.messages} messages or more in ${each.value.seconds} seconds:",
    "rather an outage of its consumers, or of what they depend on, than a poison message.",
    "Look at the consumers first, and redrive the messages when they work again.",
    each.value.advice,
  ])
  tags = each.value.tags

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.messages
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled           = each.value.actions_enabled
  alarm_actions             = each.value.alarm_actions
  ok_actions                = each.value.ok_actions
  insufficient_data_actions = each.value.insufficient_data_actions

  metric_query {
    id          = "growth"
    expression  = each.value.count_in_flight ? "DIFF(FILL(visible, 0) + FILL(in_flight, 0))" : "DIFF(FILL(visible, 0))"
    label       = "Growth of ${each.value.name} in ${each.value.seconds} seconds"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for id, metric in local.depth_metrics : id => metric if id == "visible" || each.value.count_in_flight }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = each.value.name }
        stat        = "Average"
        period      = each.value.seconds
      }
    }
  }
}
