# Every bound of every input: the last value that is taken, and the first that
# is not.

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

variables {
  queue    = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 30 }
  function = { name = "c", filename = "main.tf" }
}

run "takes_the_largest_values" {
  command = plan

  variables {
    queue = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 5700 }
    function = {
      name                 = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
      filename             = "main.tf"
      description          = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
      timeout_seconds      = 900
      memory_mb            = 10240
      reserved_concurrency = 1000
      environment          = { A1 = "v", Under_score = "v" }
      policies             = { "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp" = "{}" }
      role_name            = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
      log_retention_days   = 3653
    }
    batch_size              = 10000
    batching_window_seconds = 300
    maximum_concurrency     = 1000
    filter_patterns         = [for n in range(10) : jsonencode({ body = { n = [n] } })]
    tags                    = { for n in range(50) : "tag-${n}" => "value" }
  }

  assert {
    condition     = aws_lambda_function.this[0].timeout == 900
    error_message = "they are AWS's own bounds"
  }
}

run "takes_the_smallest_values" {
  command = plan

  variables {
    queue = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 6 }
    function = {
      name               = "c"
      filename           = "main.tf"
      timeout_seconds    = 1
      memory_mb          = 128
      log_retention_days = 0
    }
    batch_size              = 1
    batching_window_seconds = 0
    maximum_concurrency     = 2
  }

  assert {
    condition     = aws_lambda_function.this[0].timeout == 1
    error_message = "they are AWS's own bounds"
  }
}

run "a_function_of_the_least_reserved_concurrency" {
  command = plan

  variables {
    function            = { name = "c", filename = "main.tf", reserved_concurrency = 2 }
    maximum_concurrency = 2
  }

  assert {
    condition     = aws_lambda_function.this[0].reserved_concurrent_executions == 2
    error_message = "it is the least that a mapping can keep to"
  }
}

run "a_batch_of_ten_needs_no_window" {
  command = plan

  variables {
    batch_size = 10
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.batch_size == 10
    error_message = "Lambda takes ten at a time"
  }
}

run "a_batch_of_eleven_needs_one" {
  command = plan

  variables {
    batch_size = 11
  }

  expect_failures = [var.batch_size]
}

run "a_batch_of_eleven_with_one" {
  command = plan

  variables {
    queue                   = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 31 }
    batch_size              = 11
    batching_window_seconds = 1
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 1
    error_message = "a second is enough"
  }
}

run "a_batch_of_none" {
  command = plan

  variables {
    batch_size = 0
  }

  expect_failures = [var.batch_size]
}

run "a_batch_that_is_too_large" {
  command = plan

  variables {
    batch_size              = 10001
    batching_window_seconds = 300
  }

  expect_failures = [var.batch_size]
}

run "half_a_message" {
  command = plan

  variables {
    batch_size = 1.5
  }

  expect_failures = [var.batch_size]
}

run "a_window_that_is_too_long" {
  command = plan

  variables {
    batching_window_seconds = 301
  }

  expect_failures = [var.batching_window_seconds]
}

run "a_negative_window" {
  command = plan

  variables {
    batching_window_seconds = -1
  }

  expect_failures = [var.batching_window_seconds]
}

run "half_a_second" {
  command = plan

  variables {
    batching_window_seconds = 0.5
  }

  expect_failures = [var.batching_window_seconds]
}

run "a_fifo_queue_takes_batches_of_ten" {
  command = plan

  variables {
    queue      = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders.fifo", visibility_timeout_seconds = 30 }
    batch_size = 10
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.batch_size == 10
    error_message = "as Lambda does"
  }
}

run "a_fifo_queue_and_a_larger_batch" {
  command = plan

  variables {
    queue                   = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders.fifo", visibility_timeout_seconds = 60 }
    batch_size              = 11
    batching_window_seconds = 1
  }

  expect_failures = [var.queue]
}

run "a_fifo_queue_and_a_window" {
  command = plan

  variables {
    queue                   = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders.fifo", visibility_timeout_seconds = 60 }
    batching_window_seconds = 1
  }

  expect_failures = [var.queue]
}

run "a_queue_by_its_url" {
  command = plan

  variables {
    queue = { queue_arn = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders", visibility_timeout_seconds = 30 }
  }

  expect_failures = [var.queue]
}

run "visibility_of_six_timeouts" {
  command = plan

  variables {
    queue    = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 60 }
    function = { name = "c", filename = "main.tf", timeout_seconds = 10 }
  }

  assert {
    condition     = aws_lambda_function.this[0].timeout == 10
    error_message = "it is just enough"
  }
}

run "visibility_of_less" {
  command = plan

  variables {
    queue    = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 59 }
    function = { name = "c", filename = "main.tf", timeout_seconds = 10 }
  }

  expect_failures = [var.queue]
}

