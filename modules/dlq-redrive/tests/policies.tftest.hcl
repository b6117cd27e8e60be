# Who may do what, to the letter.

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
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws-us-gov:iam::111122223333:role/r", id = "r" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:r-failures" }
  }
}

variables {
  name = "r"
  redrives = {
    orders = {
      dlq_arn   = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
      queue_arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
    }
  }
}

run "the_scheduler_may_assume_a_role_for_this_group_alone" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.redrive["orders"].assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "SchedulesOfThisGroup"
        Effect    = "Allow"
        Principal = { Service = "scheduler.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = "111122223333"
            "aws:SourceArn"     = "arn:aws-us-gov:scheduler:us-gov-west-1:111122223333:schedule-group/r"
          }
        }
      }]
    }
    error_message = "account and group must be conditions"
  }
}

run "a_role_may_empty_its_dlq_into_its_source" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role_policy.redrive["orders"].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "TakeFromDLQ"
          Effect   = "Allow"
          Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:StartMessageMoveTask"]
          Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        },
        {
          Sid      = "ReturnMessages"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        },
        {
          Sid      = "ReportFailures"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:r-failures"
        },
      ]
    }
    error_message = "these three and nothing else"
  }
  assert {
    condition     = one(aws_scheduler_schedule.redrive["orders"].target).role_arn == "arn:aws-us-gov:iam::111122223333:role/r" && one(one(aws_scheduler_schedule.redrive["orders"].target).dead_letter_config).arn == "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:r-failures"
    error_message = "the schedule must use the role and the failures DLQ"
  }
  assert {
    condition     = one(aws_scheduler_schedule.redrive["orders"].target).arn == "arn:aws-us-gov:scheduler:::aws-sdk:sqs:startMessageMoveTask"
    error_message = "the target is of the partition"
  }
}

run "each_redrive_has_a_role_of_its_own" {
  command = apply

  variables {
    redrives = {
      orders = {
        dlq_arn   = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        queue_arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
      }
      returns = {
        dlq_arn   = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns-dlq"
        queue_arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns"
      }
    }
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.redrive["orders"].policy, "returns") && !strcontains(aws_iam_role_policy.redrive["returns"].policy, "orders")
    error_message = "no role may touch the other's queues"
  }
}

run "a_shared_dlq_goes_back_to_all_its_sources" {
  command = apply

  variables {
    redrives = {
      orders = {
        dlq_arn                      = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        queue_arn                    = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        additional_source_queue_arns = ["arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns"]
      }
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[1].Resource == ["arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders", "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:returns"]
    error_message = "the role may send to each source"
  }
}

run "a_role_may_send_to_the_destination_alone" {
  command = apply

  variables {
    redrives = {
      orders = {
        dlq_arn         = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        queue_arn       = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        destination_arn = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:repair"
      }
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[1].Resource == "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:repair"
    error_message = "not to the source, which gets nothing"
  }
}

run "keys_are_named" {
  command = apply

  variables {
    failures_kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/f"
    redrives = {
      orders = {
        dlq_arn      = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        queue_arn    = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        kms_key_arns = ["arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/o"]
      }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[3] == {
      Sid      = "DecryptAndEncrypt"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = ["arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/o", "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/f"]
    }
    error_message = "the keys of the queues and of the failures DLQ, and no other"
  }
}

run "one_key_for_all_is_named_once" {
  command = apply

  variables {
    failures_kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/o"
    redrives = {
      orders = {
        dlq_arn      = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders-dlq"
        queue_arn    = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders"
        kms_key_arns = ["arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/o"]
      }
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.redrive["orders"].policy).Statement[3].Resource == "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/o"
    error_message = "once, and not as a list"
  }
}

run "a_boundary_bounds_the_roles" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws-us-gov:iam::111122223333:policy/boundary"
  }

  assert {
    condition     = aws_iam_role.redrive["orders"].permissions_boundary == "arn:aws-us-gov:iam::111122223333:policy/boundary"
    error_message = "the roles must have it"
  }
}

run "a_given_account_is_not_asked_for" {
  command = plan

  variables {
    account_id = "777788889999"
    redrives   = { orders = { dlq_arn = "arn:aws-us-gov:sqs:us-gov-west-1:777788889999:orders-dlq", queue_arn = "arn:aws-us-gov:sqs:us-gov-west-1:777788889999:orders" } }
  }

  assert {
    condition     = length(data.aws_caller_identity.current) == 0 && strcontains(aws_iam_role.redrive["orders"].assume_role_policy, "777788889999")
    error_message = "no call for what is known"
  }
}

run "a_wrong_account_is_noticed" {
  command = plan

  variables {
    account_id = "777788889999"
  }

  expect_failures = [aws_scheduler_schedule.redrive["orders"]]
}
