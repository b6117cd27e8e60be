variable "name" {
  type        = string
  nullable    = false
  description = <<-EOT
    Name of the schedule group, which is this module's own. The failures DLQ is called
    `<name>-failures`, the alarm `<name>-failed`, and the roles `<name>-<key>` by key of
    `redrives`. Letters, digits, hyphens and underscores; with the longest key at most 63
    characters, since IAM takes 64. IAM's names are those of all regions: in a second
    region take another one.
  EOT

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,62}$", var.name))
    error_message = "name must be 1 to 62 letters, digits, hyphens and underscores: it is part of the names of a schedule group, a queue and roles."
  }

  validation {
    condition     = var.name != "default"
    error_message = "name is that of AWS's own schedule group, default, which can't be made again: choose another."
  }
}

variable "redrives" {
  type = map(object({
    dlq_arn                      = string
    queue_arn                    = optional(string)
    additional_source_queue_arns = optional(list(string), [])
    destination_arn              = optional(string)
    kms_key_arns                 = optional(list(string), [])

    enabled                 = optional(bool)
    schedule_expression     = optional(string)
    time_zone               = optional(string)
    flexible_window_minutes = optional(number)
    max_messages_per_second = optional(number)
    max_event_age_seconds   = optional(number)
    max_retry_attempts      = optional(number)
    tags                    = optional(map(string), {})
  }))
  nullable    = false
  description = <<-EOT
    The dead-letter queues to redrive, by a key of your choice, which is the schedule's name
    in the group. The outputs of queue-with-dlq fit as they are: `{ orders = module.orders }`,
    or `module.queues` for a module with for_each; with settings of its own,
    `{ orders = merge(module.orders, { max_messages_per_second = 50 }) }`.
    - `dlq_arn`: ARN of the DLQ. It must be the DLQ of an SQS queue.
    - `queue_arn`, `additional_source_queue_arns`: its source queues, all of them: each message
      returns to the one that it came from, and the role may send to no other.
    - `destination_arn`: a queue of the same type that gets the messages instead. Null
      (default) = the sources.
    - `kms_key_arns`: keys (not aliases) that encrypt the DLQ or the queues that get its
      messages, if any.

    Each of the rest overrides the module's input of the same name for this DLQ; `tags`, which
    go to the role, are merged with it. All but the keys of the map may be unknown until apply.
    - `enabled`, `schedule_expression`, `time_zone`, `flexible_window_minutes`,
      `max_messages_per_second`, `max_event_age_seconds`, `max_retry_attempts`, `tags`
  EOT

  validation {
    condition     = alltrue([for key in keys(var.redrives) : can(regex("^[A-Za-z0-9_.-]{1,62}$", key))])
    error_message = "redrives: the keys, which name the schedules, must be 1 to 62 letters, digits, dots, hyphens and underscores."
  }

  validation {
    condition     = alltrue([for key in keys(var.redrives) : length(var.name) + 1 + length(key) <= 64])
    error_message = "redrives: a key is too long: IAM takes 64 characters for a role's name, which is <name>-<key>. Shorten name (${length(var.name)} characters) or the key to ${63 - length(var.name)}."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", redrive.dlq_arn))])
    error_message = "redrives: dlq_arn must be an SQS queue's ARN (arn:aws:sqs:<region>:<account>:<name>), not its URL or name."
  }

  validation {
    condition = alltrue(flatten([
      for redrive in var.redrives : [
        for arn in concat([redrive.queue_arn, redrive.destination_arn], redrive.additional_source_queue_arns) :
        arn == null || can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", arn))
      ]
    ]))
    error_message = "redrives: queue_arn, additional_source_queue_arns and destination_arn must be SQS queues' ARNs (arn:aws:sqs:<region>:<account>:<name>), not their URLs or names."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : redrive.queue_arn != null || redrive.destination_arn != null || length(redrive.additional_source_queue_arns) > 0])
    error_message = "redrives: say where the messages go: queue_arn, the source queue (an output of queue-with-dlq), or destination_arn. The role may send to no other queue."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : !contains([redrive.queue_arn == null ? "-" : redrive.queue_arn, redrive.destination_arn == null ? "-" : redrive.destination_arn], redrive.dlq_arn) && !contains(redrive.additional_source_queue_arns, redrive.dlq_arn)])
    error_message = "redrives: a DLQ can't be its own source or destination: dlq_arn is the queue that is emptied, the others get its messages."
  }

  validation {
    condition     = length(distinct([for redrive in var.redrives : redrive.dlq_arn])) == length(var.redrives)
    error_message = "redrives names the same DLQ under two keys: SQS runs one task a DLQ at a time, and the second start would fail. Remove one; a DLQ shared by several sources is one entry with additional_source_queue_arns."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : length(redrive.additional_source_queue_arns) <= 10 && length(distinct(concat(redrive.additional_source_queue_arns, [redrive.queue_arn == null ? "-" : redrive.queue_arn]))) == length(redrive.additional_source_queue_arns) + 1])
    error_message = "redrives: additional_source_queue_arns may hold at most 10 ARNs, each once, and without queue_arn: remove what is there twice."
  }

  validation {
    condition = alltrue(flatten([
      for redrive in var.redrives : [
        for arn in concat([redrive.queue_arn, redrive.destination_arn], redrive.additional_source_queue_arns) :
        arn == null || try(endswith(arn, ".fifo"), false) == endswith(redrive.dlq_arn, ".fifo")
      ]
    ]))
    error_message = "redrives mixes types: the messages of a FIFO DLQ can go to FIFO queues only (names ending in .fifo), those of a standard DLQ to standard ones."
  }

  validation {
    condition     = alltrue(flatten([for redrive in var.redrives : [for arn in redrive.kms_key_arns : can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]]))
    error_message = "redrives: kms_key_arns must hold ARNs of keys (arn:aws:kms:<region>:<account>:key/<id>): IAM does not look behind an alias."
  }

  validation {
    condition = alltrue([
      for redrive in var.redrives : redrive.schedule_expression == null ||
      can(regex("^rate\\((1 (minute|hour|day)|[1-9][0-9]{0,8} (minute|hour|day)s)\\)$", redrive.schedule_expression)) ||
      can(regex("^cron\\(([0-9*,/-]+ ){2}(\\? [A-Za-z0-9*,/-]+ [A-Za-z0-9*,/#-]+|[0-9A-Za-z*,/-]+ [A-Za-z0-9*,/-]+ \\?) [0-9*,/-]+\\)$", redrive.schedule_expression))
    ])
    error_message = "redrives: schedule_expression must be cron(<minutes> <hours> <day of month> <month> <day of week> <year>), with ? for one of the two days, such as cron(0 3 * * ? *), or rate(<value> <unit>), such as rate(12 hours)."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : redrive.time_zone == null || can(regex("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", redrive.time_zone))])
    error_message = "redrives: time_zone must be a name of the IANA time zone database, such as Europe/Berlin or UTC."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : try(redrive.flexible_window_minutes >= 0 && redrive.flexible_window_minutes <= 1440 && floor(redrive.flexible_window_minutes) == redrive.flexible_window_minutes, redrive.flexible_window_minutes == null)])
    error_message = "redrives: flexible_window_minutes must be a whole number from 1 to 1440 (a day), or 0 for none."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : try(redrive.max_messages_per_second >= 1 && redrive.max_messages_per_second <= 500 && floor(redrive.max_messages_per_second) == redrive.max_messages_per_second, redrive.max_messages_per_second == null)])
    error_message = "redrives: max_messages_per_second must be a whole number from 1 to 500, as SQS has it."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : try(redrive.max_event_age_seconds >= 60 && redrive.max_event_age_seconds <= 86400 && floor(redrive.max_event_age_seconds) == redrive.max_event_age_seconds, redrive.max_event_age_seconds == null)])
    error_message = "redrives: max_event_age_seconds must be a whole number from 60 to 86400 (a day)."
  }

  validation {
    condition     = alltrue([for redrive in var.redrives : try(redrive.max_retry_attempts >= 0 && redrive.max_retry_attempts <= 185 && floor(redrive.max_retry_attempts) == redrive.max_retry_attempts, redrive.max_retry_attempts == null)])
    error_message = "redrives: max_retry_attempts must be a whole number from 0 to 185."
  }
}

