# The alarm that a DLQ is filling fast: what it measures and how fast is fast.

mock_provider "aws" {}

variables {
  dlqs            = { orders = { dlq_name = "orders-dlq" } }
  about_to_expire = { enabled = false }
  filling_fast    = { enabled = true }
  alarm_actions   = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
}

run "watches_the_growth_of_visible_and_in_flight_messages" {
  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.filling_fast["orders"].metric_query : query.id => {
        metric     = try(query.metric[0].metric_name, null)
        namespace  = try(query.metric[0].namespace, null)
        queue      = try(query.metric[0].dimensions.QueueName, null)
        dimensions = try(length(query.metric[0].dimensions), 0)
        stat       = try(query.metric[0].stat, null)
        period     = try(query.metric[0].period, null)
      } if query.expression == null
      } == {
      visible   = { metric = "ApproximateNumberOfMessagesVisible", namespace = "AWS/SQS", queue = "orders-dlq", dimensions = 1, stat = "Average", period = 300 }
      in_flight = { metric = "ApproximateNumberOfMessagesNotVisible", namespace = "AWS/SQS", queue = "orders-dlq", dimensions = 1, stat = "Average", period = 300 }
    }
    error_message = "averages of visible and in-flight messages of the DLQ, for only averages add up"
  }
  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.filling_fast["orders"].metric_query : query.expression if coalesce(query.return_data, false)] == ["DIFF(FILL(visible, 0) + FILL(in_flight, 0))"]
    error_message = "the difference from the period before, which is 0 if there was no data, must be what the alarm watches"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.filling_fast["orders"].comparison_operator == "GreaterThanOrEqualToThreshold" &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].threshold == 10 &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].evaluation_periods == 1 &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].datapoints_to_alarm == 1 &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].treat_missing_data == "notBreaching"
    )
    error_message = "10 or more in 1 of 1 periods"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.filling_fast["orders"].alarm_description == "The dead-letter queue orders-dlq has grown by 10 messages or more in 300 seconds: rather an outage of its consumers, or of what they depend on, than a poison message. Look at the consumers first, and redrive the messages when they work again. Severity: critical."
    error_message = "it must say what it means and what to do"
  }
  assert {
    condition = (
      output.alarm_names["orders"].filling_fast == "orders-dlq-filling-fast" &&
      output.alarm_arns["orders"].filling_fast == aws_cloudwatch_metric_alarm.filling_fast["orders"].arn
    )
    error_message = "name and ARN, by key and kind"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.filling_fast["orders"].tags == tomap({ Severity = "critical" }) &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].actions_enabled &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      aws_cloudwatch_metric_alarm.filling_fast["orders"].ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      length(coalesce(aws_cloudwatch_metric_alarm.filling_fast["orders"].insufficient_data_actions, [])) == 0
    )
    error_message = "whom it tells, and how bad it is"
  }
}

run "the_cheap_variant_reads_one_metric" {
  command = plan

  variables {
    count_in_flight = false
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.filling_fast["orders"].metric_query : query.id => try(query.metric[0].metric_name, query.expression)
    } == { growth = "DIFF(FILL(visible, 0))", visible = "ApproximateNumberOfMessagesVisible" }
    error_message = "visible messages alone"
  }
}

run "how_fast_is_fast_is_each_queues_own" {
  command = plan

  variables {
    filling_fast = { enabled = true, messages = 50, period_seconds = 900 }
    dlqs = {
      module   = { dlq_name = "a-dlq" }
      messages = { dlq_name = "b-dlq", filling_fast = { messages = 1000 } }
      period   = { dlq_name = "c-dlq", filling_fast = { period_seconds = 60 } }
      without  = { dlq_name = "d-dlq", filling_fast = { enabled = false } }
    }
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.filling_fast : key => alarm.threshold } == { module = 50, messages = 1000, period = 50 }
    error_message = "the number of messages"
  }
  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.filling_fast : key => join(",", [for query in alarm.metric_query : query.metric[0].period if query.expression == null])
    } == { module = "900,900", messages = "900,900", period = "60,60" }
    error_message = "the period, of both metrics"
  }
  assert {
    condition     = output.alarm_names["without"].filling_fast == null && output.alarm_arns["without"].filling_fast == null
    error_message = "what isn't made has no name"
  }
}

run "is_not_made_unless_asked_for" {
  command = plan

  variables {
    filling_fast = {}
    dlqs         = { with = { dlq_name = "a-dlq", filling_fast = { enabled = true } }, without = { dlq_name = "b-dlq" } }
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.filling_fast) == ["with"]
    error_message = "it costs two metrics and needs to know the traffic"
  }
}
