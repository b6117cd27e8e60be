variable "prefix" {
  type        = string
  default     = "shop"
  nullable    = false
  description = "What the names of queues, alarms, topic and dashboard start with."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region to deploy to."
}

variable "tags" {
  type        = map(string)
  default     = {}
  nullable    = false
  description = "Tags for every resource."
}
