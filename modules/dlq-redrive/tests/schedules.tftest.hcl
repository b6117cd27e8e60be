# What the schedules are, and whose settings hold.

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
  # OpenTofu makes values up at plan time already.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/orders-redrive-orders" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:orders-redrive-failures" }
  }
}

variables {
  name = "orders-redrive"
  redrives = {
    orders = {
      dlq_arn   = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders"
    }
  }
}

run "by_default_every_night_gently" {
  command = plan

  assert {
    condition = (
      aws_scheduler_schedule.redrive["orders"].schedule_expression == "cron(0 3 * * ? *)" &&
      aws_scheduler_schedule.redrive["orders"].schedule_expression_timezone == "UTC" &&
      aws_scheduler_schedule.redrive["orders"].state == "ENABLED"
    )
    error_message = "at 3 at night, UTC, running"
  }
  assert {
    condition     = one(aws_scheduler_schedule.redrive["orders"].flexible_time_window).mode == "OFF" && one(aws_scheduler_schedule.redrive["orders"].flexible_time_window).maximum_window_in_minutes == null
    error_message = "on time"
  }
  assert {
    condition     = one(aws_scheduler_schedule.redrive["orders"].target).arn == "arn:aws:scheduler:::aws-sdk:sqs:startMessageMoveTask"
    error_message = "the scheduler must call SQS itself"
  }
  assert {
    condition = jsondecode(one(aws_scheduler_schedule.redrive["orders"].target).input) == {
      SourceArn                    = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      MaxNumberOfMessagesPerSecond = 10
    }
    error_message = "ten messages a second, from the DLQ, to where they came from"
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_event_age_in_seconds == 3600 && one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_retry_attempts == 185
    error_message = "an hour of attempts"
  }
}

run "names_are_those_of_the_group_and_the_keys" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule_group.this.name == "orders-redrive" && output.schedule_group_name == "orders-redrive"
    error_message = "the group has the name"
  }
  assert {
    condition     = aws_scheduler_schedule.redrive["orders"].name == "orders" && aws_scheduler_schedule.redrive["orders"].group_name == "orders-redrive"
    error_message = "the schedule has the key, in the group"
  }
  assert {
    condition     = aws_iam_role.redrive["orders"].name == "orders-redrive-orders"
    error_message = "the role has both"
  }
  assert {
    condition     = aws_sqs_queue.failures[0].name == "orders-redrive-failures" && aws_cloudwatch_metric_alarm.failed.alarm_name == "orders-redrive-failed" && output.failed_alarm_name == "orders-redrive-failed"
    error_message = "the failures DLQ and the alarm are named after the group"
  }
}

run "the_modules_settings_hold_for_all" {
  command = plan

  variables {
    enabled                 = false
    schedule_expression     = "rate(12 hours)"
    time_zone               = "Europe/Berlin"
    flexible_window_minutes = 30
    max_messages_per_second = 500
    max_event_age_seconds   = 60
    max_retry_attempts      = 0
  }

  assert {
    condition = (
      aws_scheduler_schedule.redrive["orders"].state == "DISABLED" &&
      aws_scheduler_schedule.redrive["orders"].schedule_expression == "rate(12 hours)" &&
      aws_scheduler_schedule.redrive["orders"].schedule_expression_timezone == "Europe/Berlin"
    )
    error_message = "switch, expression and time zone"
  }
  assert {
    condition     = one(aws_scheduler_schedule.redrive["orders"].flexible_time_window).mode == "FLEXIBLE" && one(aws_scheduler_schedule.redrive["orders"].flexible_time_window).maximum_window_in_minutes == 30
    error_message = "the window"
  }
  assert {
    condition     = jsondecode(one(aws_scheduler_schedule.redrive["orders"].target).input).MaxNumberOfMessagesPerSecond == 500
    error_message = "the throttle"
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_event_age_in_seconds == 60 && one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_retry_attempts == 0
    error_message = "the retries"
  }
}

