# Least-privilege identity policies to attach to the roles that use the queues. Composed
# ARNs, so that they are known at plan time.
locals {
  # IAM wants the key's ARN: a bare key id is of this account and region, an alias does not
  # tell its key.
  kms_key_arns = {
    for key, queue in var.queues : key => (
      queue.kms_key_id == null ? [] :
      can(regex(":key/", queue.kms_key_id)) ? [queue.kms_key_id] :
      can(regex("alias/", queue.kms_key_id)) ? [] :
      ["arn:${local.partition}:kms:${local.region}:${local.account_id}:key/${queue.kms_key_id}"]
    )
  }

  producer_policies = {
    for key, arns in local.arns : key => {
      Version = "2012-10-17"
      Statement = concat(
        [{
          Sid      = "Send"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
          Resource = arns.source
        }],
        # SQS generates the data key, and decrypts the one it reuses.
        [for arn in local.kms_key_arns[key] : {
          Sid      = "Encrypt"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = arn
        }],
      )
    }
  }

  consumer_policies = {
    for key, arns in local.arns : key => {
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
          Resource = arns.source
        }],
        [for arn in local.kms_key_arns[key] : {
          Sid      = "Decrypt"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = arn
        }],
      )
    }
  }

  redrive_operator_policies = {
    for key, arns in local.arns : key => {
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
            Resource = arns.dlq
          },
          {
            Sid      = "ReturnToSource"
            Effect   = "Allow"
            Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
            Resource = arns.source
          },
        ],
        [for arn in local.kms_key_arns[key] : {
          Sid      = "DecryptAndEncrypt"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = arn
        }],
      )
    }
  }
}
