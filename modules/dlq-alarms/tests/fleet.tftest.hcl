# A fleet: what is made by default, each queue's own settings, and whom each severity
# tells.

mock_provider "aws" {}

variables {
  dlqs = {
    orders   = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, queue_name = "orders" }
    payments = { dlq_name = "payments-dlq.fifo", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, queue_name = "payments.fifo" }
  }
  alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
}

run "by_default_there_are_the_alarms_that_fit_any_queue" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.not_empty) == ["orders", "payments"] && keys(aws_cloudwatch_metric_alarm.about_to_expire) == ["orders", "payments"]
    error_message = "not empty and about to expire"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.filling_fast) == 0 && length(aws_cloudwatch_metric_alarm.source_stuck) == 0
    error_message = "and no others"
  }
}

run "all_four_are_named_after_the_queue_that_they_watch" {
  variables {
    name_prefix  = "prod/"
    name_suffix  = " (eu)"
    filling_fast = { enabled = true }
    source_stuck = { enabled = true }
  }

  assert {
    condition = output.alarm_names == {
      orders = {
        not_empty       = "prod/orders-dlq-not-empty (eu)"
        about_to_expire = "prod/orders-dlq-about-to-expire (eu)"
        filling_fast    = "prod/orders-dlq-filling-fast (eu)"
        source_stuck    = "prod/orders-source-stuck (eu)"
      }
      payments = {
        not_empty       = "prod/payments-dlq.fifo-not-empty (eu)"
        about_to_expire = "prod/payments-dlq.fifo-about-to-expire (eu)"
        filling_fast    = "prod/payments-dlq.fifo-filling-fast (eu)"
        source_stuck    = "prod/payments.fifo-source-stuck (eu)"
      }
    }
    error_message = "names, by key and kind, from prefix, queue and suffix"
  }
  assert {
    condition = output.alarm_arns == {
      for key in ["orders", "payments"] : key => {
        not_empty       = aws_cloudwatch_metric_alarm.not_empty[key].arn
        about_to_expire = aws_cloudwatch_metric_alarm.about_to_expire[key].arn
        filling_fast    = aws_cloudwatch_metric_alarm.filling_fast[key].arn
        source_stuck    = aws_cloudwatch_metric_alarm.source_stuck[key].arn
      }
    }
    error_message = "ARNs, by key and kind"
  }
}

run "one_queues_settings_do_not_reach_the_other" {
  command = plan

  variables {
    filling_fast = { enabled = true }
    source_stuck = { enabled = true }
    runbook_url  = "https://runbooks.example.com/dlq"
    tags         = { team = "platform", stage = "prod" }
    dlqs = {
      orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, queue_name = "orders" }
      payments = {
        dlq_name                      = "payments-dlq.fifo"
        dlq_message_retention_seconds = 1209600
        queue_name                    = "payments.fifo"
        severity                      = "SEV1"
        runbook_url                   = "https://runbooks.example.com/payments"
        count_in_flight               = false
        actions_enabled               = false
        alarm_actions                 = ["arn:aws:sns:eu-west-1:111122223333:payments"]
        ok_actions                    = []
        insufficient_data_actions     = ["arn:aws:sns:eu-west-1:111122223333:payments"]
        tags                          = { team = "payments" }
        not_empty                     = { treat_missing_data = "ignore" }
      }
    }
  }

  assert {
    condition = alltrue([
      for alarms in [aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck] :
      alarms["payments"].tags == tomap({ Severity = "SEV1", team = "payments", stage = "prod" }) &&
      endswith(alarms["payments"].alarm_description, "Severity: SEV1. Runbook: https://runbooks.example.com/payments") &&
      !alarms["payments"].actions_enabled &&
      alarms["payments"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:payments"]) &&
      length(coalesce(alarms["payments"].ok_actions, [])) == 0 &&
      alarms["payments"].insufficient_data_actions == toset(["arn:aws:sns:eu-west-1:111122223333:payments"])
    ])
    error_message = "a queue's own settings must reach all of its alarms"
  }
  assert {
    condition = alltrue([
      for alarms in [aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck] :
      alarms["orders"].tags.team == "platform" && alarms["orders"].tags.stage == "prod" &&
      endswith(alarms["orders"].alarm_description, "Runbook: https://runbooks.example.com/dlq") &&
      alarms["orders"].actions_enabled &&
      alarms["orders"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      alarms["orders"].ok_actions == toset(["arn:aws:sns:eu-west-1:111122223333:on-call"]) &&
      length(coalesce(alarms["orders"].insufficient_data_actions, [])) == 0
    ])
    error_message = "and none of the other queue's"
  }
  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.not_empty["payments"].metric_query) == 0 && length(aws_cloudwatch_metric_alarm.filling_fast["payments"].metric_query) == 2 &&
      length(aws_cloudwatch_metric_alarm.not_empty["orders"].metric_query) == 3 && length(aws_cloudwatch_metric_alarm.filling_fast["orders"].metric_query) == 3
    )
    error_message = "count_in_flight is a queue's own"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.not_empty["payments"].treat_missing_data == "ignore" && aws_cloudwatch_metric_alarm.not_empty["orders"].treat_missing_data == "notBreaching"
    error_message = "treat_missing_data is a queue's own"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.about_to_expire["payments"].treat_missing_data == "notBreaching"
    error_message = "and only the not-empty alarm's: others would stay in ALARM when their queue is empty again"
  }
}

