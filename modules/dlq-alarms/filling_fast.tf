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
  for_each = local.keys.filling_fast

  alarm_name = "${var.name_prefix}${local.filling_fast[each.key].name}-filling-fast${var.name_suffix}"
  alarm_description = join(" ", [
    "The dead-letter queue ${local.filling_fast[each.key].name} has grown by ${local.filling_fast[each.key].messages} messages or more in ${local.filling_fast[each.key].seconds} seconds:",
    "rather an outage of its consumers, or of what they depend on, than a poison message.",
    "Look at the consumers first, and redrive the messages when they work again.",
    local.filling_fast[each.key].advice,
  ])
  tags = local.filling_fast[each.key].tags

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = local.filling_fast[each.key].messages
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled           = local.filling_fast[each.key].actions_enabled
  alarm_actions             = local.filling_fast[each.key].alarm_actions
  ok_actions                = local.filling_fast[each.key].ok_actions
  insufficient_data_actions = local.filling_fast[each.key].insufficient_data_actions

  metric_query {
    id          = "growth"
    expression  = local.filling_fast[each.key].count_in_flight ? "DIFF(FILL(visible, 0) + FILL(in_flight, 0))" : "DIFF(FILL(visible, 0))"
    label       = "Growth of ${local.filling_fast[each.key].name} in ${local.filling_fast[each.key].seconds} seconds"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for id, metric in local.depth_metrics : id => metric if id == "visible" || local.filling_fast[each.key].count_in_flight }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = local.filling_fast[each.key].name }
        stat        = "Average"
        period      = local.filling_fast[each.key].seconds
      }
    }
  }
}
