# Which other services and accounts may send, in the queue's policy and the key's.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  # OpenTofu makes values up at plan time already.
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq" }
  }
}

variables {
  name = "orders"
}

run "nobody_by_default" {
  command = plan

  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.source.policy).Statement : s.Sid] == ["DenyInsecureTransport"]
    error_message = "without publishers the policy only denies plain HTTP"
  }
  assert {
    condition     = output.kms_key_policy_json == null
    error_message = "without publishers the key needs no statement"
  }
}

run "each_kind_gets_a_statement_that_names_it" {
  command = plan

  variables {
    publishers = {
      sns_topic_arns        = ["arn:aws:sns:eu-west-1:111122223333:orders"]
      eventbridge_rule_arns = ["arn:aws:events:eu-west-1:111122223333:rule/orders", "arn:aws:events:eu-west-1:111122223333:rule/bus/refunds"]
      s3_bucket_arns        = ["arn:aws:s3:::orders-bucket"]
      account_ids           = ["444455556666"]
    }
    policy_documents = [jsonencode({
      Version   = "2012-10-17"
      Statement = { Sid = "Mine", Effect = "Allow", Principal = { AWS = "arn:aws:iam::777788889999:role/r" }, Action = "sqs:SendMessage", Resource = "*" }
    })]
  }

  assert {
    condition = slice(jsondecode(aws_sqs_queue.source.policy).Statement, 1, 5) == [
      {
        Sid       = "SendFromTopics"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:111122223333:orders"
        Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:sns:eu-west-1:111122223333:orders" } }
      },
      {
        Sid       = "SendFromRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:111122223333:orders"
        Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:events:eu-west-1:111122223333:rule/orders", "arn:aws:events:eu-west-1:111122223333:rule/bus/refunds"] } }
      },
      {
        Sid       = "SendFromBuckets"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:111122223333:orders"
        Condition = {
          ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::orders-bucket" }
          StringEquals = { "aws:SourceAccount" = "111122223333" }
        }
      },
      {
        Sid       = "SendFromAccounts"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::444455556666:root" }
        Action    = ["sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource  = "arn:aws:sqs:eu-west-1:111122223333:orders"
      },
    ]
    error_message = "each publisher must be named, and may only send"
  }
  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.source.policy).Statement : s.Sid] == ["DenyInsecureTransport", "SendFromTopics", "SendFromRules", "SendFromBuckets", "SendFromAccounts", "Mine"]
    error_message = "publishers must combine with TLS-only and with the caller's documents"
  }
  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.dlq[0].policy).Statement : s.Sid] == ["DenyInsecureTransport"]
    error_message = "nobody sends to the DLQ"
  }
  assert {
    condition = jsondecode(output.kms_key_policy_json) == {
      Version = "2012-10-17"
      Statement = [
        {
          Effect    = "Allow"
          Principal = { Service = ["sns.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"] }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = { StringEquals = { "kms:EncryptionContext:aws:sqs:arn" = "arn:aws:sqs:eu-west-1:111122223333:orders" } }
        },
        {
          Effect    = "Allow"
          Principal = { AWS = "arn:aws:iam::444455556666:root" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = { StringEquals = { "kms:EncryptionContext:aws:sqs:arn" = "arn:aws:sqs:eu-west-1:111122223333:orders" } }
        },
      ]
    }
    error_message = "the key must serve the publishers for this queue alone"
  }
}

run "only_the_kinds_that_are_given" {
  command = plan

  variables {
    publishers = { sns_topic_arns = ["arn:aws:sns:eu-west-1:111122223333:a", "arn:aws:sns:us-east-1:444455556666:b"] }
  }

  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.source.policy).Statement : s.Sid] == ["DenyInsecureTransport", "SendFromTopics"]
    error_message = "other services must get nothing"
  }
  assert {
    condition     = jsondecode(output.kms_key_policy_json).Statement[0].Principal == { Service = "sns.amazonaws.com" } && length(jsondecode(output.kms_key_policy_json).Statement) == 1
    error_message = "the key must let in the one service that publishes"
  }
}

run "a_fifo_topic_for_a_fifo_queue" {
  command = plan

  variables {
    fifo       = {}
    publishers = { sns_topic_arns = ["arn:aws:sns:eu-west-1:111122223333:orders.fifo"] }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.source.policy).Statement[1].Resource == "arn:aws:sqs:eu-west-1:111122223333:orders.fifo"
    error_message = "the statement must name the FIFO queue"
  }
}

run "a_fifo_topic_may_feed_a_standard_queue" {
  command = plan

  variables {
    publishers = { sns_topic_arns = ["arn:aws:sns:eu-west-1:111122223333:orders.fifo"] }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.source.policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:sns:eu-west-1:111122223333:orders.fifo"
    error_message = "SNS allows it"
  }
}

run "a_standard_topic_cannot_feed_a_fifo_queue" {
  command = plan

  variables {
    fifo       = {}
    publishers = { sns_topic_arns = ["arn:aws:sns:eu-west-1:111122223333:orders"] }
  }

  expect_failures = [var.publishers]
}

run "a_bucket_cannot_notify_a_fifo_queue" {
  command = plan

  variables {
    fifo       = {}
    publishers = { s3_bucket_arns = ["arn:aws:s3:::orders-bucket"] }
  }

  expect_failures = [var.publishers]
}

run "a_topics_name_is_not_its_arn" {
  command = plan

  variables {
    publishers = { sns_topic_arns = ["orders"] }
  }

  expect_failures = [var.publishers]
}

run "a_queue_is_not_a_rule" {
  command = plan

  variables {
    publishers = { eventbridge_rule_arns = ["arn:aws:sqs:eu-west-1:111122223333:orders"] }
  }

  expect_failures = [var.publishers]
}

run "objects_are_not_a_bucket" {
  command = plan

  variables {
    publishers = { s3_bucket_arns = ["arn:aws:s3:::orders-bucket/*"] }
  }

  expect_failures = [var.publishers]
}

run "an_account_has_twelve_digits" {
  command = plan

  variables {
    publishers = { account_ids = ["4444"] }
  }

  expect_failures = [var.publishers]
}

run "the_same_publisher_twice" {
  command = plan

  variables {
    publishers = { account_ids = ["444455556666", "444455556666"] }
  }

  expect_failures = [var.publishers]
}

run "the_aws_managed_key_lets_no_publisher_in" {
  command = plan

  variables {
    kms_key_id = "alias/aws/sqs"
    publishers = { sns_topic_arns = ["arn:aws:sns:eu-west-1:111122223333:orders"] }
  }

  expect_failures = [var.kms_key_id]
}

run "the_modules_sids_are_taken" {
  command = plan

  variables {
    policy_documents = [jsonencode({ Statement = [{ Sid = "SendFromTopics", Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*" }] })]
  }

  expect_failures = [var.policy_documents]
}
