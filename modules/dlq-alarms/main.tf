locals {
  # Each queue's settings: its own, else the module's.
  dlqs = {
    for key, dlq in var.dlqs : key => {
      name               = dlq.dlq_name
      severity           = coalesce(dlq.severity, var.severity)
      runbook_url        = dlq.runbook_url == null ? var.runbook_url : dlq.runbook_url
      count_in_flight    = coalesce(dlq.count_in_flight, var.count_in_flight)
      treat_missing_data = coalesce(dlq.treat_missing_data, var.treat_missing_data)
      tags               = merge({ Severity = coalesce(dlq.severity, var.severity) }, var.tags, dlq.tags)

      alarm_actions             = dlq.alarm_actions == null ? var.alarm_actions : dlq.alarm_actions
      ok_actions                = dlq.ok_actions == null ? var.ok_actions : dlq.ok_actions
      insufficient_data_actions = dlq.insufficient_data_actions == null ? var.insufficient_data_actions : dlq.insufficient_data_actions
    }
  }

  # What every description ends with: how bad, and what to do.
  advice = {
    for key, dlq in local.dlqs : key =>
    "Severity: ${dlq.severity}.${dlq.runbook_url == null ? "" : " Runbook: ${dlq.runbook_url}"}"
  }
}
