# Every bound of every input: the last value that is taken, and the first that
# is not.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/r", id = "r" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:r-failures" }
  }
}

variables {
  name     = "r"
  redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
}

run "takes_the_longest_values" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    redrives = {
      k = {
        dlq_arn                      = "arn:aws:sqs:eu-west-1:111122223333:ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.fifo"
        queue_arn                    = "arn:aws:sqs:eu-west-1:111122223333:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo"
        additional_source_queue_arns = [for n in range(10) : "arn:aws:sqs:eu-west-1:111122223333:q${n}.fifo"]
        schedule_expression          = "rate(999999999 minutes)"
        flexible_window_minutes      = 1440
        max_messages_per_second      = 500
        max_event_age_seconds        = 86400
        max_retry_attempts           = 185
      }
    }
    flexible_window_minutes = 1440
    max_messages_per_second = 500
    max_event_age_seconds   = 86400
    max_retry_attempts      = 185
    runbook_url             = "https://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
    alarm_actions           = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    ok_actions              = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    tags                    = { for n in range(50) : "tag-${n}" => "value" }
  }

  assert {
    condition     = length(aws_iam_role.redrive["k"].name) == 64 && length(aws_sqs_queue.failures[0].name) <= 80
    error_message = "AWS takes roles of 64 and queues of 80 characters"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.failed.alarm_name) <= 255 && length(aws_cloudwatch_metric_alarm.failed.alarm_description) <= 1024
    error_message = "CloudWatch takes names of 255 and descriptions of 1024 characters"
  }
}

run "takes_the_smallest_values" {
  command = plan

  variables {
    redrives = {
      "0" = {
        dlq_arn                 = "arn:aws:sqs:eu-west-1:111122223333:d"
        destination_arn         = "arn:aws:sqs:eu-west-1:111122223333:q"
        schedule_expression     = "rate(1 minute)"
        flexible_window_minutes = 1
        max_messages_per_second = 1
        max_event_age_seconds   = 60
        max_retry_attempts      = 0
      }
    }
    flexible_window_minutes = 1
    max_messages_per_second = 1
    max_event_age_seconds   = 60
    max_retry_attempts      = 0
  }

  assert {
    condition     = aws_scheduler_schedule.redrive["0"].schedule_expression == "rate(1 minute)"
    error_message = "they are AWS's own bounds"
  }
}

run "takes_what_aws_takes_for_a_schedule" {
  command = plan

  variables {
    redrives = {
      for n, expression in [
        "cron(0 3 * * ? *)", "cron(0/15 8-17 ? * MON-FRI *)", "cron(0 0 L * ? *)", "cron(0 9 15W * ? 2026-2030)", "cron(0 9 ? JAN,JUL 2#1 *)",
        "cron(5,35 * ? * 6L *)", "rate(1 hour)", "rate(2 hours)", "rate(1 day)", "rate(14 days)", "rate(1 minutes)",
      ] : "k${n}" => { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:d${n}", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:q", schedule_expression = expression }
    }
  }

  assert {
    condition     = length(aws_scheduler_schedule.redrive) == 11
    error_message = "each is an expression of the scheduler's"
  }
}

run "no_name" {
  command = plan

  variables {
    name = ""
  }

  expect_failures = [var.name]
}

run "a_name_with_a_dot" {
  command = plan

  variables {
    name = "a.b"
  }

  expect_failures = [var.name]
}

run "a_long_name" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
  }

  expect_failures = [var.name]
}

run "the_name_of_aws_own_group" {
  command = plan

  variables {
    name = "default"
  }

  expect_failures = [var.name]
}

run "a_key_with_a_space" {
  command = plan

  variables {
    redrives = { "a b" = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "a_key_too_long_for_its_role" {
  command = plan

  variables {
    name     = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    redrives = { "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "a_url_for_a_dlq" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "https://sqs.eu-west-1.amazonaws.com/111122223333/o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "a_name_for_a_source" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "o" } }
  }

  expect_failures = [var.redrives]
}

run "a_name_for_a_destination" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", destination_arn = "o" } }
  }

  expect_failures = [var.redrives]
}

run "a_name_for_another_source" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", additional_source_queue_arns = ["o"] } }
  }

  expect_failures = [var.redrives]
}

run "nowhere_to_go" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq" } }
  }

  expect_failures = [var.redrives]
}

run "a_dlq_as_its_own_destination" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", destination_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq" } }
  }

  expect_failures = [var.redrives]
}

