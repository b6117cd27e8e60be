variable "dlqs" {
  type = map(object({
    dlq_name                      = string
    dlq_message_retention_seconds = optional(number)
    message_retention_seconds     = optional(number)
    queue_name                    = optional(string)

    not_empty = optional(object({
      severity           = optional(string)
      treat_missing_data = optional(string)
    }), {})
    about_to_expire = optional(object({
      enabled     = optional(bool)
      severity    = optional(string)
      share       = optional(number)
      age_seconds = optional(number)
    }), {})
    filling_fast = optional(object({
      enabled        = optional(bool)
      severity       = optional(string)
      messages       = optional(number)
      period_seconds = optional(number)
    }), {})
    source_stuck = optional(object({
      enabled     = optional(bool)
      severity    = optional(string)
      age_seconds = optional(number)
    }), {})

    severity                  = optional(string)
    runbook_url               = optional(string)
    count_in_flight           = optional(bool)
    actions_enabled           = optional(bool)
    actions_by_severity       = optional(map(list(string)), {})
    alarm_actions             = optional(list(string))
    ok_actions                = optional(list(string))
    insufficient_data_actions = optional(list(string))
    tags                      = optional(map(string), {})
  }))
  nullable    = false
  description = <<-EOT
    The dead-letter queues to watch, by a key of your choice. The outputs of
    queue-with-dlq fit as they are: `{ orders = module.orders }`, or `module.queues`
    for a module with for_each; with settings of its own,
    `{ orders = merge(module.orders, { severity = "SEV1" }) }`.
    - `dlq_name`: name of the DLQ, with `.fifo` if it is FIFO.
    - `dlq_message_retention_seconds`, `message_retention_seconds`: retention of the
      DLQ and of its source queue, for `about_to_expire`. With several sources, the
      longest retention among them counts. A FIFO DLQ's own is enough.
    - `queue_name`: name of the source queue, for `source_stuck`.

    Each of the rest overrides the module's input of the same name for this queue, field
    by field; `tags` are merged with it. All may be unknown until apply, but for the keys
    of the map, `enabled` and `count_in_flight`, which decide what is made.
    - `not_empty`, `about_to_expire`, `filling_fast`, `source_stuck`, `severity`,
      `runbook_url`, `count_in_flight`, `actions_enabled`, `actions_by_severity`,
      `alarm_actions`, `ok_actions`, `insufficient_data_actions`, `tags`
  EOT

  validation {
    condition     = alltrue([for dlq in var.dlqs : can(regex("^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\\.fifo$", dlq.dlq_name))])
    error_message = "dlqs: dlq_name must be the name of a queue, of at most 80 letters, digits, hyphens and underscores (and .fifo), not its URL or ARN."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.queue_name == null || can(regex("^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\\.fifo$", dlq.queue_name))])
    error_message = "dlqs: queue_name must be the name of a queue, of at most 80 letters, digits, hyphens and underscores (and .fifo), not its URL or ARN."
  }

  validation {
    condition     = length(distinct([for dlq in var.dlqs : dlq.dlq_name])) == length(var.dlqs)
    error_message = "dlqs names the same queue under two keys: its alarms would overwrite each other. Remove one; a DLQ shared by several sources is watched once."
  }

  validation {
    condition     = length(distinct([for key, dlq in var.dlqs : coalesce(dlq.queue_name, "none of ${key}")])) == length(var.dlqs)
    error_message = "dlqs names the same source queue (queue_name) under two keys, but a queue has one DLQ. Correct one of them, or leave its queue_name out."
  }

  validation {
    condition = alltrue(flatten([
      for dlq in var.dlqs : [
        for seconds in [dlq.dlq_message_retention_seconds, dlq.message_retention_seconds] :
        try(seconds >= 60 && seconds <= 1209600, seconds == null)
      ]
    ]))
    error_message = "dlqs: dlq_message_retention_seconds and message_retention_seconds must be 60 to 1209600 (14 days), as SQS has them."
  }

  validation {
    condition = alltrue(flatten([
      for dlq in var.dlqs : [
        for severity in [dlq.severity, dlq.not_empty.severity, dlq.about_to_expire.severity, dlq.filling_fast.severity, dlq.source_stuck.severity] :
        severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", severity))
      ]
    ]))
    error_message = "dlqs: severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.runbook_url == null || can(regex("^https?://[^[:space:]]{1,500}$", dlq.runbook_url))])
    error_message = "dlqs: runbook_url must be an http or https URL of at most 500 characters."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.not_empty.treat_missing_data == null || contains(["missing", "ignore", "breaching", "notBreaching"], coalesce(dlq.not_empty.treat_missing_data, "-"))])
    error_message = "dlqs: not_empty.treat_missing_data must be missing, ignore, breaching or notBreaching."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : try(dlq.about_to_expire.share > 0 && dlq.about_to_expire.share < 1, dlq.about_to_expire.share == null)])
    error_message = "dlqs: about_to_expire.share must be more than 0 and less than 1: the share of the time in the DLQ after which the alarm fires, such as 0.5."
  }

  validation {
    condition = alltrue(flatten([
      for dlq in var.dlqs : [
        for seconds in [dlq.about_to_expire.age_seconds, dlq.source_stuck.age_seconds] :
        try(seconds >= 60 && seconds <= 1209600, seconds == null)
      ]
    ]))
    error_message = "dlqs: age_seconds, of about_to_expire and of source_stuck, must be 60 to 1209600 (14 days, the longest that SQS keeps a message)."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : try(dlq.filling_fast.messages >= 2, dlq.filling_fast.messages == null)])
    error_message = "dlqs: filling_fast.messages must be 2 or more: for a single message there is the alarm not_empty."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : contains(range(60, 3601, 60), coalesce(dlq.filling_fast.period_seconds, 60))])
    error_message = "dlqs: filling_fast.period_seconds must be a multiple of 60, from 60 to 3600."
  }

  validation {
    condition = alltrue(flatten([
      for dlq in var.dlqs : [
        for actions in concat([dlq.alarm_actions, dlq.ok_actions, dlq.insufficient_data_actions], values(dlq.actions_by_severity)) : [
          length(coalesce(actions, [])) <= 5,
          [for action in coalesce(actions, []) : can(regex("^arn:", action))],
        ]
      ]
    ]))
    error_message = "dlqs: alarm_actions, ok_actions, insufficient_data_actions and each severity of actions_by_severity may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "not_empty" {
  type = object({
    severity           = optional(string)
    treat_missing_data = optional(string, "notBreaching")
  })
  default     = {}
  nullable    = false
  description = <<-EOT
    The alarm that a DLQ holds messages. It is always made.
    - `severity` (`critical`): it is the one that tells of an outage, unless `filling_fast`
      does; then make it `warning`.
    - `treat_missing_data` (`notBreaching`): what CloudWatch makes of minutes without data:
      `missing`, `ignore`, `breaching` or `notBreaching`. SQS stops publishing for a queue
      that nobody has touched for about 6 hours; see "When a queue goes silent" in the
      README. (The other alarms have no choice: theirs read metrics that SQS leaves out
      for an empty queue, or fill the gaps.)
  EOT

  validation {
    condition     = var.not_empty.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", var.not_empty.severity))
    error_message = "not_empty.severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = contains(["missing", "ignore", "breaching", "notBreaching"], var.not_empty.treat_missing_data)
    error_message = "not_empty.treat_missing_data must be missing, ignore, breaching or notBreaching."
  }
}

