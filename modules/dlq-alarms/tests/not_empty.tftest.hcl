# The not-empty alarm: what it measures, when it fires, whom it tells.

mock_provider "aws" {}

variables {
  dlqs            = { orders = { dlq_name = "orders-dlq" } }
  about_to_expire = { enabled = false }
  alarm_actions   = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
}

run "counts_visible_and_in_flight_messages_of_the_dlq" {
  command = plan

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.not_empty["orders"].metric_query : query.id => {
        metric     = try(query.metric[0].metric_name, null)
        namespace  = try(query.metric[0].namespace, null)
        queue      = try(query.metric[0].dimensions.QueueName, null)
        dimensions = try(length(query.metric[0].dimensions), 0)
        stat       = try(query.metric[0].stat, null)
        period     = try(query.metric[0].period, null)
      } if query.expression == null
      } == {
      visible   = { metric = "ApproximateNumberOfMessagesVisible", namespace = "AWS/SQS", queue = "orders-dlq", dimensions = 1, stat = "Maximum", period = 60 }
      in_flight = { metric = "ApproximateNumberOfMessagesNotVisible", namespace = "AWS/SQS", queue = "orders-dlq", dimensions = 1, stat = "Maximum", period = 60 }
    }
    error_message = "the alarm must read the maximum of visible and in-flight messages of the DLQ, each minute"
  }
  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.not_empty["orders"].metric_query : query.expression if coalesce(query.return_data, false)] == ["visible + in_flight"]
    error_message = "the sum, and only the sum, must be what the alarm watches"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].metric_name == null && aws_cloudwatch_metric_alarm.not_empty["orders"].period == null
    error_message = "an alarm has metric queries or a metric, not both"
  }
}

run "one_message_for_one_minute_is_enough" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.not_empty["orders"].comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].evaluation_periods == 1 &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].datapoints_to_alarm == 1
    )
    error_message = "more than 0, in 1 of 1 minutes"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].treat_missing_data == "notBreaching"
    error_message = "a queue that was never used must be OK, not INSUFFICIENT_DATA"
  }
}

run "the_cheap_variant_reads_one_metric" {
  command = plan

  variables {
    count_in_flight = false
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.not_empty["orders"].metric_query) == 0
    error_message = "no metric math"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.not_empty["orders"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].metric_name == "ApproximateNumberOfMessagesVisible" &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].dimensions == tomap({ QueueName = "orders-dlq" }) &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].statistic == "Maximum" &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].period == 60
    )
    error_message = "the maximum of visible messages of the DLQ, each minute"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.not_empty["orders"].comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].evaluation_periods == 1 &&
      aws_cloudwatch_metric_alarm.not_empty["orders"].datapoints_to_alarm == 1
    )
    error_message = "more than 0, in 1 of 1 minutes"
  }
}

run "who_hears_of_the_alarm_hears_of_its_end" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].actions_enabled
    error_message = "actions must be on"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"])
    error_message = "alarm_actions must be taken"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"])
    error_message = "ok_actions must follow alarm_actions"
  }
  assert {
    condition     = length(coalesce(aws_cloudwatch_metric_alarm.not_empty["orders"].insufficient_data_actions, [])) == 0
    error_message = "missing data is nobody's alarm by default"
  }
}

run "actions_can_differ_by_state" {
  command = plan

  variables {
    ok_actions                = []
    insufficient_data_actions = ["arn:aws:sns:eu-west-1:111122223333:platform"]
    actions_enabled           = false
  }

  assert {
    condition     = length(coalesce(aws_cloudwatch_metric_alarm.not_empty["orders"].ok_actions, [])) == 0
    error_message = "an empty list means nobody"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].insufficient_data_actions == toset(["arn:aws:sns:eu-west-1:111122223333:platform"])
    error_message = "insufficient_data_actions must be taken"
  }
  assert {
    condition     = !aws_cloudwatch_metric_alarm.not_empty["orders"].actions_enabled
    error_message = "actions_enabled must be taken"
  }
}

run "the_description_says_what_how_bad_and_what_to_do" {
  command = plan

  variables {
    severity    = "SEV2"
    runbook_url = "https://runbooks.example.com/dlq"
    tags        = { team = "orders" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].alarm_description == "The dead-letter queue orders-dlq holds messages that its consumers could not process. Find out why, then redrive or delete them all: until it is empty, this alarm tells of no further ones. Severity: SEV2. Runbook: https://runbooks.example.com/dlq"
    error_message = "queue, severity and runbook must be in the description"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["orders"].tags == tomap({ Severity = "SEV2", team = "orders" })
    error_message = "the severity must be a tag, beside the caller's"
  }
}

run "without_a_runbook_the_description_ends_with_the_severity" {
  command = plan

  assert {
    condition     = endswith(aws_cloudwatch_metric_alarm.not_empty["orders"].alarm_description, "further ones. Severity: critical.")
    error_message = "no empty runbook link"
  }
}
