output "queue_url" {
  description = "URL of the source queue; producers and consumers use it."
  value       = aws_sqs_queue.source.url
}

output "queue_arn" {
  description = "ARN of the source queue."
  value       = aws_sqs_queue.source.arn
}

output "queue_name" {
  description = "Name of the source queue, with `.fifo` if it is FIFO; the QueueName dimension of its metrics."
  value       = aws_sqs_queue.source.name
}

output "dlq_url" {
  description = "URL of the dead-letter queue."
  value       = local.dlq.url
}

output "dlq_arn" {
  description = "ARN of the dead-letter queue; what further source queues name in their redrive policy."
  value       = local.dlq.arn
}

output "dlq_name" {
  description = "Name of the dead-letter queue, with `.fifo` if it is FIFO; the QueueName dimension of its metrics."
  value       = local.dlq.name
}

output "max_receive_count" {
  description = "How many times a message is received before the next attempt moves it to the DLQ."
  value       = local.max_receive_count
}

output "visibility_timeout_seconds" {
  description = "Visibility timeout of the source queue, in seconds."
  value       = local.visibility_timeout_seconds
}

output "message_retention_seconds" {
  description = "Retention of the source queue, in seconds."
  value       = var.message_retention_seconds
}

output "dlq_message_retention_seconds" {
  description = "Retention of the dead-letter queue, in seconds. On a standard queue it counts from the original send, on a FIFO queue from the move."
  value       = var.dlq_message_retention_seconds
}

output "kms_key_policy_json" {
  description = <<-EOT
    Key policy document (JSON) that lets `publishers` use a KMS key of yours for this
    queue and no other; merge it into the key's policy. Null without publishers. Known
    before the key is.
  EOT
  value       = local.kms_key_policy
}

output "producer_policy_json" {
  description = "IAM policy document (JSON) for a role that sends to the source queue."
  value       = jsonencode(local.producer_policy)
}

output "consumer_policy_json" {
  description = "IAM policy document (JSON) for a role that consumes the source queue, a Lambda event source mapping included."
  value       = jsonencode(local.consumer_policy)
}

output "redrive_operator_policy_json" {
  description = "IAM policy document (JSON) for a role that inspects the DLQ and returns its messages to the source queue, or to any of the additional source queues."
  value       = jsonencode(local.redrive_operator_policy)
}
