# What dlq-alarms makes with its defaults; descriptions are shorter than there. By the alarm
# module of the same family, or as plain resources, without the inputs and checks of any
# module: there is nothing cheaper.
variable "plain_alarms" {
  type        = bool
  default     = false
  description = "Whether the alarms are plain resources."
}

locals {
  # Not `for_each = module.queues`, which Terraform evaluates anew, with all outputs of all
  # instances, for each alarm.
  dlq_names = { for name, queue in module.queues : name => queue.dead_letter_queue_name }

  not_empty_metrics = {
    visible   = "ApproximateNumberOfMessagesVisible"
    in_flight = "ApproximateNumberOfMessagesNotVisible"
  }
}

module "not_empty" {
  source   = "../peer-alarm-layout"
  for_each = var.plain_alarms ? {} : local.dlq_names

  alarm_name        = "${each.value}-not-empty"
  alarm_description = "The dead-letter queue ${each.value} holds messages that its consumers could not process. Severity: critical."
  tags              = { Severity = "critical", Team = "orders" }

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query = concat([
    for id, name in local.not_empty_metrics : {
      id          = id
      return_data = false

      metric = [{
        namespace   = "AWS/SQS"
        metric_name = name
        dimensions  = { QueueName = each.value }
        stat        = "Maximum"
        period      = 60
      }]
    }
    ], [{
      id          = "messages"
      expression  = "visible + in_flight"
      label       = "Messages in ${each.value}, visible and in flight"
      return_data = true
  }])
}

module "about_to_expire" {
  source   = "../peer-alarm-layout"
  for_each = var.plain_alarms ? {} : local.dlq_names

  alarm_name        = "${each.value}-about-to-expire"
  alarm_description = "Messages in the dead-letter queue ${each.value} will be lost when their retention ends. Severity: warning."
  tags              = { Severity = "warning", Team = "orders" }

  # half of the time between the retention of the source queue, 4 days, and of the DLQ, 14
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 432000
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  namespace   = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions  = { QueueName = each.value }
  statistic   = "Maximum"
  period      = 60
}

resource "aws_cloudwatch_metric_alarm" "not_empty" {
  for_each = var.plain_alarms ? local.dlq_names : {}

  alarm_name        = "${each.value}-not-empty"
  alarm_description = "The dead-letter queue ${each.value} holds messages that its consumers could not process. Severity: critical."
  tags              = { Severity = "critical", Team = "orders" }

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = local.not_empty_metrics

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = each.value }
        stat        = "Maximum"
        period      = 60
      }
    }
  }

  metric_query {
    id          = "messages"
    expression  = "visible + in_flight"
    label       = "Messages in ${each.value}, visible and in flight"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "about_to_expire" {
  for_each = var.plain_alarms ? local.dlq_names : {}

  alarm_name        = "${each.value}-about-to-expire"
  alarm_description = "Messages in the dead-letter queue ${each.value} will be lost when their retention ends. Severity: warning."
  tags              = { Severity = "warning", Team = "orders" }

  # half of the time between the retention of the source queue, 4 days, and of the DLQ, 14
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 432000
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  namespace   = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions  = { QueueName = each.value }
  statistic   = "Maximum"
  period      = 60
}