run "a_severity_is_the_alarms_own_then_the_queues_then_the_modules" {
  command = plan

  variables {
    filling_fast = { enabled = true }
    source_stuck = { enabled = true, severity = "P3" }
    severity     = "P4"
    dlqs = {
      orders = { dlq_name = "orders-dlq", dlq_message_retention_seconds = 1209600, message_retention_seconds = 345600, queue_name = "orders" }
      payments = {
        dlq_name                      = "payments-dlq.fifo"
        dlq_message_retention_seconds = 1209600
        queue_name                    = "payments.fifo"
        severity                      = "P2"
        not_empty                     = { severity = "P1" }
        about_to_expire               = { severity = "P1" }
        filling_fast                  = { severity = "P1" }
      }
    }
  }

  assert {
    condition = {
      for key in ["orders", "payments"] : key => [for alarms in [
        aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck
      ] : alarms[key].tags.Severity]
    } == { orders = ["P4", "P4", "P4", "P3"], payments = ["P1", "P1", "P1", "P2"] }
    error_message = "the most specific must win"
  }
}

run "each_severity_tells_its_own" {
  command = plan

  variables {
    filling_fast  = { enabled = true }
    source_stuck  = { enabled = true, severity = "unheard-of" }
    alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:rest"]
    actions_by_severity = {
      critical = ["arn:aws:sns:eu-west-1:111122223333:pager"]
      warning  = ["arn:aws:sns:eu-west-1:111122223333:chat"]
    }
  }

  assert {
    condition = [
      for alarms in [aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck] :
      join(",", alarms["orders"].alarm_actions)
      ] == [
      "arn:aws:sns:eu-west-1:111122223333:pager",
      "arn:aws:sns:eu-west-1:111122223333:chat",
      "arn:aws:sns:eu-west-1:111122223333:pager",
      "arn:aws:sns:eu-west-1:111122223333:rest",
    ]
    error_message = "by severity, else alarm_actions"
  }
  assert {
    condition = alltrue([
      for alarms in [aws_cloudwatch_metric_alarm.not_empty, aws_cloudwatch_metric_alarm.about_to_expire, aws_cloudwatch_metric_alarm.filling_fast, aws_cloudwatch_metric_alarm.source_stuck] :
      alarms["orders"].ok_actions == alarms["orders"].alarm_actions
    ])
    error_message = "who hears of the alarm hears of its end"
  }
}

run "a_queues_own_actions_go_before_the_modules_by_severity" {
  command = plan

  variables {
    alarm_actions       = ["arn:aws:sns:eu-west-1:111122223333:rest"]
    actions_by_severity = { critical = ["arn:aws:sns:eu-west-1:111122223333:pager"], warning = ["arn:aws:sns:eu-west-1:111122223333:chat"] }
    ok_actions          = ["arn:aws:sns:eu-west-1:111122223333:over"]
    dlqs = {
      general  = { dlq_name = "a-dlq.fifo", dlq_message_retention_seconds = 1209600, alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:own"] }
      severity = { dlq_name = "b-dlq.fifo", dlq_message_retention_seconds = 1209600, actions_by_severity = { critical = ["arn:aws:sns:eu-west-1:111122223333:own-pager"] } }
      both = {
        dlq_name                      = "c-dlq.fifo"
        dlq_message_retention_seconds = 1209600
        alarm_actions                 = ["arn:aws:sns:eu-west-1:111122223333:own"]
        actions_by_severity           = { critical = ["arn:aws:sns:eu-west-1:111122223333:own-pager"] }
        ok_actions                    = ["arn:aws:sns:eu-west-1:111122223333:own-over"]
      }
      nobody = { dlq_name = "d-dlq.fifo", dlq_message_retention_seconds = 1209600, alarm_actions = [] }
    }
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => join(",", coalesce(alarm.alarm_actions, [])) } == {
      general  = "arn:aws:sns:eu-west-1:111122223333:own"
      severity = "arn:aws:sns:eu-west-1:111122223333:own-pager"
      both     = "arn:aws:sns:eu-west-1:111122223333:own-pager"
      nobody   = ""
    }
    error_message = "actions of critical alarms"
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.about_to_expire : key => join(",", coalesce(alarm.alarm_actions, [])) } == {
      general  = "arn:aws:sns:eu-west-1:111122223333:own"
      severity = "arn:aws:sns:eu-west-1:111122223333:chat"
      both     = "arn:aws:sns:eu-west-1:111122223333:own"
      nobody   = ""
    }
    error_message = "actions of warnings"
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.not_empty : key => join(",", alarm.ok_actions) } == {
      general  = "arn:aws:sns:eu-west-1:111122223333:over"
      severity = "arn:aws:sns:eu-west-1:111122223333:over"
      both     = "arn:aws:sns:eu-west-1:111122223333:own-over"
      nobody   = "arn:aws:sns:eu-west-1:111122223333:over"
    }
    error_message = "ok_actions, once set, hold for every severity"
  }
}

run "no_queues_no_alarms" {
  command = plan

  variables {
    dlqs         = {}
    filling_fast = { enabled = true }
    source_stuck = { enabled = true }
  }

  assert {
    condition     = length(output.alarm_names) == 0 && length(output.alarm_arns) == 0
    error_message = "an empty fleet is fine"
  }
}
