locals {
  # What a consumer needs: Lambda takes the messages as the function's role.
  consumer_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid    = "Consume"
        Effect = "Allow"
        Action = concat(
          var.change_visibility ? ["sqs:ChangeMessageVisibility"] : [],
          ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        )
        Resource = var.queue.queue_arn
      }],
      [for arns in [var.kms_key_arns] : {
        Sid      = "Decrypt"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = try(one(arns), arns)
      } if length(arns) > 0],
    )
  }
}

resource "aws_iam_role" "this" {
  count = local.own ? 1 : 0

  name                 = coalesce(var.function.role_name, var.function.name)
  description          = "What the Lambda function ${var.function.name} may do."
  permissions_boundary = var.function.permissions_boundary_arn
  tags                 = var.tags

  # Lambda names no source when it assumes a function's role, so that there is no condition
  # to put here: who may give the role to a function is up to iam:PassRole.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Functions"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "consume" {
  count = local.own ? 1 : 0

  name   = "consume"
  role   = one(aws_iam_role.this[*].id)
  policy = jsonencode(local.consumer_policy)
}

resource "aws_iam_role_policy" "logs" {
  count = local.own ? 1 : 0

  name = "logs"
  role = one(aws_iam_role.this[*].id)

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${one(aws_cloudwatch_log_group.this[*].arn)}:*"
    }]
  })
}

# What the function's own work needs.
resource "aws_iam_role_policy" "more" {
  for_each = local.own ? var.function.policies : {}

  name   = each.key
  role   = one(aws_iam_role.this[*].id)
  policy = each.value
}

# The role of a function that the caller has, if this module is to attach the policy.
resource "aws_iam_role_policy" "consume_existing" {
  count = var.existing_function == null ? 0 : var.existing_function.role == null ? 0 : 1

  # By queue: a function may consume several.
  name   = "consume-${reverse(split(":", var.queue.queue_arn))[0]}"
  role   = var.existing_function.role.name
  policy = jsonencode(local.consumer_policy)
}
