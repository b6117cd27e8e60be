variable "queues" {
  type = map(object({
    name     = optional(string)
    dlq_name = optional(string)
    fifo = optional(object({
      content_based_deduplication = optional(bool, false)
      high_throughput             = optional(bool, false)
    }))
    max_receive_count                 = optional(number)
    workload                          = optional(string, "general")
    consumer_timeout_seconds          = optional(number)
    visibility_timeout_seconds        = optional(number)
    message_retention_seconds         = optional(number, 345600)
    dlq_message_retention_seconds     = optional(number, 1209600)
    delay_seconds                     = optional(number, 0)
    receive_wait_time_seconds         = optional(number, 20)
    max_message_size                  = optional(number, 262144)
    kms_key_id                        = optional(string)
    kms_data_key_reuse_period_seconds = optional(number, 300)
    redrive_allow                     = optional(string, "byQueue")
    require_tls                       = optional(bool, true)
    policy_documents                  = optional(list(string), [])
    tags                              = optional(map(string), {})
  }))
  nullable    = false
  description = <<-EOT
    The queues, by a key of your choice. Each is an object of what differs from the
    defaults, `{}` at least; the fields are the inputs of queue-with-dlq, which says more
    about each.
    - `name` (the key): name of the source queue. `.fifo` is added on FIFO queues if missing.
    - `dlq_name` (`<name>-dlq`): name of the DLQ.
    - `fifo` (null = standard): `{}` at least for FIFO queues, with `content_based_deduplication` (false) and `high_throughput` (false).
    - `max_receive_count` (by `workload`): receives before the next attempt moves a message to the DLQ; 1 to 1000.
    - `workload` (`general`): `general` 5, `idempotent_fast` 3, `external_api` 6, `long_running` 3, `financial` 5 or `webhook` 7 receives.
    - `consumer_timeout_seconds` (null = not known): the longest that a consumer works on a message or batch; 1 to 43200.
    - `visibility_timeout_seconds` (6 x `consumer_timeout_seconds`, at least 30, at most 43200): 0 to 43200.
    - `message_retention_seconds` (345600, 4 days): of the source; 60 to 1209599.
    - `dlq_message_retention_seconds` (1209600, 14 days): longer than the source's, at most 14 days.
    - `delay_seconds` (0): 0 to 900.
    - `receive_wait_time_seconds` (20): 0 to 20.
    - `max_message_size` (262144): of both queues, in bytes; 1024 to 1048576. Above 262144 the provider must be 6.8 or later.
    - `kms_key_id` (null = SSE-SQS): key id, key ARN, alias name or alias ARN, for both queues.
    - `kms_data_key_reuse_period_seconds` (300): 60 to 86400.
    - `redrive_allow` (`byQueue`): `byQueue`, `allowAll`, `denyAll` or `off`.
    - `require_tls` (true): deny every action on both queues over plain HTTP.
    - `policy_documents` ([]): JSON policy documents whose statements are added to the source queue's policy.
    - `tags` ({}): added to the module's `tags`.
  EOT

  validation {
    condition     = alltrue([for key, queue in var.queues : can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", coalesce(queue.name, key)))])
    error_message = "queues: a name (the key, unless name is given) may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue). Rename ${join(", ", [for key, queue in var.queues : key if !can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", coalesce(queue.name, key)))])}, or give it a name."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.dlq_name == null || can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", queue.dlq_name))])
    error_message = "queues: dlq_name may hold only letters, digits, hyphens and underscores (and end in .fifo for a FIFO queue). Correct it in ${join(", ", [for key, queue in var.queues : key if !(queue.dlq_name == null || can(regex("^[A-Za-z0-9_-]+(\\.fifo)?$", queue.dlq_name)))])}."
  }

  validation {
    condition     = alltrue([for key, queue in var.queues : queue.fifo != null || !endswith(coalesce(queue.name, key), ".fifo") && !endswith(coalesce(queue.dlq_name, "-"), ".fifo")])
    error_message = "queues: a name ends in .fifo where fifo is null, in ${join(", ", [for key, queue in var.queues : key if !(queue.fifo != null || !endswith(coalesce(queue.name, key), ".fifo") && !endswith(coalesce(queue.dlq_name, "-"), ".fifo"))])}: set fifo = {} for FIFO queues, or drop the suffix for standard ones."
  }

  validation {
    condition = alltrue([
      for key, queue in var.queues :
      length(trimsuffix(coalesce(queue.name, key), ".fifo")) <= 80 - (queue.dlq_name == null ? 4 : 0) - (queue.fifo == null ? 0 : 5) &&
      length(trimsuffix(coalesce(queue.dlq_name, "-"), ".fifo")) <= 80 - (queue.fifo == null ? 0 : 5)
    ])
    error_message = "queues: SQS allows 80 characters for a name, and -dlq (unless dlq_name is given) and .fifo (for FIFO) are added to it. Shorten ${join(", ", [for key, queue in var.queues : key if !(length(trimsuffix(coalesce(queue.name, key), ".fifo")) <= 80 - (queue.dlq_name == null ? 4 : 0) - (queue.fifo == null ? 0 : 5) && length(trimsuffix(coalesce(queue.dlq_name, "-"), ".fifo")) <= 80 - (queue.fifo == null ? 0 : 5))])}."
  }

  # The suffix doesn't tell two names apart here: x and x.fifo may both exist, but a fleet
  # in which they do has most likely one too many.
  validation {
    condition = length(distinct(flatten([
      for key, queue in var.queues : [
        trimsuffix(coalesce(queue.name, key), ".fifo"),
        trimsuffix(coalesce(queue.dlq_name, "${trimsuffix(coalesce(queue.name, key), ".fifo")}-dlq"), ".fifo"),
      ]
    ]))) == 2 * length(var.queues)
    error_message = "queues: two queues have the same name, or a DLQ has the name of another queue. All names must differ by more than .fifo; a DLQ that several sources share is made by queue-with-dlq."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.max_receive_count == null || try(queue.max_receive_count >= 1 && queue.max_receive_count <= 1000 && floor(queue.max_receive_count) == queue.max_receive_count, false)])
    error_message = "queues: max_receive_count must be a whole number from 1 to 1000, or null to take it from workload; it isn't in ${join(", ", [for key, queue in var.queues : key if !(queue.max_receive_count == null || try(queue.max_receive_count >= 1 && queue.max_receive_count <= 1000 && floor(queue.max_receive_count) == queue.max_receive_count, false))])}."
  }

  validation {
    condition     = alltrue([for queue in var.queues : contains(["general", "idempotent_fast", "external_api", "long_running", "financial", "webhook"], queue.workload)])
    error_message = "queues: workload must be one of general, idempotent_fast, external_api, long_running, financial, webhook; it isn't in ${join(", ", [for key, queue in var.queues : key if !contains(["general", "idempotent_fast", "external_api", "long_running", "financial", "webhook"], queue.workload)])}. For another count set max_receive_count."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.consumer_timeout_seconds == null || try(queue.consumer_timeout_seconds >= 1 && queue.consumer_timeout_seconds <= 43200 && floor(queue.consumer_timeout_seconds) == queue.consumer_timeout_seconds, false)])
    error_message = "queues: consumer_timeout_seconds must be a whole number from 1 to 43200 (12 hours, the longest visibility timeout); it isn't in ${join(", ", [for key, queue in var.queues : key if !(queue.consumer_timeout_seconds == null || try(queue.consumer_timeout_seconds >= 1 && queue.consumer_timeout_seconds <= 43200 && floor(queue.consumer_timeout_seconds) == queue.consumer_timeout_seconds, false))])}."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.visibility_timeout_seconds == null || try(queue.visibility_timeout_seconds >= 0 && queue.visibility_timeout_seconds <= 43200 && floor(queue.visibility_timeout_seconds) == queue.visibility_timeout_seconds, false)])
    error_message = "queues: visibility_timeout_seconds must be a whole number from 0 to 43200 (12 hours); it isn't in ${join(", ", [for key, queue in var.queues : key if !(queue.visibility_timeout_seconds == null || try(queue.visibility_timeout_seconds >= 0 && queue.visibility_timeout_seconds <= 43200 && floor(queue.visibility_timeout_seconds) == queue.visibility_timeout_seconds, false))])}."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.visibility_timeout_seconds == null || queue.consumer_timeout_seconds == null || try(queue.visibility_timeout_seconds >= queue.consumer_timeout_seconds, false)])
    error_message = "queues: visibility_timeout_seconds is shorter than consumer_timeout_seconds in ${join(", ", [for key, queue in var.queues : key if !(queue.visibility_timeout_seconds == null || queue.consumer_timeout_seconds == null || try(queue.visibility_timeout_seconds >= queue.consumer_timeout_seconds, false))])}: messages would be received again, and counted, while their first consumer still works on them. Raise it (AWS recommends 6 x the timeout for Lambda), or leave it null to have it derived."
  }

  validation {
    condition = alltrue(flatten([
      for queue in var.queues : [
        for seconds in [queue.message_retention_seconds, queue.dlq_message_retention_seconds] :
        seconds >= 60 && seconds <= 1209600 && floor(seconds) == seconds
      ]
    ]))
    error_message = "queues: message_retention_seconds and dlq_message_retention_seconds must be whole numbers from 60 to 1209600 (14 days)."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.dlq_message_retention_seconds > queue.message_retention_seconds])
    error_message = "queues: dlq_message_retention_seconds must exceed message_retention_seconds, and doesn't in ${join(", ", [for key, queue in var.queues : key if !(queue.dlq_message_retention_seconds > queue.message_retention_seconds)])}: a standard DLQ counts from the original send, so a message that was dead-lettered late would vanish at once. Leave it at 1209600 (14 days), or lower message_retention_seconds."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.delay_seconds >= 0 && queue.delay_seconds <= 900 && floor(queue.delay_seconds) == queue.delay_seconds])
    error_message = "queues: delay_seconds must be a whole number from 0 to 900 (15 minutes). For longer delays schedule the send."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.receive_wait_time_seconds >= 0 && queue.receive_wait_time_seconds <= 20 && floor(queue.receive_wait_time_seconds) == queue.receive_wait_time_seconds])
    error_message = "queues: receive_wait_time_seconds must be a whole number from 0 to 20."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.max_message_size >= 1024 && queue.max_message_size <= 1048576 && floor(queue.max_message_size) == queue.max_message_size])
    error_message = "queues: max_message_size must be a whole number from 1024 to 1048576 bytes (1 MiB). Put larger payloads in S3 and send a reference."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.kms_key_id == null || can(regex("^(arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36})$", queue.kms_key_id))])
    error_message = "queues: kms_key_id must be a key id, a key ARN, an alias name (alias/...) or an alias ARN; null for SSE-SQS."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.kms_data_key_reuse_period_seconds >= 60 && queue.kms_data_key_reuse_period_seconds <= 86400 && floor(queue.kms_data_key_reuse_period_seconds) == queue.kms_data_key_reuse_period_seconds])
    error_message = "queues: kms_data_key_reuse_period_seconds must be a whole number from 60 to 86400 (1 day)."
  }

  validation {
    condition     = alltrue([for queue in var.queues : contains(["byQueue", "allowAll", "denyAll", "off"], queue.redrive_allow)])
    error_message = "queues: redrive_allow must be byQueue, allowAll, denyAll or off."
  }

  validation {
    condition     = alltrue(flatten([for queue in var.queues : [for document in queue.policy_documents : can(jsondecode(document).Statement)]]))
    error_message = "queues: policy_documents must hold JSON policy documents with a Statement: use jsonencode or the json of data.aws_iam_policy_document."
  }

  validation {
    condition = alltrue([
      for queue in var.queues : alltrue([
        for sids in [[
          for statement in flatten([for document in queue.policy_documents : try(jsondecode(document).Statement, [])]) :
          statement.Sid if can(statement.Sid)
        ]] : length(distinct(sids)) == length(sids) && !contains(sids, "DenyInsecureTransport") && !contains(sids, "OwnerAccount")
      ])
    ])
    error_message = "queues: policy_documents of one queue use a Sid twice, or one of the module's own (DenyInsecureTransport, OwnerAccount): rename it."
  }

  validation {
    condition = alltrue([
      for queue in var.queues : length(merge(var.tags, queue.tags)) <= 50 && alltrue([
        for key, value in queue.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")
      ])
    ])
    error_message = "queues: tags, with those of the module, may hold at most 50, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
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
  description = "Tags for all queues; at most 50, keys up to 128 and values up to 256 characters."

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
  }
}
