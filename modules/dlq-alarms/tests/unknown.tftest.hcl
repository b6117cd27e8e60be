# Nothing that is known only after apply may decide which alarms there are.

mock_provider "aws" {
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:alarms" }
  }
}

run "the_first_plan_of_a_stack_succeeds" {
  command = plan

  module {
    source = "./tests/unknown"
  }

  assert {
    condition     = keys(output.alarm_names) == ["outputs", "settings"]
    error_message = "the keys are the caller's"
  }
  assert {
    condition     = output.alarm_names["settings"].source_stuck == "payments-source-stuck"
    error_message = "what depends on nothing unknown is known"
  }
}

run "and_so_does_its_apply" {
  module {
    source = "./tests/unknown"
  }

  assert {
    condition = output.alarm_names["outputs"] == {
      not_empty       = "orders-dlq-not-empty"
      about_to_expire = "orders-dlq-about-to-expire"
      filling_fast    = "orders-dlq-filling-fast"
      source_stuck    = "orders-source-stuck"
    }
    error_message = "all alarms must be there"
  }
}
