variable "queue" {
  type = object({
    queue_arn                  = string
    visibility_timeout_seconds = number
  })
  nullable    = false
  description = <<-EOT
    The queue to consume. The outputs of queue-with-dlq fit as they are: `queue = module.orders`.
    - `queue_arn`: its ARN. It must be of the region that the function is in; of another
      account its policy must let the function's role consume it.
    - `visibility_timeout_seconds`: its visibility timeout; at least 6 x the function's
      timeout, plus `batching_window_seconds`.
  EOT

  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\\.fifo)?$", var.queue.queue_arn))
    error_message = "queue: queue_arn must be an SQS queue's ARN (arn:aws:sqs:<region>:<account>:<name>), not its URL or name."
  }

  validation {
    condition = try(
      var.queue.visibility_timeout_seconds >= var.batching_window_seconds + 6 * coalesce(try(var.function.timeout_seconds, null), try(var.existing_function.timeout_seconds, null), 0),
      false,
    )
    error_message = "queue: visibility_timeout_seconds is too short: Lambda needs 6 x the function's timeout, plus batching_window_seconds, or messages come back, and are counted, while they are still worked on. Set the queue's to at least ${var.batching_window_seconds + 6 * coalesce(try(var.function.timeout_seconds, null), try(var.existing_function.timeout_seconds, null), 0)} (consumer_timeout_seconds = ${coalesce(try(var.function.timeout_seconds, null), try(var.existing_function.timeout_seconds, null), 0)} of queue-with-dlq, where there is no window), or shorten the function's timeout_seconds."
  }

  validation {
    condition     = !can(regex("\\.fifo$", var.queue.queue_arn)) || (var.batch_size <= 10 && var.batching_window_seconds == 0)
    error_message = "queue: of a FIFO queue Lambda takes batches of at most 10 messages, and no batching window. Set batch_size to 10 or less and leave batching_window_seconds at 0."
  }
}

