# The inputs of terraform-aws-modules/sqs 5.2 under their names, without `region`: each costs
# Terraform something, used or not.
variable "create" {
  type        = bool
  default     = true
  description = "Whether anything is made."
}

variable "name" {
  type        = string
  default     = null
  description = "Name of the queue."
}

variable "use_name_prefix" {
  type        = bool
  default     = false
  description = "Whether the names are prefixes."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of both queues."
}

variable "delay_seconds" {
  type        = number
  default     = null
  description = "Delay of the queue, in seconds."
}

variable "max_message_size" {
  type        = number
  default     = null
  description = "Largest message of both queues, in bytes."
}

variable "message_retention_seconds" {
  type        = number
  default     = null
  description = "Retention of the queue, in seconds."
}

variable "receive_wait_time_seconds" {
  type        = number
  default     = null
  description = "Long polling of the queue, in seconds."
}

variable "visibility_timeout_seconds" {
  type        = number
  default     = null
  description = "Visibility timeout of the queue, in seconds."
}

variable "fifo_queue" {
  type        = bool
  default     = false
  description = "Whether the queues are FIFO."
}

variable "content_based_deduplication" {
  type        = bool
  default     = null
  description = "Content-based deduplication of the queue."
}

variable "deduplication_scope" {
  type        = string
  default     = null
  description = "Deduplication scope of the queue."
}

variable "fifo_throughput_limit" {
  type        = string
  default     = null
  description = "FIFO throughput limit of the queue."
}

variable "kms_master_key_id" {
  type        = string
  default     = null
  description = "KMS key of the queue."
}

variable "kms_data_key_reuse_period_seconds" {
  type        = number
  default     = null
  description = "For how long the queue reuses a data key, in seconds."
}

variable "sqs_managed_sse_enabled" {
  type        = bool
  default     = true
  description = "Whether the queue is encrypted with SSE-SQS."
}

variable "create_queue_policy" {
  type        = bool
  default     = false
  description = "Whether the queue gets a policy."
}

variable "source_queue_policy_documents" {
  type        = list(string)
  default     = []
  description = "Documents that the queue's policy starts from."
}

variable "override_queue_policy_documents" {
  type        = list(string)
  default     = []
  description = "Documents that override the queue's policy."
}

variable "queue_policy_statements" {
  type = map(object({
    sid            = optional(string)
    effect         = optional(string, "Allow")
    actions        = optional(list(string))
    not_actions    = optional(list(string))
    resources      = optional(list(string))
    not_resources  = optional(list(string))
    principals     = optional(list(object({ type = string, identifiers = list(string) })))
    not_principals = optional(list(object({ type = string, identifiers = list(string) })))
    condition      = optional(list(object({ test = string, variable = string, values = list(string) })))
  }))
  default     = null
  description = "Statements of the queue's policy."
}

variable "redrive_policy" {
  type        = any
  default     = {}
  description = "Redrive policy of the queue; the DLQ's ARN is added."
}

variable "redrive_allow_policy" {
  type        = any
  default     = {}
  description = "Redrive-allow policy of the queue."
}

variable "create_dlq" {
  type        = bool
  default     = false
  description = "Whether there is a DLQ."
}

variable "dlq_name" {
  type        = string
  default     = null
  description = "Name of the DLQ."
}

variable "dlq_tags" {
  type        = map(string)
  default     = {}
  description = "More tags of the DLQ."
}

variable "dlq_delay_seconds" {
  type        = number
  default     = null
  description = "Delay of the DLQ, in seconds."
}

variable "dlq_message_retention_seconds" {
  type        = number
  default     = null
  description = "Retention of the DLQ, in seconds."
}

variable "dlq_receive_wait_time_seconds" {
  type        = number
  default     = null
  description = "Long polling of the DLQ, in seconds."
}

variable "dlq_visibility_timeout_seconds" {
  type        = number
  default     = null
  description = "Visibility timeout of the DLQ, in seconds."
}

variable "dlq_content_based_deduplication" {
  type        = bool
  default     = null
  description = "Content-based deduplication of the DLQ."
}

variable "dlq_deduplication_scope" {
  type        = string
  default     = null
  description = "Deduplication scope of the DLQ."
}

variable "dlq_fifo_throughput_limit" {
  type        = string
  default     = null
  description = "FIFO throughput limit of the DLQ."
}

variable "dlq_kms_master_key_id" {
  type        = string
  default     = null
  description = "KMS key of the DLQ."
}

variable "dlq_kms_data_key_reuse_period_seconds" {
  type        = number
  default     = null
  description = "For how long the DLQ reuses a data key, in seconds."
}

variable "dlq_sqs_managed_sse_enabled" {
  type        = bool
  default     = true
  description = "Whether the DLQ is encrypted with SSE-SQS."
}

variable "create_dlq_queue_policy" {
  type        = bool
  default     = false
  description = "Whether the DLQ gets a policy."
}

variable "source_dlq_queue_policy_documents" {
  type        = list(string)
  default     = []
  description = "Documents that the DLQ's policy starts from."
}

variable "override_dlq_queue_policy_documents" {
  type        = list(string)
  default     = []
  description = "Documents that override the DLQ's policy."
}

variable "dlq_queue_policy_statements" {
  type = map(object({
    sid            = optional(string)
    effect         = optional(string, "Allow")
    actions        = optional(list(string))
    not_actions    = optional(list(string))
    resources      = optional(list(string))
    not_resources  = optional(list(string))
    principals     = optional(list(object({ type = string, identifiers = list(string) })))
    not_principals = optional(list(object({ type = string, identifiers = list(string) })))
    condition      = optional(list(object({ test = string, variable = string, values = list(string) })))
  }))
  default     = null
  description = "Statements of the DLQ's policy."
}

variable "create_dlq_redrive_allow_policy" {
  type        = bool
  default     = true
  description = "Whether the DLQ gets a redrive-allow policy."
}

variable "dlq_redrive_allow_policy" {
  type        = any
  default     = {}
  description = "More of the DLQ's redrive-allow policy."
}