run "visibility_of_six_timeouts_and_a_window" {
  command = plan

  variables {
    queue                   = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 80 }
    function                = { name = "c", filename = "main.tf", timeout_seconds = 10 }
    batching_window_seconds = 20
  }

  assert {
    condition     = aws_lambda_function.this[0].timeout == 10
    error_message = "messages wait in the window, too"
  }
}

run "visibility_of_six_timeouts_and_no_window" {
  command = plan

  variables {
    queue                   = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 79 }
    function                = { name = "c", filename = "main.tf", timeout_seconds = 10 }
    batching_window_seconds = 20
  }

  expect_failures = [var.queue]
}

run "visibility_for_an_existing_function" {
  command = plan

  variables {
    queue             = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 18 }
    function          = null
    existing_function = { name = "theirs", timeout_seconds = 3 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.function_name == "theirs"
    error_message = "it is just enough"
  }
}

run "too_little_visibility_for_an_existing_function" {
  command = plan

  variables {
    queue             = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 17 }
    function          = null
    existing_function = { name = "theirs", timeout_seconds = 3 }
  }

  expect_failures = [var.queue]
}

run "no_function" {
  command = plan

  variables {
    function = null
  }

  expect_failures = [var.function]
}

run "two_functions" {
  command = plan

  variables {
    existing_function = { name = "theirs", timeout_seconds = 3 }
  }

  expect_failures = [var.function]
}

run "no_name" {
  command = plan

  variables {
    function = { name = "", filename = "main.tf" }
  }

  expect_failures = [var.function]
}

run "a_name_that_is_too_long" {
  command = plan

  variables {
    function = { name = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", filename = "main.tf" }
  }

  expect_failures = [var.function]
}

run "a_name_with_a_dot" {
  command = plan

  variables {
    function = { name = "a.b", filename = "main.tf" }
  }

  expect_failures = [var.function]
}

run "a_description_that_is_too_long" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", description = "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd" }
  }

  expect_failures = [var.function]
}

run "another_architecture" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", architecture = "amd64" }
  }

  expect_failures = [var.function]
}

run "no_timeout" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", timeout_seconds = 0 }
  }

  expect_failures = [var.function]
}

run "a_timeout_that_is_too_long" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", timeout_seconds = 901 }
  }

  expect_failures = [var.function]
}

run "half_a_second_of_timeout" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", timeout_seconds = 1.5 }
  }

  expect_failures = [var.function]
}

run "too_little_memory" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", memory_mb = 127 }
  }

  expect_failures = [var.function]
}

run "too_much_memory" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", memory_mb = 10241 }
  }

  expect_failures = [var.function]
}

run "half_a_megabyte" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", memory_mb = 128.5 }
  }

  expect_failures = [var.function]
}

run "one_at_a_time" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", reserved_concurrency = 1 }
  }

  expect_failures = [var.function]
}

run "none_at_a_time" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", reserved_concurrency = 0 }
  }

  expect_failures = [var.function]
}

run "a_variable_that_lambda_sets" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", environment = { AWS_REGION = "x" } }
  }

  expect_failures = [var.function]
}

run "a_variable_that_begins_with_a_digit" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", environment = { "1A" = "x" } }
  }

  expect_failures = [var.function]
}

run "a_variable_of_one_letter" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", environment = { A = "x" } }
  }

  expect_failures = [var.function]
}

run "a_policy_of_the_module_s_own" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", policies = { consume = "{}" } }
  }

  expect_failures = [var.function]
}

run "another_policy_of_the_module_s_own" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", policies = { logs = "{}" } }
  }

  expect_failures = [var.function]
}

run "a_policy_with_a_space" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", policies = { "a b" = "{}" } }
  }

  expect_failures = [var.function]
}

run "a_policy_that_is_no_json" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", policies = { a = "allow all" } }
  }

  expect_failures = [var.function]
}

run "a_policy_that_is_a_list" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", policies = { a = "[]" } }
  }

  expect_failures = [var.function]
}

run "a_role_s_path" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", role_name = "a/b" }
  }

  expect_failures = [var.function]
}

run "a_role_name_that_is_too_long" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", role_name = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr" }
  }

  expect_failures = [var.function]
}

run "a_boundary_that_is_a_role" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", permissions_boundary_arn = "arn:aws:iam::111122223333:role/b" }
  }

  expect_failures = [var.function]
}

run "two_days_of_logs" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", log_retention_days = 2 }
  }

  expect_failures = [var.function]
}

run "an_alias_for_the_logs" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", log_kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/a" }
  }

  expect_failures = [var.function]
}

