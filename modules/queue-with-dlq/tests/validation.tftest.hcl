# Every bound of every input: the last value that is taken, and the first that
# is not.

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
  # OpenTofu makes values up at plan time already.
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq" }
  }
}

variables {
  name = "orders"
}

run "takes_a_standard_name_of_76_characters" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_a_fifo_name_of_71_characters" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn.fifo"
    fifo = {}
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_names_of_80_characters_each" {
  command = plan

  variables {
    name     = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    dlq_name = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_fifo_names_of_80_characters_each" {
  command = plan

  variables {
    name     = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    dlq_name = "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.fifo"
    fifo     = {}
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_the_lower_bounds" {
  command = plan

  variables {
    max_receive_count                 = 1
    consumer_timeout_seconds          = 1
    visibility_timeout_seconds        = 1
    message_retention_seconds         = 60
    dlq_message_retention_seconds     = 61
    delay_seconds                     = 0
    receive_wait_time_seconds         = 0
    max_message_size                  = 1024
    kms_data_key_reuse_period_seconds = 60
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_the_upper_bounds" {
  command = plan

  variables {
    max_receive_count                 = 1000
    message_retention_seconds         = 1209599
    dlq_message_retention_seconds     = 1209600
    delay_seconds                     = 900
    receive_wait_time_seconds         = 20
    kms_data_key_reuse_period_seconds = 86400
    tags                              = { for n in range(50) : "tag-${n}" => "value" }
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_a_visibility_timeout_of_0" {
  command = plan

  variables {
    visibility_timeout_seconds = 0
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_a_key_id" {
  command = plan

  variables {
    kms_key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_a_multi_region_key_id" {
  command = plan

  variables {
    kms_key_id = "mrk-1234abcd12ab34cd56ef1234567890ab"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_a_key_arn" {
  command = plan

  variables {
    kms_key_id = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "takes_an_alias" {
  command = plan

  variables {
    kms_key_id = "alias/team/orders"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].message_retention_seconds > aws_sqs_queue.source.message_retention_seconds
    error_message = "the plan must stand"
  }
}

run "refuses_what_is_below_the_lower_bounds" {
  command = plan

  variables {
    max_receive_count                 = 0
    visibility_timeout_seconds        = -1
    dlq_message_retention_seconds     = 59
    delay_seconds                     = -1
    receive_wait_time_seconds         = -1
    max_message_size                  = 1023
    kms_data_key_reuse_period_seconds = 59
  }

  expect_failures = [
    var.max_receive_count,
    var.visibility_timeout_seconds,
    var.dlq_message_retention_seconds,
    var.delay_seconds,
    var.receive_wait_time_seconds,
    var.max_message_size,
    var.kms_data_key_reuse_period_seconds,
  ]
}

run "refuses_a_timeout_and_a_retention_below_the_lower_bounds" {
  command = plan

  variables {
    consumer_timeout_seconds  = 0
    message_retention_seconds = 59
  }

  expect_failures = [
    var.consumer_timeout_seconds,
    var.message_retention_seconds,
  ]
}

run "refuses_what_is_above_the_upper_bounds" {
  command = plan

  variables {
    max_receive_count                 = 1001
    visibility_timeout_seconds        = 43201
    dlq_message_retention_seconds     = 1209601
    delay_seconds                     = 901
    receive_wait_time_seconds         = 21
    max_message_size                  = 1048577
    kms_data_key_reuse_period_seconds = 86401
  }

  expect_failures = [
    var.max_receive_count,
    var.visibility_timeout_seconds,
    var.dlq_message_retention_seconds,
    var.delay_seconds,
    var.receive_wait_time_seconds,
    var.max_message_size,
    var.kms_data_key_reuse_period_seconds,
  ]
}

run "refuses_a_timeout_and_a_retention_above_the_upper_bounds" {
  command = plan

  variables {
    consumer_timeout_seconds  = 43201
    message_retention_seconds = 1209601
  }

  expect_failures = [
    var.consumer_timeout_seconds,
    var.message_retention_seconds,
  ]
}

run "refuses_broken_numbers" {
  command = plan

  variables {
    max_receive_count                 = 2.5
    visibility_timeout_seconds        = 30.5
    dlq_message_retention_seconds     = 1209599.5
    delay_seconds                     = 0.5
    receive_wait_time_seconds         = 0.5
    max_message_size                  = 2048.5
    kms_data_key_reuse_period_seconds = 60.5
  }

  expect_failures = [
    var.max_receive_count,
    var.visibility_timeout_seconds,
    var.dlq_message_retention_seconds,
    var.delay_seconds,
    var.receive_wait_time_seconds,
    var.max_message_size,
    var.kms_data_key_reuse_period_seconds,
  ]
}

run "refuses_a_broken_timeout_and_retention" {
  command = plan

  variables {
    consumer_timeout_seconds  = 1.5
    message_retention_seconds = 3600.5
  }

  expect_failures = [
    var.consumer_timeout_seconds,
    var.message_retention_seconds,
  ]
}

run "refuses_a_name_with_other_characters" {
  command = plan

  variables {
    name = "orders queue"
  }

  expect_failures = [var.name]
}

run "refuses_an_empty_name" {
  command = plan

  variables {
    name = ""
  }

  expect_failures = [var.name]
}

run "refuses_a_fifo_suffix_on_a_standard_queue" {
  command = plan

  variables {
    name = "orders.fifo"
  }

  expect_failures = [var.name]
}

run "refuses_a_standard_name_of_77_characters" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
  }

  expect_failures = [var.name]
}

run "refuses_a_fifo_name_of_72_characters" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn.fifo"
    fifo = {}
  }

  expect_failures = [var.name]
}

run "refuses_a_name_of_81_characters_with_a_dlq_name" {
  command = plan

  variables {
    name     = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    dlq_name = "dead"
  }

  expect_failures = [var.name]
}

run "refuses_a_dlq_of_the_same_name" {
  command = plan

  variables {
    name     = "orders"
    dlq_name = "orders"
  }

  expect_failures = [var.name]
}

run "refuses_a_fifo_dlq_of_the_same_name" {
  command = plan

  variables {
    name     = "orders"
    dlq_name = "orders.fifo"
    fifo     = {}
  }

  expect_failures = [var.name]
}

run "refuses_a_dlq_name_with_other_characters" {
  command = plan

  variables {
    dlq_name = "dead/orders"
  }

  expect_failures = [var.dlq_name]
}

run "refuses_a_fifo_suffix_on_a_standard_dlq" {
  command = plan

  variables {
    dlq_name = "dead.fifo"
  }

  expect_failures = [var.dlq_name]
}

run "refuses_a_dlq_name_of_81_characters" {
  command = plan

  variables {
    dlq_name = "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
  }

  expect_failures = [var.dlq_name]
}

run "refuses_a_fifo_dlq_name_of_76_characters" {
  command = plan

  variables {
    dlq_name = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
    fifo     = {}
  }

  expect_failures = [var.dlq_name]
}

run "refuses_an_unknown_workload" {
  command = plan

  variables {
    workload = "other"
  }

  expect_failures = [var.workload]
}

run "refuses_a_visibility_timeout_below_the_consumers" {
  command = plan

  variables {
    consumer_timeout_seconds   = 60
    visibility_timeout_seconds = 59
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "refuses_a_dlq_retention_equal_to_the_sources" {
  command = plan

  variables {
    message_retention_seconds     = 345600
    dlq_message_retention_seconds = 345600
  }

  expect_failures = [var.dlq_message_retention_seconds]
}

run "refuses_a_fifo_dlq_retention_equal_to_the_sources" {
  command = plan

  variables {
    fifo                          = {}
    message_retention_seconds     = 345600
    dlq_message_retention_seconds = 345600
  }

  expect_failures = [var.dlq_message_retention_seconds]
}

run "refuses_a_source_retention_of_14_days" {
  command = plan

  variables {
    message_retention_seconds = 1209600
  }

  expect_failures = [var.dlq_message_retention_seconds]
}

run "refuses_a_kms_key_that_is_none" {
  command = plan

  variables {
    kms_key_id = "my key"
  }

  expect_failures = [var.kms_key_id]
}

run "refuses_an_empty_kms_key" {
  command = plan

  variables {
    kms_key_id = ""
  }

  expect_failures = [var.kms_key_id]
}

run "refuses_the_arn_of_something_else_as_kms_key" {
  command = plan

  variables {
    kms_key_id = "arn:aws:iam::111122223333:role/orders"
  }

  expect_failures = [var.kms_key_id]
}

run "refuses_an_eleventh_source" {
  command = plan

  variables {
    additional_source_queue_arns = [for n in range(10) : "arn:aws:sqs:eu-west-1:111122223333:source-${n}"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_a_url_as_source" {
  command = plan

  variables {
    additional_source_queue_arns = ["https://sqs.eu-west-1.amazonaws.com/111122223333/returns"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_the_same_source_twice" {
  command = plan

  variables {
    additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:returns", "arn:aws:sqs:eu-west-1:111122223333:returns"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_a_fifo_source_on_a_standard_dlq" {
  command = plan

  variables {
    additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:returns.fifo"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_a_standard_source_on_a_fifo_dlq" {
  command = plan

  variables {
    fifo                         = {}
    additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:returns"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_sources_by_name_where_all_are_allowed" {
  command = plan

  variables {
    redrive_allow                = "allowAll"
    additional_source_queue_arns = ["arn:aws:sqs:eu-west-1:111122223333:returns"]
  }

  expect_failures = [var.additional_source_queue_arns]
}

run "refuses_an_unknown_redrive_permission" {
  command = plan

  variables {
    redrive_allow = "byqueue"
  }

  expect_failures = [var.redrive_allow]
}

run "refuses_a_policy_document_that_is_not_json" {
  command = plan

  variables {
    policy_documents = ["Allow"]
  }

  expect_failures = [var.policy_documents]
}

run "refuses_a_policy_document_without_statement" {
  command = plan

  variables {
    policy_documents = ["{}"]
  }

  expect_failures = [var.policy_documents]
}

run "refuses_the_same_sid_twice" {
  command = plan

  variables {
    policy_documents = [for n in range(2) : jsonencode({ Statement = { Sid = "Same", Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*" } })]
  }

  expect_failures = [var.policy_documents]
}

run "refuses_a_sid_of_the_modules_own" {
  command = plan

  variables {
    policy_documents = [jsonencode({ Statement = [{ Sid = "DenyInsecureTransport", Effect = "Deny", Principal = "*", Action = "sqs:*", Resource = "*" }] })]
  }

  expect_failures = [var.policy_documents]
}

run "refuses_51_tags" {
  command = plan

  variables {
    tags = { for n in range(51) : "tag-${n}" => "value" }
  }

  expect_failures = [var.tags]
}

run "refuses_a_tag_in_the_namespace_of_aws" {
  command = plan

  variables {
    tags = { "aws:owner" = "me" }
  }

  expect_failures = [var.tags]
}

run "refuses_a_tag_value_of_257_characters" {
  command = plan

  variables {
    tags = { note = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" }
  }

  expect_failures = [var.tags]
}

run "refuses_a_tag_key_of_129_characters" {
  command = plan

  variables {
    tags = { kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk = "value" }
  }

  expect_failures = [var.tags]
}
