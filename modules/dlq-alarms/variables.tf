variable "dlqs" {
  type = map(object({
    dlq_name = string

    severity                  = optional(string)
    runbook_url               = optional(string)
    count_in_flight           = optional(bool)
    treat_missing_data        = optional(string)
    alarm_actions             = optional(list(string))
    ok_actions                = optional(list(string))
    insufficient_data_actions = optional(list(string))
    tags                      = optional(map(string), {})
  }))
  nullable    = false
  description = <<-EOT
    The dead-letter queues to watch, by a key of your choice. The outputs of
    queue-with-dlq fit as they are: `{ orders = module.orders }`, or `module.queues`
    for a module with for_each.
    - `dlq_name`: name of the DLQ, with `.fifo` if it is FIFO.

    Each of the rest overrides the module's input of the same name for this queue;
    `tags` are merged with it.
    - `severity`, `runbook_url`, `count_in_flight`, `treat_missing_data`,
      `alarm_actions`, `ok_actions`, `insufficient_data_actions`, `tags`
  EOT

  validation {
    condition     = alltrue([for dlq in var.dlqs : can(regex("^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\\.fifo$", dlq.dlq_name))])
    error_message = "dlqs: dlq_name must be the name of a queue, of at most 80 letters, digits, hyphens and underscores (and .fifo), not its URL or ARN."
  }

  validation {
    condition     = length(distinct([for dlq in var.dlqs : dlq.dlq_name])) == length(var.dlqs)
    error_message = "dlqs names the same queue under two keys: its alarms would overwrite each other. Remove one; a DLQ shared by several sources is watched once."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.severity == null || can(regex("^[A-Za-z0-9._-]{1,32}$", dlq.severity))])
    error_message = "dlqs: severity must be 1 to 32 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.runbook_url == null || can(regex("^https?://[^[:space:]]{1,500}$", dlq.runbook_url))])
    error_message = "dlqs: runbook_url must be an http or https URL of at most 500 characters."
  }

  validation {
    condition     = alltrue([for dlq in var.dlqs : dlq.treat_missing_data == null || contains(["missing", "ignore", "breaching", "notBreaching"], coalesce(dlq.treat_missing_data, "-"))])
    error_message = "dlqs: treat_missing_data must be missing, ignore, breaching or notBreaching."
  }

  validation {
    condition = alltrue(flatten([
      for dlq in var.dlqs : [
        for actions in [dlq.alarm_actions, dlq.ok_actions, dlq.insufficient_data_actions] : [
          length(coalesce(actions, [])) <= 5,
          [for action in coalesce(actions, []) : can(regex("^arn:", action))],
        ]
      ]
    ]))
    error_message = "dlqs: alarm_actions, ok_actions and insufficient_data_actions may each hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "name_prefix" {
  type        = string
  default     = ""
  nullable    = false
  description = "What the alarms' names start with; at most 80 printable ASCII characters. The names are `<prefix><DLQ name>-not-empty<suffix>`."

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
  default     = "critical"
  nullable    = false
  description = "How bad it is when a DLQ holds messages, in your own words (`critical`, `SEV2`, `P1`). Goes into the alarms' descriptions and their `Severity` tag. Default `critical`."

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,32}$", var.severity))
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
    Whether messages in flight count as well as visible ones. True (default): two metrics
    in a metric-math expression, so that somebody who inspects the DLQ doesn't turn
    the alarm off. False: visible ones alone, one metric, half the price.
  EOT
}

variable "treat_missing_data" {
  type        = string
  default     = "notBreaching"
  nullable    = false
  description = <<-EOT
    What CloudWatch makes of minutes without data: `missing`, `ignore`, `breaching` or
    `notBreaching` (default). SQS stops publishing for a queue that nobody has touched for
    about 6 hours; see "When a queue goes silent" in the README.
  EOT

  validation {
    condition     = contains(["missing", "ignore", "breaching", "notBreaching"], var.treat_missing_data)
    error_message = "treat_missing_data must be missing, ignore, breaching or notBreaching."
  }
}

variable "actions_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the alarms run their actions. False keeps them evaluating, silently, during planned work. Default true."
}

variable "alarm_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start on ALARM, such as an SNS topic; at most 5. Without any the alarms are seen in the console only."

  validation {
    condition     = length(var.alarm_actions) <= 5 && alltrue([for action in var.alarm_actions : can(regex("^arn:", action))])
    error_message = "alarm_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "ok_actions" {
  type        = list(string)
  default     = null
  description = "ARNs of what to tell or start when the DLQ is empty again; at most 5. Null (default) = the same as on ALARM; `[]` = none."

  validation {
    condition     = length(coalesce(var.ok_actions, [])) <= 5 && alltrue([for action in coalesce(var.ok_actions, []) : can(regex("^arn:", action))])
    error_message = "ok_actions may hold at most 5 ARNs (an SNS topic's, a Lambda function's, ...)."
  }
}

variable "insufficient_data_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what to tell or start when there is no data; at most 5. With `treat_missing_data = \"notBreaching\"` that state is only seen before the first evaluation. Default none."

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
