output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.queues.dashboard_name
}

output "dashboard_arn" {
  description = "ARN of the dashboard."
  value       = aws_cloudwatch_dashboard.queues.dashboard_arn
}

output "dashboard_body" {
  description = "The dashboard as JSON."
  value       = aws_cloudwatch_dashboard.queues.dashboard_body
}

output "console_url" {
  description = "Where to look at it: the dashboard in the AWS console."
  value       = "https://${local.region}.${local.console_domain}/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.queues.dashboard_name}"
}
