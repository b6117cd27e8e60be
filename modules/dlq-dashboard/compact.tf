# The compact layout: a line for each queue, in graphs of at most 25 queues.

locals {
  compact_graphs = [
    { x = 0, y = 0, of = "dlq", title = "DLQ: visible", metric = "ApproximateNumberOfMessagesVisible", stat = "Maximum", label = "Messages" },
    { x = 6, y = 0, of = "dlq", title = "DLQ: age of the oldest message", metric = "ApproximateAgeOfOldestMessage", stat = "Maximum", label = "Seconds" },
    { x = 12, y = 0, of = "source", title = "Source queue: visible", metric = "ApproximateNumberOfMessagesVisible", stat = "Maximum", label = "Messages" },
    { x = 18, y = 0, of = "source", title = "Source queue: age of the oldest message", metric = "ApproximateAgeOfOldestMessage", stat = "Maximum", label = "Seconds" },
    { x = 0, y = 6, of = "source", title = "Source queue: in flight", metric = "ApproximateNumberOfMessagesNotVisible", stat = "Maximum", label = "Messages" },
    { x = 6, y = 6, of = "source", title = "Source queue: sent", metric = "NumberOfMessagesSent", stat = "Sum", label = "Messages" },
    { x = 12, y = 6, of = "source", title = "Source queue: received", metric = "NumberOfMessagesReceived", stat = "Sum", label = "Messages" },
    { x = 18, y = 6, of = "source", title = "Source queue: deleted", metric = "NumberOfMessagesDeleted", stat = "Sum", label = "Messages" },
  ]

  compact_chunks = chunklist(local.layout == "compact" ? local.keys : [], 25)

  queues_height = local.layout == "detailed" ? 7 * length(local.keys) : 12 * length(local.compact_chunks)

  compact_widgets = flatten([
    for i, keys in local.compact_chunks : [
      for graph in local.compact_graphs : {
        type   = "metric"
        x      = graph.x
        y      = local.queues_y + 12 * i + graph.y
        width  = 6
        height = 6
        properties = merge(local.metric_defaults, {
          title   = "${graph.title}${length(local.compact_chunks) == 1 ? "" : " (${keys[0]} to ${keys[length(keys) - 1]})"}"
          view    = "timeSeries"
          stacked = false
          stat    = graph.stat
          yAxis   = { left = { min = 0, label = graph.label, showUnits = false } }
          # "..." repeats namespace, metric and dimension of the row above: half the JSON.
          metrics = [
            for j, key in keys : concat(
              j == 0 ? ["AWS/SQS", graph.metric, "QueueName"] : ["..."],
              [graph.of == "dlq" ? var.queues[key].dlq_name : var.queues[key].queue_name],
              [{ label = key }],
            )
          ]
        })
      }
    ]
  ])
}
