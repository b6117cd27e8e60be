output "function_name" {
  description = "Name of the function; the FunctionName dimension of its metrics. Of an existing function, what was given."
  value       = local.own ? one(aws_lambda_function.this[*].function_name) : var.existing_function.name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_event_source_mapping.this.function_arn
}

output "role_name" {
  description = "Name of the function's role. Null for an existing function whose role wasn't given."
  value       = local.own ? one(aws_iam_role.this[*].name) : try(var.existing_function.role.name, null)
}

output "role_arn" {
  description = "ARN of the function's role; what a KMS key's or a table's policy may name. Null for an existing function."
  value       = one(aws_iam_role.this[*].arn)
}

output "log_group_name" {
  description = "Name of the function's log group. Null for an existing function."
  value       = one(aws_cloudwatch_log_group.this[*].name)
}

output "event_source_mapping_uuid" {
  description = "Id of the event source mapping."
  value       = aws_lambda_event_source_mapping.this.uuid
}

output "event_source_mapping_arn" {
  description = "ARN of the event source mapping."
  value       = aws_lambda_event_source_mapping.this.arn
}

output "consumer_policy_json" {
  description = <<-EOT
    IAM policy document (JSON) that lets a function's role consume the queue. The module
    attaches it to its own role and to one given in `existing_function`; attach it yourself
    to any other.
  EOT
  value       = jsonencode(local.consumer_policy)
}
