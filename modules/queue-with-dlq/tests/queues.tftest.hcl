# What the two queues are: names, types, encryption, times, and how they point
# at each other.

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

run "defaults_are_durable_and_encrypted" {
  command = plan

  assert {
    condition     = aws_sqs_queue.source.name == "orders" && aws_sqs_queue.dlq[0].name == "orders-dlq"
    error_message = "the queues must be called <name> and <name>-dlq"
  }
  assert {
    condition     = !aws_sqs_queue.source.fifo_queue && !aws_sqs_queue.dlq[0].fifo_queue
    error_message = "queues are standard by default"
  }
  assert {
    condition     = aws_sqs_queue.source.message_retention_seconds == 345600 && aws_sqs_queue.dlq[0].message_retention_seconds == 1209600
    error_message = "retention must be 4 days on the source and 14 days on the DLQ"
  }
  assert {
    condition     = aws_sqs_queue.source.sqs_managed_sse_enabled && aws_sqs_queue.dlq[0].sqs_managed_sse_enabled
    error_message = "both queues must be encrypted by default"
  }
  assert {
    condition     = aws_sqs_queue.source.kms_master_key_id == null && aws_sqs_queue.dlq[0].kms_master_key_id == null
    error_message = "SSE-SQS and a KMS key exclude each other"
  }
  assert {
    condition     = aws_sqs_queue.source.visibility_timeout_seconds == 30
    error_message = "without a known consumer timeout the visibility timeout is AWS's 30 s"
  }
  assert {
    condition     = aws_sqs_queue.source.receive_wait_time_seconds == 20 && aws_sqs_queue.dlq[0].receive_wait_time_seconds == null
    error_message = "the source polls long by default, the DLQ as its reader says"
  }
  assert {
    condition     = aws_sqs_queue.source.delay_seconds == 0 && aws_sqs_queue.dlq[0].delay_seconds == null
    error_message = "no delay by default"
  }
  assert {
    condition     = aws_sqs_queue.source.max_message_size == 262144 && aws_sqs_queue.dlq[0].max_message_size == 262144
    error_message = "messages of 256 KiB by default, on both queues"
  }
  assert {
    condition     = output.max_receive_count == 5
    error_message = "a general workload is received 5 times"
  }
}

run "max_receive_count_comes_from_the_workload" {
  command = plan

  variables {
    workload = "webhook"
  }

  assert {
    condition     = output.max_receive_count == 7
    error_message = "a webhook is received 7 times"
  }
}

run "an_explicit_max_receive_count_wins_over_the_workload" {
  command = plan

  variables {
    workload          = "webhook"
    max_receive_count = 1
  }

  assert {
    condition     = output.max_receive_count == 1
    error_message = "max_receive_count must win over workload"
  }
}

run "every_workload_has_its_documented_count" {
  command = plan

  assert {
    condition = local.workload_max_receive_counts == {
      general = 5, idempotent_fast = 3, external_api = 6, long_running = 3, financial = 5, webhook = 7
    }
    error_message = "the counts must be those of the README"
  }
}

run "visibility_is_six_times_the_consumer_timeout" {
  command = plan

  variables {
    consumer_timeout_seconds = 60
  }

  assert {
    condition     = aws_sqs_queue.source.visibility_timeout_seconds == 360
    error_message = "6 x 60 s"
  }
}

run "visibility_is_never_derived_below_30_seconds" {
  command = plan

  variables {
    consumer_timeout_seconds = 3
  }

  assert {
    condition     = aws_sqs_queue.source.visibility_timeout_seconds == 30
    error_message = "AWS's default is the floor"
  }
}

run "visibility_is_never_derived_above_12_hours" {
  command = plan

  variables {
    consumer_timeout_seconds = 43200
  }

  assert {
    condition     = aws_sqs_queue.source.visibility_timeout_seconds == 43200
    error_message = "12 hours is AWS's limit"
  }
}

run "an_explicit_visibility_timeout_wins" {
  command = plan

  variables {
    consumer_timeout_seconds   = 60
    visibility_timeout_seconds = 60
  }

  assert {
    condition     = aws_sqs_queue.source.visibility_timeout_seconds == 60
    error_message = "an explicit timeout, no shorter than the consumer's, must be taken"
  }
}

run "warns_when_messages_expire_before_they_are_dead_lettered" {
  command = plan

  variables {
    max_receive_count         = 20
    message_retention_seconds = 600
  }

  expect_failures = [check.dead_letters_before_expiry]
}

