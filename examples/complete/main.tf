provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  arn_prefix = "arn:${local.partition}:sqs:${var.region}:${local.account_id}"
}

module "queue" {
  source = "../../modules/queue-with-dlq"

  name     = var.name
  dlq_name = "${var.name}-failed" # instead of <name>-dlq
  fifo     = null                 # an object, {} at least, for FIFO queues

  # How often, and how long hidden in between.
  workload                   = "external_api" # 6, but
  max_receive_count          = 4              # a number of one's own wins
  consumer_timeout_seconds   = 20
  visibility_timeout_seconds = 150 # instead of 6 x 20

  # How long kept. The DLQ always longer than the source.
  message_retention_seconds     = 2 * 86400
  dlq_message_retention_seconds = 14 * 86400

  delay_seconds             = 5
  receive_wait_time_seconds = 10
  max_message_size          = 65536

  # Under a key of one's own.
  kms_key_id                        = aws_kms_key.queue.arn
  kms_data_key_reuse_period_seconds = 3600

  # Who may use the DLQ: this source, and another team's.
  redrive_allow                = "byQueue"
  additional_source_queue_arns = ["${local.arn_prefix}:${var.name}-returns"]

  # Who may send: nobody over plain HTTP, this topic, and a role of one's own
  # choice besides.
  require_tls = true
  publishers = {
    sns_topic_arns = [aws_sns_topic.orders.arn]
    account_ids    = var.producer_account_ids
  }
  policy_documents = [data.aws_iam_policy_document.nobody_purges.json]

  account_id = local.account_id
  tags       = var.tags
}

# The other team's queue, which uses the same DLQ.
module "returns" {
  source = "../../modules/queue-with-dlq"

  name         = "${var.name}-returns"
  existing_dlq = { arn = module.queue.dlq_arn }
  workload     = "idempotent_fast"
  account_id   = local.account_id
  tags         = var.tags
}

data "aws_iam_policy_document" "nobody_purges" {
  statement {
    sid       = "NobodyPurges"
    effect    = "Deny"
    actions   = ["sqs:PurgeQueue"]
    resources = ["${local.arn_prefix}:${var.name}"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

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
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }
}

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
