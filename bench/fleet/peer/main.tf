# The fleet of ../ours in the layout of terraform-aws-modules/sqs: the same queues with the
# same attributes and policies, and the same alarms, which that module leaves to its callers.
variable "pairs" {
  type        = number
  description = "How many pairs of a source queue and its DLQ there are."
}

locals {
  queues = {
    for i in range(var.pairs) : format("orders-%03d", i) => { max_receive_count = 3 + i % 3 }
  }

  require_tls = {
    DenyInsecureTransport = {
      effect     = "Deny"
      actions    = ["sqs:*"]
      principals = [{ type = "*", identifiers = ["*"] }]
      condition  = [{ test = "Bool", variable = "aws:SecureTransport", values = ["false"] }]
    }
  }
}

provider "aws" {}

resource "aws_sns_topic" "alarms" {
  name = "fleet-alarms"
}

module "queues" {
  source   = "../peer-layout"
  for_each = local.queues

  name                      = each.key
  receive_wait_time_seconds = 20
  redrive_policy            = { maxReceiveCount = each.value.max_receive_count }
  create_queue_policy       = true
  queue_policy_statements   = local.require_tls

  create_dlq                    = true
  dlq_message_retention_seconds = 1209600
  dlq_receive_wait_time_seconds = 0
  create_dlq_queue_policy       = true
  dlq_queue_policy_statements   = local.require_tls

  tags = { Team = "orders" }
}

output "queues" {
  description = "URLs of the queues, by the name of the source queue."
  value       = { for name, queue in module.queues : name => { queue_url = queue.queue_url, dlq_url = queue.dead_letter_queue_url } }
}
