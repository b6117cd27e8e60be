variable "dashboard_name" {
  type        = string
  nullable    = false
  description = "Name of the dashboard, unique in the account: dashboards belong to no region. 1 to 255 letters, digits, hyphens and underscores."

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.dashboard_name))
    error_message = "dashboard_name must be 1 to 255 letters, digits, hyphens and underscores: CloudWatch takes no spaces, dots or slashes. What people read is the title."
  }
}

variable "queues" {
  type = map(object({
    queue_name = string
    dlq_name   = string

    message_retention_seconds     = optional(number)
    dlq_message_retention_seconds = optional(number)
    runbook_url                   = optional(string)
  }))
  nullable    = false
  description = <<-EOT
    The queue pairs to show, by a key of your choice, in the order of the keys. The outputs
    of queue-with-dlq fit as they are: `{ orders = module.orders }`, or `module.queues` for
    a module with for_each.
    - `queue_name`, `dlq_name`: names of the source queue and its DLQ, with `.fifo` if they
      are FIFO. A DLQ that several pairs share is counted once in the total.
    - `message_retention_seconds`, `dlq_message_retention_seconds`: what the queues are set
      to, 60 to 1209600. They draw the lines at which the DLQ's messages expire.
    - `runbook_url`: link beside the queue's name, in the detailed layout.
  EOT

  validation {
    condition     = alltrue([for queue in var.queues : can(regex("^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\\.fifo$", queue.queue_name)) && can(regex("^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\\.fifo$", queue.dlq_name))])
    error_message = "queues: queue_name and dlq_name must be names of queues, of at most 80 letters, digits, hyphens and underscores (and .fifo), not URLs or ARNs."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.queue_name != queue.dlq_name])
    error_message = "queues: queue_name and dlq_name are the same queue. Give the source queue's name and its DLQ's."
  }

  validation {
    condition = alltrue(flatten([
      for queue in var.queues : [
        for seconds in [queue.message_retention_seconds, queue.dlq_message_retention_seconds] :
        seconds == null ? true : seconds >= 60 && seconds <= 1209600
      ]
    ]))
    error_message = "queues: message_retention_seconds and dlq_message_retention_seconds must be 60 to 1209600 (14 days), as SQS has it."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.runbook_url == null || can(regex("^https?://[^[:space:]()]{1,500}$", queue.runbook_url))])
    error_message = "queues: runbook_url must be an http or https URL of at most 500 characters, without spaces or parentheses (write them as %20, %28 and %29)."
  }

  validation {
    condition     = length(var.queues) <= 240
    error_message = "queues holds more than the 240 pairs that fit into one dashboard: CloudWatch takes 2,500 metrics, and each pair needs 10. Split the map over several dashboards, by team or by service."
  }
}

variable "layout" {
  type        = string
  default     = null
  description = <<-EOT
    `detailed`: four graphs a pair, for up to 90 pairs. `compact`: eight graphs for every 25
    pairs with a line for each, for up to 240. Null (default) = detailed up to 20 pairs, compact
    beyond.
  EOT

  validation {
    condition     = contains(["detailed", "compact", "-"], coalesce(var.layout, "-")) && var.layout != "-"
    error_message = "layout must be detailed or compact; null chooses by the number of queues."
  }

  validation {
    condition     = var.layout != "detailed" || length(var.queues) <= 90
    error_message = "layout detailed takes at most 90 queue pairs: CloudWatch takes 500 widgets, and each pair needs 5. Take compact, or split the queues over several dashboards."
  }
}

variable "alarm_arns" {
  type        = map(map(string))
  default     = {}
  nullable    = false
  description = <<-EOT
    ARNs of the alarms whose states to show, by queue and kind of alarm. The output
    `alarm_arns` of dlq-alarms fits as it is; alarms that are null are left out. Default none.
  EOT

  validation {
    condition     = alltrue(flatten([for alarms in var.alarm_arns : [for arn in values(alarms) : arn == null || can(regex("^arn:[a-z-]+:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$", arn))]]))
    error_message = "alarm_arns must hold ARNs of CloudWatch alarms (arn:aws:cloudwatch:<region>:<account>:alarm:<name>), not names: take the output alarm_arns of dlq-alarms."
  }
}

