# What the queues of a fleet are: their names, what is set once for all, and what they hand
# out. That each is what queue-with-dlq makes is shown by a test of its own, with all inputs.

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
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:some-dlq" }
  }
}

variables {
  queues = {
    orders   = {}
    payments = { name = "card-payments", workload = "external_api", tags = { Team = "payments", Tier = "1" } }
    invoices = { fifo = {}, dlq_name = "dead-invoices" }
  }
  tags = { Team = "shop", Stage = "test" }
}

run "queues_are_named_by_key_or_name" {
  command = plan

  assert {
    condition     = { for key, queue in aws_sqs_queue.source : key => queue.name } == { orders = "orders", payments = "card-payments", invoices = "invoices.fifo" }
    error_message = "a source queue must be called as its key, or as its name, with .fifo on FIFO queues"
  }
  assert {
    condition     = { for key, queue in aws_sqs_queue.dlq : key => queue.name } == { orders = "orders-dlq", payments = "card-payments-dlq", invoices = "dead-invoices.fifo" }
    error_message = "a DLQ must be called <name>-dlq, or as its dlq_name, with .fifo on FIFO queues"
  }
}

run "tags_of_a_queue_go_before_those_of_all" {
  command = plan

  assert {
    condition     = aws_sqs_queue.source["orders"].tags == tomap({ Team = "shop", Stage = "test" }) && aws_sqs_queue.dlq["orders"].tags == tomap({ Team = "shop", Stage = "test" })
    error_message = "each queue must have the module's tags"
  }
  assert {
    condition     = aws_sqs_queue.source["payments"].tags == tomap({ Team = "payments", Stage = "test", Tier = "1" }) && aws_sqs_queue.dlq["payments"].tags == tomap({ Team = "payments", Stage = "test", Tier = "1" })
    error_message = "a queue's own tags must be merged over the module's"
  }
}

run "a_queues_policies_name_that_queue" {
  command = plan

  assert {
    condition     = jsondecode(aws_sqs_queue.dlq["payments"].redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-west-1:111122223333:card-payments"] }
    error_message = "a DLQ must let its own source use it, and no other"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.source["payments"].policy).Statement[0].Resource == "arn:aws:sqs:eu-west-1:111122223333:card-payments"
    error_message = "a source queue's policy must be about itself"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.dlq["payments"].policy).Statement[0].Resource == "arn:aws:sqs:eu-west-1:111122223333:card-payments-dlq"
    error_message = "a DLQ's policy must be about itself"
  }
  assert {
    condition     = jsondecode(output.redrive_operator_policies_json["payments"]).Statement[*].Resource == ["arn:aws:sqs:eu-west-1:111122223333:card-payments-dlq", "arn:aws:sqs:eu-west-1:111122223333:card-payments"]
    error_message = "an operator of a queue must not reach another"
  }
}

run "a_given_account_is_not_asked_for" {
  command = plan

  variables {
    account_id = "999900001111"
  }

  assert {
    condition     = length(data.aws_caller_identity.current) == 0 && jsondecode(aws_sqs_queue.dlq["orders"].policy).Statement[0].Resource == "arn:aws:sqs:eu-west-1:999900001111:orders-dlq"
    error_message = "the account's number must be taken as given"
  }
}

run "an_empty_fleet_is_fine" {
  command = plan

  variables {
    queues = {}
  }

  assert {
    condition     = length(output.queues) == 0
    error_message = "no queues, no outputs"
  }
}

run "messages_that_may_expire_first_are_warned_of" {
  command = plan

  variables {
    queues = { orders = {}, slow = { max_receive_count = 10, visibility_timeout_seconds = 43200 } }
  }

  expect_failures = [check.dead_letters_before_expiry]
}