variable "enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the schedules run. False keeps them, and does nothing: the switch for an outage that redriving would make worse. Default true."
}

variable "schedule_expression" {
  type        = string
  default     = "cron(0 3 * * ? *)"
  nullable    = false
  description = <<-EOT
    When to redrive: `cron(<minutes> <hours> <day of month> <month> <day of week> <year>)`, with
    `?` for one of the two days, or `rate(<value> <unit>)` with minutes, hours or days. Default
    `cron(0 3 * * ? *)`, every night at 3. A rate counts from when the schedule was made or
    changed, and begins at once.
  EOT

  validation {
    condition = (
      can(regex("^rate\\((1 (minute|hour|day)|[1-9][0-9]{0,8} (minute|hour|day)s)\\)$", var.schedule_expression)) ||
      can(regex("^cron\\(([0-9*,/-]+ ){2}(\\? [A-Za-z0-9*,/-]+ [A-Za-z0-9*,/#-]+|[0-9A-Za-z*,/-]+ [A-Za-z0-9*,/-]+ \\?) [0-9*,/-]+\\)$", var.schedule_expression))
    )
    error_message = "schedule_expression must be cron(<minutes> <hours> <day of month> <month> <day of week> <year>), with ? for one of the two days, such as cron(0 3 * * ? *), or rate(<value> <unit>), such as rate(12 hours)."
  }
}

