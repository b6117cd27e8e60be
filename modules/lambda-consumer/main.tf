data "aws_region" "current" {}

locals {
  # Whether there is one is compared, not its values, which may be unknown until apply.
  own = var.function != null

  # The mapping waits for the function, and for the permission to read the queue.
  function_name = local.own ? one(aws_lambda_function.this[*].arn) : try(var.existing_function.name, null)
}

# The queue is read by Lambda, and the function gets its messages. What the function reports
# as failed comes back, and only that.
resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn = var.queue.queue_arn
  function_name    = local.function_name
  enabled          = var.enabled
  tags             = var.tags

  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds

  # Without it one failure brings back the whole batch, and Lambda deletes what package
  # consumer reports as failed.
  function_response_types = ["ReportBatchItemFailures"]

  dynamic "scaling_config" {
    for_each = var.maximum_concurrency == null ? [] : [var.maximum_concurrency]
    content {
      maximum_concurrency = scaling_config.value
    }
  }

  dynamic "filter_criteria" {
    for_each = length(var.filter_patterns) == 0 ? [] : [var.filter_patterns]
    content {
      dynamic "filter" {
        for_each = filter_criteria.value
        content {
          pattern = filter.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = split(":", var.queue.queue_arn)[3] == data.aws_region.current.id
      error_message = "queue: ${var.queue.queue_arn} is not of the region ${data.aws_region.current.id}, where the function is: Lambda reads queues of its own region only. Check the ARN and the provider that this module gets."
    }
  }

  # Lambda refuses a mapping whose function may not read the queue.
  depends_on = [aws_iam_role_policy.consume, aws_iam_role_policy.consume_existing]
}