run "an_existing_function_by_url" {
  command = plan

  variables {
    function          = null
    existing_function = { name = "https://x", timeout_seconds = 3 }
  }

  expect_failures = [var.existing_function]
}

run "an_existing_function_without_timeout" {
  command = plan

  variables {
    function          = null
    existing_function = { name = "f", timeout_seconds = 0 }
  }

  expect_failures = [var.existing_function]
}

run "an_existing_function_of_too_long_a_timeout" {
  command = plan

  variables {
    function          = null
    existing_function = { name = "f", timeout_seconds = 901 }
  }

  expect_failures = [var.existing_function]
}

run "an_existing_function_of_one_at_a_time" {
  command = plan

  variables {
    function          = null
    existing_function = { name = "f", timeout_seconds = 3, reserved_concurrency = 1 }
  }

  expect_failures = [var.existing_function]
}

run "an_existing_role_by_arn" {
  command = plan

  variables {
    function          = null
    existing_function = { name = "f", timeout_seconds = 3, role = { name = "arn:aws:iam::111122223333:role/r" } }
  }

  expect_failures = [var.existing_function]
}

run "an_existing_function_by_arn_and_alias" {
  command = plan

  variables {
    function            = null
    existing_function   = { name = "arn:aws:lambda:eu-west-1:111122223333:function:f:live", timeout_seconds = 5, reserved_concurrency = 5 }
    maximum_concurrency = 5
  }

  assert {
    condition     = endswith(aws_lambda_event_source_mapping.this.function_name, ":live")
    error_message = "with its alias"
  }
}

run "concurrency_of_one" {
  command = plan

  variables {
    maximum_concurrency = 1
  }

  expect_failures = [var.maximum_concurrency]
}

run "concurrency_that_is_too_high" {
  command = plan

  variables {
    maximum_concurrency = 1001
  }

  expect_failures = [var.maximum_concurrency]
}

run "half_an_invocation" {
  command = plan

  variables {
    maximum_concurrency = 2.5
  }

  expect_failures = [var.maximum_concurrency]
}

run "concurrency_up_to_what_is_reserved" {
  command = plan

  variables {
    function            = { name = "c", filename = "main.tf", reserved_concurrency = 5 }
    maximum_concurrency = 5
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.this.scaling_config).maximum_concurrency == 5
    error_message = "none is throttled"
  }
}

run "concurrency_beyond_what_is_reserved" {
  command = plan

  variables {
    function            = { name = "c", filename = "main.tf", reserved_concurrency = 5 }
    maximum_concurrency = 6
  }

  expect_failures = [var.function]
}

run "reserved_and_without_a_maximum" {
  command = plan

  variables {
    function = { name = "c", filename = "main.tf", reserved_concurrency = 5 }
  }

  expect_failures = [var.function]
}

run "an_existing_function_beyond_what_is_reserved" {
  command = plan

  variables {
    function            = null
    existing_function   = { name = "f", timeout_seconds = 3, reserved_concurrency = 4 }
    maximum_concurrency = 5
  }

  expect_failures = [var.existing_function]
}

run "eleven_patterns" {
  command = plan

  variables {
    filter_patterns = [for n in range(11) : jsonencode({ body = { n = [n] } })]
  }

  expect_failures = [var.filter_patterns]
}

run "a_pattern_of_4097_characters" {
  command = plan

  variables {
    filter_patterns = [jsonencode({ body = [substr(join("", [for n in range(1000) : "xxxxx"]), 0, 4084)] })]
  }

  expect_failures = [var.filter_patterns]
}

run "a_pattern_of_4096_characters" {
  command = plan

  variables {
    filter_patterns = [jsonencode({ body = [substr(join("", [for n in range(1000) : "xxxxx"]), 0, 4083)] })]
  }

  assert {
    condition     = length(one(one(aws_lambda_event_source_mapping.this.filter_criteria).filter).pattern) == 4096
    error_message = "it is the longest"
  }
}

run "a_pattern_that_is_no_json" {
  command = plan

  variables {
    filter_patterns = ["order"]
  }

  expect_failures = [var.filter_patterns]
}

run "a_pattern_of_attributes" {
  command = plan

  variables {
    filter_patterns = [jsonencode({ messageAttributes = { kind = { stringValue = ["order"] } } })]
  }

  expect_failures = [var.filter_patterns]
}

run "a_key_by_its_alias" {
  command = plan

  variables {
    kms_key_arns = ["alias/orders"]
  }

  expect_failures = [var.kms_key_arns]
}

run "aws_s_own_tags" {
  command = plan

  variables {
    tags = { "aws:x" = "y" }
  }

  expect_failures = [var.tags]
}

run "fifty_one_tags" {
  command = plan

  variables {
    tags = { for n in range(51) : "tag-${n}" => "value" }
  }

  expect_failures = [var.tags]
}
