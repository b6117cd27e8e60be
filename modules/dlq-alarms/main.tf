locals {
  # What a queue holds, by id in metric math.
  depth_metrics = {
    visible   = "ApproximateNumberOfMessagesVisible"
    in_flight = "ApproximateNumberOfMessagesNotVisible"
  }

  # A queue's own setting goes before the module's, and an alarm's own before that for
  # all alarms. What nobody set: critical is worth waking somebody, warning can wait for
  # the day.
  severity = {
    for key, dlq in var.dlqs : key => {
      not_empty       = coalesce(dlq.not_empty.severity, dlq.severity, var.not_empty.severity, var.severity, "critical")
      about_to_expire = coalesce(dlq.about_to_expire.severity, dlq.severity, var.about_to_expire.severity, var.severity, "warning")
      filling_fast    = coalesce(dlq.filling_fast.severity, dlq.severity, var.filling_fast.severity, var.severity, "critical")
      source_stuck    = coalesce(dlq.source_stuck.severity, dlq.severity, var.source_stuck.severity, var.severity, "critical")
    }
  }

  alarm_actions = {
    for key, dlq in var.dlqs : key => {
      for kind, severity in local.severity[key] : kind => coalesce(
        lookup(dlq.actions_by_severity, severity, null), dlq.alarm_actions,
        lookup(var.actions_by_severity, severity, null), var.alarm_actions,
      )
    }
  }

  # What each alarm has in common with the queue's others, by key and kind.
  common = {
    for key, dlq in var.dlqs : key => {
      for kind, severity in local.severity[key] : kind => {
        name            = dlq.dlq_name
        advice          = join(" ", compact(["Severity: ${severity}.", try("Runbook: ${coalesce(dlq.runbook_url, var.runbook_url)}", "")]))
        count_in_flight = coalesce(dlq.count_in_flight, var.count_in_flight)
        tags            = merge({ Severity = severity }, var.tags, dlq.tags)

        actions_enabled           = coalesce(dlq.actions_enabled, var.actions_enabled)
        alarm_actions             = local.alarm_actions[key][kind]
        ok_actions                = coalesce(dlq.ok_actions, var.ok_actions, local.alarm_actions[key][kind])
        insufficient_data_actions = coalesce(dlq.insufficient_data_actions, var.insufficient_data_actions)
      }
    }
  }
}

# Terraform works out for_each once more for each alarm that it plans. With whole settings
# instead of keys alone that takes most of its time where there are hundreds of queues; and
# maps, because sets are sorted anew each time.
locals {
  keys = {
    not_empty       = { for key in keys(local.not_empty) : key => key }
    about_to_expire = { for key in keys(local.about_to_expire) : key => key }
    filling_fast    = { for key in keys(local.filling_fast) : key => key }
    source_stuck    = { for key in keys(local.source_stuck) : key => key }
  }
}
