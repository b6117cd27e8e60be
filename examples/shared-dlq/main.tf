provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  arn_prefix = "arn:${data.aws_partition.current.partition}:sqs:${var.region}:${local.account_id}"
}

# The first source makes the DLQ, and lets the others use it by name. Their ARNs
# are composed: references would be a cycle.
module "orders" {
  source = "../../modules/queue-with-dlq"

  name       = "${var.name}-orders"
  dlq_name   = "${var.name}-dlq"
  account_id = local.account_id
  tags       = var.tags

  additional_source_queue_arns = [
    "${local.arn_prefix}:${var.name}-returns",
    "${local.arn_prefix}:${var.name}-refunds",
  ]
}

module "returns" {
  source = "../../modules/queue-with-dlq"

  name         = "${var.name}-returns"
  existing_dlq = { arn = module.orders.dlq_arn }
  workload     = "idempotent_fast"
  account_id   = local.account_id
  tags         = var.tags
}

module "refunds" {
  source = "../../modules/queue-with-dlq"

  name         = "${var.name}-refunds"
  existing_dlq = { arn = module.orders.dlq_arn }
  workload     = "financial"
  account_id   = local.account_id
  tags         = var.tags
}

# One DLQ, one set of alarms.
module "alarms" {
  source = "../../modules/dlq-alarms"

  dlqs = { (var.name) = module.orders }
  tags = var.tags
}
