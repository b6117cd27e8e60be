output "queue_url" {
  description = "URL of the source queue."
  value       = module.queue.queue_url
}

output "queue_arn" {
  description = "ARN of the source queue."
  value       = module.queue.queue_arn
}

output "dlq_url" {
  description = "URL of the dead-letter queue."
  value       = module.queue.dlq_url
}

output "dlq_arn" {
  description = "ARN of the dead-letter queue."
  value       = module.queue.dlq_arn
}

output "not_empty_alarm_name" {
  description = "Name of the alarm that fires when the dead-letter queue holds a message."
  value       = module.alarms.alarm_names[var.name].not_empty
}

output "notification_queue_url" {
  description = "URL of the ops queue, where the alarm's notifications arrive."
  value       = aws_sqs_queue.ops.url
}

output "schedule_group_name" {
  description = "Name of the schedule group; the schedule in it is named after the source queue."
  value       = module.redrive.schedule_group_name
}

output "failures_dlq_url" {
  description = "URL of the queue that holds redrives that could not be started."
  value       = module.redrive.failures_dlq_url
}

output "failed_alarm_name" {
  description = "Name of the alarm that fires when a redrive could not be started."
  value       = module.redrive.failed_alarm_name
}
