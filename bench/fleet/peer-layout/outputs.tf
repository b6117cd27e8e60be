output "queue_id" {
  description = "URL of the queue."
  value       = try(aws_sqs_queue.this[0].id, null)
}

output "queue_arn" {
  description = "ARN of the queue."
  value       = try(aws_sqs_queue.this[0].arn, null)
}

output "queue_arn_static" {
  description = "ARN of the queue, composed."
  value       = var.create && !var.use_name_prefix ? "${local.arn_prefix}:${local.arn_name}" : ""
}

output "queue_url" {
  description = "URL of the queue."
  value       = try(aws_sqs_queue.this[0].url, null)
}

output "queue_name" {
  description = "Name of the queue."
  value       = try(aws_sqs_queue.this[0].name, null)
}

output "dead_letter_queue_id" {
  description = "URL of the DLQ."
  value       = try(aws_sqs_queue.dlq[0].id, null)
}

output "dead_letter_queue_arn" {
  description = "ARN of the DLQ."
  value       = try(aws_sqs_queue.dlq[0].arn, null)
}

output "dead_letter_queue_arn_static" {
  description = "ARN of the DLQ, composed."
  value       = local.with_dlq && !var.use_name_prefix ? "${local.arn_prefix}:${local.dlq_name}" : ""
}

output "dead_letter_queue_url" {
  description = "URL of the DLQ."
  value       = try(aws_sqs_queue.dlq[0].url, null)
}

output "dead_letter_queue_name" {
  description = "Name of the DLQ."
  value       = try(aws_sqs_queue.dlq[0].name, null)
}
