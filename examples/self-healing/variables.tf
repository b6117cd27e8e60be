variable "name" {
  type        = string
  default     = "orders"
  nullable    = false
  description = "Name of the source queue; everything else is named after it."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region to deploy to."
}

variable "max_receive_count" {
  type        = number
  default     = 3
  nullable    = false
  description = "How many times a message is received before the next attempt moves it to the DLQ; 1 to 1000."
}

variable "time_zone" {
  type        = string
  default     = "Europe/Berlin"
  nullable    = false
  description = "Time zone of the nightly redrive, which is at 3 there."
}

variable "max_messages_per_second" {
  type        = number
  default     = 10
  nullable    = false
  description = "How many messages a second the redrive returns to the queue; 1 to 500."
}

variable "redrive_enabled" {
  type        = bool
  default     = true
  nullable    = false
  description = "Whether the redrive runs; switch it off in an outage that outlasts the night."
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for every resource."
}
