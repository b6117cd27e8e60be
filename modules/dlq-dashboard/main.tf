data "aws_region" "current" {}

locals {
  # `id`, because `name` is deprecated in version 6 of the provider and `region`
  # does not exist in version 5.
  region = var.region == null ? data.aws_region.current.id : var.region

  # The console's address follows the partition.
  console_domain = (
    startswith(local.region, "cn-") ? "console.amazonaws.cn" :
    startswith(local.region, "us-gov-") ? "console.amazonaws-us-gov.com" :
    "console.aws.amazon.com"
  )

  layout = coalesce(var.layout, length(var.queues) <= 20 ? "detailed" : "compact")

  # A map is ordered by its keys, so the same queues always make the same JSON.
  keys = keys(var.queues)

  # What every metric widget says.
  metric_defaults = { region = local.region, period = var.period }

  # Extra widgets come below; one without `y` goes where CloudWatch finds room.
  extra_y = local.queues_y + local.queues_height
  extra_widgets = [
    for widget in var.widgets_extra :
    merge(widget, { for name, y in { y = try(widget.y, null) } : name => local.extra_y + y if y != null })
  ]

  widgets = concat(local.overview_widgets, local.detailed_widgets, local.compact_widgets, local.extra_widgets)

  # Metrics of each widget; an expression alone in its row is none.
  metric_counts = [
    for widget in local.widgets : length([for row in try(widget.properties.metrics, []) : row if length(row) > 1])
  ]
}

resource "aws_cloudwatch_dashboard" "queues" {
  dashboard_name = var.dashboard_name

  dashboard_body = jsonencode({
    start          = var.start
    periodOverride = var.period_override
    widgets        = local.widgets
  })

  # The validations of `queues` and `layout` leave room for alarms and extra widgets, not
  # for any number of them.
  lifecycle {
    precondition {
      condition     = length(local.widgets) <= 500
      error_message = "The dashboard would have ${length(local.widgets)} widgets; CloudWatch takes 500. Take layout = \"compact\", fewer widgets_extra, or several dashboards."
    }
    precondition {
      condition     = sum(local.metric_counts) <= 2500 && max(local.metric_counts...) <= 500
      error_message = "The dashboard would show ${sum(local.metric_counts)} metrics, ${max(local.metric_counts...)} of them in one widget; CloudWatch takes 2500, and 500 in one widget. Show fewer metrics in widgets_extra, or split the queues over several dashboards."
    }
  }
}
