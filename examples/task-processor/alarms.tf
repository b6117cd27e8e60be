# On the DLQ: the messages in it are recorded within seconds, so that one that is there for
# a minute says that the function doesn't get through.
module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs          = { (var.name) = module.queue }
  alarm_actions = var.alarm_actions
  tags          = var.tags
}

# On what was recorded: somebody has to see why, and to redrive it.
resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name        = "${var.name}-dead"
  alarm_description = "A task of ${var.name} is DEAD: all attempts were used up. Its last error is in the table ${var.name}-tasks and in the logs of ${var.name}-dead-letters. The alarm is over minutes later whatever was done."
  tags              = var.tags

  namespace   = "TaskProcessor"
  metric_name = "tasks_dead_total"
  dimensions  = { Service = var.name }
  statistic   = "Sum"
  period      = 60

  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}
