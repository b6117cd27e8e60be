output "schedule_arns" {
  description = "ARNs of the schedules, by key of `redrives`."
  value       = { for key, schedule in aws_scheduler_schedule.redrive : key => schedule.arn }
}

output "schedule_group_name" {
  description = "Name of the schedule group; the ScheduleGroup dimension of its metrics."
  value       = aws_scheduler_schedule_group.this.name
}

output "role_arns" {
  description = "ARNs of the roles that the schedules use, by key of `redrives`; what a KMS key's policy may name."
  value       = { for key, role in aws_iam_role.redrive : key => role.arn }
}

output "failures_dlq_url" {
  description = "URL of the queue that holds the starts that failed."
  value       = local.failures_dlq.url
}

output "failures_dlq_arn" {
  description = "ARN of the queue that holds the starts that failed."
  value       = local.failures_dlq.arn
}

output "failures_dlq_name" {
  description = "Name of the queue that holds the starts that failed; the QueueName dimension of its metrics."
  value       = local.failures_dlq.name
}

output "failed_alarm_name" {
  description = "Name of the alarm that fires when a redrive could not be started."
  value       = aws_cloudwatch_metric_alarm.failed.alarm_name
}

output "failed_alarm_arn" {
  description = "ARN of the alarm that fires when a redrive could not be started."
  value       = aws_cloudwatch_metric_alarm.failed.arn
}
