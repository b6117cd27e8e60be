variable "name" {
  type        = string
  default     = "tasks"
  nullable    = false
  description = "Name of the source queue; everything else is named after it."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region to deploy to."
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  nullable    = false
  description = "Processor of the functions: `x86_64`, or `arm64`, which costs less. The zips for both are built."
}

variable "functions_dir" {
  type        = string
  default     = null
  description = "Directory with the functions' zips by architecture. Null (default) = `dist` in this directory."
}

variable "fail" {
  type        = string
  default     = ""
  nullable    = false
  description = "A failure to inject into all tasks that have none of their own, for an outage: `always`, `times:<n>`, `permanent`, `panic`, `crash-before` or `crash-after`. Default none."
}

variable "consumer_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether tasks are worked on; switch it off in an outage, and they wait instead of using up their attempts."
}

variable "dead_letters_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether dead letters are recorded; switch it off to look at them in the DLQ."
}

variable "alarm_actions" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "ARNs of what the alarms tell, such as an SNS topic."
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for every resource."
}
