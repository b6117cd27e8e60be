# A role for each redrive: one for all could move the messages of any of the DLQs to
# the sources of any other.
resource "aws_iam_role" "redrive" {
  for_each = local.redrives

  name                 = "${var.name}-${each.key}"
  description          = "Lets EventBridge Scheduler return the messages of a dead-letter queue."
  permissions_boundary = var.permissions_boundary_arn
  tags                 = each.value.tags

  # The scheduler gives the group as the source, never the schedule. Composed, since the
  # role must not wait for the group.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SchedulesOfThisGroup"
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account_id
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account_id}:schedule-group/${var.name}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "redrive" {
  for_each = local.redrives

  name = "redrive"
  role = aws_iam_role.redrive[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        # SQS moves the messages as whoever started the task.
        {
          Sid      = "TakeFromDLQ"
          Effect   = "Allow"
          Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:StartMessageMoveTask"]
          Resource = each.value.dlq_arn
        },
        {
          Sid      = "ReturnMessages"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = try(one(each.value.receivers), each.value.receivers)
        },
        {
          Sid      = "ReportFailures"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = local.failures_dlq.arn
        },
      ],
      [for arns in [distinct(concat(each.value.kms_key_arns, local.failures_key_arns))] : {
        Sid      = "DecryptAndEncrypt"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = try(one(arns), arns)
      } if length(arns) > 0],
    )
  })
}
