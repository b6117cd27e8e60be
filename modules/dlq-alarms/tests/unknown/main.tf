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
    dlq_name      = "orders-dlq"
    queue_name    = "orders"
    retention     = 345600
    dlq_retention = 1209600
    severity      = "critical"
    url           = "https://runbooks.example.com/dlq"
    treatment     = "ignore"
    age           = 7200
    share         = 0.25
    messages      = 20
    period        = 600
  }
}

resource "aws_sns_topic" "unknown" {
  name = "alarms"
}

locals {
  unknown = terraform_data.unknown.output
}

module "alarms" {
  source = "../.."

  filling_fast        = { enabled = true }
  source_stuck        = { enabled = true }
  alarm_actions       = [aws_sns_topic.unknown.arn]
  ok_actions          = [aws_sns_topic.unknown.arn]
  actions_by_severity = { critical = [aws_sns_topic.unknown.arn] }
  runbook_url         = local.unknown.url
  tags                = { topic = aws_sns_topic.unknown.arn }

  dlqs = {
    outputs = {
      dlq_name                      = local.unknown.dlq_name
      dlq_message_retention_seconds = local.unknown.dlq_retention
      message_retention_seconds     = local.unknown.retention
      queue_name                    = local.unknown.queue_name
    }
    settings = {
      dlq_name                      = "payments-dlq"
      dlq_message_retention_seconds = 1209600
      message_retention_seconds     = 345600
      queue_name                    = "payments"

      severity            = local.unknown.severity
      runbook_url         = local.unknown.url
      alarm_actions       = [aws_sns_topic.unknown.arn]
      actions_by_severity = { critical = [aws_sns_topic.unknown.arn] }

      not_empty       = { treat_missing_data = local.unknown.treatment }
      about_to_expire = { share = local.unknown.share }
      filling_fast    = { messages = local.unknown.messages, period_seconds = local.unknown.period }
      source_stuck    = { age_seconds = local.unknown.age }
    }
  }
}

output "alarm_names" {
  description = "Those of the module."
  value       = module.alarms.alarm_names
}
