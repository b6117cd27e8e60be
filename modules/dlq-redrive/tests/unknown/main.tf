# A first plan, when nothing exists: what the module is told is unknown.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

resource "terraform_data" "unknown" {
  input = {
    dlq        = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
    queue      = "arn:aws:sqs:eu-west-1:111122223333:orders"
    other_dlq  = "arn:aws:sqs:eu-west-1:111122223333:returns-dlq"
    repair     = "arn:aws:sqs:eu-west-1:111122223333:repair"
    expression = "cron(0 4 * * ? *)"
    zone       = "Europe/Berlin"
    window     = 30
    rate       = 5
    age        = 600
    attempts   = 5
    enabled    = true
    runbook    = "https://runbooks.example.com/redrive"
  }
}

resource "aws_sns_topic" "unknown" {
  name              = "alarms"
  kms_master_key_id = aws_kms_key.unknown.arn
}

resource "aws_kms_key" "unknown" {
  enable_key_rotation = true
}

locals {
  unknown = terraform_data.unknown.output
}

module "redrive" {
  source = "../.."

  name                 = "redrive"
  alarm_actions        = [aws_sns_topic.unknown.arn]
  ok_actions           = [aws_sns_topic.unknown.arn]
  failures_kms_key_arn = aws_kms_key.unknown.arn
  runbook_url          = local.unknown.runbook
  tags                 = { topic = aws_sns_topic.unknown.arn }

  redrives = {
    outputs = {
      dlq_arn      = local.unknown.dlq
      queue_arn    = local.unknown.queue
      kms_key_arns = [aws_kms_key.unknown.arn]
    }
    settings = {
      dlq_arn                 = local.unknown.other_dlq
      destination_arn         = local.unknown.repair
      enabled                 = local.unknown.enabled
      schedule_expression     = local.unknown.expression
      time_zone               = local.unknown.zone
      flexible_window_minutes = local.unknown.window
      max_messages_per_second = local.unknown.rate
      max_event_age_seconds   = local.unknown.age
      max_retry_attempts      = local.unknown.attempts
    }
  }
}

output "schedule_arns" {
  description = "Those of the module."
  value       = module.redrive.schedule_arns
}
