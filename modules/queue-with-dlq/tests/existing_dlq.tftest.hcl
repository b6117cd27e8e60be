# A DLQ that the caller brings, and an account that needs not be asked for.

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
    defaults = { url = "https://sqs.eu-west-1.amazonaws.com/111122223333/graveyard" }
  }
  # OpenTofu makes values up at plan time already.
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq" }
  }
}

variables {
  name         = "orders"
  existing_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:graveyard" }
}

run "no_dlq_is_made" {
  command = plan

  assert {
    condition     = length(aws_sqs_queue.dlq) == 0
    error_message = "the module must make no DLQ"
  }
  assert {
    condition = jsondecode(aws_sqs_queue.source.redrive_policy) == {
      deadLetterTargetArn = "arn:aws:sqs:eu-west-1:111122223333:graveyard"
      maxReceiveCount     = 5
    }
    error_message = "the source must redrive to the existing DLQ"
  }
  assert {
    condition     = output.dlq_arn == "arn:aws:sqs:eu-west-1:111122223333:graveyard" && output.dlq_name == "graveyard" && output.dlq_url == "https://sqs.eu-west-1.amazonaws.com/111122223333/graveyard"
    error_message = "dlq_* must be the existing DLQ's"
  }
  assert {
    condition     = jsondecode(output.redrive_operator_policy_json).Statement[0].Resource == "arn:aws:sqs:eu-west-1:111122223333:graveyard"
    error_message = "the operator works on the existing DLQ"
  }
}

run "a_fifo_dlq_for_a_fifo_source" {
  command = plan

  variables {
    fifo         = {}
    existing_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:graveyard.fifo" }
  }

  assert {
    condition     = output.dlq_name == "graveyard.fifo"
    error_message = "a FIFO source takes a FIFO DLQ"
  }
}

run "a_standard_dlq_for_a_fifo_source" {
  command = plan

  variables {
    fifo = {}
  }

  expect_failures = [var.existing_dlq]
}

run "a_fifo_dlq_for_a_standard_source" {
  command = plan

  variables {
    existing_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:graveyard.fifo" }
  }

  expect_failures = [var.existing_dlq]
}

run "a_url_is_not_an_arn" {
  command = plan

  variables {
    existing_dlq = { arn = "https://sqs.eu-west-1.amazonaws.com/111122223333/graveyard" }
  }

  expect_failures = [var.existing_dlq]
}

run "another_accounts_dlq" {
  command = plan

  variables {
    existing_dlq = { arn = "arn:aws:sqs:eu-west-1:444455556666:graveyard" }
  }

  expect_failures = [aws_sqs_queue.source]
}

run "another_regions_dlq" {
  command = plan

  variables {
    existing_dlq = { arn = "arn:aws:sqs:us-east-1:111122223333:graveyard" }
  }

  expect_failures = [aws_sqs_queue.source]
}

run "a_name_for_a_dlq_that_is_not_made" {
  command = plan

  variables {
    dlq_name = "graveyard"
  }

  expect_failures = [var.existing_dlq]
}

run "sources_for_a_dlq_that_is_not_made" {
  command = plan

  variables {
    additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:returns"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "a_given_account_is_not_asked_for" {
  command = plan

  override_resource {
    target = aws_sqs_queue.dlq
    values = { arn = "arn:aws:sqs:eu-west-1:777788889999:orders-dlq" }
  }

  variables {
    account_id   = "777788889999"
    existing_dlq = null
  }

  assert {
    condition     = length(data.aws_caller_identity.current) == 0
    error_message = "no call for what is known"
  }
  assert {
    condition     = jsondecode(output.producer_policy_json).Statement[0].Resource == "arn:aws:sqs:eu-west-1:777788889999:orders"
    error_message = "the ARNs must be composed of the given account"
  }
}

run "a_wrong_account_is_noticed" {
  command = plan

  variables {
    account_id = "777788889999"
  }

  expect_failures = [aws_sqs_queue.source]
}

run "an_account_has_twelve_digits" {
  command = plan

  variables {
    account_id = "7777"
  }

  expect_failures = [var.account_id]
}