run "a_redrives_own_settings_go_first" {
  command = plan

  variables {
    enabled                 = false
    flexible_window_minutes = 30
    redrives = {
      orders = {
        dlq_arn                 = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
        queue_arn               = "arn:aws:sqs:eu-west-1:111122223333:orders"
        enabled                 = true
        schedule_expression     = "cron(30 4 ? * MON-FRI *)"
        time_zone               = "America/Argentina/Buenos_Aires"
        flexible_window_minutes = 0
        max_messages_per_second = 1
        max_event_age_seconds   = 86400
        max_retry_attempts      = 3
        tags                    = { team = "orders" }
      }
      returns = {
        dlq_arn   = "arn:aws:sqs:eu-west-1:111122223333:returns-dlq"
        queue_arn = "arn:aws:sqs:eu-west-1:111122223333:returns"
      }
    }
    tags = { team = "platform", cost = "x" }
  }

  assert {
    condition = (
      aws_scheduler_schedule.redrive["orders"].state == "ENABLED" &&
      aws_scheduler_schedule.redrive["orders"].schedule_expression == "cron(30 4 ? * MON-FRI *)" &&
      aws_scheduler_schedule.redrive["orders"].schedule_expression_timezone == "America/Argentina/Buenos_Aires" &&
      one(aws_scheduler_schedule.redrive["orders"].flexible_time_window).mode == "OFF" &&
      jsondecode(one(aws_scheduler_schedule.redrive["orders"].target).input).MaxNumberOfMessagesPerSecond == 1 &&
      one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_event_age_in_seconds == 86400 &&
      one(one(aws_scheduler_schedule.redrive["orders"].target).retry_policy).maximum_retry_attempts == 3
    )
    error_message = "each must be the redrive's own"
  }
  assert {
    condition     = aws_scheduler_schedule.redrive["returns"].state == "DISABLED" && one(aws_scheduler_schedule.redrive["returns"].flexible_time_window).maximum_window_in_minutes == 30
    error_message = "the other keeps the module's"
  }
  assert {
    condition     = aws_iam_role.redrive["orders"].tags == tomap({ team = "orders", cost = "x" }) && aws_iam_role.redrive["returns"].tags == tomap({ team = "platform", cost = "x" })
    error_message = "tags are merged"
  }
}

run "a_destination_gets_the_messages_instead" {
  command = plan

  variables {
    redrives = {
      orders = {
        dlq_arn         = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
        queue_arn       = "arn:aws:sqs:eu-west-1:111122223333:orders"
        destination_arn = "arn:aws:sqs:eu-west-1:111122223333:repair"
      }
    }
  }

  assert {
    condition = jsondecode(one(aws_scheduler_schedule.redrive["orders"].target).input) == {
      SourceArn                    = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      DestinationArn               = "arn:aws:sqs:eu-west-1:111122223333:repair"
      MaxNumberOfMessagesPerSecond = 10
    }
    error_message = "the task must have the destination"
  }
}

run "outputs_of_queue_with_dlq_fit" {
  command = plan

  variables {
    redrives = {
      orders = {
        dlq_arn                       = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
        queue_arn                     = "arn:aws:sqs:eu-west-1:111122223333:orders"
        dlq_name                      = "orders-dlq"
        dlq_url                       = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders-dlq"
        queue_name                    = "orders"
        queue_url                     = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"
        max_receive_count             = 5
        message_retention_seconds     = 345600
        dlq_message_retention_seconds = 1209600
        visibility_timeout_seconds    = 30
      }
    }
  }

  assert {
    condition     = length(aws_scheduler_schedule.redrive) == 1
    error_message = "what the module doesn't need does no harm"
  }
}

run "without_redrives_there_is_a_group_and_nothing_in_it" {
  command = plan

  variables {
    redrives = {}
  }

  assert {
    condition     = length(aws_scheduler_schedule.redrive) == 0 && length(aws_iam_role.redrive) == 0
    error_message = "an empty map is no error"
  }
}

run "another_regions_dlq" {
  command = plan

  variables {
    redrives = { orders = { dlq_arn = "arn:aws:sqs:us-east-1:111122223333:orders-dlq", queue_arn = "arn:aws:sqs:us-east-1:111122223333:orders" } }
  }

  expect_failures = [aws_scheduler_schedule.redrive["orders"]]
}

run "another_accounts_destination" {
  command = plan

  variables {
    redrives = { orders = { dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq", destination_arn = "arn:aws:sqs:eu-west-1:444455556666:orders" } }
  }

  expect_failures = [aws_scheduler_schedule.redrive["orders"]]
}
