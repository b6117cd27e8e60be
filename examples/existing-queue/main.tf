provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

# The queues exist, with messages in them. They are imported, and then set up as
# the module does it, in place.
import {
  to = module.queue.aws_sqs_queue.source
  id = var.queue_url
}

import {
  to = module.queue.aws_sqs_queue.dlq[0]
  id = var.dlq_url
}

module "queue" {
  source = "../../modules/queue-with-dlq"

  # The names are what they are: taken from the URLs.
  name     = local.name
  dlq_name = local.dlq_name
  fifo     = endswith(local.name, ".fifo") ? {} : null

  # State here what the queues have now and shall keep. What isn't stated becomes
  # the module's default.
  max_receive_count          = var.max_receive_count
  visibility_timeout_seconds = var.visibility_timeout_seconds
  account_id                 = data.aws_caller_identity.current.account_id
  tags                       = var.tags
}

locals {
  name     = reverse(split("/", var.queue_url))[0]
  dlq_name = reverse(split("/", var.dlq_url))[0]
}

module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs = { (local.name) = module.queue }
  tags = var.tags
}
