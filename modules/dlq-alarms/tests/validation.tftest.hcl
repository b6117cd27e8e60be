# Every bound of every input: the last value that is taken, and the first that
# is not.

mock_provider "aws" {}

variables {
  dlqs            = { orders = { dlq_name = "orders-dlq" } }
  about_to_expire = { enabled = false }
}

run "takes_the_longest_values" {
  command = plan

  variables {
    dlqs = {
      orders = {
        dlq_name                      = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo"
        queue_name                    = "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
        dlq_message_retention_seconds = 1209600
        message_retention_seconds     = 1209600
        alarm_actions                 = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
        ok_actions                    = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
        insufficient_data_actions     = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
        actions_by_severity           = { critical = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"] }
      }
    }
    about_to_expire           = { share = 0.99, severity = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
    filling_fast              = { enabled = true, messages = 100000, period_seconds = 3600, severity = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
    source_stuck              = { enabled = true, age_seconds = 1209599, severity = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
    not_empty                 = { severity = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
    name_prefix               = "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
    name_suffix               = "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
    severity                  = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
    runbook_url               = "https://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
    alarm_actions             = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    ok_actions                = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    insufficient_data_actions = [for n in range(5) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    tags                      = { for n in range(49) : "tag-${n}" => "value" }
  }

  assert {
    condition = alltrue([
      for alarms in [aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck] :
      length(alarms["orders"].alarm_name) <= 255 && length(alarms["orders"].alarm_description) <= 1024
    ])
    error_message = "CloudWatch takes names of 255 and descriptions of 1024 characters"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.not_empty["orders"].tags) == 50
    error_message = "AWS takes 50 tags"
  }
}

run "takes_a_fixed_age_of_14_days" {
  command = plan

  variables {
    about_to_expire = { age_seconds = 1209600 }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.about_to_expire["orders"].threshold == 1209600
    error_message = "the longest age must be taken, where the retention is not known"
  }
}

run "takes_every_treatment_of_missing_data" {
  command = plan

  variables {
    dlqs = { for way in ["missing", "ignore", "breaching", "notBreaching"] : way => { dlq_name = way, not_empty = { treat_missing_data = way } } }
  }

  assert {
    condition     = alltrue([for way, alarm in aws_cloudwatch_metric_alarm.not_empty : alarm.treat_missing_data == way])
    error_message = "each must be taken as it is"
  }
}

run "takes_the_smallest_values" {
  command = plan

  variables {
    dlqs = {
      orders = {
        dlq_name                      = "q.fifo"
        queue_name                    = "s"
        dlq_message_retention_seconds = 365
        message_retention_seconds     = 65
        severity                      = "1"
        about_to_expire               = { enabled = true, age_seconds = 60 }
        filling_fast                  = { messages = 2, period_seconds = 60 }
        source_stuck                  = { age_seconds = 60 }
      }
      others = { dlq_name = "d", queue_name = "q", about_to_expire = { enabled = true, age_seconds = 1209600 } }
    }
    about_to_expire     = { enabled = false, age_seconds = 60, share = 0.001, severity = "1" }
    filling_fast        = { enabled = true, messages = 2, period_seconds = 60, severity = "1" }
    source_stuck        = { enabled = true, age_seconds = 60, severity = "1" }
    not_empty           = { severity = "1" }
    severity            = "1"
    actions_by_severity = { "1" = [] }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.filling_fast) == 2
    error_message = "all must be taken"
  }
}

run "refuses_a_dlq_url" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders-dlq" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_dlq_name_of_81_characters" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_fifo_dlq_name_of_81_characters" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_fifo_source_queue_name_of_81_characters" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "d.fifo", queue_name = "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss.fifo" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_the_same_dlq_under_two_keys" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq" }, again = { dlq_name = "orders-dlq" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_source_queues_arn" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", queue_name = "arn:aws:sqs:eu-west-1:111122223333:orders" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_the_same_source_under_two_keys" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", queue_name = "orders" }, returns = { dlq_name = "returns-dlq", queue_name = "orders" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_sources_retention_of_more_than_14_days" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", message_retention_seconds = 1209601 } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_share_of_all" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", about_to_expire = { share = 1 } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_age_of_59_seconds_in_the_dlq" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", about_to_expire = { age_seconds = 59 } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_that_a_single_message_be_many" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", filling_fast = { messages = 1 } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_period_that_is_not_whole_minutes" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", filling_fast = { period_seconds = 90 } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_source_stuck_alarms_bad_severity" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", source_stuck = { severity = "very bad" } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_sixth_action_by_severity" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", actions_by_severity = { critical = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"] } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_bad_severity" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", severity = "very bad" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_bad_runbook" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", runbook_url = "see the wiki" } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_unknown_treatment_of_missing_data" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", not_empty = { treat_missing_data = "ok" } } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_sixth_alarm_action" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", alarm_actions = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"] } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_ok_action_that_is_no_arn" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", ok_actions = ["on-call"] } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_a_queues_insufficient_data_action_that_is_no_arn" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq", insufficient_data_actions = ["on-call"] } }
  }

  expect_failures = [var.dlqs]
}