run "a_dlq_as_its_own_source" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "a_dlq_under_two_keys" {
  command = plan

  variables {
    redrives = { a = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" }, b = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "a_source_twice" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:o"] } }
  }

  expect_failures = [var.redrives]
}

run "eleven_more_sources" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", additional_source_queue_arns = [for n in range(11) : "arn:aws:sqs:eu-west-1:111122223333:q${n}"] } }
  }

  expect_failures = [var.redrives]
}

run "a_fifo_source_of_a_standard_dlq" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o.fifo" } }
  }

  expect_failures = [var.redrives]
}

run "a_standard_destination_of_a_fifo_dlq" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq.fifo", destination_arn = "arn:aws:sqs:eu-west-1:111122223333:o" } }
  }

  expect_failures = [var.redrives]
}

run "an_alias_for_a_key" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", kms_key_arns = ["arn:aws:kms:eu-west-1:111122223333:alias/o"] } }
  }

  expect_failures = [var.redrives]
}

run "a_cron_of_five_fields_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "cron(0 3 * * ?)" } }
  }

  expect_failures = [var.redrives]
}

run "a_cron_without_a_question_mark_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "cron(0 3 * * * *)" } }
  }

  expect_failures = [var.redrives]
}

run "a_cron_with_two_question_marks_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "cron(0 3 ? * ? *)" } }
  }

  expect_failures = [var.redrives]
}

run "one_time_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "at(2027-01-01T03:00:00)" } }
  }

  expect_failures = [var.redrives]
}

run "a_rate_of_nothing_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "rate(0 hours)" } }
  }

  expect_failures = [var.redrives]
}

run "a_rate_in_seconds_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "rate(30 seconds)" } }
  }

  expect_failures = [var.redrives]
}

run "two_in_the_singular_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", schedule_expression = "rate(2 hour)" } }
  }

  expect_failures = [var.redrives]
}

run "a_time_zone_with_a_space_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", time_zone = "Europe/ Berlin" } }
  }

  expect_failures = [var.redrives]
}

run "an_offset_for_a_time_zone_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", time_zone = "+01:00" } }
  }

  expect_failures = [var.redrives]
}

run "a_window_of_more_than_a_day_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", flexible_window_minutes = 1441 } }
  }

  expect_failures = [var.redrives]
}

run "half_a_minute_of_window_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", flexible_window_minutes = 0.5 } }
  }

  expect_failures = [var.redrives]
}

run "no_messages_a_second_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_messages_per_second = 0 } }
  }

  expect_failures = [var.redrives]
}

run "more_messages_than_sqs_moves_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_messages_per_second = 501 } }
  }

  expect_failures = [var.redrives]
}

run "half_a_message_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_messages_per_second = 1.5 } }
  }

  expect_failures = [var.redrives]
}

run "an_event_of_less_than_a_minute_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_event_age_seconds = 59 } }
  }

  expect_failures = [var.redrives]
}

run "an_event_of_more_than_a_day_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_event_age_seconds = 86401 } }
  }

  expect_failures = [var.redrives]
}

run "less_than_no_retries_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_retry_attempts = -1 } }
  }

  expect_failures = [var.redrives]
}

run "more_retries_than_aws_makes_of_one" {
  command = plan

  variables {
    redrives = { o = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:o-dlq", queue_arn = "arn:aws:sqs:eu-west-1:111122223333:o", max_retry_attempts = 186 } }
  }

  expect_failures = [var.redrives]
}

run "a_cron_of_five_fields" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 * * ?)"
  }

  expect_failures = [var.schedule_expression]
}

run "a_cron_without_a_question_mark" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 * * * *)"
  }

  expect_failures = [var.schedule_expression]
}

run "a_cron_with_two_question_marks" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 ? * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

run "one_time" {
  command = plan

  variables {
    schedule_expression = "at(2027-01-01T03:00:00)"
  }

  expect_failures = [var.schedule_expression]
}

run "a_rate_of_nothing" {
  command = plan

  variables {
    schedule_expression = "rate(0 hours)"
  }

  expect_failures = [var.schedule_expression]
}

run "a_rate_in_seconds" {
  command = plan

  variables {
    schedule_expression = "rate(30 seconds)"
  }

  expect_failures = [var.schedule_expression]
}

run "two_in_the_singular" {
  command = plan

  variables {
    schedule_expression = "rate(2 hour)"
  }

  expect_failures = [var.schedule_expression]
}

