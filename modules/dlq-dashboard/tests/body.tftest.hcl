# The body as JSON: what it shows, and that widgets lie side by side on the grid.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
}

variables {
  dashboard_name = "queues"
  queues = {
    payments = { queue_name = "payments.fifo", dlq_name = "payments-dlq.fifo", message_retention_seconds = 345600, dlq_message_retention_seconds = 1209600 }
    orders   = { queue_name = "orders", dlq_name = "orders-dlq", message_retention_seconds = 345600, dlq_message_retention_seconds = 1209600, runbook_url = "https://runbooks.example.com/orders" }
  }
}

run "the_total_adds_up_what_is_visible_and_in_flight_in_every_dlq" {
  command = plan

  assert {
    condition = jsonencode(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[1]) == jsonencode({
      type   = "metric"
      x      = 0
      y      = 2
      width  = 24
      height = 6
      properties = {
        title     = "Messages in all DLQs"
        view      = "singleValue"
        sparkline = true
        region    = "eu-west-1"
        period    = 300
        stat      = "Maximum"
        metrics = [
          [{ expression = "SUM(FILL(METRICS(), REPEAT))", label = "Visible and in flight", id = "total" }],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "orders-dlq", { id = "visible0", visible = false }],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "payments-dlq.fifo", { id = "visible1", visible = false }],
          ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "orders-dlq", { id = "inflight0", visible = false }],
          ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "payments-dlq.fifo", { id = "inflight1", visible = false }],
        ]
      }
    })
    error_message = "the total must be the sum over all DLQs, and wide if there are no alarms"
  }
}

run "the_detailed_layout_shows_each_pair_in_the_order_of_the_keys" {
  command = plan

  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : try(widget.properties.title, widget.properties.markdown)] == [
      "# queues",
      "Messages in all DLQs",
      "**orders** · orders → orders-dlq · [Runbook](https://runbooks.example.com/orders)",
      "orders: DLQ", "orders: source queue", "orders: age of the oldest message", "orders: traffic of the source queue",
      "**payments** · payments.fifo → payments-dlq.fifo",
      "payments: DLQ", "payments: source queue", "payments: age of the oldest message", "payments: traffic of the source queue",
    ]
    error_message = "heading, total, then a line of text and four graphs a pair"
  }
  assert {
    condition = [for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 8, 12) : [for row in widget.properties.metrics : slice(row, 0, 4)]] == [
      [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "payments-dlq.fifo"],
        ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "payments-dlq.fifo"],
      ],
      [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "payments.fifo"],
        ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "payments.fifo"],
        ["AWS/SQS", "ApproximateNumberOfMessagesDelayed", "QueueName", "payments.fifo"],
      ],
      [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "payments.fifo"],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "payments-dlq.fifo"],
      ],
      [
        ["AWS/SQS", "NumberOfMessagesSent", "QueueName", "payments.fifo"],
        ["AWS/SQS", "NumberOfMessagesReceived", "QueueName", "payments.fifo"],
        ["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "payments.fifo"],
      ],
    ]
    error_message = "each graph must read its queue, FIFO names included"
  }
  assert {
    condition = jsonencode([for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 7, 12) : [widget.type, try(widget.properties.view, null), try(widget.properties.stacked, null), try(widget.properties.yAxis, null)]]) == jsonencode([
      ["text", null, null, null],
      ["metric", "timeSeries", true, { left = { min = 0, label = "Messages", showUnits = false } }],
      ["metric", "timeSeries", false, { left = { min = 0, label = "Messages", showUnits = false } }],
      ["metric", "timeSeries", false, { left = { min = 0, label = "Source queue, seconds", showUnits = false }, right = { min = 0, label = "DLQ, seconds", showUnits = false } }],
      ["metric", "timeSeries", false, { left = { min = 0, label = "Messages", showUnits = false } }],
    ])
    error_message = "graphs over time from 0 up, the DLQ's stacked, and the two ages on an axis each"
  }
  assert {
    condition     = jsonencode([for row in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[10].properties.metrics : row[4]]) == jsonencode([{ label = "source queue" }, { label = "DLQ", yAxis = "right" }])
    error_message = "the DLQ's age belongs to the axis on the right"
  }
  assert {
    condition     = [for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 8, 12) : widget.properties.stat] == ["Maximum", "Maximum", "Maximum", "Sum"]
    error_message = "depths and ages are maxima, traffic is a sum"
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.properties.region == "eu-west-1" && widget.properties.period == 300 if widget.type == "metric"])
    error_message = "every metric widget needs region and period"
  }
}

