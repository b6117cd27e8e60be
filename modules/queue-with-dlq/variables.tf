variable "name" {
  type        = string
  nullable    = false
  description = <<-EOT
    Name of the source queue. The queues are called `<name>` and `<name>-dlq`, or
    `<name>.fifo` and `<name>-dlq.fifo`; for a FIFO queue it may be given with or
    without `.fifo`. Letters, digits, hyphens and underscores; at most 80
    characters for each queue's full name.

    Renaming would replace both queues, with the messages in them: the plan is
    refused, and says how to do it all the same.
  EOT

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", var.name))
    error_message = "name may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue): remove or replace other characters."
  }

  validation {
    condition     = var.fifo != null || !endswith(var.name, ".fifo")
    error_message = "name ends in .fifo, but fifo is null: set fifo = {} for a FIFO queue, or drop the suffix for a standard one."
  }

  validation {
    condition     = length(trimsuffix(var.name, ".fifo")) <= 80 - (var.dlq_name == null ? 4 : 0) - (var.fifo == null ? 0 : 5)
    error_message = "name is too long: SQS allows 80 characters, and -dlq (unless dlq_name is given) and .fifo (for FIFO) are added to it. Shorten it to ${80 - (var.dlq_name == null ? 4 : 0) - (var.fifo == null ? 0 : 5)} characters, not counting .fifo."
  }

  validation {
    condition     = var.dlq_name == null || trimsuffix(var.name, ".fifo") != trimsuffix(coalesce(var.dlq_name, "-"), ".fifo")
    error_message = "dlq_name is the same as name: a queue can't be its own DLQ. Choose another dlq_name, or leave it out for <name>-dlq."
  }
}

variable "dlq_name" {
  type        = string
  default     = null
  description = <<-EOT
    Name of the dead-letter queue; null = `<name>-dlq`. For adopting queues whose
    names don't follow that rule. `.fifo` is added on FIFO queues if missing.
  EOT

  validation {
    condition     = var.dlq_name == null || can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", var.dlq_name))
    error_message = "dlq_name may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue): remove or replace other characters."
  }

  validation {
    condition     = var.dlq_name == null || var.fifo != null || !endswith(coalesce(var.dlq_name, "-"), ".fifo")
    error_message = "dlq_name ends in .fifo, but fifo is null: the DLQ must be of its source's type. Set fifo = {} or drop the suffix."
  }

  validation {
    condition     = var.dlq_name == null || length(trimsuffix(coalesce(var.dlq_name, "-"), ".fifo")) <= 80 - (var.fifo == null ? 0 : 5)
    error_message = "dlq_name is too long: SQS allows 80 characters, .fifo included. Shorten it."
  }
}

variable "existing_dlq" {
  type = object({
    arn = string
  })
  default     = null
  description = <<-EOT
    A DLQ that exists already, for example one that several sources share; null (default)
    = this module makes one. It must be of the same account, region and type, and its
    redrive-allow policy must let this source use it. `dlq_message_retention_seconds`
    then says what retention it has.
    - `arn`: ARN of the queue.
  EOT

  validation {
    condition     = var.existing_dlq == null || can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", var.existing_dlq.arn))
    error_message = "existing_dlq: arn must be an SQS queue's ARN (arn:aws:sqs:<region>:<account>:<name>), not its URL or name."
  }

  validation {
    condition     = var.existing_dlq == null || try(endswith(var.existing_dlq.arn, ".fifo"), false) == (var.fifo != null)
    error_message = "existing_dlq is of another type than the source: a FIFO source needs a FIFO DLQ (its name ends in .fifo), a standard source a standard one."
  }

  validation {
    condition     = var.existing_dlq == null || var.dlq_name == null
    error_message = "existing_dlq and dlq_name exclude each other: with existing_dlq the module makes no DLQ that could have a name. Drop one."
  }
}

