# Values that are known after the apply only.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/c", id = "c" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:c" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/c" }
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
    condition     = output.role_names == ["orders-consumer", "other"]
    error_message = "the names are the caller's"
  }
}
