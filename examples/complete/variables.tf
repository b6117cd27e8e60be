variable "name" {
  type        = string
  default     = "orders"
  nullable    = false
  description = "Name of the source queue; everything else is named after it."
}

variable "producer_account_ids" {
  type        = list(string)
  default     = ["444455556666"]
  nullable    = false
  description = "Other accounts whose roles may send to the queue."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  nullable    = false
  description = "AWS region to deploy to."
}

variable "tags" {
  type        = map(string)
  default     = { team = "orders" }
  nullable    = false
  description = "Tags for every resource."
}