variable "fifo" {
  type = object({
    content_based_deduplication = optional(bool, false)
    high_throughput             = optional(bool, false)
  })
  default     = null
  description = <<-EOT
    Null (default) = standard queues; an object, `{}` at least, = FIFO queues. A FIFO
    source has a FIFO DLQ. Changing between the two replaces both queues.
    - `content_based_deduplication` (false): deduplicate by SHA-256 of the body when the producer gives no deduplication id.
    - `high_throughput` (false): deduplicate and count throughput by message group
      instead of by queue. Decide at creation: switching it later changes the
      attributes, but has been seen not to change how AWS deduplicates.
  EOT
}

variable "max_receive_count" {
  type        = number
  default     = null
  description = <<-EOT
    How many times a message is received before the next attempt moves it to the
    DLQ; 1 to 1000. Null (default) = by `workload`. 1 dead-letters on any single
    failure, a look in the console included.
  EOT

  validation {
    condition     = var.max_receive_count == null || try(var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count, false)
    error_message = "max_receive_count must be a whole number from 1 to 1000; leave it null to take it from workload."
  }
}

variable "workload" {
  type        = string
  default     = "general"
  nullable    = false
  description = <<-EOT
    What kind of work the messages are; chooses `max_receive_count` where that is null:
    `general` 5, `idempotent_fast` 3, `external_api` 6, `long_running` 3, `financial` 5, `webhook` 7.
  EOT

  validation {
    condition     = contains(["general", "idempotent_fast", "external_api", "long_running", "financial", "webhook"], var.workload)
    error_message = "workload must be one of general, idempotent_fast, external_api, long_running, financial, webhook; for another count set max_receive_count."
  }
}