run "lines_show_where_a_dlqs_messages_expire" {
  command = plan

  assert {
    condition = jsonencode(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[5].properties.annotations.horizontal) == jsonencode([
      { value = 1209600, label = "Expired", color = "#d62728", yAxis = "right" },
      { value = 864000, label = "May expire", color = "#ff7f0e", yAxis = "right" },
    ])
    error_message = "in a standard DLQ messages may expire once they are there for the difference of the two retentions"
  }
  assert {
    condition     = [for line in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[10].properties.annotations.horizontal : line.value] == [1209600]
    error_message = "in a FIFO DLQ retention counts from the move"
  }
}

run "no_lines_where_the_retention_is_not_known" {
  command = plan

  variables {
    queues = {
      no_retention  = { queue_name = "a", dlq_name = "a-dlq" }
      of_the_source = { queue_name = "b", dlq_name = "b-dlq", message_retention_seconds = 86400 }
      of_the_dlq    = { queue_name = "c", dlq_name = "c-dlq", dlq_message_retention_seconds = 86400 }
      same          = { queue_name = "d", dlq_name = "d-dlq", message_retention_seconds = 86400, dlq_message_retention_seconds = 86400 }
    }
  }

  assert {
    condition = {
      for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets :
      trimsuffix(widget.properties.title, ": age of the oldest message") => [for line in try(widget.properties.annotations.horizontal, []) : line.value]
      if endswith(try(widget.properties.title, ""), ": age of the oldest message")
    } == { no_retention = [], of_the_source = [], of_the_dlq = [86400], same = [86400] }
    error_message = "a line needs the retention it stands for"
  }
}

run "a_shared_dlq_counts_once" {
  command = plan

  variables {
    queues = {
      orders  = { queue_name = "orders", dlq_name = "shared-dlq" }
      refunds = { queue_name = "refunds", dlq_name = "shared-dlq" }
    }
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[1].properties.metrics) == 3
    error_message = "the total must not count a shared DLQ twice"
  }
}

run "the_header_has_title_links_and_text" {
  command = plan

  variables {
    title           = "Queues of team orders"
    links           = { "Runbook" = "https://runbooks.example.com/dlq", "On call" = "https://on-call.example.com" }
    header_markdown = "Owner: team orders.\n\nWork DLQs down to empty."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[0].properties.markdown == "# Queues of team orders\n\n[On call](https://on-call.example.com) · [Runbook](https://runbooks.example.com/dlq)\n\nOwner: team orders.\n\nWork DLQs down to empty."
    error_message = "title, links in the order of their texts, then the text"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[0].height == 5 && jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[1].y == 5
    error_message = "what follows must begin below the header, however long it is"
  }
}