run "refuses_what_is_too_long_or_too_many" {
  command = plan

  variables {
    name_prefix               = "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
    name_suffix               = "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
    severity                  = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
    runbook_url               = "https://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
    alarm_actions             = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    ok_actions                = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    insufficient_data_actions = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"]
    tags                      = { for n in range(50) : "tag-${n}" => "value" }
    actions_by_severity       = { critical = [for n in range(6) : "arn:aws:sns:eu-west-1:111122223333:t-${n}"] }
    not_empty                 = { severity = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
    about_to_expire           = { enabled = false, age_seconds = 1209601 }
    filling_fast              = { period_seconds = 3660 }
    source_stuck              = { age_seconds = 1209601 }
  }

  expect_failures = [
    var.name_prefix,
    var.name_suffix,
    var.severity,
    var.runbook_url,
    var.alarm_actions,
    var.ok_actions,
    var.insufficient_data_actions,
    var.tags,
    var.actions_by_severity,
    var.not_empty,
    var.about_to_expire,
    var.filling_fast,
    var.source_stuck,
  ]
}

run "refuses_what_is_badly_formed" {
  command = plan

  variables {
    name_prefix               = "prøve"
    name_suffix               = "line\n"
    severity                  = ""
    runbook_url               = "see the wiki"
    alarm_actions             = ["on-call"]
    ok_actions                = ["on-call"]
    insufficient_data_actions = ["on-call"]
    tags                      = { "aws:owner" = "me" }
    actions_by_severity       = { critical = ["on-call"] }
    not_empty                 = { treat_missing_data = "ok" }
    about_to_expire           = { enabled = false, share = 1 }
    filling_fast              = { messages = 1 }
    source_stuck              = { severity = "" }
  }

  expect_failures = [
    var.name_prefix,
    var.name_suffix,
    var.severity,
    var.runbook_url,
    var.alarm_actions,
    var.ok_actions,
    var.insufficient_data_actions,
    var.tags,
    var.actions_by_severity,
    var.not_empty,
    var.about_to_expire,
    var.filling_fast,
    var.source_stuck,
  ]
}

run "refuses_values_that_are_too_small" {
  command = plan

  variables {
    actions_by_severity = { "very bad" = [] }
    about_to_expire     = { enabled = false, share = 0 }
    filling_fast        = { period_seconds = 0 }
    source_stuck        = { age_seconds = 59 }
  }

  expect_failures = [
    var.actions_by_severity,
    var.about_to_expire,
    var.filling_fast,
    var.source_stuck,
  ]
}

run "refuses_the_alarms_bad_severities" {
  command = plan

  variables {
    about_to_expire = { enabled = false, severity = "very bad" }
    filling_fast    = { severity = "very bad", period_seconds = 90 }
  }

  expect_failures = [var.about_to_expire, var.filling_fast]
}

run "refuses_a_fixed_age_of_59_seconds" {
  command = plan

  variables {
    about_to_expire = { enabled = false, age_seconds = 59 }
  }

  expect_failures = [var.about_to_expire]
}