variable "consumer_timeout_seconds" {
  type        = number
  default     = null
  description = <<-EOT
    The longest that the consumer works on a message or batch, in seconds (a Lambda
    function's timeout); 1 to 43200. Null (default) = not known. The visibility
    timeout is derived from it and may not be shorter.
  EOT

  validation {
    condition     = var.consumer_timeout_seconds == null || try(var.consumer_timeout_seconds >= 1 && var.consumer_timeout_seconds <= 43200 && floor(var.consumer_timeout_seconds) == var.consumer_timeout_seconds, false)
    error_message = "consumer_timeout_seconds must be a whole number from 1 to 43200 (12 hours, the longest visibility timeout). Split longer work, or hand it to a state machine."
  }
}

variable "visibility_timeout_seconds" {
  type        = number
  default     = null
  description = <<-EOT
    How long a received message stays hidden from other consumers, in seconds; 0 to
    43200. Null (default) = 6 x `consumer_timeout_seconds`, at least 30 and at most
    43200; 30 if that is null too.
  EOT

  validation {
    condition     = var.visibility_timeout_seconds == null || try(var.visibility_timeout_seconds >= 0 && var.visibility_timeout_seconds <= 43200 && floor(var.visibility_timeout_seconds) == var.visibility_timeout_seconds, false)
    error_message = "visibility_timeout_seconds must be a whole number from 0 to 43200 (12 hours)."
  }

  validation {
    condition     = var.visibility_timeout_seconds == null || var.consumer_timeout_seconds == null || try(var.visibility_timeout_seconds >= var.consumer_timeout_seconds, false)
    error_message = "visibility_timeout_seconds is shorter than consumer_timeout_seconds: messages would be received again, and counted, while their first consumer still works on them. Raise it (AWS recommends 6 x the timeout for Lambda), or leave it null to have it derived."
  }
}

variable "message_retention_seconds" {
  type        = number
  default     = 345600
  nullable    = false
  description = <<-EOT
    How long the source queue keeps a message, in seconds; 60 to 1209599 (just under
    14 days: the DLQ's must be longer, and 14 days is its limit). Default 345600 (4 days).
  EOT

  validation {
    condition     = var.message_retention_seconds >= 60 && var.message_retention_seconds <= 1209600 && floor(var.message_retention_seconds) == var.message_retention_seconds
    error_message = "message_retention_seconds must be a whole number from 60 to 1209599 (just under 14 days, since the DLQ's retention must be longer)."
  }
}

variable "dlq_message_retention_seconds" {
  type        = number
  default     = 1209600
  nullable    = false
  description = <<-EOT
    How long the DLQ keeps a message, in seconds; longer than `message_retention_seconds`,
    at most 1209600 (14 days, the default). On a standard queue it counts from the
    original send, not from the move: what remains after the move is this minus
    the message's age.
  EOT

  validation {
    condition     = var.dlq_message_retention_seconds >= 60 && var.dlq_message_retention_seconds <= 1209600 && floor(var.dlq_message_retention_seconds) == var.dlq_message_retention_seconds
    error_message = "dlq_message_retention_seconds must be a whole number from 60 to 1209600 (14 days)."
  }

  validation {
    condition     = var.dlq_message_retention_seconds > var.message_retention_seconds
    error_message = "dlq_message_retention_seconds must exceed message_retention_seconds: a standard DLQ counts from the original send, so a message that was dead-lettered late would vanish at once. Leave it at 1209600 (14 days), or lower message_retention_seconds."
  }
}

variable "delay_seconds" {
  type        = number
  default     = 0
  nullable    = false
  description = "How long the source queue hides a new message before its first delivery, in seconds; 0 (default) to 900."

  validation {
    condition     = var.delay_seconds >= 0 && var.delay_seconds <= 900 && floor(var.delay_seconds) == var.delay_seconds
    error_message = "delay_seconds must be a whole number from 0 to 900 (15 minutes). For longer delays schedule the send."
  }
}

variable "receive_wait_time_seconds" {
  type        = number
  default     = 20
  nullable    = false
  description = <<-EOT
    How long a receive on the source queue waits for a message where the consumer
    doesn't say, in seconds; 0 to 20. Default 20: long polling asks all servers and
    costs fewer requests. The DLQ keeps AWS's 0: what reads it says how long to wait.
  EOT

  validation {
    condition     = var.receive_wait_time_seconds >= 0 && var.receive_wait_time_seconds <= 20 && floor(var.receive_wait_time_seconds) == var.receive_wait_time_seconds
    error_message = "receive_wait_time_seconds must be a whole number from 0 to 20."
  }
}

variable "max_message_size" {
  type        = number
  default     = 262144
  nullable    = false
  description = <<-EOT
    Largest message that both queues take, in bytes; 1024 to 1048576 (1 MiB). Default
    262144 (256 KiB): every provider version knows it, and SNS and EventBridge
    deliver no more. Above that the provider must be 6.8 or later.
  EOT

  validation {
    condition     = var.max_message_size >= 1024 && var.max_message_size <= 1048576 && floor(var.max_message_size) == var.max_message_size
    error_message = "max_message_size must be a whole number from 1024 to 1048576 bytes (1 MiB). Put larger payloads in S3 and send a reference."
  }
}

variable "kms_key_id" {
  type        = string
  default     = null
  description = <<-EOT
    KMS key that encrypts both queues: key id, key ARN, alias name or alias ARN. Null
    (default) = SSE-SQS; the queues are always encrypted. With a key id or key ARN the
    IAM policy outputs cover the key; with an alias they can't. SNS, EventBridge and S3
    can't send to a queue under `alias/aws/sqs`: use SSE-SQS or a key of your own.
  EOT

  validation {
    condition     = var.kms_key_id == null || can(regex("^(arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36})$", var.kms_key_id))
    error_message = "kms_key_id must be a key id, a key ARN, an alias name (alias/...) or an alias ARN; null for SSE-SQS."
  }

  validation {
    condition     = !can(regex("alias/aws/sqs$", var.kms_key_id)) || length(flatten(values(var.publishers))) == 0
    error_message = "kms_key_id is the AWS managed key alias/aws/sqs, whose policy lets in only this account: what the publishers send would be dropped. Leave it null (SSE-SQS), or use a key of your own with kms_key_policy_json in its policy."
  }
}

variable "kms_data_key_reuse_period_seconds" {
  type        = number
  default     = 300
  nullable    = false
  description = "How long SQS reuses a data key before it calls KMS again, in seconds; 60 to 86400. Default 300. Longer costs less; used with `kms_key_id` only."

  validation {
    condition     = var.kms_data_key_reuse_period_seconds >= 60 && var.kms_data_key_reuse_period_seconds <= 86400 && floor(var.kms_data_key_reuse_period_seconds) == var.kms_data_key_reuse_period_seconds
    error_message = "kms_data_key_reuse_period_seconds must be a whole number from 60 to 86400 (1 day)."
  }
}

variable "additional_source_queue_arns" {
  type        = list(string)
  default     = []
  nullable    = false
  description = <<-EOT
    ARNs of further queues that may use the DLQ; at most 9, since AWS allows 10 with
    this module's own source. They must be of the same account, region and type
    (standard or FIFO). Compose them rather than reference the queues, which in turn
    need `dlq_arn`. Only with `redrive_allow = "byQueue"`.
  EOT

  validation {
    condition     = length(var.additional_source_queue_arns) <= 9
    error_message = "additional_source_queue_arns holds more than 9 ARNs: AWS allows 10 source queues by name, this module's own included. Give the rest a DLQ of their own, or set redrive_allow = \"allowAll\"."
  }

  validation {
    condition     = alltrue([for arn in var.additional_source_queue_arns : can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", arn))])
    error_message = "additional_source_queue_arns must hold SQS queue ARNs (arn:aws:sqs:<region>:<account>:<name>), not URLs or names."
  }

  validation {
    condition     = length(distinct(var.additional_source_queue_arns)) == length(var.additional_source_queue_arns)
    error_message = "additional_source_queue_arns holds the same ARN twice: remove one."
  }

  validation {
    condition     = alltrue([for arn in var.additional_source_queue_arns : endswith(arn, ".fifo") == (var.fifo != null)])
    error_message = "additional_source_queue_arns mixes types: a FIFO DLQ serves FIFO sources only (names ending in .fifo), a standard DLQ standard ones only."
  }

  validation {
    condition     = length(var.additional_source_queue_arns) == 0 || var.existing_dlq == null
    error_message = "additional_source_queue_arns has no effect on an existing_dlq: its own redrive-allow policy says who may use it. Drop the list."
  }

  validation {
    condition     = length(var.additional_source_queue_arns) == 0 || var.redrive_allow == "byQueue"
    error_message = "additional_source_queue_arns has an effect only with redrive_allow = \"byQueue\": set that, or drop the list."
  }
}

variable "redrive_allow" {
  type        = string
  default     = "byQueue"
  nullable    = false
  description = <<-EOT
    Who may use the DLQ.
    - `byQueue` (default): this module's source and `additional_source_queue_arns`, nobody else.
    - `allowAll`: any queue of the account and region. What AWS does without a policy;
      set it to open a DLQ that was restricted before.
    - `denyAll`: no queue, so AWS refuses this module's own source as well when it is
      created. Only to freeze a DLQ that is already deployed.
    - `off`: set no policy, for partitions that lack them. A policy already in place stays.
  EOT

  validation {
    condition     = contains(["byQueue", "allowAll", "denyAll", "off"], var.redrive_allow)
    error_message = "redrive_allow must be byQueue, allowAll, denyAll or off."
  }
}

variable "require_tls" {
  type        = bool
  default     = true
  nullable    = false
  description = "Deny every SQS action on both queues over plain HTTP. Default true."
}

variable "publishers" {
  type = object({
    sns_topic_arns        = optional(list(string), [])
    eventbridge_rule_arns = optional(list(string), [])
    s3_bucket_arns        = optional(list(string), [])
    account_ids           = optional(list(string), [])
  })
  default     = {}
  nullable    = false
  description = <<-EOT
    Who else may send to the source queue, beside roles of this account. Each gets a
    statement in the queue's policy that names it; under a KMS key of yours its policy
    must have `kms_key_policy_json` too.
    - `sns_topic_arns`: topics subscribed to the queue; FIFO topics (`.fifo`) only for a FIFO queue.
    - `eventbridge_rule_arns`: rules whose target the queue is.
    - `s3_bucket_arns`: buckets of this account that notify the queue; not for FIFO queues.
    - `account_ids`: other accounts, whose own policies then say which of their roles may.
  EOT

  validation {
    condition     = alltrue([for arn in var.publishers.sns_topic_arns : can(regex("^arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?$", arn))])
    error_message = "publishers: sns_topic_arns must hold ARNs of SNS topics (arn:aws:sns:<region>:<account>:<name>)."
  }

  validation {
    condition     = var.fifo == null || alltrue([for arn in var.publishers.sns_topic_arns : endswith(arn, ".fifo")])
    error_message = "publishers: a FIFO queue can be subscribed to FIFO topics only (names ending in .fifo)."
  }

  validation {
    condition     = alltrue([for arn in var.publishers.eventbridge_rule_arns : can(regex("^arn:[a-z0-9-]+:events:[a-z0-9-]+:[0-9]{12}:rule/[A-Za-z0-9._/-]+$", arn))])
    error_message = "publishers: eventbridge_rule_arns must hold ARNs of EventBridge rules (arn:aws:events:<region>:<account>:rule/<name>)."
  }

  validation {
    condition     = alltrue([for arn in var.publishers.s3_bucket_arns : can(regex("^arn:[a-z0-9-]+:s3:::[a-z0-9.-]{3,63}$", arn))])
    error_message = "publishers: s3_bucket_arns must hold ARNs of S3 buckets (arn:aws:s3:::<name>), without a path."
  }

  validation {
    condition     = var.fifo == null || length(var.publishers.s3_bucket_arns) == 0
    error_message = "publishers: S3 can't notify a FIFO queue. Use a standard queue, or EventBridge in between (eventbridge_rule_arns)."
  }

  validation {
    condition     = alltrue([for id in var.publishers.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "publishers: account_ids must hold account numbers of 12 digits, in quotes."
  }

  validation {
    condition = alltrue([
      for list in [var.publishers.sns_topic_arns, var.publishers.eventbridge_rule_arns, var.publishers.s3_bucket_arns, var.publishers.account_ids] :
      length(distinct(list)) == length(list)
    ])
    error_message = "publishers names one twice: remove one, since AWS returns each once and every plan would show a change."
  }
}

variable "policy_documents" {
  type        = list(string)
  default     = []
  nullable    = false
  description = <<-EOT
    Policy documents (JSON) whose statements are added to the source queue's policy,
    for example to let an SNS topic send. Each Sid may occur once.
    `DenyInsecureTransport`, `OwnerAccount` and `SendFrom...` are the module's own.
  EOT

  validation {
    condition     = alltrue([for document in var.policy_documents : can(jsondecode(document).Statement)])
    error_message = "policy_documents must hold JSON policy documents with a Statement: use jsonencode or the json of data.aws_iam_policy_document."
  }

  validation {
    condition = alltrue([
      for sids in [[
        for statement in flatten([for document in var.policy_documents : try(jsondecode(document).Statement, [])]) :
        statement.Sid if can(statement.Sid)
      ]] : length(distinct(sids)) == length(sids) && length(setintersection(sids, ["DenyInsecureTransport", "OwnerAccount", "SendFromTopics", "SendFromRules", "SendFromBuckets", "SendFromAccounts"])) == 0
    ])
    error_message = "policy_documents use a Sid twice, or one of the module's own (DenyInsecureTransport, OwnerAccount, SendFromTopics, SendFromRules, SendFromBuckets, SendFromAccounts): rename it."
  }
}

variable "account_id" {
  type        = string
  default     = null
  description = <<-EOT
    Number of the account that the queues are in. Null (default) = asked of AWS, with one
    call for each instance of the module at every plan; give it to a fleet.
  EOT

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be an account number of 12 digits, in quotes."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for both queues; at most 50, keys up to 128 and values up to 256 characters."

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
  }
}
