# Least-privilege identity policies to attach to the roles that use the queues.
# Composed ARNs, so that they are known at plan time.
locals {
  # IAM wants the key's ARN: a bare key id is of this account and region, an
  # alias does not tell its key.
  kms_key_arn = (
    var.kms_key_id == null ? null :
    can(regex(":key/", var.kms_key_id)) ? var.kms_key_id :
    can(regex("alias/", var.kms_key_id)) ? null :
    "arn:${local.partition}:kms:${local.region}:${local.account_id}:key/${var.kms_key_id}"
  )
  kms_key_arns = local.kms_key_arn == null ? [] : [local.kms_key_arn]

  producer_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Send"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource = local.source_arn
      }],
      # SQS generates the data key, and decrypts the one it reuses.
      [for arn in local.kms_key_arns : {
        Sid      = "Encrypt"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = arn
      }],
    )
  }

  consumer_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid    = "Consume"
        Effect = "Allow"
        Action = [
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
        ]
        Resource = local.source_arn
      }],
      [for arn in local.kms_key_arns : {
        Sid      = "Decrypt"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = arn
      }],
    )
  }

  redrive_operator_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "InspectAndRedrive"
          Effect = "Allow"
          Action = [
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
          Resource = local.dlq_arn
        },
        {
          Sid      = "ReturnToSource"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
          Resource = try(one(local.source_queue_arns), local.source_queue_arns)
        },
      ],
      [for arn in local.kms_key_arns : {
        Sid      = "DecryptAndEncrypt"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = arn
      }],
    )
  }
}