variable "time_zone" {
  type        = string
  default     = "UTC"
  nullable    = false
  description = "Time zone of cron expressions, by its name in the IANA time zone database, such as `Europe/Berlin`. Default `UTC`. Keep cron expressions out of the hour that daylight saving time skips: that night there would be no redrive."

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", var.time_zone))
    error_message = "time_zone must be a name of the IANA time zone database, such as Europe/Berlin or UTC."
  }
}

variable "flexible_window_minutes" {
  type        = number
  default     = 0
  nullable    = false
  description = "How much later than planned a redrive may start, in minutes, 1 to 1440: so that those of a fleet don't start all at once. 0 (default) = on time."

  validation {
    condition     = var.flexible_window_minutes >= 0 && var.flexible_window_minutes <= 1440 && floor(var.flexible_window_minutes) == var.flexible_window_minutes
    error_message = "flexible_window_minutes must be a whole number from 1 to 1440 (a day), or 0 for none."
  }
}

variable "max_messages_per_second" {
  type        = number
  default     = 10
  nullable    = false
  description = <<-EOT
    How many messages a second are moved at most, 1 to 500. Default 10: consumers that have
    just recovered also have their usual load. Choose what they can take besides; a task ends
    after 36 hours at the latest, which at 10 a second is 1.3 million messages.
  EOT

  validation {
    condition     = var.max_messages_per_second >= 1 && var.max_messages_per_second <= 500 && floor(var.max_messages_per_second) == var.max_messages_per_second
    error_message = "max_messages_per_second must be a whole number from 1 to 500, as SQS has it."
  }
}

variable "max_event_age_seconds" {
  type        = number
  default     = 3600
  nullable    = false
  description = "For how long after its time a start that fails is tried again, in seconds, 60 to 86400. Default 3600: later it is no longer the hour that you chose."

  validation {
    condition     = var.max_event_age_seconds >= 60 && var.max_event_age_seconds <= 86400 && floor(var.max_event_age_seconds) == var.max_event_age_seconds
    error_message = "max_event_age_seconds must be a whole number from 60 to 86400 (a day)."
  }
}