variable "title" {
  type        = string
  default     = null
  description = "Heading of the dashboard, one line of at most 200 characters. Null (default) = the dashboard's name."

  validation {
    condition     = var.title == null || can(regex("^[^\n]{1,200}$", var.title))
    error_message = "title must be one line of 1 to 200 characters; longer text goes into header_markdown."
  }
}

variable "links" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Links below the heading, as text => http or https URL: `{ Runbook = \"https://...\", \"On call\" = \"https://...\" }`. Default none."

  validation {
    condition     = alltrue([for text, url in var.links : can(regex("^[^][\n]{1,80}$", text)) && can(regex("^https?://[^[:space:]()]{1,500}$", coalesce(url, "-")))])
    error_message = "links must map texts of at most 80 characters, without square brackets, to http or https URLs of at most 500 characters, without spaces or parentheses (write them as %20, %28 and %29)."
  }
}

variable "header_markdown" {
  type        = string
  default     = null
  description = "Markdown below the heading and the links: who owns the queues, what to do first. Null (default) = none."

  validation {
    condition     = var.header_markdown == null || length(coalesce(var.header_markdown, "-")) <= 10000
    error_message = "header_markdown may hold at most 10000 characters: a dashboard is no wiki. Link to the rest with links."
  }
}

variable "period" {
  type        = number
  default     = 300
  nullable    = false
  description = "Seconds that a data point stands for, a multiple of 60 up to 86400: SQS publishes each minute. With `period_override = \"auto\"` CloudWatch takes longer ones for long time ranges. Default 300."

  validation {
    condition     = var.period >= 60 && var.period <= 86400 && var.period % 60 == 0
    error_message = "period must be a multiple of 60 from 60 to 86400: SQS publishes its metrics each minute."
  }
}

variable "period_override" {
  type        = string
  default     = "auto"
  nullable    = false
  description = "`auto` (default): CloudWatch adapts the period to the time range that is looked at. `inherit`: always `period`."

  validation {
    condition     = contains(["auto", "inherit"], var.period_override)
    error_message = "period_override must be auto or inherit."
  }
}

variable "start" {
  type        = string
  default     = "-P1D"
  nullable    = false
  description = "Where the time range begins when the dashboard is opened: relative, as `-PT3H` or `-P7D`, or a time as `2026-11-24T09:00:00.000Z`. Default `-P1D`."

  validation {
    condition     = can(regex("^-PT[1-9][0-9]{0,3}[MH]$|^-P[1-9][0-9]{0,3}[DWM]$|^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?Z$", var.start))
    error_message = "start must be relative (-PT30M, -PT3H, -P1D, -P2W, -P1M) or a time in UTC (2026-11-24T09:00:00.000Z)."
  }
}

variable "region" {
  type        = string
  default     = null
  description = "Region of the queues. Null (default) = the provider's."

  validation {
    condition     = var.region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region must be the code of a region, such as eu-west-1."
  }
}

variable "widgets_extra" {
  type        = any
  default     = []
  nullable    = false
  description = <<-EOT
    Further widgets to put below the module's own, as a list of objects of AWS's "Dashboard
    body structure": `type`, `x`, `y`, `width`, `height`, `properties`. Their `y` counts from
    the end of the module's. Default none.
  EOT

  validation {
    condition     = can([for widget in var.widgets_extra : merge(widget.properties, { type = widget.type })]) && !can(keys(var.widgets_extra))
    error_message = "widgets_extra must be a list of objects, each with at least type and properties, as AWS's \"Dashboard body structure\" has them."
  }
}
