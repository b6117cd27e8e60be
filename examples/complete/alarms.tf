module "alarms" {
  source = "../../modules/dlq-alarms"

  # One entry for each DLQ; a shared one is watched once.
  dlqs = {
    (var.name) = merge(module.queue, {
      # This queue's own settings go before the module's below.
      runbook_url  = "https://runbooks.example.com/orders"
      filling_fast = { enabled = true, messages = 20 }
    })
  }

  not_empty       = { severity = "warning" }
  about_to_expire = { share = 0.5 }
  filling_fast    = { enabled = false, period_seconds = 300 }
  source_stuck    = { enabled = true, age_seconds = 3600 }
  count_in_flight = true

  # Whom to tell, by severity; alarm_actions for a severity that has no entry.
  actions_by_severity = {
    critical = [aws_sns_topic.ops["pager"].arn]
    warning  = [aws_sns_topic.ops["chat"].arn]
  }
  alarm_actions             = [aws_sns_topic.ops["chat"].arn]
  ok_actions                = null # whoever hears of the one hears of the other
  insufficient_data_actions = []
  actions_enabled           = true

  name_prefix = ""
  name_suffix = ""
  runbook_url = "https://runbooks.example.com/dlq"
  tags        = var.tags
}

module "dashboard" {
  source = "../../modules/dlq-dashboard"

  dashboard_name = "${var.name}-queues"
  queues         = { (var.name) = module.queue, "${var.name}-returns" = module.returns }
  alarm_arns     = module.alarms.alarm_arns
}

# Subscribe a pager to the one and a chat to the other. Not encrypted with KMS:
# CloudWatch can't publish to a topic under the AWS managed key, and the
# notifications hold no message bodies.
resource "aws_sns_topic" "ops" {
  for_each = toset(["pager", "chat"])

  name = "${var.name}-${each.key}"
  tags = var.tags
}

resource "aws_sns_topic_policy" "ops" {
  for_each = aws_sns_topic.ops

  arn = each.value.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = each.value.arn
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:*" }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    }]
  })
}

# Where the notifications can be read; a plain queue on purpose: if nobody reads
# it, it may forget.
resource "aws_sqs_queue" "ops" {
  name                    = "${var.name}-ops"
  sqs_managed_sse_enabled = true
  tags                    = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmTopics"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "${local.arn_prefix}:${var.name}-ops"
      Condition = { ArnEquals = { "aws:SourceArn" = [for key in ["chat", "pager"] : aws_sns_topic.ops[key].arn] } }
    }]
  })
}

resource "aws_sns_topic_subscription" "ops" {
  for_each = aws_sns_topic.ops

  topic_arn = each.value.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.ops.arn
}