run "a_fifo_source_has_a_fifo_dlq" {
  command = plan

  variables {
    fifo = {}
  }

  assert {
    condition     = aws_sqs_queue.source.name == "orders.fifo" && aws_sqs_queue.dlq[0].name == "orders-dlq.fifo"
    error_message = "FIFO names end in .fifo, after -dlq"
  }
  assert {
    condition     = aws_sqs_queue.source.fifo_queue && aws_sqs_queue.dlq[0].fifo_queue
    error_message = "both must be FIFO"
  }
  assert {
    condition     = !aws_sqs_queue.source.content_based_deduplication
    error_message = "content-based deduplication must be asked for"
  }
  assert {
    condition     = aws_sqs_queue.source.deduplication_scope == "queue" && aws_sqs_queue.source.fifo_throughput_limit == "perQueue"
    error_message = "high throughput must be asked for, and its absence written out"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-west-1:111122223333:orders.fifo"]
    error_message = "the allow policy must name the source with its suffix"
  }
}

run "a_fifo_name_may_carry_its_suffix" {
  command = plan

  variables {
    name = "orders.fifo"
    fifo = {}
  }

  assert {
    condition     = aws_sqs_queue.source.name == "orders.fifo" && aws_sqs_queue.dlq[0].name == "orders-dlq.fifo"
    error_message = "the suffix must not be doubled, and the DLQ's must come last"
  }
}

run "fifo_options_reach_both_queues" {
  command = plan

  variables {
    fifo = { content_based_deduplication = true, high_throughput = true }
  }

  assert {
    condition     = aws_sqs_queue.source.content_based_deduplication && aws_sqs_queue.dlq[0].content_based_deduplication
    error_message = "content-based deduplication on both"
  }
  assert {
    condition     = aws_sqs_queue.source.deduplication_scope == "messageGroup" && aws_sqs_queue.source.fifo_throughput_limit == "perMessageGroupId"
    error_message = "high throughput needs both settings on the source"
  }
  assert {
    condition     = aws_sqs_queue.dlq[0].deduplication_scope == "messageGroup" && aws_sqs_queue.dlq[0].fifo_throughput_limit == "perMessageGroupId"
    error_message = "the DLQ must keep up with its source"
  }
}

run "the_dlq_may_have_a_name_of_its_own" {
  command = plan

  variables {
    dlq_name = "dead-orders"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].name == "dead-orders" && strcontains(aws_sqs_queue.dlq[0].policy, ":dead-orders\"")
    error_message = "dlq_name must be the DLQ's name, in its policy too"
  }
}

run "a_named_fifo_dlq_gets_the_suffix_once" {
  command = plan

  variables {
    fifo     = {}
    dlq_name = "dead-orders.fifo"
  }

  assert {
    condition     = aws_sqs_queue.dlq[0].name == "dead-orders.fifo"
    error_message = "the suffix must not be doubled"
  }
}

run "a_kms_key_encrypts_both_queues" {
  command = plan

  variables {
    kms_key_id                        = "alias/orders"
    kms_data_key_reuse_period_seconds = 3600
  }

  assert {
    condition     = aws_sqs_queue.source.kms_master_key_id == "alias/orders" && aws_sqs_queue.dlq[0].kms_master_key_id == "alias/orders"
    error_message = "the key must be used for both"
  }
  assert {
    condition     = aws_sqs_queue.source.kms_data_key_reuse_period_seconds == 3600 && aws_sqs_queue.dlq[0].kms_data_key_reuse_period_seconds == 3600
    error_message = "the reuse period must be set on both"
  }
}

run "every_queue_setting_is_taken" {
  command = plan

  variables {
    delay_seconds                 = 900
    receive_wait_time_seconds     = 0
    max_message_size              = 1024
    message_retention_seconds     = 86400
    dlq_message_retention_seconds = 86401
    tags                          = { team = "orders" }
  }

  assert {
    condition     = aws_sqs_queue.source.delay_seconds == 900 && aws_sqs_queue.dlq[0].delay_seconds == null
    error_message = "the delay is the source's alone"
  }
  assert {
    condition     = aws_sqs_queue.source.receive_wait_time_seconds == 0
    error_message = "the wait time must be taken"
  }
  assert {
    condition     = aws_sqs_queue.source.max_message_size == 1024 && aws_sqs_queue.dlq[0].max_message_size == 1024
    error_message = "the size limit must be taken, on both"
  }
  assert {
    condition     = aws_sqs_queue.source.message_retention_seconds == 86400 && aws_sqs_queue.dlq[0].message_retention_seconds == 86401
    error_message = "both retentions must be taken"
  }
  assert {
    condition     = aws_sqs_queue.source.tags == tomap({ team = "orders" }) && aws_sqs_queue.dlq[0].tags == tomap({ team = "orders" })
    error_message = "tags on both"
  }
}
