# What the mapping and the function are told, and who may do what, to the letter.

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

run "failures_are_reported_by_default" {
  command = plan

  assert {
    condition     = one(aws_lambda_event_source_mapping.this.function_response_types) == "ReportBatchItemFailures"
    error_message = "what failed must come back, and only that"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.enabled && aws_lambda_event_source_mapping.this.batch_size == 10 && aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 0
    error_message = "batches of ten at once"
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.this.scaling_config) == 0 && length(aws_lambda_event_source_mapping.this.filter_criteria) == 0
    error_message = "no bound and no filter that nobody asked for"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.event_source_arn == "arn:aws:sqs:eu-west-1:111122223333:orders"
    error_message = "it is this queue that is consumed"
  }
}

run "a_function_for_go" {
  command = apply

  assert {
    condition     = aws_lambda_function.this[0].runtime == "provided.al2023" && aws_lambda_function.this[0].handler == "bootstrap" && one(aws_lambda_function.this[0].architectures) == "x86_64"
    error_message = "the runtime for programs"
  }
  assert {
    condition     = aws_lambda_function.this[0].timeout == 5 && aws_lambda_function.this[0].memory_size == 128 && aws_lambda_function.this[0].reserved_concurrent_executions == -1
    error_message = "5 s, which a queue of AWS's defaults has the visibility timeout for"
  }
  assert {
    condition     = aws_lambda_function.this[0].source_code_hash == filebase64sha256("main.tf") && length(aws_lambda_function.this[0].environment) == 0
    error_message = "changes of the code must be noticed"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this[0].name == "/aws/lambda/c" && aws_cloudwatch_log_group.this[0].retention_in_days == 30
    error_message = "logs are kept for a month"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.function_name == "arn:aws:lambda:eu-west-1:111122223333:function:c"
    error_message = "it is this function that consumes"
  }
  assert {
    condition     = output.function_name == "c" && output.role_name == "c" && output.log_group_name == "/aws/lambda/c" && output.role_arn == "arn:aws:iam::111122223333:role/c"
    error_message = "the outputs tell of it"
  }
}

