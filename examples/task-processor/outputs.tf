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

output "tasks_table" {
  description = "Name of the table of tasks."
  value       = aws_dynamodb_table.tasks.name
}

output "keys_table" {
  description = "Name of the table of idempotency keys."
  value       = aws_dynamodb_table.keys.name
}

output "consumer_function_name" {
  description = "Name of the function that works on tasks."
  value       = module.consumer.function_name
}

output "dead_letters_function_name" {
  description = "Name of the function that records dead letters."
  value       = module.dead_letters.function_name
}

output "not_empty_alarm_name" {
  description = "Name of the alarm that fires when a message stays in the dead-letter queue."
  value       = module.alarms.alarm_names[var.name].not_empty
}

output "dead_alarm_name" {
  description = "Name of the alarm that fires when a task is DEAD."
  value       = aws_cloudwatch_metric_alarm.dead.alarm_name
}
