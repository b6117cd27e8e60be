# What the queues themselves allow and refuse. All in the form in which AWS
# gives policies back (2012-10-17, single values not in lists), so that the
# provider never sees a difference.
locals {
  source_queue_arns = concat([local.source_arn], var.additional_source_queue_arns)

  redrive_allow_policies = {
    byQueue  = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = local.source_queue_arns })
    allowAll = jsonencode({ redrivePermission = "allowAll" })
    denyAll  = jsonencode({ redrivePermission = "denyAll" })
    off      = null
  }
  redrive_allow_policy = local.redrive_allow_policies[var.redrive_allow]

  # A document's Statement may be one object instead of a list of them, and a
  # list in it may have one element; AWS returns neither as it was sent.
  caller_statements = [
    for statement in flatten([for document in var.policy_documents : jsondecode(document).Statement]) :
    { for key, value in statement : key => try(one(value), value) }
  ]

  own_statement = {
    for queue, arn in { source = local.source_arn, dlq = local.dlq_arn } : queue => {
      require_tls = {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }
      # What a queue without a policy allows anyway. Written out because the
      # provider leaves a policy in place when the argument is merely absent, so
      # that switching require_tls off would change nothing.
      allow_http = {
        Sid       = "OwnerAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
        Action    = "sqs:*"
        Resource  = arn
      }
    }[var.require_tls ? "require_tls" : "allow_http"]
  }

  source_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.own_statement.source], local.publisher_statements, local.caller_statements)
  })
  dlq_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.own_statement.dlq]
  })
}
