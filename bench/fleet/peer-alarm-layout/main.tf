# The layout of terraform-aws-modules/cloudwatch, modules/metric-alarm, written anew for
# the benchmark: one alarm for each instance of the module, and the inputs that reach it.
resource "aws_cloudwatch_metric_alarm" "this" {
  count = var.create_metric_alarm ? 1 : 0

  alarm_name        = var.alarm_name
  alarm_description = var.alarm_description
  tags              = var.tags

  actions_enabled           = var.actions_enabled
  alarm_actions             = var.alarm_actions
  ok_actions                = var.ok_actions
  insufficient_data_actions = var.insufficient_data_actions

  comparison_operator                   = var.comparison_operator
  threshold                             = var.threshold
  threshold_metric_id                   = var.threshold_metric_id
  evaluation_periods                    = var.evaluation_periods
  datapoints_to_alarm                   = var.datapoints_to_alarm
  treat_missing_data                    = var.treat_missing_data
  evaluate_low_sample_count_percentiles = var.evaluate_low_sample_count_percentiles

  namespace          = var.namespace
  metric_name        = var.metric_name
  dimensions         = var.dimensions
  statistic          = var.statistic
  extended_statistic = var.extended_statistic
  period             = var.period
  unit               = var.unit

  dynamic "metric_query" {
    for_each = var.metric_query

    content {
      id          = metric_query.value["id"]
      account_id  = lookup(metric_query.value, "account_id", null)
      expression  = lookup(metric_query.value, "expression", null)
      label       = lookup(metric_query.value, "label", null)
      period      = lookup(metric_query.value, "period", null)
      return_data = lookup(metric_query.value, "return_data", null)

      dynamic "metric" {
        for_each = lookup(metric_query.value, "metric", [])

        content {
          namespace   = metric.value["namespace"]
          metric_name = metric.value["metric_name"]
          dimensions  = lookup(metric.value, "dimensions", null)
          stat        = metric.value["stat"]
          period      = metric.value["period"]
          unit        = lookup(metric.value, "unit", null)
        }
      }
    }
  }
}
