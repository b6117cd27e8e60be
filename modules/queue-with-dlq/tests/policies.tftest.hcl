# Who may do what: queue policies, the redrive-allow policy, and the IAM
# documents handed out, to the letter.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws-us-gov" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-gov-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  # OpenTofu makes values up at plan time already.
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq" }
  }
}

variables {
  name = "orders"
}

run "plain_http_is_denied_on_both_queues" {
  command = plan

  assert {
    condition = jsondecode(aws_sqs_queue.source.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
    error_message = "the source must deny every action over plain HTTP"
  }
  assert {
    condition = jsondecode(aws_sqs_queue.dlq[0].policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
    error_message = "the DLQ must deny every action over plain HTTP"
  }
}

run "without_tls_the_policies_say_what_no_policy_means" {
  command = plan

  variables {
    require_tls = false
  }

  assert {
    condition = jsondecode(aws_sqs_queue.source.policy).Statement == [{
      Sid       = "OwnerAccount"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws-us-gov:iam::111122223333:root" }
      Action    = "sqs:*"
      Resource  = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
    }]
    error_message = "the source must keep an explicit policy, so that the earlier one is replaced"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.dlq[0].policy).Statement[0].Sid == "OwnerAccount" && length(jsondecode(aws_sqs_queue.dlq[0].policy).Statement) == 1
    error_message = "the DLQ must keep an explicit policy, so that the earlier one is replaced"
  }
}

run "callers_statements_join_the_sources_policy_only" {
  command = plan

  variables {
    policy_documents = [
      # One object instead of a list, and a list of one action.
      jsonencode({
        Version = "2012-10-17"
        Statement = {
          Sid       = "Topic"
          Effect    = "Allow"
          Principal = { Service = "sns.amazonaws.com" }
          Action    = ["sqs:SendMessage"]
          Resource  = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        }
      }),
      jsonencode({
        Statement = [
          { Sid = "Two", Effect = "Allow", Principal = "*", Action = ["sqs:SendMessage", "sqs:GetQueueUrl"], Resource = "*" },
          { Effect = "Deny", Principal = "*", Action = "sqs:PurgeQueue", Resource = "*" },
        ]
      }),
    ]
  }

  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.source.policy).Statement : try(s.Sid, "")] == ["DenyInsecureTransport", "Topic", "Two", ""]
    error_message = "all statements, the module's first, must be in the source's policy"
  }
  assert {
    condition = jsondecode(aws_sqs_queue.source.policy).Statement[1] == {
      Sid       = "Topic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
    }
    error_message = "a list of one must become a single value, as AWS returns it"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.source.policy).Statement[2].Action == ["sqs:SendMessage", "sqs:GetQueueUrl"]
    error_message = "longer lists stay lists"
  }
  assert {
    condition     = length(jsondecode(aws_sqs_queue.dlq[0].policy).Statement) == 1
    error_message = "the DLQ must not get them"
  }
}

run "only_the_source_may_use_the_dlq" {
  command = plan

  assert {
    condition = jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = ["arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"]
    }
    error_message = "the DLQ must allow its source and no other queue"
  }
}

run "a_shared_dlq_allows_its_sources_by_name" {
  command = plan

  variables {
    additional_source_queue_arns = [
      "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns",
      "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:refunds",
    ]
  }

  assert {
    condition = jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy).sourceQueueArns == [
      "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders",
      "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns",
      "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:refunds",
    ]
    error_message = "the source and the additional sources, in that order"
  }
  assert {
    condition     = jsondecode(output.redrive_operator_policy_json).Statement[1].Resource == jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy).sourceQueueArns
    error_message = "the redrive operator must be able to return messages to each of them"
  }
}

run "ten_sources_are_allowed" {
  command = plan

  variables {
    additional_source_queue_arns = [for n in range(9) : "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:source-${n}"]
  }

  assert {
    condition     = length(jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy).sourceQueueArns) == 10
    error_message = "AWS's 10 must be usable"
  }
}

run "redrive_can_be_allowed_to_all" {
  command = plan

  variables {
    redrive_allow = "allowAll"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy) == { redrivePermission = "allowAll" }
    error_message = "allowAll takes no ARNs"
  }
}

run "redrive_can_be_denied_to_all" {
  command = plan

  variables {
    redrive_allow = "denyAll"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dlq[0].redrive_allow_policy) == { redrivePermission = "denyAll" }
    error_message = "denyAll takes no ARNs"
  }
}

run "producers_may_send_to_the_source" {
  command = plan

  assert {
    condition = jsondecode(output.producer_policy_json) == {
      Version = "2012-10-17"
      Statement = [{
        Sid      = "Send"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
      }]
    }
    error_message = "sending and looking up the URL, nothing else"
  }
}

run "consumers_may_consume_the_source" {
  command = plan

  assert {
    condition = jsondecode(output.consumer_policy_json) == {
      Version = "2012-10-17"
      Statement = [{
        Sid      = "Consume"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
        Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
      }]
    }
    error_message = "what a consumer needs, on the source alone"
  }
}

run "redrive_operators_may_empty_the_dlq_into_the_source" {
  command = plan

  assert {
    condition = jsondecode(output.redrive_operator_policy_json) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "InspectAndRedrive"
          Effect = "Allow"
          Action = [
            "sqs:CancelMessageMoveTask", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage",
            "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues",
            "sqs:ListMessageMoveTasks", "sqs:ReceiveMessage", "sqs:StartMessageMoveTask",
          ]
          Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        },
        {
          Sid      = "ReturnToSource"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
          Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        },
      ]
    }
    error_message = "reading and moving on the DLQ, sending on the source"
  }
}

run "roles_get_the_key_by_its_arn" {
  command = plan

  variables {
    kms_key_id = "arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = jsondecode(output.producer_policy_json).Statement[1] == {
      Sid      = "Encrypt"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = "arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
    error_message = "producers generate and reuse data keys"
  }
  assert {
    condition = jsondecode(output.consumer_policy_json).Statement[1] == {
      Sid      = "Decrypt"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = "arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
    error_message = "consumers only decrypt"
  }
  assert {
    condition = jsondecode(output.redrive_operator_policy_json).Statement[2] == {
      Sid      = "DecryptAndEncrypt"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = "arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
    error_message = "operators read from one queue and send to another"
  }
}

run "a_bare_key_id_is_of_this_account_and_region" {
  command = plan

  variables {
    kms_key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = jsondecode(output.consumer_policy_json).Statement[1].Resource == "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    error_message = "the key's ARN must be composed"
  }
}

run "an_alias_does_not_tell_its_key" {
  command = plan

  variables {
    kms_key_id = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/orders"
  }

  assert {
    condition = alltrue([
      for json in [output.producer_policy_json, output.consumer_policy_json, output.redrive_operator_policy_json] : !strcontains(json, "kms:")
    ])
    error_message = "no statement may name an alias: IAM ignores it"
  }
}
