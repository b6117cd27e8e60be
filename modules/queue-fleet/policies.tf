# What the queues themselves allow and refuse. All in the form in which AWS gives policies
# back (2012-10-17, single values not in lists), so that the provider never sees a
# difference.
locals {
  policies = {
    for key, queue in var.queues : key => {
      redrive_allow = {
        byQueue  = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.arns[key].source] })
        allowAll = jsonencode({ redrivePermission = "allowAll" })
        denyAll  = jsonencode({ redrivePermission = "denyAll" })
        off      = null
      }[queue.redrive_allow]
      source = jsonencode({
        Version   = "2012-10-17"
        Statement = concat([local.own_statements[key].source], local.caller_statements[key])
      })
      dlq = jsonencode({
        Version   = "2012-10-17"
        Statement = [local.own_statements[key].dlq]
      })
    }
  }

  # A document's Statement may be one object instead of a list of them, and a list in it may
  # have one element; AWS returns neither as it was sent.
  caller_statements = {
    for key, queue in var.queues : key => [
      for statement in flatten([for document in queue.policy_documents : jsondecode(document).Statement]) :
      { for name, value in statement : name => try(one(value), value) }
    ]
  }

  own_statements = {
    for key, queue in var.queues : key => {
      for kind, arn in local.arns[key] : kind => {
        require_tls = {
          Sid       = "DenyInsecureTransport"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sqs:*"
          Resource  = arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        }
        # What a queue without a policy allows anyway. Written out because the provider
        # leaves a policy in place when the argument is merely absent, so that switching
        # require_tls off would change nothing.
        allow_http = {
          Sid       = "OwnerAccount"
          Effect    = "Allow"
          Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
          Action    = "sqs:*"
          Resource  = arn
        }
      }[queue.require_tls ? "require_tls" : "allow_http"]
    }
  }
}