variable "function" {
  type = object({
    name     = string
    filename = string

    source_code_hash = optional(string)
    description      = optional(string)
    runtime          = optional(string, "provided.al2023")
    handler          = optional(string, "bootstrap")
    architecture     = optional(string, "x86_64")

    timeout_seconds      = optional(number, 5)
    memory_mb            = optional(number, 128)
    reserved_concurrency = optional(number)
    environment          = optional(map(string), {})

    policies                 = optional(map(string), {})
    role_name                = optional(string)
    permissions_boundary_arn = optional(string)

    log_retention_days = optional(number, 30)
    log_kms_key_arn    = optional(string)
  })
  default     = null
  description = <<-EOT
    The function to make, with its role and log group; null where `existing_function` is given.
    - `name`: name of the function and, with `/aws/lambda/` before it, of its log group; 1 to
      64 letters, digits, hyphens and underscores.
    - `filename`: path of the zip with its code.
    - `source_code_hash`: base64 of the zip's SHA-256, by which changes of the code are
      noticed. Null (default) = computed from `filename`, which must then exist at the plan.
    - `description`: at most 256 characters. Null (default) = none.
    - `runtime` (`provided.al2023`), `handler` (`bootstrap`), `architecture` (`x86_64`, or `arm64`).
    - `timeout_seconds` (5): the longest that it works on a batch, in seconds, 1 to 900.
    - `memory_mb` (128): memory in MB, 128 to 10240.
    - `reserved_concurrency`: how many of it may run at a time whatever invokes it, 2 or more;
      at least `maximum_concurrency`, which must be set too. Null (default) = not reserved.
    - `environment` (`{}`): environment variables, 4 KB of them in all.
    - `policies` (`{}`): IAM policy documents (JSON), by name, for what its work needs besides
      the queue and the logs.
    - `role_name`: name of its role, at most 64 characters. Null (default) = `name`. IAM's
      names are those of all regions: in a second region take another one.
    - `permissions_boundary_arn`: ARN of a policy that bounds what the role may do. Null
      (default) = none.
    - `log_retention_days` (30): how long logs are kept, in days, as CloudWatch has them (1, 3, 5, 7, 14, 30, ...); 0
      = for ever.
    - `log_kms_key_arn`: ARN of the KMS key that encrypts the logs; its policy must let
      CloudWatch Logs use it. Null (default) = CloudWatch's own.
  EOT

  validation {
    condition     = (var.function == null) != (var.existing_function == null)
    error_message = "function and existing_function: give one of the two. function makes a function from a zip; existing_function names one that you have."
  }

  validation {
    condition     = var.function == null || can(regex("^[A-Za-z0-9_-]{1,64}$", var.function.name))
    error_message = "function: name must be 1 to 64 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = var.function == null || try(length(var.function.description), 0) <= 256
    error_message = "function: description may have at most 256 characters."
  }

  validation {
    condition     = var.function == null || contains(["x86_64", "arm64"], try(var.function.architecture, "-"))
    error_message = "function: architecture must be x86_64 or arm64, as the program in the zip was built for (GOARCH=amd64 or arm64)."
  }

  validation {
    condition     = var.function == null || try(var.function.timeout_seconds >= 1 && var.function.timeout_seconds <= 900 && floor(var.function.timeout_seconds) == var.function.timeout_seconds, false)
    error_message = "function: timeout_seconds must be a whole number from 1 to 900 (15 minutes). Longer work is for a worker in a container."
  }

  validation {
    condition     = var.function == null || try(var.function.memory_mb >= 128 && var.function.memory_mb <= 10240 && floor(var.function.memory_mb) == var.function.memory_mb, false)
    error_message = "function: memory_mb must be a whole number from 128 to 10240."
  }

  validation {
    condition     = try(var.function.reserved_concurrency, null) == null || try(var.function.reserved_concurrency >= 2 && floor(var.function.reserved_concurrency) == var.function.reserved_concurrency, false)
    error_message = "function: reserved_concurrency must be a whole number of at least 2, the least maximum_concurrency that Lambda has. To stop the consumer set enabled = false."
  }

  validation {
    condition     = try(var.function.reserved_concurrency, null) == null || try(var.function.reserved_concurrency < 2, false) || try(var.maximum_concurrency <= var.function.reserved_concurrency, false)
    error_message = "function: reserved_concurrency needs a maximum_concurrency of at most as many: Lambda takes messages regardless of what is reserved, so that those beyond would be throttled, counted as received, and dead-lettered unseen. Set maximum_concurrency, or leave reserved_concurrency out."
  }

  validation {
    condition = var.function == null || alltrue([
      for name in try(keys(var.function.environment), []) :
      can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !contains([
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
      ], name)
    ])
    error_message = "function: the names in environment must begin with a letter, have two or more letters, digits and underscores, and be none that Lambda sets itself (AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, ...)."
  }

  validation {
    condition     = var.function == null || alltrue([for name in try(keys(var.function.policies), []) : can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", name)) && !contains(["consume", "logs"], name)])
    error_message = "function: the keys of policies, which name them in the role, must be 1 to 128 letters, digits and any of +=,.@_-, and neither consume nor logs, which are this module's own."
  }

  validation {
    condition     = var.function == null || alltrue([for policy in try(values(var.function.policies), []) : can(keys(jsondecode(policy)))])
    error_message = "function: policies must hold IAM policy documents as JSON: jsonencode({...}), or the json of an aws_iam_policy_document."
  }

  validation {
    condition     = try(var.function.role_name, null) == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.function.role_name))
    error_message = "function: role_name must be 1 to 64 letters, digits and any of +=,.@_-"
  }

  validation {
    condition     = try(var.function.permissions_boundary_arn, null) == null || can(regex("^arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy/.+$", var.function.permissions_boundary_arn))
    error_message = "function: permissions_boundary_arn must be the ARN of an IAM policy (arn:aws:iam::<account>:policy/<name>)."
  }

  validation {
    condition = var.function == null || contains(
      [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      try(var.function.log_retention_days, -1),
    )
    error_message = "function: log_retention_days must be a number of days that CloudWatch has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653; or 0 for ever."
  }

  validation {
    condition     = try(var.function.log_kms_key_arn, null) == null || can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.function.log_kms_key_arn))
    error_message = "function: log_kms_key_arn must be the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), not an alias."
  }
}