run "alarms_stand_beside_the_total" {
  command = plan

  variables {
    alarm_arns = {
      payments = { not_empty = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:payments-dlq.fifo-not-empty", filling_fast = null }
      orders   = { not_empty = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-dlq-not-empty", filling_fast = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-dlq-filling-fast" }
    }
  }

  assert {
    condition = jsonencode(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[2]) == jsonencode({
      type   = "alarm"
      x      = 6
      y      = 2
      width  = 18
      height = 6
      properties = {
        title  = "Alarms"
        sortBy = "stateUpdatedTimestamp"
        alarms = [
          "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-dlq-filling-fast",
          "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-dlq-not-empty",
          "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:payments-dlq.fifo-not-empty",
        ]
      }
    })
    error_message = "all alarms that there are, in the order of keys and kinds"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets[1].width == 6
    error_message = "the total must make room for the alarms"
  }
}

run "settings_reach_the_body" {
  command = plan

  variables {
    period          = 60
    period_override = "inherit"
    start           = "-PT3H"
    region          = "us-gov-west-1"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).start == "-PT3H" && jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).periodOverride == "inherit"
    error_message = "start and period_override must be taken"
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.properties.region == "us-gov-west-1" && widget.properties.period == 60 if widget.type == "metric"])
    error_message = "period and region must be taken by every widget"
  }
  assert {
    condition     = output.console_url == "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#dashboards/dashboard/queues"
    error_message = "GovCloud has a console of its own"
  }
}

run "the_defaults_of_the_body_and_the_console" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).start == "-P1D" && jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).periodOverride == "auto"
    error_message = "a day, with periods to match"
  }
  assert {
    condition     = output.console_url == "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/queues" && output.dashboard_name == "queues"
    error_message = "the console's address has region and name"
  }
  assert {
    condition     = output.dashboard_body == aws_cloudwatch_dashboard.queues.dashboard_body
    error_message = "the body is an output"
  }
}

run "china_has_a_console_of_its_own" {
  command = plan

  variables {
    region = "cn-north-1"
  }

  assert {
    condition     = startswith(output.console_url, "https://cn-north-1.console.amazonaws.cn/")
    error_message = "the console's domain follows the partition"
  }
}

run "extra_widgets_come_below" {
  command = plan

  variables {
    widgets_extra = [
      { type = "text", x = 0, y = 0, width = 12, height = 2, properties = { markdown = "one" } },
      { type = "metric", x = 12, y = 0, width = 12, height = 6, properties = { region = "eu-west-1", metrics = [["AWS/Lambda", "Errors", "FunctionName", "orders"]] } },
      { type = "text", x = 0, y = 6, width = 24, height = 2, properties = { markdown = "two" } },
      { type = "text", properties = { markdown = "anywhere" } },
    ]
  }

  assert {
    condition     = [for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 12, 16) : try(widget.y, null)] == [22, 22, 28, null]
    error_message = "2 rows of header, 6 of overview and 7 for each of two pairs come first"
  }
}

run "widgets_lie_side_by_side_in_the_detailed_layout" {
  command = plan

  variables {
    header_markdown = "one\n\ntwo\n\nthree"
    queues          = { for n in range(90) : format("queue-%03d", n) => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
    alarm_arns      = { for n in range(90) : format("queue-%03d", n) => { for kind in ["a", "b", "c", "d"] : kind => "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:${n}-${kind}" } }
    layout          = "detailed"
  }

  assert {
    condition = length(toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : [for x in range(widget.width) : [for y in range(widget.height) : "${widget.x + x},${widget.y + y}"]]
    ]))) == sum([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.width * widget.height])
    error_message = "no two widgets may lie on the same cell of the grid"
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.x >= 0 && widget.x + widget.width <= 24])
    error_message = "the grid has 24 columns"
  }
  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : length(widget.properties.alarms) if widget.type == "alarm"] == [100, 100, 100, 60]
    error_message = "an alarm widget takes 100 alarms"
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets) <= 500
    error_message = "a dashboard takes 500 widgets"
  }
}

run "two_hundred_pairs_stay_within_the_limits" {
  command = plan

  variables {
    queues     = { for n in range(200) : format("queue-%03d", n) => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
    alarm_arns = { for n in range(200) : format("queue-%03d", n) => { for kind in ["a", "b", "c", "d"] : kind => "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:${n}-${kind}" } }
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets) == 2 + 8 + 8 * 8
    error_message = "heading, total, 8 alarm widgets, and 8 graphs for each 25 pairs"
  }
  assert {
    condition     = max([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : length(try(widget.properties.metrics, []))]...) <= 500
    error_message = "a widget takes 500 metrics"
  }
  assert {
    condition     = sum([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : length([for row in try(widget.properties.metrics, []) : row if length(row) > 1])]) == 2000
    error_message = "ten metrics a pair, of the 2500 that a dashboard takes"
  }
  assert {
    condition = length(toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : [for x in range(widget.width) : [for y in range(widget.height) : "${widget.x + x},${widget.y + y}"]]
    ]))) == sum([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.width * widget.height])
    error_message = "no two widgets may lie on the same cell of the grid"
  }
}

