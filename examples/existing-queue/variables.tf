variable "queue_url" {
  type        = string
  nullable    = false
  description = "URL of the existing source queue."
}

variable "dlq_url" {
  type        = string
  nullable    = false
  description = "URL of its existing dead-letter queue."
}

variable "max_receive_count" {
  type        = number
  default     = 5
  nullable    = false
  description = "How many times a message is received before the next attempt moves it to the DLQ; 1 to 1000. As it is now, or as it shall be."
}

variable "visibility_timeout_seconds" {
  type        = number
  default     = 30
  nullable    = false
  description = "How long a received message stays hidden, in seconds; 0 to 43200. As it is now, or as it shall be."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region in which the queues are."
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for every resource; those that the queues have now and aren't named here are removed."
}
