provider "aws" {
  region = var.region
}

# Asked for once, instead of once by each queue.
data "aws_caller_identity" "current" {}

locals {
  # What differs from queue to queue; everything else is the modules' default.
  queues = {
    # A third party's API: rate limits and short outages pass within six attempts.
    payments = {
      workload                 = "external_api"
      consumer_timeout_seconds = 30
      alarms                   = { severity = "critical" }
    }
    # Quick and safe to repeat: what fails three times is poison.
    thumbnails = {
      workload                 = "idempotent_fast"
      consumer_timeout_seconds = 10
      alarms                   = { severity = "warning" }
    }
    # In order for each customer.
    invoices = {
      workload                 = "financial"
      consumer_timeout_seconds = 60
      fifo                     = { content_based_deduplication = true, high_throughput = true }
      alarms                   = { severity = "critical" }
    }
  }
}

module "queues" {
  source   = "../../modules/queue-with-dlq"
  for_each = local.queues

  name                     = "${var.prefix}-${each.key}"
  workload                 = each.value.workload
  consumer_timeout_seconds = each.value.consumer_timeout_seconds
  fifo                     = try(each.value.fifo, null)
  account_id               = data.aws_caller_identity.current.account_id
  tags                     = var.tags
}

module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs          = { for key, queue in module.queues : key => merge(queue, local.queues[key].alarms) }
  name_prefix   = "${var.prefix}-"
  alarm_actions = [aws_sns_topic.on_call.arn]
  tags          = var.tags
}

module "dashboard" {
  source = "../../modules/dlq-dashboard"

  dashboard_name = var.prefix
  queues         = module.queues
  alarm_arns     = module.alarms.alarm_arns
}

# Subscribe a pager or a chat to it.
resource "aws_sns_topic" "on_call" {
  name = "${var.prefix}-on-call"
  tags = var.tags
}

resource "aws_sns_topic_policy" "on_call" {
  arn = aws_sns_topic.on_call.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.on_call.arn
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}
