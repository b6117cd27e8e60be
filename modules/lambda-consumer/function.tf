# The function, where the caller has none.
resource "aws_lambda_function" "this" {
  count = local.own ? 1 : 0

  function_name = var.function.name
  description   = var.function.description
  role          = one(aws_iam_role.this[*].arn)
  tags          = var.tags

  filename         = var.function.filename
  source_code_hash = var.function.source_code_hash == null ? filebase64sha256(var.function.filename) : var.function.source_code_hash

  runtime       = var.function.runtime
  handler       = var.function.handler
  architectures = [var.function.architecture]

  memory_size                    = var.function.memory_mb
  timeout                        = var.function.timeout_seconds
  reserved_concurrent_executions = var.function.reserved_concurrency == null ? -1 : var.function.reserved_concurrency

  dynamic "environment" {
    for_each = length(var.function.environment) == 0 ? [] : [var.function.environment]
    content {
      variables = environment.value
    }
  }

  # A function that runs before it may write logs says nothing; one that runs before its
  # log group exists may not make one.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.logs, aws_iam_role_policy.more]
}

# Made here and not by Lambda, which would keep logs for ever.
resource "aws_cloudwatch_log_group" "this" {
  count = local.own ? 1 : 0

  name              = "/aws/lambda/${var.function.name}"
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.function.log_kms_key_arn
  tags              = var.tags
}
