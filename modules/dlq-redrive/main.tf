data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {
  count = var.account_id == null ? 1 : 0
}

locals {
  # `id`, because `name` is deprecated in version 6 of the provider and `region` does
  # not exist in version 5.
  region     = data.aws_region.current.id
  partition  = data.aws_partition.current.partition
  account_id = var.account_id == null ? one(data.aws_caller_identity.current).account_id : var.account_id

  queue_arn_prefix = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:"

  # A redrive's own setting goes before the module's.
  redrives = {
    for key, redrive in var.redrives : key => {
      enabled                 = coalesce(redrive.enabled, var.enabled)
      schedule_expression     = coalesce(redrive.schedule_expression, var.schedule_expression)
      time_zone               = coalesce(redrive.time_zone, var.time_zone)
      flexible_window_minutes = coalesce(redrive.flexible_window_minutes, var.flexible_window_minutes)
      max_messages_per_second = coalesce(redrive.max_messages_per_second, var.max_messages_per_second)
      max_event_age_seconds   = coalesce(redrive.max_event_age_seconds, var.max_event_age_seconds)
      max_retry_attempts      = coalesce(redrive.max_retry_attempts, var.max_retry_attempts)

      dlq_arn         = redrive.dlq_arn
      destination_arn = redrive.destination_arn
      kms_key_arns    = redrive.kms_key_arns
      # Where the messages go: a task without a destination returns each to its own source.
      receivers = redrive.destination_arn != null ? [redrive.destination_arn] : concat([for arn in [redrive.queue_arn] : arn if arn != null], redrive.additional_source_queue_arns)
      tags      = merge(var.tags, redrive.tags)
    }
  }
}

# A group of its own: the metrics of schedules are counted by group, and roles can be
# tied to a group, but not to a schedule.
resource "aws_scheduler_schedule_group" "this" {
  name = var.name
  tags = var.tags
}

# The scheduler calls SQS itself. There is no function to patch, and nothing that runs
# between two redrives.
resource "aws_scheduler_schedule" "redrive" {
  for_each = local.redrives

  name        = each.key
  group_name  = aws_scheduler_schedule_group.this.name
  description = "Returns the messages of a dead-letter queue: ${each.value.max_messages_per_second} a second at most."
  state       = each.value.enabled ? "ENABLED" : "DISABLED"

  schedule_expression          = each.value.schedule_expression
  schedule_expression_timezone = each.value.time_zone

  flexible_time_window {
    mode                      = each.value.flexible_window_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = each.value.flexible_window_minutes == 0 ? null : each.value.flexible_window_minutes
  }

  target {
    arn      = "arn:${local.partition}:scheduler:::aws-sdk:sqs:startMessageMoveTask"
    role_arn = aws_iam_role.redrive[each.key].arn

    input = jsonencode(merge(
      {
        SourceArn                    = each.value.dlq_arn
        MaxNumberOfMessagesPerSecond = each.value.max_messages_per_second
      },
      each.value.destination_arn == null ? {} : { DestinationArn = each.value.destination_arn },
    ))

    retry_policy {
      maximum_event_age_in_seconds = each.value.max_event_age_seconds
      maximum_retry_attempts       = each.value.max_retry_attempts
    }

    dead_letter_config {
      arn = local.failures_dlq.arn
    }
  }

  lifecycle {
    precondition {
      condition     = alltrue([for arn in concat([each.value.dlq_arn], each.value.receivers) : startswith(arn, local.queue_arn_prefix)])
      error_message = "redrives, ${each.key}: the queues must be of the account and region ${local.queue_arn_prefix}, where SQS moves messages. Check the ARNs, account_id and the provider that this module gets."
    }
  }

  # A schedule must not begin before its role may do what it is for.
  depends_on = [aws_iam_role_policy.redrive]
}
