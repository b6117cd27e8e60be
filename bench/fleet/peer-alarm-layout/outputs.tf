output "cloudwatch_metric_alarm_arn" {
  description = "ARN of the alarm."
  value       = one(aws_cloudwatch_metric_alarm.this[*].arn)
}

output "cloudwatch_metric_alarm_id" {
  description = "Id of the alarm."
  value       = one(aws_cloudwatch_metric_alarm.this[*].id)
}
