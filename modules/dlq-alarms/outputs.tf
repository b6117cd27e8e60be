output "alarm_names" {
  description = "Names of the alarms, by key of `dlqs` and kind of alarm: `alarm_names[\"orders\"].not_empty`."
  value = {
    for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => { not_empty = alarm.alarm_name }
  }
}

output "alarm_arns" {
  description = "ARNs of the alarms, by key of `dlqs` and kind of alarm: `alarm_arns[\"orders\"].not_empty`."
  value = {
    for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => { not_empty = alarm.arn }
  }
}
