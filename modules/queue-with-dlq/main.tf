data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  fifo   = var.fifo != null
  suffix = local.fifo ? ".fifo" : ""
  base   = trimsuffix(var.name, ".fifo")

  name     = "${local.base}${local.suffix}"
  dlq_name = "${var.dlq_name == null ? "${local.base}-dlq" : trimsuffix(var.dlq_name, ".fifo")}${local.suffix}"

  # `id`, because `name` is deprecated in version 6 of the provider and `region`
  # does not exist in version 5.
  region     = data.aws_region.current.id
  partition  = data.aws_partition.current.partition
  account_id = data.aws_caller_identity.current.account_id

  # Composed, not read from the resources: each queue's policies name the other
  # queue or itself, and references would close a cycle
  # (hashicorp/terraform-provider-aws#22577).
  arn_prefix = "arn:${local.partition}:sqs:${local.region}:${local.account_id}"
  source_arn = "${local.arn_prefix}:${local.name}"
  dlq_arn    = "${local.arn_prefix}:${local.dlq_name}"

  max_receive_count = coalesce(var.max_receive_count, local.workload_max_receive_counts[var.workload])

  # AWS recommends 6 x the function's timeout for Lambda: an invocation that is
  # throttled and retried must not see its batch become visible again.
  visibility_timeout_seconds = coalesce(
    var.visibility_timeout_seconds,
    min(43200, max(30, 6 * coalesce(var.consumer_timeout_seconds, 0))),
  )
}

# The DLQ comes first and already names its source; the source is then created
# with its redrive policy. At no moment does a live source queue lack its DLQ.
resource "aws_sqs_queue" "dlq" {
  name = local.dlq_name
  tags = var.tags

  message_retention_seconds = var.dlq_message_retention_seconds
  max_message_size          = var.max_message_size

  fifo_queue                  = local.fifo
  content_based_deduplication = local.fifo ? var.fifo.content_based_deduplication : null
  deduplication_scope         = local.deduplication_scope
  fifo_throughput_limit       = local.fifo_throughput_limit

  sqs_managed_sse_enabled           = local.sqs_managed_sse_enabled
  kms_master_key_id                 = var.kms_key_id
  kms_data_key_reuse_period_seconds = local.kms_data_key_reuse_period_seconds

  redrive_allow_policy = local.redrive_allow_policy
  policy               = local.dlq_policy
}

resource "aws_sqs_queue" "source" {
  name = local.name
  tags = var.tags

  message_retention_seconds  = var.message_retention_seconds
  visibility_timeout_seconds = local.visibility_timeout_seconds
  delay_seconds              = var.delay_seconds
  receive_wait_time_seconds  = var.receive_wait_time_seconds
  max_message_size           = var.max_message_size

  fifo_queue                  = local.fifo
  content_based_deduplication = local.fifo ? var.fifo.content_based_deduplication : null
  deduplication_scope         = local.deduplication_scope
  fifo_throughput_limit       = local.fifo_throughput_limit

  sqs_managed_sse_enabled           = local.sqs_managed_sse_enabled
  kms_master_key_id                 = var.kms_key_id
  kms_data_key_reuse_period_seconds = local.kms_data_key_reuse_period_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dlq.arn
    maxReceiveCount     = local.max_receive_count
  })
  policy = local.source_policy
}

locals {
  # Both written out for every FIFO queue: they are computed attributes, and one
  # left out would stay as it was when high_throughput is switched off again.
  # The DLQ gets them too, for in an outage it takes the source's whole rate.
  deduplication_scope   = local.fifo ? (var.fifo.high_throughput ? "messageGroup" : "queue") : null
  fifo_throughput_limit = local.fifo ? (var.fifo.high_throughput ? "perMessageGroupId" : "perQueue") : null

  # The provider refuses both at once.
  sqs_managed_sse_enabled           = var.kms_key_id == null ? true : null
  kms_data_key_reuse_period_seconds = var.kms_key_id == null ? null : var.kms_data_key_reuse_period_seconds
}

# A message that always outlives its visibility timeout must reach the DLQ
# before its retention ends, or it is lost without a trace. A warning, not an
# error: consumers that return messages early (visibility 0) need less time.
check "dead_letters_before_expiry" {
  assert {
    condition     = local.max_receive_count * local.visibility_timeout_seconds < var.message_retention_seconds
    error_message = "Messages may expire before they are dead-lettered: ${local.max_receive_count} receives x ${local.visibility_timeout_seconds} s visibility is not less than message_retention_seconds (${var.message_retention_seconds}). Raise message_retention_seconds, or lower max_receive_count or the visibility timeout."
  }
}
