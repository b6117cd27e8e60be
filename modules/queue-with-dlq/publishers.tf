# Statements that let other services and accounts send to the source queue, each
# for the named resources alone: a service principal without a condition would be
# the confused deputy of anybody's topic, rule or bucket.
locals {
  publisher_account_arns = [for id in var.publishers.account_ids : "arn:${local.partition}:iam::${id}:root"]

  publisher_services = concat(
    [for service in ["sns.amazonaws.com"] : service if length(var.publishers.sns_topic_arns) > 0],
    [for service in ["events.amazonaws.com"] : service if length(var.publishers.eventbridge_rule_arns) > 0],
    [for service in ["s3.amazonaws.com"] : service if length(var.publishers.s3_bucket_arns) > 0],
  )

  publisher_statements = concat(
    [for arns in [var.publishers.sns_topic_arns] : {
      Sid       = "SendFromTopics"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.source_arn
      Condition = { ArnEquals = { "aws:SourceArn" = try(one(arns), arns) } }
    } if length(arns) > 0],
    [for arns in [var.publishers.eventbridge_rule_arns] : {
      Sid       = "SendFromRules"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.source_arn
      Condition = { ArnEquals = { "aws:SourceArn" = try(one(arns), arns) } }
    } if length(arns) > 0],
    # A bucket's ARN names no account: without one, whoever creates a bucket of that
    # name after yours was deleted could send.
    [for arns in [var.publishers.s3_bucket_arns] : {
      Sid       = "SendFromBuckets"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.source_arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = try(one(arns), arns) }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    } if length(arns) > 0],
    # Which of their roles may send is for those accounts to say.
    [for arns in [local.publisher_account_arns] : {
      Sid       = "SendFromAccounts"
      Effect    = "Allow"
      Principal = { AWS = try(one(arns), arns) }
      Action    = ["sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource  = local.source_arn
    } if length(arns) > 0],
  )

  # SQS calls KMS as the sender and names the queue in the encryption context. Which
  # topic, rule or bucket may send is the queue policy's to say. Not derived from
  # kms_key_id, since the key's own policy is what this goes into.
  kms_key_statements = [
    for principal in concat(
      [for services in [local.publisher_services] : { Service = try(one(services), services) } if length(services) > 0],
      [for arns in [local.publisher_account_arns] : { AWS = try(one(arns), arns) } if length(arns) > 0],
      ) : {
      Effect    = "Allow"
      Principal = principal
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
      Condition = { StringEquals = { "kms:EncryptionContext:aws:sqs:arn" = local.source_arn } }
    }
  ]
  kms_key_policy = length(local.kms_key_statements) == 0 ? null : jsonencode({
    Version   = "2012-10-17"
    Statement = local.kms_key_statements
  })
}
