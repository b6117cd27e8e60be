provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  ops_name   = "${var.name}-ops"
}

module "queue" {
  source = "../../modules/queue-with-dlq"

  name              = var.name
  max_receive_count = var.max_receive_count
  tags              = var.tags
}

# Every night what is in the DLQ goes back to the queue. What an outage left is
# processed; what is really poison is back in the DLQ after max_receive_count receives.
module "redrive" {
  source = "../../modules/dlq-redrive"

  name                    = "${var.name}-redrive"
  redrives                = { (var.name) = module.queue }
  schedule_expression     = "cron(0 3 * * ? *)"
  time_zone               = var.time_zone
  max_messages_per_second = var.max_messages_per_second
  enabled                 = var.redrive_enabled
  alarm_actions           = [aws_sns_topic.alarms.arn]
  tags                    = var.tags
}

module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs = {
    (var.name) = module.queue
    # A start that failed stays on the books until somebody has looked at it.
    "${var.name}-redrive" = {
      dlq_name        = module.redrive.failures_dlq_name
      about_to_expire = { age_seconds = 7 * 86400 }
    }
  }
  alarm_actions = [aws_sns_topic.alarms.arn]
  tags          = var.tags
}

# Not encrypted with KMS: CloudWatch can't publish to a topic under the AWS
# managed key, and the notifications hold no message bodies.
resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
  tags = var.tags
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:*" }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    }]
  })
}

# Where the notifications can be read; a team would subscribe its pager instead.
# A plain queue on purpose: if nobody reads it, it may forget.
resource "aws_sqs_queue" "ops" {
  name                    = local.ops_name
  sqs_managed_sse_enabled = true
  tags                    = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmTopic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "arn:${local.partition}:sqs:${var.region}:${local.account_id}:${local.ops_name}"
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.alarms.arn } }
    }]
  })
}

resource "aws_sns_topic_subscription" "ops" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.ops.arn
}
