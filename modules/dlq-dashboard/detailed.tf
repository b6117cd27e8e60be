# The detailed layout: a line of text and four graphs for each queue pair.

locals {
  detailed = local.layout == "detailed" ? local.keys : []

  # Where the DLQ's messages expire. On a standard queue their retention counts from the
  # original send and their age from the move: they may already be gone when they have been
  # in the DLQ for the difference of the two retentions.
  expiry_lines = {
    for key in local.detailed : key => concat(
      [
        for seconds in [var.queues[key].dlq_message_retention_seconds] :
        { value = seconds, label = "Expired", color = "#d62728", yAxis = "right" }
        if seconds != null
      ],
      [
        for seconds in [try(var.queues[key].dlq_message_retention_seconds - var.queues[key].message_retention_seconds, 0)] :
        { value = seconds, label = "May expire", color = "#ff7f0e", yAxis = "right" }
        if seconds > 0 && !endswith(var.queues[key].dlq_name, ".fifo")
      ],
    )
  }

  detailed_widgets = flatten([
    for i, key in local.detailed : [
      {
        type   = "text"
        x      = 0
        y      = local.queues_y + 7 * i
        width  = 24
        height = 1
        properties = {
          background = "transparent"
          markdown = join(" · ", compact([
            "**${key}**",
            "${var.queues[key].queue_name} → ${var.queues[key].dlq_name}",
            var.queues[key].runbook_url == null ? null : "[Runbook](${var.queues[key].runbook_url})",
          ]))
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = local.queues_y + 7 * i + 1
        width  = 6
        height = 6
        properties = merge(local.metric_defaults, {
          title = "${key}: DLQ"
          view  = "timeSeries"
          # Stacked: the top is all that the DLQ holds.
          stacked = true
          stat    = "Maximum"
          yAxis   = { left = { min = 0, label = "Messages", showUnits = false } }
          metrics = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues[key].dlq_name, { label = "visible" }],
            ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", var.queues[key].dlq_name, { label = "in flight" }],
          ]
        })
      },
      {
        type   = "metric"
        x      = 6
        y      = local.queues_y + 7 * i + 1
        width  = 6
        height = 6
        properties = merge(local.metric_defaults, {
          title   = "${key}: source queue"
          view    = "timeSeries"
          stacked = false
          stat    = "Maximum"
          yAxis   = { left = { min = 0, label = "Messages", showUnits = false } }
          metrics = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues[key].queue_name, { label = "visible" }],
            ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", var.queues[key].queue_name, { label = "in flight" }],
            ["AWS/SQS", "ApproximateNumberOfMessagesDelayed", "QueueName", var.queues[key].queue_name, { label = "delayed" }],
          ]
        })
      },
      {
        type   = "metric"
        x      = 12
        y      = local.queues_y + 7 * i + 1
        width  = 6
        height = 6
        properties = merge(local.metric_defaults, {
          title   = "${key}: age of the oldest message"
          view    = "timeSeries"
          stacked = false
          stat    = "Maximum"
          # An axis each: minutes in the source queue are bad news, days in the DLQ are usual.
          yAxis = {
            left  = { min = 0, label = "Source queue, seconds", showUnits = false }
            right = { min = 0, label = "DLQ, seconds", showUnits = false }
          }
          metrics = [
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queues[key].queue_name, { label = "source queue" }],
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queues[key].dlq_name, { label = "DLQ", yAxis = "right" }],
          ]
          }, {
          for name, lines in { annotations = local.expiry_lines[key] } : name => { horizontal = lines } if length(lines) > 0
        })
      },
      {
        type   = "metric"
        x      = 18
        y      = local.queues_y + 7 * i + 1
        width  = 6
        height = 6
        properties = merge(local.metric_defaults, {
          title   = "${key}: traffic of the source queue"
          view    = "timeSeries"
          stacked = false
          stat    = "Sum"
          yAxis   = { left = { min = 0, label = "Messages", showUnits = false } }
          metrics = [
            ["AWS/SQS", "NumberOfMessagesSent", "QueueName", var.queues[key].queue_name, { label = "sent" }],
            ["AWS/SQS", "NumberOfMessagesReceived", "QueueName", var.queues[key].queue_name, { label = "received" }],
            ["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", var.queues[key].queue_name, { label = "deleted" }],
          ]
        })
      },
    ]
  ])
}
