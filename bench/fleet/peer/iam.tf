# The IAM policies for the roles of the queues' users, which terraform-aws-modules/sqs leaves to
# its callers: written in the way of that module itself, and known at plan time as in ../ours.
variable "iam_documents" {
  type        = bool
  default     = true
  description = "Whether there are IAM policy documents for the queues' users."
}

locals {
  # Not `for_each = module.queues`: see alarms.tf.
  arns = {
    for name, queue in module.queues : name => {
      source = queue.queue_arn_static
      dlq    = queue.dead_letter_queue_arn_static
    } if var.iam_documents
  }
}

data "aws_iam_policy_document" "producer" {
  for_each = local.arns

  statement {
    sid       = "Send"
    actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = [each.value.source]
  }
}

data "aws_iam_policy_document" "consumer" {
  for_each = local.arns

  statement {
    sid = "Consume"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:ReceiveMessage",
    ]
    resources = [each.value.source]
  }
}

data "aws_iam_policy_document" "redrive_operator" {
  for_each = local.arns

  statement {
    sid = "InspectAndRedrive"
    actions = [
      "sqs:CancelMessageMoveTask",
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:ListDeadLetterSourceQueues",
      "sqs:ListMessageMoveTasks",
      "sqs:ReceiveMessage",
      "sqs:StartMessageMoveTask",
    ]
    resources = [each.value.dlq]
  }

  statement {
    sid       = "ReturnToSource"
    actions   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = [each.value.source]
  }
}

output "iam_documents" {
  description = "IAM policy documents for the roles of the queues' users, by the name of the source queue."
  value = !var.iam_documents ? {} : {
    producer         = { for name, document in data.aws_iam_policy_document.producer : name => document.json }
    consumer         = { for name, document in data.aws_iam_policy_document.consumer : name => document.json }
    redrive_operator = { for name, document in data.aws_iam_policy_document.redrive_operator : name => document.json }
  }
}
