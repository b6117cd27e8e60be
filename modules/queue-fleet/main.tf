data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {
  count = var.account_id == null ? 1 : 0
}

# How the resources are written matters where there are hundreds of queues. Terraform works
# out for_each once more for each instance of a resource, and, at each reference to one
# instance, all of them. So they go through the keys alone (in a map: sets are sorted anew
# each time) and refer to locals, which are worked out once.
locals {
  keys = { for key in keys(var.queues) : key => key }

  # `id`, because `name` is deprecated in version 6 of the provider and `region`
  # does not exist in version 5.
  region     = data.aws_region.current.id
  partition  = data.aws_partition.current.partition
  account_id = var.account_id == null ? one(data.aws_caller_identity.current).account_id : var.account_id
  arn_prefix = "arn:${local.partition}:sqs:${local.region}:${local.account_id}"

  names = {
    for key, queue in var.queues : key => {
      source = "${trimsuffix(coalesce(queue.name, key), ".fifo")}${queue.fifo == null ? "" : ".fifo"}"
      dlq    = "${trimsuffix(coalesce(queue.dlq_name, "${trimsuffix(coalesce(queue.name, key), ".fifo")}-dlq"), ".fifo")}${queue.fifo == null ? "" : ".fifo"}"
    }
  }

  # Composed, not read from the resources: each queue's policies name the other queue or
  # itself, and references would close a cycle (hashicorp/terraform-provider-aws#22577).
  arns = {
    for key, names in local.names : key => {
      source = "${local.arn_prefix}:${names.source}"
      dlq    = "${local.arn_prefix}:${names.dlq}"
    }
  }

  # How often to try before giving up, by what a failure of that kind of work usually
  # means; queue-with-dlq gives the reasons.
  workload_max_receive_counts = {
    general         = 5
    idempotent_fast = 3
    external_api    = 6
    long_running    = 3
    financial       = 5
    webhook         = 7
  }

  settings = {
    for key, queue in var.queues : key => {
      tags = merge(var.tags, queue.tags)

      max_receive_count = coalesce(queue.max_receive_count, local.workload_max_receive_counts[queue.workload])

      # AWS recommends 6 x the function's timeout for Lambda: an invocation that is
      # throttled and retried must not see its batch become visible again.
      visibility_timeout_seconds = coalesce(
        queue.visibility_timeout_seconds,
        min(43200, max(30, 6 * coalesce(queue.consumer_timeout_seconds, 0))),
      )

      fifo                        = queue.fifo != null
      content_based_deduplication = queue.fifo == null ? null : queue.fifo.content_based_deduplication
      # Both written out for every FIFO queue: they are computed attributes, and one
      # left out would stay as it was when high_throughput is switched off again.
      # The DLQ gets them too, for in an outage it takes the source's whole rate.
      deduplication_scope   = queue.fifo == null ? null : queue.fifo.high_throughput ? "messageGroup" : "queue"
      fifo_throughput_limit = queue.fifo == null ? null : queue.fifo.high_throughput ? "perMessageGroupId" : "perQueue"

      # The provider refuses both at once.
      sqs_managed_sse_enabled           = queue.kms_key_id == null ? true : null
      kms_data_key_reuse_period_seconds = queue.kms_key_id == null ? null : queue.kms_data_key_reuse_period_seconds
    }
  }
}

# The DLQs come first and already name their sources; these are then created with their
# redrive policies. At no moment does a live source queue lack its DLQ.
resource "aws_sqs_queue" "dlq" {
  for_each = local.keys

  name = local.names[each.key].dlq
  tags = local.settings[each.key].tags

  message_retention_seconds = var.queues[each.key].dlq_message_retention_seconds
  max_message_size          = var.queues[each.key].max_message_size

  fifo_queue                  = local.settings[each.key].fifo
  content_based_deduplication = local.settings[each.key].content_based_deduplication
  deduplication_scope         = local.settings[each.key].deduplication_scope
  fifo_throughput_limit       = local.settings[each.key].fifo_throughput_limit

  sqs_managed_sse_enabled           = local.settings[each.key].sqs_managed_sse_enabled
  kms_master_key_id                 = var.queues[each.key].kms_key_id
  kms_data_key_reuse_period_seconds = local.settings[each.key].kms_data_key_reuse_period_seconds

  redrive_allow_policy = local.policies[each.key].redrive_allow
  policy               = local.policies[each.key].dlq

  lifecycle {
    ignore_changes = [name, fifo_queue] # see the output queues
  }
}

locals {
  dlq_arns = { for key, dlq in aws_sqs_queue.dlq : key => dlq.arn }
}

resource "aws_sqs_queue" "source" {
  for_each = local.keys

  name = local.names[each.key].source
  tags = local.settings[each.key].tags

  message_retention_seconds  = var.queues[each.key].message_retention_seconds
  visibility_timeout_seconds = local.settings[each.key].visibility_timeout_seconds
  delay_seconds              = var.queues[each.key].delay_seconds
  receive_wait_time_seconds  = var.queues[each.key].receive_wait_time_seconds
  max_message_size           = var.queues[each.key].max_message_size

  fifo_queue                  = local.settings[each.key].fifo
  content_based_deduplication = local.settings[each.key].content_based_deduplication
  deduplication_scope         = local.settings[each.key].deduplication_scope
  fifo_throughput_limit       = local.settings[each.key].fifo_throughput_limit

  sqs_managed_sse_enabled           = local.settings[each.key].sqs_managed_sse_enabled
  kms_master_key_id                 = var.queues[each.key].kms_key_id
  kms_data_key_reuse_period_seconds = local.settings[each.key].kms_data_key_reuse_period_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = local.dlq_arns[each.key]
    maxReceiveCount     = local.settings[each.key].max_receive_count
  })
  policy = local.policies[each.key].source

  lifecycle {
    ignore_changes = [name, fifo_queue] # see the output queues
  }
}

locals {
  renamed = flatten([
    for kind, queues in { source = aws_sqs_queue.source, dlq = aws_sqs_queue.dlq } : [
      for key, queue in queues :
      "  <address of this module>.aws_sqs_queue.${kind}[\"${key}\"] is ${queue.name}, configured is ${local.names[key][kind]}"
      if queue.name != local.names[key][kind]
    ]
  ])
}

# A message that always outlives its visibility timeout must reach the DLQ before its
# retention ends, or it is lost without a trace. A warning, not an error: consumers that
# return messages early (visibility 0) need less time.
check "dead_letters_before_expiry" {
  assert {
    condition     = length(local.expiring_first) == 0
    error_message = "Messages may expire before they are dead-lettered, for max_receive_count x visibility timeout is not less than message_retention_seconds: ${join(", ", local.expiring_first)}. Raise message_retention_seconds, or lower max_receive_count or the visibility timeout."
  }
}

locals {
  expiring_first = [
    for key, queue in var.queues : key
    if local.settings[key].max_receive_count * local.settings[key].visibility_timeout_seconds >= queue.message_retention_seconds
  ]
}