run "a_function_of_your_choice" {
  command = apply

  variables {
    queue = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders", visibility_timeout_seconds = 400 }
    function = {
      name                     = "c"
      filename                 = "nowhere.zip"
      source_code_hash         = "aGFzaA=="
      description              = "Works on orders."
      runtime                  = "nodejs22.x"
      handler                  = "index.handler"
      architecture             = "arm64"
      timeout_seconds          = 60
      memory_mb                = 512
      reserved_concurrency     = 20
      environment              = { TABLE = "orders", REGIONS = "two" }
      policies                 = { table = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
      role_name                = "c-eu"
      permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
      log_retention_days       = 365
      log_kms_key_arn          = "arn:aws:kms:eu-west-1:111122223333:key/logs"
    }
    enabled                 = false
    batch_size              = 500
    batching_window_seconds = 40
    maximum_concurrency     = 20
    filter_patterns         = ["{\"body\":{\"kind\":[\"order\"]}}", "{\"body\":{\"kind\":[\"refund\"]}}"]
    tags                    = { team = "orders" }
  }

  assert {
    condition     = aws_lambda_function.this[0].runtime == "nodejs22.x" && aws_lambda_function.this[0].handler == "index.handler" && one(aws_lambda_function.this[0].architectures) == "arm64" && aws_lambda_function.this[0].source_code_hash == "aGFzaA==" && aws_lambda_function.this[0].description == "Works on orders."
    error_message = "the code is the caller's"
  }
  assert {
    condition     = aws_lambda_function.this[0].timeout == 60 && aws_lambda_function.this[0].memory_size == 512 && aws_lambda_function.this[0].reserved_concurrent_executions == 20
    error_message = "and so is what it gets"
  }
  assert {
    condition     = one(aws_lambda_function.this[0].environment).variables == tomap({ TABLE = "orders", REGIONS = "two" })
    error_message = "environment variables must arrive"
  }
  assert {
    condition     = aws_iam_role.this[0].name == "c-eu" && aws_iam_role.this[0].permissions_boundary == "arn:aws:iam::111122223333:policy/boundary" && aws_iam_role_policy.more["table"].policy == "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    error_message = "the role has the boundary and the policies"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this[0].retention_in_days == 365 && aws_cloudwatch_log_group.this[0].kms_key_id == "arn:aws:kms:eu-west-1:111122223333:key/logs"
    error_message = "logs are kept and encrypted as asked"
  }
  assert {
    condition     = !aws_lambda_event_source_mapping.this.enabled && aws_lambda_event_source_mapping.this.batch_size == 500 && aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 40 && one(aws_lambda_event_source_mapping.this.scaling_config).maximum_concurrency == 20
    error_message = "the mapping is as asked"
  }
  assert {
    condition     = toset([for f in one(aws_lambda_event_source_mapping.this.filter_criteria).filter : f.pattern]) == toset(["{\"body\":{\"kind\":[\"order\"]}}", "{\"body\":{\"kind\":[\"refund\"]}}"])
    error_message = "the patterns are the caller's"
  }
  assert {
    condition     = alltrue([for tags in [aws_lambda_event_source_mapping.this.tags, aws_lambda_function.this[0].tags, aws_iam_role.this[0].tags, aws_cloudwatch_log_group.this[0].tags] : tags == tomap({ team = "orders" })])
    error_message = "all that takes tags has them"
  }
}

run "a_role_may_consume_its_queue_and_write_its_logs" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role_policy.consume[0].policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid      = "Consume"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = "arn:aws:sqs:eu-west-1:111122223333:orders"
      }]
    }
    error_message = "the queue and no other"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.logs[0].policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/c:*"
      }]
    }
    error_message = "its own log group"
  }
  assert {
    condition = jsondecode(aws_iam_role.this[0].assume_role_policy) == {
      Version   = "2012-10-17"
      Statement = [{ Sid = "Functions", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
    }
    error_message = "Lambda and nobody else"
  }
  assert {
    condition     = length(aws_iam_role_policy.more) == 0 && output.consumer_policy_json == aws_iam_role_policy.consume[0].policy
    error_message = "nothing else, and what it is is handed out"
  }
}

run "one_key_is_named" {
  command = plan

  variables {
    kms_key_arns      = ["arn:aws:kms:eu-west-1:111122223333:key/a"]
    change_visibility = false
  }

  assert {
    condition = jsondecode(output.consumer_policy_json).Statement == [
      { Sid = "Consume", Effect = "Allow", Action = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], Resource = "arn:aws:sqs:eu-west-1:111122223333:orders" },
      { Sid = "Decrypt", Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:aws:kms:eu-west-1:111122223333:key/a" },
    ]
    error_message = "to decrypt is enough, and backing off wasn't asked for"
  }
}

run "several_keys_are_named" {
  command = plan

  variables {
    kms_key_arns = ["arn:aws:kms:eu-west-1:111122223333:key/a", "arn:aws:kms:eu-west-1:444455556666:key/b"]
  }

  assert {
    condition     = jsondecode(output.consumer_policy_json).Statement[1].Resource == ["arn:aws:kms:eu-west-1:111122223333:key/a", "arn:aws:kms:eu-west-1:444455556666:key/b"]
    error_message = "each of them"
  }
}

run "a_function_that_exists_gets_the_mapping_alone" {
  command = apply

  variables {
    function          = null
    existing_function = { name = "theirs:live", timeout_seconds = 3 }
  }

  assert {
    condition     = length(aws_lambda_function.this) == 0 && length(aws_iam_role.this) == 0 && length(aws_cloudwatch_log_group.this) == 0 && length(aws_iam_role_policy.consume) == 0 && length(aws_iam_role_policy.consume_existing) == 0
    error_message = "nothing is made but the mapping"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.function_name == "theirs:live"
    error_message = "of the function, with its alias"
  }
  assert {
    condition     = output.function_name == "theirs:live" && output.role_name == null && output.role_arn == null && output.log_group_name == null && can(jsondecode(output.consumer_policy_json))
    error_message = "the policy is handed out"
  }
}

run "a_role_that_exists_gets_the_policy" {
  command = apply

  variables {
    queue             = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:orders.fifo", visibility_timeout_seconds = 30 }
    function          = null
    existing_function = { name = "theirs", timeout_seconds = 3, role = { name = "their-role" } }
  }

  assert {
    condition     = aws_iam_role_policy.consume_existing[0].role == "their-role" && aws_iam_role_policy.consume_existing[0].name == "consume-orders.fifo" && aws_iam_role_policy.consume_existing[0].policy == output.consumer_policy_json
    error_message = "by the queue's name, since a function may consume several"
  }
}

run "a_queue_of_another_region_is_noticed" {
  command = plan

  variables {
    queue = { queue_arn = "arn:aws:sqs:us-east-1:111122223333:orders", visibility_timeout_seconds = 30 }
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "a_queue_of_another_account_is_not" {
  command = plan

  variables {
    queue = { queue_arn = "arn:aws:sqs:eu-west-1:444455556666:orders", visibility_timeout_seconds = 30 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this.event_source_arn == "arn:aws:sqs:eu-west-1:444455556666:orders"
    error_message = "its policy may let the role"
  }
}
