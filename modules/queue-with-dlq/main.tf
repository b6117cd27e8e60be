data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {
  count = var.account_id == null ? 1 : 0
}

locals {
  fifo   = var.fifo != null
  suffix = local.fifo ? ".fifo" : ""
  base   = trimsuffix(var.name, ".fifo")

  name = "${local.base}${local.suffix}"

  # Null = the DLQ is the caller's. Not its ARN is compared, which may be unknown
  # until it is created.
  own_dlq_name = (
    var.existing_dlq != null ? null :
    "${var.dlq_name == null ? "${local.base}-dlq" : trimsuffix(var.dlq_name, ".fifo")}${local.suffix}"
  )

  # `id`, because `name` is deprecated in version 6 of the provider and `region`
  # does not exist in version 5.
  region     = data.aws_region.current.id
  partition  = data.aws_partition.current.partition
  account_id = var.account_id == null ? one(data.aws_caller_identity.current).account_id : var.account_id

  # Composed, not read from the resources: each queue's policies name the other
  # queue or itself, and references would close a cycle
  # (hashicorp/terraform-provider-aws#22577).
  arn_prefix = "arn:${local.partition}:sqs:${local.region}:${local.account_id}"
  source_arn = "${local.arn_prefix}:${local.name}"
  dlq_arn    = var.existing_dlq == null ? "${local.arn_prefix}:${local.own_dlq_name}" : var.existing_dlq.arn

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
#
# A queue can't be renamed, nor its type be changed: a plan would replace it, with
# the messages in it, and say so in one line among many. So both queues ignore such
# changes, and then refuse them: also those to an imported queue. -replace doesn't
# ignore them.
resource "aws_sqs_queue" "dlq" {
  count = var.existing_dlq == null ? 1 : 0

  name = local.own_dlq_name
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

  lifecycle {
    ignore_changes = [name, fifo_queue]

    postcondition {
      condition     = self.name == local.own_dlq_name
      error_message = <<-EOT
        The DLQ is called ${self.name}; ${local.own_dlq_name} is configured.
        A queue can't be renamed: a new one would take its place, and the messages in the old one would be lost.
        To keep the queue, set name, dlq_name and fifo back. To replace it all the same, drain it and plan with
          -replace='<address of this module>.aws_sqs_queue.dlq[0]'
      EOT
    }
  }
}

# Fails the plan if the caller's DLQ doesn't exist, and tells its URL.
data "aws_sqs_queue" "dlq" {
  count = var.existing_dlq == null ? 0 : 1

  name = reverse(split(":", var.existing_dlq.arn))[0]
}

locals {
  dlq = var.existing_dlq == null ? {
    arn  = one(aws_sqs_queue.dlq[*].arn)
    url  = one(aws_sqs_queue.dlq[*].url)
    name = one(aws_sqs_queue.dlq[*].name)
    } : {
    arn  = var.existing_dlq.arn
    url  = one(data.aws_sqs_queue.dlq[*].url)
    name = one(data.aws_sqs_queue.dlq[*].name)
  }
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
    deadLetterTargetArn = local.dlq.arn
    maxReceiveCount     = local.max_receive_count
  })
  policy = local.source_policy

  lifecycle {
    ignore_changes = [name, fifo_queue]

    postcondition {
      condition     = self.name == local.name
      error_message = <<-EOT
        The source queue is called ${self.name}; ${local.name} is configured.
        A queue can't be renamed: a new one would take its place, and the messages in the old one would be lost.
        To keep the queue, set name and fifo back. To replace it all the same, move producers away, drain it, and plan with
          -replace='<address of this module>.aws_sqs_queue.source'
      EOT
    }

    precondition {
      condition     = terraform_data.own_dlq.output == (var.existing_dlq == null)
      error_message = <<-EOT
        The source queue was deployed ${terraform_data.own_dlq.output ? "with a DLQ of its own, which would be deleted with the messages in it" : "with an existing DLQ, and would get a new one of its own"}.
        To keep that DLQ, set existing_dlq back. To change it all the same, drain it and plan with
          -replace='<address of this module>.terraform_data.own_dlq'
      EOT
    }

    precondition {
      condition     = startswith(local.dlq.arn, "${local.arn_prefix}:")
      error_message = "The DLQ ${local.dlq.arn} is not of the account and region ${local.arn_prefix}: a source queue's DLQ must be. Check existing_dlq, account_id and the provider that this module gets."
    }
  }
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
