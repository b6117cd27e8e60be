locals {
  # How long a message stays in the DLQ at least, in seconds. A FIFO queue's message
  # starts anew when it is moved. A standard queue's keeps the time of its original
  # send, so it has spent up to the source's whole retention before it gets here. Null
  # where it isn't known.
  time_in_dlq = {
    for key, dlq in var.dlqs : key =>
    endswith(dlq.dlq_name, ".fifo") ? dlq.dlq_message_retention_seconds : try(dlq.dlq_message_retention_seconds - dlq.message_retention_seconds, null)
  }

  about_to_expire = {
    for key, dlq in var.dlqs : key => merge(local.common[key].about_to_expire, {
      time_in_dlq = local.time_in_dlq[key]
      # the queue's own age or share goes before the module's age
      age_seconds = try(
        coalesce(dlq.about_to_expire.age_seconds, dlq.about_to_expire.share == null ? var.about_to_expire.age_seconds : null),
        floor(coalesce(dlq.about_to_expire.share, var.about_to_expire.share) * local.time_in_dlq[key]),
        null,
      )
    }) if coalesce(dlq.about_to_expire.enabled, var.about_to_expire.enabled)
  }
}

# The age of a message in a DLQ counts from the move, its retention on a standard
# queue from the original send: a share of the DLQ's retention would come too late,
# or after the message is gone. An empty queue reports no age, so missing data has
# to be fine: to ignore it would keep the alarm on after the DLQ was emptied.
resource "aws_cloudwatch_metric_alarm" "about_to_expire" {
  for_each = local.keys.about_to_expire

  alarm_name = "${var.name_prefix}${local.about_to_expire[each.key].name}-about-to-expire${var.name_suffix}"
  alarm_description = join(" ", [
    "Messages in the dead-letter queue ${local.about_to_expire[each.key].name} will be lost: the oldest has been there for ${local.about_to_expire[each.key].age_seconds} seconds, and SQS deletes it for good",
    local.about_to_expire[each.key].time_in_dlq == null ? "when its retention ends." : "in ${try(local.about_to_expire[each.key].time_in_dlq - local.about_to_expire[each.key].age_seconds, 0)} seconds or more.",
    "Redrive the messages, or save what you need of them, before.",
    local.about_to_expire[each.key].advice,
  ])
  tags = local.about_to_expire[each.key].tags

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = local.about_to_expire[each.key].age_seconds
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  actions_enabled           = local.about_to_expire[each.key].actions_enabled
  alarm_actions             = local.about_to_expire[each.key].alarm_actions
  ok_actions                = local.about_to_expire[each.key].ok_actions
  insufficient_data_actions = local.about_to_expire[each.key].insufficient_data_actions

  namespace   = "AWS/SQS"
  metric_name = "ApproximateAgeOfOldestMessage"
  dimensions  = { QueueName = local.about_to_expire[each.key].name }
  statistic   = "Maximum"
  period      = 60

  lifecycle {
    precondition {
      condition = local.about_to_expire[each.key].age_seconds != null
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm about_to_expire needs dlq_message_retention_seconds and, unless the DLQ is FIFO, message_retention_seconds.",
        "Pass the outputs of queue-with-dlq, or set both, or a fixed age: about_to_expire = { age_seconds = ... };",
        "or do without the alarm: about_to_expire = { enabled = false }.",
      ])
    }

    precondition {
      condition = try(local.about_to_expire[each.key].time_in_dlq - local.about_to_expire[each.key].age_seconds >= 300, true)
      error_message = join(" ", [
        "dlqs, ${each.key}: the alarm about_to_expire would leave less than 5 minutes:",
        "it fires when a message has been in the DLQ for ${coalesce(local.about_to_expire[each.key].age_seconds, 0)} seconds, and SQS may delete it after ${coalesce(local.about_to_expire[each.key].time_in_dlq, 0)}",
        "(the DLQ's retention; on a standard queue, less the source's).",
        "Raise dlq_message_retention_seconds, to 1209600 at best, or lower about_to_expire.share or age_seconds.",
      ])
    }
  }
}
