variable "name" {
  type        = string
  default     = "orders"
  nullable    = false
  description = "Name of the source queue, without .fifo; the DLQ, the topic and the ops queue are named after it."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region to deploy to."
}

variable "max_receive_count" {
  type        = number
  default     = 5
  nullable    = false
  description = "How many times a message is received before the next attempt moves it to the DLQ; 1 to 1000."
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for every resource."
}
