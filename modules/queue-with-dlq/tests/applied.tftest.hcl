# What shows only once the queues are deployed. The runs share one state, in this
# order.

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

  override_resource {
    target = aws_sqs_queue.source
    values = {
      arn = "arn:aws:sqs:eu-west-1:111122223333:the-source"
      url = "https://sqs.eu-west-1.amazonaws.com/111122223333/the-source"
    }
  }
  override_resource {
    target = aws_sqs_queue.dlq
    values = {
      arn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      url = "https://sqs.eu-west-1.amazonaws.com/111122223333/the-dlq"
    }
  }
}

variables {
  name = "orders"
}

# Applied with the policy unset, the attribute is the provider's to compute: the
# mock fills it in with anything but one of our policies.
run "redrive_allow_off_sets_no_policy" {
  variables {
    redrive_allow = "off"
  }

  assert {
    condition     = !can(jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy).redrivePermission)
    error_message = "off must leave the policy out"
  }
}

run "the_source_redrives_to_the_dlq" {
  variables {
    max_receive_count = 3
  }

  assert {
    condition = jsondecode(aws_sqs_queue.source.redrive_policy) == {
      deadLetterTargetArn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"
      maxReceiveCount     = 3
    }
    error_message = "the redrive policy must name the DLQ and the count, and nothing else"
  }
  assert {
    condition     = strcontains(aws_sqs_queue.source.redrive_policy, "\"maxReceiveCount\":3}")
    error_message = "maxReceiveCount must be a JSON number"
  }
  assert {
    condition     = aws_sqs_queue.dlq[0].redrive_policy == null || aws_sqs_queue.dlq[0].redrive_policy != aws_sqs_queue.source.redrive_policy
    error_message = "the DLQ itself must not redrive"
  }
}

run "outputs_tell_source_and_dlq_apart" {
  assert {
    condition     = output.queue_url == aws_sqs_queue.source.url && output.queue_arn == aws_sqs_queue.source.arn && output.queue_name == "orders"
    error_message = "queue_* must be the source's"
  }
  assert {
    condition     = output.dlq_url == aws_sqs_queue.dlq[0].url && output.dlq_arn == aws_sqs_queue.dlq[0].arn && output.dlq_name == "orders-dlq"
    error_message = "dlq_* must be the DLQ's"
  }
  assert {
    condition     = output.message_retention_seconds == 345600 && output.dlq_message_retention_seconds == 1209600 && output.visibility_timeout_seconds == 30
    error_message = "the outputs must tell the times in force"
  }
}

run "renaming_the_source_is_refused" {
  command = plan

  variables {
    name     = "invoices"
    dlq_name = "orders-dlq"
  }

  expect_failures = [aws_sqs_queue.source]
}

run "changing_the_type_is_refused" {
  command = plan

  variables {
    fifo = {}
  }

  expect_failures = [aws_sqs_queue.dlq]
}

run "renaming_the_dlq_is_refused" {
  command = plan

  variables {
    dlq_name = "graveyard"
  }

  expect_failures = [aws_sqs_queue.dlq]
}

run "replacing_the_queues_on_request" {
  command = plan

  plan_options {
    replace = [aws_sqs_queue.source, aws_sqs_queue.dlq[0]]
  }

  variables {
    name = "invoices"
    fifo = {}
  }

  assert {
    condition     = output.queue_name == "invoices.fifo" && output.dlq_name == "invoices-dlq.fifo" && aws_sqs_queue.source.fifo_queue
    error_message = "-replace must not ignore the new names and type"
  }
}

run "giving_up_the_dlq_for_another_is_refused" {
  command = plan

  variables {
    existing_dlq = { arn = "arn:aws:sqs:eu-west-1:111122223333:shared-dlq" }
  }

  expect_failures = [aws_sqs_queue.source]
}

run "the_same_names_in_other_words_are_not_a_rename" {
  command = plan

  variables {
    dlq_name          = "orders-dlq"
    max_receive_count = 4
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.source.redrive_policy).maxReceiveCount == 4
    error_message = "other changes go through"
  }
}