variable "about_to_expire" {
  type = object({
    enabled     = optional(bool, true)
    severity    = optional(string)
    share       = optional(number, 0.5)
    age_seconds = optional(number)
  })
  default     = {}
  nullable    = false
  description = <<-EOT
    The alarm that SQS is going to delete messages of a DLQ.
    - `enabled` (true): it costs one metric, and what it warns of is lost for good.
    - `severity` (`warning`): by default, days are left.
    - `share` (0.5): how much of the time that a message has in the DLQ may pass before the
      alarm fires; more than 0 and less than 1. The time is the DLQ's retention less the
      source's, or on a FIFO DLQ all of its retention.
    - `age_seconds` (null): a fixed age instead, in seconds in the DLQ, 60 to 1209600; for
      queues whose retention you can't tell the module.
  EOT

  validation {
    condition     = var.about_to_expire.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", var.about_to_expire.severity))
    error_message = "about_to_expire.severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = var.about_to_expire.share > 0 && var.about_to_expire.share < 1
    error_message = "about_to_expire.share must be more than 0 and less than 1: the share of the time in the DLQ after which the alarm fires, such as 0.5."
  }

  validation {
    condition     = try(var.about_to_expire.age_seconds >= 60 && var.about_to_expire.age_seconds <= 1209600, var.about_to_expire.age_seconds == null)
    error_message = "about_to_expire.age_seconds must be 60 to 1209600 (14 days, the longest that SQS keeps a message)."
  }
}