run "a_time_zone_with_a_space" {
  command = plan

  variables {
    time_zone = "Europe/ Berlin"
  }

  expect_failures = [var.time_zone]
}

run "an_offset_for_a_time_zone" {
  command = plan

  variables {
    time_zone = "+01:00"
  }

  expect_failures = [var.time_zone]
}

run "a_window_of_more_than_a_day" {
  command = plan

  variables {
    flexible_window_minutes = 1441
  }

  expect_failures = [var.flexible_window_minutes]
}

run "half_a_minute_of_window" {
  command = plan

  variables {
    flexible_window_minutes = 0.5
  }

  expect_failures = [var.flexible_window_minutes]
}

run "no_messages_a_second" {
  command = plan

  variables {
    max_messages_per_second = 0
  }

  expect_failures = [var.max_messages_per_second]
}

run "more_messages_than_sqs_moves" {
  command = plan

  variables {
    max_messages_per_second = 501
  }

  expect_failures = [var.max_messages_per_second]
}

run "half_a_message" {
  command = plan

  variables {
    max_messages_per_second = 1.5
  }

  expect_failures = [var.max_messages_per_second]
}

run "an_event_of_less_than_a_minute" {
  command = plan

  variables {
    max_event_age_seconds = 59
  }

  expect_failures = [var.max_event_age_seconds]
}

run "an_event_of_more_than_a_day" {
  command = plan

  variables {
    max_event_age_seconds = 86401
  }

  expect_failures = [var.max_event_age_seconds]
}

run "less_than_no_retries" {
  command = plan

  variables {
    max_retry_attempts = -1
  }

  expect_failures = [var.max_retry_attempts]
}

run "more_retries_than_aws_makes" {
  command = plan

  variables {
    max_retry_attempts = 186
  }

  expect_failures = [var.max_retry_attempts]
}

run "a_fifo_failures_dlq" {
  command = plan

  variables {
    existing_failures_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:f.fifo" }
  }

  expect_failures = [var.existing_failures_dlq]
}

run "a_url_for_the_failures_dlq" {
  command = plan

  variables {
    existing_failures_dlq = { arn = "https://sqs.eu-west-1.amazonaws.com/111122223333/f" }
  }

  expect_failures = [var.existing_failures_dlq]
}

run "an_alias_for_the_failures_dlqs_key" {
  command = plan

  variables {
    existing_failures_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:f", kms_key_arn = "alias/f" }
  }

  expect_failures = [var.existing_failures_dlq]
}

run "a_key_for_a_queue_that_is_not_made" {
  command = plan

  variables {
    existing_failures_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:f" }
    failures_kms_key_arn  = "arn:aws:kms:eu-west-1:111122223333:key/f"
  }

  expect_failures = [var.existing_failures_dlq]
}

run "an_alias_for_the_key" {
  command = plan

  variables {
    failures_kms_key_arn = "alias/f"
  }

  expect_failures = [var.failures_kms_key_arn]
}

run "six_alarm_actions" {
  command = plan

  variables {
    alarm_actions = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
  }

  expect_failures = [var.alarm_actions]
}

run "an_alarm_action_that_is_no_arn" {
  command = plan

  variables {
    alarm_actions = ["ops"]
  }

  expect_failures = [var.alarm_actions]
}

run "six_ok_actions" {
  command = plan

  variables {
    ok_actions = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
  }

  expect_failures = [var.ok_actions]
}

run "an_ok_action_that_is_no_arn" {
  command = plan

  variables {
    ok_actions = ["ops"]
  }

  expect_failures = [var.ok_actions]
}

run "a_runbook_that_is_no_url" {
  command = plan

  variables {
    runbook_url = "see the wiki"
  }

  expect_failures = [var.runbook_url]
}

run "a_long_runbook_url" {
  command = plan

  variables {
    runbook_url = "https://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
  }

  expect_failures = [var.runbook_url]
}

run "a_boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/b"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "an_account_has_twelve_digits" {
  command = plan

  variables {
    account_id = "7777"
  }

  expect_failures = [var.account_id]
}

run "fifty_one_tags" {
  command = plan

  variables {
    tags = { for n in range(51) : "tag-${n}" => "value" }
  }

  expect_failures = [var.tags]
}

run "a_tag_of_awss_own" {
  command = plan

  variables {
    tags = { "aws:cost" = "x" }
  }

  expect_failures = [var.tags]
}
