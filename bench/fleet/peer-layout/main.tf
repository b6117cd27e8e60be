# The layout of terraform-aws-modules/sqs 5.2, written anew for the benchmark: which
# resources and data sources there are for a queue with a DLQ, on what they depend, and the
# inputs that reach them. README.md of the benchmark counts them.
#
# Left out: the `region` argument that version 5 of that module gives to every resource,
# since it needs version 6 of the provider. It costs no call.

# Read for the outputs with composed ARNs alone.
data "aws_caller_identity" "current" {
  count = var.create ? 1 : 0
}

data "aws_partition" "current" {
  count = var.create ? 1 : 0
}

data "aws_region" "current" {
  count = var.create ? 1 : 0
}

locals {
  with_dlq        = var.create && var.create_dlq
  with_policy     = var.create && var.create_queue_policy
  with_dlq_policy = local.with_dlq && var.create_dlq_queue_policy

  base_name = try(trimsuffix(var.name, ".fifo"), "")
  arn_name  = var.fifo_queue ? var.name : local.base_name

  given_dlq_name = try(trimsuffix(var.dlq_name, ".fifo"), "")
  base_dlq_name  = try(coalesce(local.given_dlq_name, "${local.base_name}-dlq"), "")
  dlq_name       = var.fifo_queue && !var.use_name_prefix ? "${local.base_dlq_name}.fifo" : local.base_dlq_name

  dlq_key     = try(coalesce(var.dlq_kms_master_key_id, var.kms_master_key_id), null)
  dlq_managed = coalesce(var.dlq_sqs_managed_sse_enabled, var.sqs_managed_sse_enabled)

  arn_prefix = join(":", [
    "arn", try(data.aws_partition.current[0].id, "aws"), "sqs",
    try(data.aws_region.current[0].id, ""), try(data.aws_caller_identity.current[0].account_id, ""),
  ])
}

resource "aws_sqs_queue" "this" {
  count = var.create ? 1 : 0

  name        = var.use_name_prefix ? null : "${local.base_name}${var.fifo_queue ? ".fifo" : ""}"
  name_prefix = var.use_name_prefix ? "${local.base_name}-" : null
  tags        = var.tags

  delay_seconds              = var.delay_seconds
  max_message_size           = var.max_message_size
  message_retention_seconds  = var.message_retention_seconds
  receive_wait_time_seconds  = var.receive_wait_time_seconds
  visibility_timeout_seconds = var.visibility_timeout_seconds

  fifo_queue                  = var.fifo_queue
  content_based_deduplication = var.content_based_deduplication
  deduplication_scope         = var.deduplication_scope
  fifo_throughput_limit       = var.fifo_throughput_limit

  kms_master_key_id                 = var.kms_master_key_id
  kms_data_key_reuse_period_seconds = var.kms_data_key_reuse_period_seconds
  sqs_managed_sse_enabled           = var.kms_master_key_id == null ? var.sqs_managed_sse_enabled : null
}

# What isn't given for the DLQ is as in the source queue.
resource "aws_sqs_queue" "dlq" {
  count = local.with_dlq ? 1 : 0

  name        = var.use_name_prefix ? null : local.dlq_name
  name_prefix = var.use_name_prefix ? "${local.dlq_name}-" : null
  tags        = merge(var.tags, var.dlq_tags)

  delay_seconds              = try(coalesce(var.dlq_delay_seconds, var.delay_seconds), null)
  max_message_size           = var.max_message_size
  message_retention_seconds  = try(coalesce(var.dlq_message_retention_seconds, var.message_retention_seconds), null)
  receive_wait_time_seconds  = try(coalesce(var.dlq_receive_wait_time_seconds, var.receive_wait_time_seconds), null)
  visibility_timeout_seconds = try(coalesce(var.dlq_visibility_timeout_seconds, var.visibility_timeout_seconds), null)

  fifo_queue                  = var.fifo_queue
  content_based_deduplication = try(coalesce(var.dlq_content_based_deduplication, var.content_based_deduplication), null)
  deduplication_scope         = try(coalesce(var.dlq_deduplication_scope, var.deduplication_scope), null)
  fifo_throughput_limit       = try(coalesce(var.dlq_fifo_throughput_limit, var.fifo_throughput_limit), null)

  kms_master_key_id                 = local.dlq_key
  kms_data_key_reuse_period_seconds = try(coalesce(var.dlq_kms_data_key_reuse_period_seconds, var.kms_data_key_reuse_period_seconds), null)
  sqs_managed_sse_enabled           = local.dlq_key == null ? local.dlq_managed : null
}
