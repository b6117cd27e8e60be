# What happens to queues that are deployed when the configuration changes.

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

run "deploy" {
  variables {
    queues = { orders = {}, invoices = { fifo = {} } }
  }

  assert {
    condition     = output.queues["orders"].queue_name == "orders" && output.queues["invoices"].dlq_name == "invoices-dlq.fifo"
    error_message = "the fleet must be deployed"
  }
}

run "a_new_name_is_refused" {
  command = plan

  variables {
    queues = { orders = { name = "purchases" }, invoices = { fifo = {} } }
  }

  expect_failures = [output.queues]
}

run "a_new_name_of_the_source_alone_is_refused" {
  command = plan

  variables {
    queues = { orders = { name = "purchases", dlq_name = "orders-dlq" }, invoices = { fifo = {} } }
  }

  expect_failures = [output.queues]
}

run "a_new_dlq_name_is_refused" {
  command = plan

  variables {
    queues = { orders = { dlq_name = "dead-orders" }, invoices = { fifo = {} } }
  }

  expect_failures = [output.queues]
}

run "another_type_is_refused" {
  command = plan

  variables {
    queues = { orders = {}, invoices = {} }
  }

  expect_failures = [output.queues]
}

run "replacing_the_queues_on_request" {
  command = plan

  plan_options {
    replace = [aws_sqs_queue.source["orders"], aws_sqs_queue.dlq["orders"]]
  }

  variables {
    queues = { orders = { name = "purchases" }, invoices = { fifo = {} } }
  }

  assert {
    condition     = output.queues["orders"].queue_name == "purchases" && output.queues["orders"].dlq_name == "purchases-dlq"
    error_message = "-replace must not ignore the new names"
  }
}

run "another_queue_is_added" {
  variables {
    queues = { orders = {}, invoices = { fifo = {} }, refunds = {} }
  }

  assert {
    condition     = keys(output.queues) == ["invoices", "orders", "refunds"] && output.queues["refunds"].dlq_name == "refunds-dlq"
    error_message = "a further queue must join those that are there"
  }
}

run "a_queue_is_removed" {
  variables {
    queues = { orders = {}, refunds = {} }
  }

  assert {
    condition     = keys(output.queues) == ["orders", "refunds"]
    error_message = "a queue whose key is gone must go, and no other"
  }
}
