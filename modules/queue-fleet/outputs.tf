output "queues" {
  description = <<-EOT
    The queues by their keys, each an object with outputs of queue-with-dlq: `queue_url`,
    `queue_arn`, `queue_name`, `dlq_url`, `dlq_arn`, `dlq_name`, `max_receive_count`,
    `visibility_timeout_seconds`, `message_retention_seconds`,
    `dlq_message_retention_seconds`. Fits dlq-alarms (`dlqs`) and dlq-dashboard (`queues`).
  EOT
  value = {
    for key, queue in var.queues : key => {
      queue_url  = aws_sqs_queue.source[key].url
      queue_arn  = aws_sqs_queue.source[key].arn
      queue_name = aws_sqs_queue.source[key].name
      dlq_url    = aws_sqs_queue.dlq[key].url
      dlq_arn    = aws_sqs_queue.dlq[key].arn
      dlq_name   = aws_sqs_queue.dlq[key].name

      max_receive_count             = local.settings[key].max_receive_count
      visibility_timeout_seconds    = local.settings[key].visibility_timeout_seconds
      message_retention_seconds     = queue.message_retention_seconds
      dlq_message_retention_seconds = queue.dlq_message_retention_seconds
    }
  }
}

output "producer_policies_json" {
  description = "By key, an IAM policy document (JSON) for a role that sends to the source queue."
  value       = { for key, policy in local.producer_policies : key => jsonencode(policy) }
}

output "consumer_policies_json" {
  description = "By key, an IAM policy document (JSON) for a role that consumes the source queue, a Lambda event source mapping included."
  value       = { for key, policy in local.consumer_policies : key => jsonencode(policy) }
}

output "redrive_operator_policies_json" {
  description = "By key, an IAM policy document (JSON) for a role that inspects the DLQ and returns its messages to the source queue."
  value       = { for key, policy in local.redrive_operator_policies : key => jsonencode(policy) }
}
