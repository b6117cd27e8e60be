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
    queue      = "arn:aws:sqs:eu-west-1:111122223333:orders"
    visibility = 60
    name       = "orders-consumer"
    function   = "arn:aws:lambda:eu-west-1:111122223333:function:other"
    role       = "other"
    filename   = "orders.zip"
    hash       = "aGFzaA=="
    timeout    = 10
    reserved   = 4
    pattern    = "{\"body\":{\"kind\":[\"order\"]}}"
    policy     = "{}"
    url        = "https://example.com"
    enabled    = true
  }
}

resource "aws_kms_key" "unknown" {
  enable_key_rotation = true
}

locals {
  unknown = terraform_data.unknown.output
}

module "own" {
  source = "../.."

  queue = {
    queue_arn                  = local.unknown.queue
    visibility_timeout_seconds = local.unknown.visibility
  }
  function = {
    name                 = local.unknown.name
    filename             = local.unknown.filename
    source_code_hash     = local.unknown.hash
    timeout_seconds      = local.unknown.timeout
    reserved_concurrency = local.unknown.reserved
    environment          = { URL = local.unknown.url }
    policies             = { work = local.unknown.policy }
    log_kms_key_arn      = aws_kms_key.unknown.arn
  }
  maximum_concurrency = local.unknown.reserved
  filter_patterns     = [local.unknown.pattern]
  kms_key_arns        = [aws_kms_key.unknown.arn]
  enabled             = local.unknown.enabled
  tags                = { key = aws_kms_key.unknown.arn }
}

module "existing" {
  source = "../.."

  queue = {
    queue_arn                  = local.unknown.queue
    visibility_timeout_seconds = local.unknown.visibility
  }
  existing_function = {
    name            = local.unknown.function
    timeout_seconds = local.unknown.timeout
    role            = { name = local.unknown.role }
  }
}

output "role_names" {
  description = "Those of the modules."
  value       = [module.own.role_name, module.existing.role_name]
}
