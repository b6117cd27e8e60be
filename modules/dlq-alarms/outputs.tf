output "alarm_names" {
  description = "Names of the alarms, by key of `dlqs` and kind of alarm: `alarm_names[\"orders\"].not_empty`, `.about_to_expire`, `.filling_fast`, `.source_stuck`. Null where the alarm isn't made."
  value = {
    for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => {
      not_empty       = alarm.alarm_name
      about_to_expire = try(aws_cloudwatch_metric_alarm.about_to_expire[key].alarm_name, null)
      filling_fast    = try(aws_cloudwatch_metric_alarm.filling_fast[key].alarm_name, null)
      source_stuck    = try(aws_cloudwatch_metric_alarm.source_stuck[key].alarm_name, null)
    }
  }
}

output "alarm_arns" {
  description = "ARNs of the alarms, in the same form as `alarm_names`."
  value = {
    for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => {
      not_empty       = alarm.arn
      about_to_expire = try(aws_cloudwatch_metric_alarm.about_to_expire[key].arn, null)
      filling_fast    = try(aws_cloudwatch_metric_alarm.filling_fast[key].arn, null)
      source_stuck    = try(aws_cloudwatch_metric_alarm.source_stuck[key].arn, null)
    }
  }
}
