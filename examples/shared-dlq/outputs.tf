output "queues" {
  description = "URLs and ARNs of each source queue and of the DLQ that they share, and the name of its alarm."
  value = {
    for key, queue in { orders = module.orders, returns = module.returns, refunds = module.refunds } : key => {
      queue_url                = queue.queue_url
      queue_arn                = queue.queue_arn
      dlq_url                  = queue.dlq_url
      dlq_arn                  = queue.dlq_arn
      not_empty_alarm_name     = module.alarms.alarm_names[var.name].not_empty
    }
  }
}
