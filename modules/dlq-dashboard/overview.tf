# The top: heading and links, how much all DLQs hold together, and the alarms.

locals {
  header = join("\n\n", compact([
    "# ${var.title == null ? var.dashboard_name : var.title}",
    join(" · ", [for text, url in var.links : "[${text}](${url})"]),
    var.header_markdown,
  ]))

  # A heading takes two of the grid's rows, two lines of text another one; what is longer
  # can be scrolled.
  header_height = min(10, 2 + floor((length(split("\n", local.header)) - 1) / 2))

  # A DLQ that several source queues share must be counted once.
  dlq_names = distinct([for queue in var.queues : queue.dlq_name])

  alarms = distinct(flatten([for alarms in var.alarm_arns : [for arn in values(alarms) : arn if arn != null]]))

  # An alarm widget takes 100 alarms. The first stands beside the total, the rest two in a row
  # below.
  alarm_chunks = chunklist(local.alarms, 100)

  overview_height = length(var.queues) + length(local.alarms) == 0 ? 0 : 6 * (1 + ceil(max(0, length(local.alarm_chunks) - 1) / 2))
  queues_y        = local.header_height + local.overview_height

  overview_widgets = concat(
    [{
      type       = "text"
      x          = 0
      y          = 0
      width      = 24
      height     = local.header_height
      properties = { markdown = local.header }
    }],

    # Visible and in flight, as in dlq-alarms: somebody who inspects a DLQ must not make its
    # messages vanish from the total. REPEAT, for minutes that SQS hasn't published yet and
    # for queues that have gone silent: to fill with 0 would show an empty DLQ.
    [for dlq_names in [local.dlq_names] : {
      type   = "metric"
      x      = 0
      y      = local.header_height
      width  = length(local.alarms) == 0 ? 24 : 6
      height = 6
      properties = merge(local.metric_defaults, {
        title     = "Messages in all DLQs"
        view      = "singleValue"
        sparkline = true
        stat      = "Maximum"
        metrics = concat(
          [[{ expression = "SUM(FILL(METRICS(), REPEAT))", label = "Visible and in flight", id = "total" }]],
          [for i, name in dlq_names : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { id = "visible${i}", visible = false }]],
          [for i, name in dlq_names : ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", name, { id = "inflight${i}", visible = false }]],
        )
      })
    } if length(var.queues) > 0],

    [for i, alarms in local.alarm_chunks : {
      type   = "alarm"
      x      = i == 0 ? 6 : 12 * ((i - 1) % 2)
      y      = local.header_height + (i == 0 ? 0 : 6 * (1 + floor((i - 1) / 2)))
      width  = i == 0 ? 18 : 12
      height = 6
      properties = {
        title  = "Alarms${length(local.alarm_chunks) == 1 ? "" : " (${i + 1} of ${length(local.alarm_chunks)})"}"
        alarms = alarms
        sortBy = "stateUpdatedTimestamp" # those in ALARM come first
      }
    }],
  )
}
