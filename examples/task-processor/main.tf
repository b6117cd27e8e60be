provider "aws" {
  region = var.region
}

locals {
  # The longest that either function works on a batch, in seconds. 6 x this is the
  # visibility timeout of 30 s that both queues have.
  function_timeout_seconds = 5

  functions_dir = coalesce(var.functions_dir, "${path.module}/dist")

  environment = {
    TASKS_TABLE       = aws_dynamodb_table.tasks.name
    SERVICE           = var.name
    MAX_RECEIVE_COUNT = module.queue.max_receive_count
  }
}

module "queue" {
  source = "../../modules/queue-with-dlq"

  name                     = var.name
  max_receive_count        = 5
  consumer_timeout_seconds = local.function_timeout_seconds
  tags                     = var.tags
}

# Works on tasks.
module "consumer" {
  source = "../../modules/lambda-consumer"

  queue               = module.queue
  enabled             = var.consumer_enabled
  maximum_concurrency = 10
  tags                = var.tags

  function = {
    name            = "${var.name}-consumer"
    filename        = "${local.functions_dir}/${var.architecture}/consumer.zip"
    architecture    = var.architecture
    timeout_seconds = local.function_timeout_seconds

    environment = { for name, value in merge(local.environment, {
      KEYS_TABLE = aws_dynamodb_table.keys.name
      FAIL       = var.fail
    }) : name => value if value != "" }

    policies = {
      tables = jsonencode({
        Version = "2012-10-17"
        Statement = [
          {
            Sid      = "ChangeTasks"
            Effect   = "Allow"
            Action   = "dynamodb:UpdateItem"
            Resource = aws_dynamodb_table.tasks.arn
          },
          {
            Sid      = "TakeAndGiveUpKeys"
            Effect   = "Allow"
            Action   = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
            Resource = aws_dynamodb_table.keys.arn
          },
        ]
      })
    }
  }
}

# Records the tasks whose messages are dead-lettered. The DLQ has no DLQ of its own: what
# this function can't record stays there, and comes again until it can.
module "dead_letters" {
  source = "../../modules/lambda-consumer"

  queue = {
    queue_arn                  = module.queue.dlq_arn
    visibility_timeout_seconds = 30 # AWS's own, which queue-with-dlq leaves a DLQ
  }
  enabled             = var.dead_letters_enabled
  maximum_concurrency = 2
  tags                = var.tags

  function = {
    name            = "${var.name}-dead-letters"
    filename        = "${local.functions_dir}/${var.architecture}/dead-letters.zip"
    architecture    = var.architecture
    timeout_seconds = local.function_timeout_seconds
    environment     = local.environment

    policies = {
      tables = jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Sid      = "ChangeTasks"
          Effect   = "Allow"
          Action   = "dynamodb:UpdateItem"
          Resource = aws_dynamodb_table.tasks.arn
        }]
      })
    }
  }
}
