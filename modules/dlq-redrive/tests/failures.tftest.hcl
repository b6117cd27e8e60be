# Where a start that failed goes, and who is told.

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
  mock_data "aws_sqs_queue" {
    defaults = { url = "https://sqs.eu-west-1.amazonaws.com/111122223333/failures" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/r", id = "r" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:r-failures" }
  }
}

variables {
  name = "r"
  redrives = {
    orders = {
      dlq_arn   = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders"
    }
  }
}

run "the_failures_dlq_keeps_and_is_closed" {
  command = plan

  assert {
    condition     = aws_sqs_queue.failures[0].message_retention_seconds == 1209600 && aws_sqs_queue.failures[0].sqs_managed_sse_enabled && aws_sqs_queue.failures[0].kms_master_key_id == null
    error_message = "14 days, encrypted"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.failures[0].redrive_allow_policy) == { redrivePermission = "denyAll" }
    error_message = "no queue's dead letters belong here"
  }
  assert {
    condition = jsondecode(aws_sqs_queue.failures[0].policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:aws:sqs:eu-west-1:111122223333:r-failures"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
    error_message = "over TLS only"
  }
}

run "under_a_key_of_ones_own" {
  command = plan

  variables {
    failures_kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/f"
  }

  assert {
    condition     = aws_sqs_queue.failures[0].kms_master_key_id == "arn:aws:kms:eu-west-1:111122223333:key/f" && aws_sqs_queue.failures[0].kms_data_key_reuse_period_seconds == 300
    error_message = "the key encrypts the queue"
  }
}

run "an_existing_queue_is_used_as_it_is" {
  command = apply

  variables {
    existing_failures_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:failures", kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/f" }
  }

  assert {
    condition     = length(aws_sqs_queue.failures) == 0
    error_message = "the module must make no queue"
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.redrive["orders"].target).dead_letter_config).arn == "arn:aws:sqs:eu-west-1:111122223333:failures"
    error_message = "the schedule must use it"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[2].Resource == "arn:aws:sqs:eu-west-1:111122223333:failures" && jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[3].Resource == "arn:aws:kms:eu-west-1:111122223333:key/f"
    error_message = "the role may send to it, under its key"
  }
  assert {
    condition     = output.failures_dlq_name == "failures" && output.failures_dlq_arn == "arn:aws:sqs:eu-west-1:111122223333:failures" && output.failures_dlq_url == "https://sqs.eu-west-1.amazonaws.com/111122223333/failures"
    error_message = "failures_dlq_* must be the existing queue's"
  }
}

run "an_existing_queue_without_a_key" {
  command = apply

  variables {
    existing_failures_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:failures" }
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement) == 3
    error_message = "no key, no statement about one"
  }
}

run "the_alarm_counts_what_was_given_up" {
  command = plan

  variables {
    alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:ops"]
    runbook_url   = "https://runbooks.example.com/redrive"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.failed.namespace == "AWS/Scheduler" && aws_cloudwatch_metric_alarm.failed.metric_name == "InvocationDroppedCount" &&
      aws_cloudwatch_metric_alarm.failed.dimensions == tomap({ ScheduleGroup = "r" }) && aws_cloudwatch_metric_alarm.failed.statistic == "Sum" &&
      aws_cloudwatch_metric_alarm.failed.period == 300 && aws_cloudwatch_metric_alarm.failed.threshold == 0 &&
      aws_cloudwatch_metric_alarm.failed.comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.failed.treat_missing_data == "notBreaching"
    )
    error_message = "one start that was given up is one too many"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:ops"]) && length(aws_cloudwatch_metric_alarm.failed.ok_actions) == 0 && aws_cloudwatch_metric_alarm.failed.actions_enabled
    error_message = "it tells of the failure, and nobody of its end"
  }
  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.failed.alarm_description, "Runbook: https://runbooks.example.com/redrive")
    error_message = "the runbook is in the description"
  }
}

run "the_alarm_can_be_silenced_or_tell_of_its_end" {
  command = plan

  variables {
    ok_actions      = ["arn:aws:sns:eu-west-1:111122223333:chat"]
    actions_enabled = false
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:chat"]) && !aws_cloudwatch_metric_alarm.failed.actions_enabled
    error_message = "as the caller says"
  }
}
