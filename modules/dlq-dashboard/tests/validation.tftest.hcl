# Every bound of every input: the last value that is taken, and the first that
# is not.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
}

variables {
  dashboard_name = "queues"
  queues         = { orders = { queue_name = "orders", dlq_name = "orders-dlq" } }
}

run "takes_the_longest_values" {
  command = plan

  variables {
    dashboard_name = join("", [for n in range(255) : "d"])
    queues = { orders = {
      queue_name                    = "${join("", [for n in range(75) : "q"])}.fifo"
      dlq_name                      = join("", [for n in range(80) : "q"])
      message_retention_seconds     = 60
      dlq_message_retention_seconds = 1209600
      runbook_url                   = "https://${join("", [for n in range(500) : "u"])}"
    } }
    title           = join("", [for n in range(200) : "t"])
    links           = { (join("", [for n in range(80) : "l"])) = "https://${join("", [for n in range(500) : "u"])}" }
    header_markdown = join("", [for n in range(1000) : "mmmmmmmmmm"])
    period          = 86400
    start           = "2026-11-24T09:00:00.000Z"
    region          = "us-iso-east-1"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).start == "2026-11-24T09:00:00.000Z"
    error_message = "a time is a start"
  }
}

run "takes_240_pairs" {
  command = plan

  variables {
    queues = { for n in range(240) : "queue-${n}" => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
  }

  assert {
    condition     = sum([for widget in jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets : length([for row in try(widget.properties.metrics, []) : row if length(row) > 1])]) == 2400
    error_message = "240 pairs leave room for 100 metrics more"
  }
}

run "refuses_241_pairs" {
  command = plan

  variables {
    queues = { for n in range(241) : "queue-${n}" => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
  }

  expect_failures = [var.queues]
}

run "refuses_91_pairs_in_detail" {
  command = plan

  variables {
    layout = "detailed"
    queues = { for n in range(91) : "queue-${n}" => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
  }

  expect_failures = [var.layout]
}

run "refuses_more_than_500_widgets" {
  command = plan

  variables {
    widgets_extra = [for n in range(494) : { type = "text", properties = { markdown = "text" } }]
  }

  expect_failures = [aws_cloudwatch_dashboard.queues]
}

run "takes_500_widgets" {
  command = plan

  variables {
    widgets_extra = [for n in range(493) : { type = "text", properties = { markdown = "text" } }]
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.queues.dashboard_body).widgets) == 500
    error_message = "a dashboard takes 500 widgets"
  }
}

run "refuses_more_than_2500_metrics" {
  command = plan

  variables {
    queues        = { for n in range(240) : "queue-${n}" => { queue_name = "queue-${n}", dlq_name = "queue-${n}-dlq" } }
    widgets_extra = [{ type = "metric", properties = { region = "eu-west-1", metrics = [for n in range(101) : ["app", "metric-${n}"]] } }]
  }

  expect_failures = [aws_cloudwatch_dashboard.queues]
}

run "refuses_more_than_500_metrics_in_a_widget" {
  command = plan

  variables {
    widgets_extra = [{ type = "metric", properties = { region = "eu-west-1", metrics = [for n in range(501) : ["app", "metric-${n}"]] } }]
  }

  expect_failures = [aws_cloudwatch_dashboard.queues]
}

run "refuses_the_url_of_a_source_queue" {
  command = plan

  variables {
    queues = { orders = { queue_name = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders", dlq_name = "orders-dlq" } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_dlqs_arn" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq" } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_name_of_81_characters" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = join("", [for n in range(81) : "q"]) } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_queue_that_is_its_own_dlq" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = "orders" } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_retention_below_a_minute" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = "orders-dlq", message_retention_seconds = 59 } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_retention_above_14_days" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209601 } }
  }

  expect_failures = [var.queues]
}

run "refuses_a_queues_bad_runbook" {
  command = plan

  variables {
    queues = { orders = { queue_name = "orders", dlq_name = "orders-dlq", runbook_url = "see the wiki" } }
  }

  expect_failures = [var.queues]
}

run "refuses_an_alarms_name" {
  command = plan

  variables {
    alarm_arns = { orders = { not_empty = "orders-dlq-not-empty" } }
  }

  expect_failures = [var.alarm_arns]
}

run "refuses_widgets_extra_that_are_no_list" {
  command = plan

  variables {
    widgets_extra = { type = "text", properties = { markdown = "text" } }
  }

  expect_failures = [var.widgets_extra]
}

run "refuses_widgets_extra_without_properties" {
  command = plan

  variables {
    widgets_extra = [{ type = "text" }]
  }

  expect_failures = [var.widgets_extra]
}

run "refuses_what_is_too_long" {
  command = plan

  variables {
    dashboard_name  = join("", [for n in range(256) : "d"])
    title           = join("", [for n in range(201) : "t"])
    links           = { (join("", [for n in range(81) : "l"])) = "https://example.com" }
    header_markdown = "m${join("", [for n in range(1000) : "mmmmmmmmmm"])}"
    period          = 86460
  }

  expect_failures = [var.dashboard_name, var.title, var.links, var.header_markdown, var.period]
}

run "refuses_what_is_badly_formed" {
  command = plan

  variables {
    dashboard_name  = "my queues"
    layout          = "wide"
    title           = "two\nlines"
    links           = { Runbook = "see the wiki" }
    period          = 90
    period_override = "none"
    start           = "yesterday"
    region          = "Ireland"
  }

  expect_failures = [var.dashboard_name, var.layout, var.title, var.links, var.period, var.period_override, var.start, var.region]
}
