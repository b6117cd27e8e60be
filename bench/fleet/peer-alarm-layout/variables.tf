# The inputs of that module under their names: each costs Terraform something, used or not.
variable "create_metric_alarm" {
  type        = bool
  default     = true
  description = "Whether anything is made."
}

variable "alarm_name" {
  type        = string
  description = "Name of the alarm."
}

variable "alarm_description" {
  type        = string
  default     = null
  description = "Description of the alarm."
}

variable "comparison_operator" {
  type        = string
  description = "How the value is compared with the threshold."
}

variable "evaluation_periods" {
  type        = number
  description = "How many periods are looked at."
}

variable "threshold" {
  type        = number
  default     = null
  description = "What the value is compared with."
}

variable "threshold_metric_id" {
  type        = string
  default     = null
  description = "Id of an anomaly detection band."
}

variable "unit" {
  type        = string
  default     = null
  description = "Unit of the metric."
}

variable "metric_name" {
  type        = string
  default     = null
  description = "Name of the metric, unless there are metric queries."
}

variable "namespace" {
  type        = string
  default     = null
  description = "Namespace of the metric."
}

variable "period" {
  type        = string
  default     = null
  description = "Length of a period, in seconds."
}

variable "statistic" {
  type        = string
  default     = null
  description = "Statistic of the metric."
}

variable "actions_enabled" {
  type        = bool
  default     = true
  description = "Whether the actions are carried out."
}

variable "datapoints_to_alarm" {
  type        = number
  default     = null
  description = "How many periods must be over the threshold."
}

variable "dimensions" {
  type        = any
  default     = null
  description = "Dimensions of the metric."
}

variable "alarm_actions" {
  type        = list(string)
  default     = null
  description = "ARNs of the actions on ALARM."
}

variable "insufficient_data_actions" {
  type        = list(string)
  default     = null
  description = "ARNs of the actions on INSUFFICIENT_DATA."
}

variable "ok_actions" {
  type        = list(string)
  default     = null
  description = "ARNs of the actions on OK."
}

variable "extended_statistic" {
  type        = string
  default     = null
  description = "Percentile of the metric."
}

variable "treat_missing_data" {
  type        = string
  default     = "missing"
  description = "What periods without data count as."
}

variable "evaluate_low_sample_count_percentiles" {
  type        = string
  default     = null
  description = "Whether percentiles of few values are looked at."
}

variable "metric_query" {
  type        = any
  default     = []
  description = "Metrics and an expression of them."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of the alarm."
}