variable "filling_fast" {
  type = object({
    enabled        = optional(bool, false)
    severity       = optional(string)
    messages       = optional(number, 10)
    period_seconds = optional(number, 300)
  })
  default     = {}
  nullable    = false
  description = <<-EOT
    The alarm that many messages come into a DLQ at once: an outage, not a poison message.
    - `enabled` (false): how many are many depends on the queue's traffic, and it costs two metrics.
    - `severity` (`critical`)
    - `messages` (10): by how many messages the DLQ has to grow from one period to the
      next; 2 or more.
    - `period_seconds` (300): a multiple of 60, up to 3600. Longer finds slower outages, later.
  EOT

  validation {
    condition     = var.filling_fast.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", var.filling_fast.severity))
    error_message = "filling_fast.severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = var.filling_fast.messages >= 2
    error_message = "filling_fast.messages must be 2 or more: for a single message there is the alarm not_empty."
  }

  validation {
    condition     = contains(range(60, 3601, 60), var.filling_fast.period_seconds)
    error_message = "filling_fast.period_seconds must be a multiple of 60, from 60 to 3600."
  }
}

variable "source_stuck" {
  type = object({
    enabled     = optional(bool, false)
    severity    = optional(string)
    age_seconds = optional(number)
  })
  default     = {}
  nullable    = false
  description = <<-EOT
    The alarm that a source queue's messages wait for too long: its consumers have
    stopped, hang, or don't keep up.
    - `enabled` (false): how long is too long depends on the work; it costs one metric.
    - `severity` (`critical`)
    - `age_seconds` (null): the age of the oldest message, in seconds, 60 to 1209600 and
      less than the source's retention. Null = 3600 (an hour), or a quarter of the
      retention where that is less. Take more than a message needs in the worst case, from
      the send to the delete: delay, waiting and all attempts.
  EOT

  validation {
    condition     = var.source_stuck.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", var.source_stuck.severity))
    error_message = "source_stuck.severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = try(var.source_stuck.age_seconds >= 60 && var.source_stuck.age_seconds <= 1209600, var.source_stuck.age_seconds == null)
    error_message = "source_stuck.age_seconds must be 60 to 1209600 (14 days, the longest that SQS keeps a message)."
  }
}

variable "name_prefix" {
  type        = string
  default     = ""
  nullable    = false
  description = "What the alarms' names start with; at most 80 printable ASCII characters. The names are `<prefix><DLQ name>-not-empty<suffix>`, `...-about-to-expire`, `...-filling-fast`, and `<prefix><source queue name>-source-stuck<suffix>`."

  validation {
    condition     = can(regex("^[ -~]{0,80}$", var.name_prefix))
    error_message = "name_prefix may hold at most 80 printable ASCII characters, so that every alarm's name fits into CloudWatch's 255."
  }
}