run "the_compact_layout_has_a_line_for_each_queue" {
  command = plan

  variables {
    layout = "compact"
  }

  assert {
    condition = [for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 2, 10) : [widget.properties.title, widget.properties.stat, jsonencode(widget.properties.metrics)]] == [
      ["DLQ: visible", "Maximum", jsonencode([["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "orders-dlq", { label = "orders" }], ["...", "payments-dlq.fifo", { label = "payments" }]])],
      ["DLQ: age of the oldest message", "Maximum", jsonencode([["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "orders-dlq", { label = "orders" }], ["...", "payments-dlq.fifo", { label = "payments" }]])],
      ["Source queue: visible", "Maximum", jsonencode([["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
      ["Source queue: age of the oldest message", "Maximum", jsonencode([["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
      ["Source queue: in flight", "Maximum", jsonencode([["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
      ["Source queue: sent", "Sum", jsonencode([["AWS/SQS", "NumberOfMessagesSent", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
      ["Source queue: received", "Sum", jsonencode([["AWS/SQS", "NumberOfMessagesReceived", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
      ["Source queue: deleted", "Sum", jsonencode([["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "orders", { label = "orders" }], ["...", "payments.fifo", { label = "payments" }]])],
    ]
    error_message = "eight graphs with a line for each queue"
  }
  assert {
    condition = jsonencode([for widget in slice(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets, 2, 10) : [widget.type, widget.properties.view, widget.properties.stacked, widget.properties.yAxis]]) == jsonencode([
      for label in ["Messages", "Seconds", "Messages", "Seconds", "Messages", "Messages", "Messages", "Messages"] :
      ["metric", "timeSeries", false, { left = { min = 0, label = label, showUnits = false } }]
    ])
    error_message = "graphs over time from 0 up, none of them stacked"
  }
}

run "twenty_pairs_are_shown_in_detail" {
  command = plan

  variables {
    queues = { for n in range(20) : format("queue-%03d", n) => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets) == 2 + 5 * 20
    error_message = "20 pairs are still detailed"
  }
}

run "more_than_twenty_are_compact_and_name_their_range" {
  command = plan

  variables {
    queues        = { for n in range(26) : format("queue-%03d", n) => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
    widgets_extra = [{ type = "text", x = 0, y = 0, width = 24, height = 2, properties = { markdown = "below" } }]
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : widget.properties.title if strcontains(try(widget.properties.title, ""), "DLQ: visible")] == ["DLQ: visible (queue-000 to queue-024)", "DLQ: visible (queue-025 to queue-025)"]
    error_message = "a graph takes 25 queues and says which"
  }
  assert {
    condition     = reverse(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets)[0].y == 2 + 6 + 2 * 12
    error_message = "an extra widget must begin below the graphs of every range"
  }
}

run "an_empty_fleet_has_a_heading" {
  command = plan

  variables {
    queues        = {}
    widgets_extra = [{ type = "text", x = 0, y = 0, width = 24, height = 2, properties = { markdown = "below" } }]
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : [widget.type, widget.y]] == [["text", 0], ["text", 2]]
    error_message = "no queues, no graphs: CloudWatch refuses graphs without metrics. What is extra comes right below the heading"
  }
}

run "the_arn_is_an_output" {
  assert {
    condition     = output.dashboard_arn == aws_cloudwatch_dashboard.queues.dashboard_arn
    error_message = "the dashboard's ARN is an output"
  }
}