variable "existing_function" {
  type = object({
    name                 = string
    timeout_seconds      = number
    reserved_concurrency = optional(number)
    role = optional(object({
      name = string
    }))
  })
  default     = null
  description = <<-EOT
    A function that you have: with code from S3 or an image, in a VPC, with an alias. It must
    answer with `batchItemFailures`. Null where `function` is given.
    - `name`: its name or ARN, with its alias if it has one.
    - `timeout_seconds`: its timeout, in seconds, 1 to 900; `aws_lambda_function.yours.timeout`.
    - `reserved_concurrency`: what is reserved for it, if anything.
    - `role`: its role, whose policy this module then puts there. Null (default) = you attach
      the output `consumer_policy_json` to it; Lambda refuses the mapping otherwise.
      - `name`: the role's name, not its ARN.
  EOT

  validation {
    condition     = var.existing_function == null || can(regex("^(arn:[a-z0-9-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$", var.existing_function.name))
    error_message = "existing_function: name must be a function's name or ARN (arn:aws:lambda:<region>:<account>:function:<name>), with its alias or version behind a colon if it has one."
  }

  validation {
    condition     = var.existing_function == null || try(var.existing_function.timeout_seconds >= 1 && var.existing_function.timeout_seconds <= 900 && floor(var.existing_function.timeout_seconds) == var.existing_function.timeout_seconds, false)
    error_message = "existing_function: timeout_seconds must be a whole number from 1 to 900, the function's own timeout."
  }

  validation {
    condition     = try(var.existing_function.reserved_concurrency, null) == null || try(var.existing_function.reserved_concurrency >= 2 && floor(var.existing_function.reserved_concurrency) == var.existing_function.reserved_concurrency, false)
    error_message = "existing_function: reserved_concurrency must be a whole number of at least 2, the least maximum_concurrency that Lambda has; null if nothing is reserved."
  }

  validation {
    condition     = try(var.existing_function.reserved_concurrency, null) == null || try(var.existing_function.reserved_concurrency < 2, false) || try(var.maximum_concurrency <= var.existing_function.reserved_concurrency, false)
    error_message = "existing_function: reserved_concurrency needs a maximum_concurrency of at most as many: Lambda takes messages regardless of what is reserved, so that those beyond would be throttled, counted as received, and dead-lettered unseen. Set maximum_concurrency, or leave reserved_concurrency out."
  }

  validation {
    condition     = try(var.existing_function.role, null) == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.existing_function.role.name))
    error_message = "existing_function: role.name must be a role's name, without its path or the rest of its ARN."
  }
}

variable "enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the queue is consumed. False leaves its messages where they are: the switch for an outage in which every attempt would be spent for nothing. Default true."
}

variable "batch_size" {
  type        = number
  default     = 10
  nullable    = false
  description = "How many messages the function gets at most at a time; 1 to 10000, on a FIFO queue to 10. Default 10; more needs a `batching_window_seconds`. A batch has the function's timeout in all, not each message."

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000 && floor(var.batch_size) == var.batch_size
    error_message = "batch_size must be a whole number from 1 to 10000."
  }

  validation {
    condition     = var.batch_size <= 10 || var.batching_window_seconds >= 1
    error_message = "batch_size of more than 10 needs a batching_window_seconds of at least 1: Lambda takes 10 messages at a time, and must be given time to gather more. Set it, or batch_size to 10."
  }
}

variable "batching_window_seconds" {
  type        = number
  default     = 0
  nullable    = false
  description = "How long Lambda gathers messages for a batch, in seconds; 0 (default) to 300, on a FIFO queue 0. The messages' visibility timeout runs meanwhile."

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300 && floor(var.batching_window_seconds) == var.batching_window_seconds
    error_message = "batching_window_seconds must be a whole number from 0 to 300."
  }
}

variable "maximum_concurrency" {
  type        = number
  default     = null
  description = <<-EOT
    How many of the function may work on this queue at a time, 2 to 1000: what protects a
    database behind it. Null (default) = as many as Lambda scales to.
  EOT

  validation {
    condition     = var.maximum_concurrency == null || try(var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000 && floor(var.maximum_concurrency) == var.maximum_concurrency, false)
    error_message = "maximum_concurrency must be a whole number from 2 to 1000. For one at a time use a FIFO queue with one message group."
  }
}

variable "filter_patterns" {
  type        = list(string)
  default     = []
  nullable    = false
  description = <<-EOT
    Patterns (JSON) of the messages that the function gets, up to 10 (5 without a raised
    quota); one that matches is enough. Default none: it gets all. Lambda **deletes** what
    no pattern matches, and no DLQ gets it. SQS patterns can look at the body only:
    `jsonencode({ body = { kind = ["order"] } })`.
  EOT

  validation {
    condition     = length(var.filter_patterns) <= 10 && alltrue([for pattern in var.filter_patterns : length(pattern) <= 4096])
    error_message = "filter_patterns may hold at most 10 patterns of at most 4096 characters."
  }

  validation {
    condition     = alltrue([for pattern in var.filter_patterns : try(keys(jsondecode(pattern)) == ["body"], false)])
    error_message = "filter_patterns must each be a JSON object with body as its only member, such as jsonencode({ body = { kind = [\"order\"] } }): Lambda can filter SQS messages by nothing else."
  }
}

variable "change_visibility" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the function may change the visibility timeout of its messages, as backing off takes (consumer.BackoffThrough). Default true."
}

variable "kms_key_arns" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of the KMS keys (not aliases) that encrypt the queue, if any: the role must be able to decrypt."

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "kms_key_arns must hold ARNs of keys (arn:aws:kms:<region>:<account>:key/<id>): IAM does not look behind an alias."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for the mapping, the function, its role and its log group; at most 50, keys up to 128 and values up to 256 characters."

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : length(key) >= 1 && length(key) <= 128 && length(coalesce(value, "-")) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags may hold at most 50, with keys of 1 to 128 characters that don't start with aws:, and values of at most 256."
  }
}