variable "name_suffix" {
  type        = string
  default     = ""
  nullable    = false
  description = "What the alarms' names end with; at most 60 printable ASCII characters."

  validation {
    condition     = can(regex("^[ -~]{0,60}$", var.name_suffix))
    error_message = "name_suffix may hold at most 60 printable ASCII characters, so that every alarm's name fits into CloudWatch's 255."
  }
}

variable "severity" {
  type        = string
  default     = null
  description = "How bad every alarm is, in your own words (`critical`, `SEV2`, `P1`). Goes into the alarms' descriptions and their `Severity` tag, and chooses from `actions_by_severity`. Null (default) = each alarm's own: `warning` for `about_to_expire`, `critical` for the others."

  validation {
    condition     = var.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", var.severity))
    error_message = "severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }
}

variable "runbook_url" {
  type        = string
  default     = null
  description = "Link to what to do about it, for the alarms' descriptions; an http or https URL of at most 500 characters. Null (default) = none."

  validation {
    condition     = var.runbook_url == null || can(regex("^https?://[^[:space:]]{1,500}$", var.runbook_url))
    error_message = "runbook_url must be an http or https URL of at most 500 characters."
  }
}

variable "count_in_flight" {
  type        = bool
  default     = true
  nullable    = false
  description = <<-EOT
    Whether messages in flight count as well as visible ones, for `not_empty` and
    `filling_fast`. True (default): two metrics in a metric-math expression, so that
    somebody who inspects the DLQ doesn't turn the one alarm off and, by returning what he
    took, the other on. False: visible ones alone, one metric, half the price.
  EOT
}

variable "actions_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the alarms run their actions. False keeps them evaluating, silently, during planned work. Default true."
}

variable "actions_by_severity" {
  type        = map(list(string))
  default     = {}
  nullable    = false
  description = <<-EOT
    Whom to tell by severity: `{ critical = [aws_sns_topic.pager.arn], warning = [aws_sns_topic.chat.arn] }`,
    at most 5 ARNs each. For an alarm whose severity isn't a key, `alarm_actions` holds. A
    queue's own `actions_by_severity`, then its own `alarm_actions`, go before both.
  EOT

  validation {
    condition     = alltrue(flatten([for actions in var.actions_by_severity : [length(actions) <= 5, [for action in actions : can(regex("^arn:", action))]]]))
    error_message = "actions_by_severity may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...) for each severity."
  }

  validation {
    condition     = alltrue([for severity in keys(var.actions_by_severity) : can(regex("^[A-Za-z0-9._-]{1,32}$", severity))])
    error_message = "actions_by_severity: the keys must be severities, of 1 to 32 letters, digits, dots, hyphens or underscores."
  }
}

variable "alarm_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start on ALARM, such as an SNS topic; at most 5. Without any, here or in `actions_by_severity`, the alarms are seen in the console only."

  validation {
    condition     = length(var.alarm_actions) <= 5 && alltrue([for action in var.alarm_actions : can(regex("^arn:", action))])
    error_message = "alarm_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "ok_actions" {
  type        = list(string)
  default     = null
  description = "ARNs of what to tell or start when an alarm is over; at most 5. Null (default) = the same as on ALARM; `[]` = none."

  validation {
    condition     = length(coalesce(var.ok_actions, [])) <= 5 && alltrue([for action in coalesce(var.ok_actions, []) : can(regex("^arn:", action))])
    error_message = "ok_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "insufficient_data_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start when there is no data; at most 5. As the alarms treat missing data by default, that state is only seen before the first evaluation. Default none."

  validation {
    condition     = length(var.insufficient_data_actions) <= 5 && alltrue([for action in var.insufficient_data_actions : can(regex("^arn:", action))])
    error_message = "insufficient_data_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for the alarms, beside `Severity`; at most 49."

  validation {
    condition     = length(var.tags) <= 49 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags may hold at most 49, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
  }
}
