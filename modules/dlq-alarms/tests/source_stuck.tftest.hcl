# The alarm that a source queue's messages wait for too long.

mock_provider "aws" {}

variables {
  dlqs = {
    orders = { dlq_name = "orders-dlq", queue_name = "orders", message_retention_seconds = 345600 }
  }
  about_to_expire = { enabled = false }
  source_stuck    = { enabled = true }
  alarm_actions   = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
}

run "watches_the_age_of_the_oldest_message_in_the_source" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.source_stuck["orders"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].metric_name == "ApproximateAgeOfOldestMessage" &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].dimensions == tomap({ QueueName = "orders" }) &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].statistic == "Maximum" &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].period == 60 &&
      length(aws_cloudwatch_metric_alarm.source_stuck["orders"].metric_query) == 0
    )
    error_message = "the maximum age of the source's oldest message, each minute: one metric"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.source_stuck["orders"].comparison_operator == "GreaterThanOrEqualToThreshold" &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].threshold == 3600 &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].evaluation_periods == 1 &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].datapoints_to_alarm == 1
    )
    error_message = "an hour or more, in 1 of 1 minutes"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.source_stuck["orders"].treat_missing_data == "notBreaching"
    error_message = "an empty queue reports no age and must be OK"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.source_stuck["orders"].alarm_description == "The oldest message in the queue orders has been waiting for 3600 seconds: its consumers have stopped, hang, or don't keep up. Get them to work, or add more: what nobody receives never reaches the dead-letter queue, and is lost when its retention ends. Severity: critical."
    error_message = "it must say what it means and what to do"
  }
  assert {
    condition = (
      output.alarm_names["orders"].source_stuck == "orders-source-stuck" &&
      output.alarm_arns["orders"].source_stuck == aws_cloudwatch_metric_alarm.source_stuck["orders"].arn
    )
    error_message = "name and ARN, by key and kind"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.source_stuck["orders"].tags == tomap({ Severity = "critical" }) &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].actions_enabled &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      aws_cloudwatch_metric_alarm.source_stuck["orders"].ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      length(coalesce(aws_cloudwatch_metric_alarm.source_stuck["orders"].insufficient_data_actions, [])) == 0
    )
    error_message = "whom it tells, and how bad it is"
  }
}

run "how_long_is_too_long_is_each_queues_own" {
  command = plan

  variables {
    dlqs = {
      default   = { dlq_name = "a-dlq", queue_name = "a", message_retention_seconds = 14400 }
      brief     = { dlq_name = "b-dlq", queue_name = "b", message_retention_seconds = 14399 }
      unstated  = { dlq_name = "c-dlq", queue_name = "c" }
      own       = { dlq_name = "d-dlq", queue_name = "d", message_retention_seconds = 345600, source_stuck = { age_seconds = 345599 } }
      unchecked = { dlq_name = "e-dlq.fifo", queue_name = "e.fifo", source_stuck = { age_seconds = 1209600 } }
      without   = { dlq_name = "f-dlq", source_stuck = { enabled = false } }
    }
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.source_stuck : key => alarm.threshold } == {
      default   = 3600
      brief     = 3599 # a quarter of the retention
      unstated  = 3600
      own       = 345599 # just under the retention
      unchecked = 1209600
    }
    error_message = "an hour, a quarter of a short retention, or the queue's own"
  }
  assert {
    condition     = output.alarm_names["without"].source_stuck == null && output.alarm_arns["without"].source_stuck == null
    error_message = "what isn't made has no name"
  }
}

run "the_modules_age_holds_for_queues_without_their_own" {
  command = plan

  variables {
    source_stuck = { enabled = true, age_seconds = 900 }
    dlqs = {
      module = { dlq_name = "a-dlq", queue_name = "a", message_retention_seconds = 1800 }
      own    = { dlq_name = "b-dlq", queue_name = "b", source_stuck = { age_seconds = 60 } }
    }
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.source_stuck : key => alarm.threshold } == { module = 900, own = 60 }
    error_message = "the queue's, then the module's"
  }
}

run "is_not_made_unless_asked_for" {
  command = plan

  variables {
    source_stuck = {}
    dlqs = {
      with    = { dlq_name = "a-dlq", queue_name = "a", source_stuck = { enabled = true } }
      without = { dlq_name = "b-dlq", queue_name = "b" }
    }
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.source_stuck) == ["with"]
    error_message = "it needs to know the work"
  }
}

run "refuses_an_age_that_no_message_reaches" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", queue_name = "orders", message_retention_seconds = 345600, source_stuck = { age_seconds = 345600 } } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.source_stuck]
}

run "needs_the_name_of_the_source" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq" } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.source_stuck]
}
