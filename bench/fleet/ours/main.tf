# A fleet as a platform team would write it with the modules of this repository.
variable "pairs" {
  type        = number
  description = "How many pairs of a source queue and its DLQ there are."
}

variable "iam_documents" {
  type        = bool
  default     = true
  description = "Whether the IAM policy documents for the queues' users are output. The module makes them all the same."
}

locals {
  # Each with its own settings, as in a real fleet.
  queues = {
    for i in range(var.pairs) : format("orders-%03d", i) => { max_receive_count = 3 + i % 3 }
  }
}

provider "aws" {}

resource "aws_sns_topic" "alarms" {
  name = "fleet-alarms"
}

module "queues" {
  source = "../../../modules/queue-fleet"

  queues = local.queues
  tags   = { Team = "orders" }
}

module "alarms" {
  source = "../../../modules/dlq-alarms"

  dlqs          = module.queues.queues
  alarm_actions = [aws_sns_topic.alarms.arn]
  tags          = { Team = "orders" }
}

output "queues" {
  description = "URLs of the queues, by the name of the source queue."
  value       = { for name, queue in module.queues.queues : name => { queue_url = queue.queue_url, dlq_url = queue.dlq_url } }
}

output "iam_documents" {
  description = "IAM policy documents for the roles of the queues' users, by the name of the source queue."
  value = !var.iam_documents ? {} : {
    producer         = module.queues.producer_policies_json
    consumer         = module.queues.consumer_policies_json
    redrive_operator = module.queues.redrive_operator_policies_json
  }
}
