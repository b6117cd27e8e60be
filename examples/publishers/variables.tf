variable "name" {
  type        = string
  default     = "orders"
  nullable    = false
  description = "Name of the source queue; the DLQ, the topic and the rule are named after it."
}

variable "bucket" {
  type        = string
  default     = null
  description = "Name of the bucket; bucket names are unique in all of AWS. Null (default) = `<name>-<account number>`."
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
