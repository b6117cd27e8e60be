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

  # A queue can't be renamed, nor its type be changed: a plan would replace it, with the
  # messages in it, and say so in one line among many. So the queues ignore such changes,
  # also of an imported queue, and they are refused here: a condition of the queues' own
  # would look at all queues for each of them. -replace doesn't ignore the changes.
  precondition {
    condition     = length(local.renamed) == 0
    error_message = <<-EOT
      These queues are called otherwise than configured:
      ${join("\n", local.renamed)}
      A queue can't be renamed: a new one would take its place, and the messages in the old one would be lost.
      To keep a queue, set name, dlq_name and fifo back; if its key changed alone, give it the old name as its name, and moved blocks. To replace it all the same, move producers away, drain it, and plan with -replace='ADDRESS', once for each queue.
    EOT
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
