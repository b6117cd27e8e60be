# Every bound of every input: the last value that is taken, and the first that
# is not.

mock_provider "aws" {}

variables {
  dlqs = { orders = { dlq_name = "orders-dlq" } }
}

run "takes_the_longest_values" {
  command = plan

  variables {
    dlqs                      = { orders = { dlq_name = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo" } }
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
    condition     = length(aws_cloudwatch_metric_alarm.not_empty["orders"].alarm_name) <= 255 && length(aws_cloudwatch_metric_alarm.not_empty["orders"].alarm_description) <= 1024
    error_message = "CloudWatch takes names of 255 and descriptions of 1024 characters"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.not_empty["orders"].tags) == 50
    error_message = "AWS takes 50 tags"
  }
}

run "takes_every_treatment_of_missing_data" {
  command = plan

  variables {
    dlqs = { for way in ["missing", "ignore", "breaching", "notBreaching"] : way => { dlq_name = way, treat_missing_data = way } }
  }

  assert {
    condition     = alltrue([for way, alarm in aws_cloudwatch_metric_alarm.not_empty : alarm.treat_missing_data == way])
    error_message = "each must be taken as it is"
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

run "refuses_the_same_dlq_under_two_keys" {
  command = plan

  variables {
    dlqs = { orders = { dlq_name = "orders-dlq" }, again = { dlq_name = "orders-dlq" } }
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
    dlqs = { orders = { dlq_name = "orders-dlq", treat_missing_data = "ok" } }
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
  ]
}

run "refuses_what_is_badly_formed" {
  command = plan

  variables {
    name_prefix               = "prøve"
    name_suffix               = "line\n"
    severity                  = ""
    runbook_url               = "see the wiki"
    treat_missing_data        = "ok"
    alarm_actions             = ["on-call"]
    ok_actions                = ["on-call"]
    insufficient_data_actions = ["on-call"]
    tags                      = { "aws:owner" = "me" }
  }

  expect_failures = [
    var.name_prefix,
    var.name_suffix,
    var.severity,
    var.runbook_url,
    var.treat_missing_data,
    var.alarm_actions,
    var.ok_actions,
    var.insufficient_data_actions,
    var.tags,
  ]
}
