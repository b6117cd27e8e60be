# The alarm that messages of a DLQ are about to expire: when it fires, and how much
# time is left then.

mock_provider "aws" {}

variables {
  dlqs = {
    orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600 }
  }
  alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
}

run "watches_the_age_of_the_oldest_message_in_the_dlq" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].metric_name == "ApproximateAgeOfOldestMessage" &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].dimensions == tomap({ QueueName = "orders-dlq" }) &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].statistic == "Maximum" &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].period == 60 &&
      length(aws_cloudwatch_metric_alarm.about_to_expire["orders"].metric_query) == 0
    )
    error_message = "the maximum age of the DLQ's oldest message, each minute: one metric"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].comparison_operator == "GreaterThanOrEqualToThreshold" &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].threshold == 432000 &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].evaluation_periods == 1 &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].datapoints_to_alarm == 1
    )
    error_message = "half of the 10 days that are left after 4 in the source, in 1 of 1 minutes"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.about_to_expire["orders"].treat_missing_data == "notBreaching"
    error_message = "an empty DLQ reports no age and must be OK"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.about_to_expire["orders"].alarm_description == "Messages in the dead-letter queue orders-dlq will be lost: the oldest has been there for 432000 seconds, and SQS deletes it for good in 432000 seconds or more. Redrive the messages, or save what you need of them, before. Severity: warning."
    error_message = "it must say what is going to happen, how much time is left, and what to do"
  }
  assert {
    condition = (
      output.alarm_names["orders"].about_to_expire == "orders-dlq-about-to-expire" &&
      output.alarm_arns["orders"].about_to_expire == aws_cloudwatch_metric_alarm.about_to_expire["orders"].arn
    )
    error_message = "name and ARN, by key and kind"
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].tags == tomap({ Severity = "warning" }) &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].actions_enabled &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      aws_cloudwatch_metric_alarm.about_to_expire["orders"].ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      length(coalesce(aws_cloudwatch_metric_alarm.about_to_expire["orders"].insufficient_data_actions, [])) == 0
    )
    error_message = "whom it tells, and how bad it is"
  }
}

run "fires_after_a_share_of_the_time_that_a_message_has_in_the_dlq" {
  command = plan

  variables {
    about_to_expire = { share = 0.25 }
    dlqs = {
      defaults = { dlq_name = "a-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600 }
      fifo     = { dlq_name = "b-dlq.fifo", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600 }
      alone    = { dlq_name = "c-dlq.fifo", dlq_message_retention_seconds = 345600 }
      late     = { dlq_name = "d-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, about_to_expire = { share = 0.9 } }
      fixed    = { dlq_name = "e-dlq", about_to_expire = { age_seconds = 86400 } }
      odd      = { dlq_name = "f-dlq", dlq_message_retention_seconds = 3601, message_retention_seconds = 600 }
    }
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.about_to_expire : key => alarm.threshold } == {
      defaults = 216000 # a quarter of 10 days
      fifo     = 302400 # a quarter of 14: the move starts the retention anew
      alone    = 86400  # a FIFO DLQ's own retention is enough
      late     = 777600
      fixed    = 86400
      odd      = 750 # whole seconds
    }
    error_message = "the share of the DLQ's retention less the source's, or on FIFO of the DLQ's"
  }
  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.about_to_expire["fixed"].alarm_description, "SQS deletes it for good when its retention ends.")
    error_message = "what is left isn't known without the retention"
  }
}

run "a_queues_own_age_or_share_goes_before_the_modules_age" {
  command = plan

  variables {
    about_to_expire = { age_seconds = 7200 }
    dlqs = {
      module = { dlq_name = "a-dlq" }
      share  = { dlq_name = "b-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, about_to_expire = { share = 0.1 } }
      age    = { dlq_name = "c-dlq", about_to_expire = { age_seconds = 600 } }
      both   = { dlq_name = "d-dlq", about_to_expire = { age_seconds = 600, share = 0.1 } }
    }
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.about_to_expire : key => alarm.threshold } == { module = 7200, share = 86400, age = 600, both = 600 }
    error_message = "the queue's age, then its share, then the module's age, then its share"
  }
}

run "can_be_left_out_for_all_or_for_one" {
  command = plan

  variables {
    about_to_expire = { enabled = false }
    dlqs = {
      without = { dlq_name = "a-dlq" }
      with    = { dlq_name = "b-dlq.fifo", dlq_message_retention_seconds = 1209600, about_to_expire = { enabled = true } }
    }
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.about_to_expire) == ["with"]
    error_message = "the queue's own choice goes before the module's"
  }
  assert {
    condition     = output.alarm_names["without"].about_to_expire == null && output.alarm_arns["without"].about_to_expire == null
    error_message = "what isn't made has no name"
  }
}

run "leaves_five_minutes" {
  command = plan

  variables {
    dlqs = {
      standard = { dlq_name = "a-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, about_to_expire = { age_seconds = 863700 } }
      fifo     = { dlq_name = "b-dlq.fifo", dlq_message_retention_seconds = 900, about_to_expire = { age_seconds = 600 } }
    }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.about_to_expire["standard"].threshold == 863700 && aws_cloudwatch_metric_alarm.about_to_expire["fifo"].threshold == 600
    error_message = "300 seconds before the end must be taken"
  }
}

run "refuses_to_leave_less_than_five_minutes" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, about_to_expire = { age_seconds = 863701 } } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.about_to_expire]
}

run "refuses_a_dlq_that_keeps_messages_no_longer_than_the_source" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 345600, message_retention_seconds = 345600 } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.about_to_expire]
}

run "needs_the_retention_of_a_standard_queues_source" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600 } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.about_to_expire]
}

run "needs_the_retention_of_a_fifo_dlq" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq.fifo", message_retention_seconds = 345600 } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.about_to_expire]
}
