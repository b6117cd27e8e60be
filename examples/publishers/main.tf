provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
}

# The queue's policy lets these three send, each by its ARN.
module "queue" {
  source = "../../modules/queue-with-dlq"

  name       = var.name
  kms_key_id = aws_kms_key.queue.arn
  account_id = local.account_id
  tags       = var.tags

  publishers = {
    sns_topic_arns        = [aws_sns_topic.orders.arn]
    eventbridge_rule_arns = [aws_cloudwatch_event_rule.orders.arn]
    s3_bucket_arns        = [aws_s3_bucket.orders.arn]
  }
}

module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs = { (var.name) = module.queue }
  tags = var.tags
}

# Services can't use the AWS managed key of SQS: the queue has a key of its own,
# whose policy lets them use it for this queue.
resource "aws_kms_key" "queue" {
  description         = "Messages of ${var.name} and its DLQ"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.json
  tags                = var.tags
}

data "aws_iam_policy_document" "key" {
  source_policy_documents = [module.queue.kms_key_policy_json]

  statement {
    sid       = "AccountDecidesByIAM"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account_id}:root"]
    }
  }
}

# 1. A topic.
resource "aws_sns_topic" "orders" {
  name              = var.name
  kms_master_key_id = "alias/aws/sns"
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.orders.arn
  protocol             = "sqs"
  endpoint             = module.queue.queue_arn
  raw_message_delivery = true
}

# 2. A rule on the default event bus.
resource "aws_cloudwatch_event_rule" "orders" {
  name          = var.name
  description   = "Orders that were placed"
  event_pattern = jsonencode({ source = ["shop"], detail-type = ["OrderPlaced"] })
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "queue" {
  rule = aws_cloudwatch_event_rule.orders.name
  arn  = module.queue.queue_arn
}

# 3. A bucket. S3 sends a test message as soon as it is configured: consumers must
# bear a message without Records.
resource "aws_s3_bucket" "orders" {
  bucket = coalesce(var.bucket, "${var.name}-${local.account_id}")
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "orders" {
  bucket = aws_s3_bucket.orders.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_notification" "orders" {
  bucket = aws_s3_bucket.orders.id

  queue {
    queue_arn     = module.queue.queue_arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "incoming/"
  }
}
