# Nothing that is known only after apply may decide which schedules there are.

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
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:alarms" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/k" }
  }
}

run "the_first_plan_of_a_stack_succeeds" {
  command = plan

  module {
    source = "./tests/unknown"
  }
}

run "and_so_does_its_apply" {
  module {
    source = "./tests/unknown"
  }

  assert {
    condition     = keys(output.schedule_arns) == ["outputs", "settings"]
    error_message = "the keys are the caller's"
  }
}
