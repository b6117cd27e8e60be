# Roles with what the module hands out, and nothing else.
locals {
  role_policies = {
    producer = module.queue.producer_policy_json
    consumer = module.queue.consumer_policy_json
    operator = module.queue.redrive_operator_policy_json
  }
}

resource "aws_iam_role" "queue" {
  for_each = toset(["producer", "consumer", "operator"])

  name = "${var.name}-${each.key}"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "queue" {
  for_each = aws_iam_role.queue

  name   = "queue"
  role   = each.value.name
  policy = local.role_policies[each.key]
}