variable "max_retry_attempts" {
  type        = number
  default     = 185
  nullable    = false
  description = "How often a start that fails is tried again, 0 to 185, with growing pauses. Default 185, AWS's own: `max_event_age_seconds` ends it."

  validation {
    condition     = var.max_retry_attempts >= 0 && var.max_retry_attempts <= 185 && floor(var.max_retry_attempts) == var.max_retry_attempts
    error_message = "max_retry_attempts must be a whole number from 0 to 185."
  }
}

variable "existing_failures_dlq" {
  type = object({
    arn         = string
    kms_key_arn = optional(string)
  })
  default     = null
  description = <<-EOT
    A standard queue that exists already for the starts that failed, for example one that
    several groups share; null (default) = this module makes one.
    - `arn`: ARN of the queue, of the same account and region.
    - `kms_key_arn`: ARN of the key that encrypts it, if one does.
  EOT

  validation {
    condition     = var.existing_failures_dlq == null || can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.existing_failures_dlq.arn))
    error_message = "existing_failures_dlq: arn must be a standard SQS queue's ARN (arn:aws:sqs:<region>:<account>:<name>), not its URL or name; the scheduler can't use a FIFO queue."
  }

  validation {
    condition     = var.existing_failures_dlq == null || try(var.existing_failures_dlq.kms_key_arn, null) == null || can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.existing_failures_dlq.kms_key_arn))
    error_message = "existing_failures_dlq: kms_key_arn must be the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>): IAM does not look behind an alias."
  }

  validation {
    condition     = var.existing_failures_dlq == null || var.failures_kms_key_arn == null
    error_message = "existing_failures_dlq and failures_kms_key_arn exclude each other: the queue has its key already; say which in existing_failures_dlq.kms_key_arn."
  }
}

variable "failures_kms_key_arn" {
  type        = string
  default     = null
  description = "ARN of the KMS key that encrypts the failures DLQ. Null (default) = SSE-SQS; it is always encrypted."

  validation {
    condition     = var.failures_kms_key_arn == null || can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.failures_kms_key_arn))
    error_message = "failures_kms_key_arn must be the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>): IAM does not look behind an alias."
  }
}

variable "alarm_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start when a redrive could not be started, such as an SNS topic; at most 5. Without any, the alarm is seen in the console only."

  validation {
    condition     = length(var.alarm_actions) <= 5 && alltrue([for action in var.alarm_actions : can(regex("^arn:", action))])
    error_message = "alarm_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "ok_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start when the alarm is over; at most 5. Default none: it is over some minutes later whatever was done."

  validation {
    condition     = length(var.ok_actions) <= 5 && alltrue([for action in var.ok_actions : can(regex("^arn:", action))])
    error_message = "ok_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "actions_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the alarm runs its actions. Default true."
}

variable "runbook_url" {
  type        = string
  default     = null
  description = "Link to what to do about it, for the alarm's description; an http or https URL of at most 400 characters. Null (default) = none."

  validation {
    condition     = var.runbook_url == null || can(regex("^https?://[^[:space:]]{1,392}$", var.runbook_url))
    error_message = "runbook_url must be an http or https URL of at most 400 characters."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  default     = null
  description = "ARN of a policy that bounds what the roles may do, where your account demands one. Null (default) = none."

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy (arn:aws:iam::<account>:policy/<name>)."
  }
}

variable "account_id" {
  type        = string
  default     = null
  description = "Number of the account that the queues are in. Null (default) = asked of AWS, with one call at every plan."

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be an account number of 12 digits, in quotes."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for the schedule group, the roles, the failures DLQ and the alarm; at most 50, keys up to 128 and values up to 256 characters. (A schedule itself takes none.)"

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
  }
}
