output "queues" {
  description = "URLs and ARNs of each queue and its DLQ, and the name of its alarm."
  value = {
    for key, queue in module.queues : key => {
      queue_url            = queue.queue_url
      queue_arn            = queue.queue_arn
      dlq_url              = queue.dlq_url
      dlq_arn              = queue.dlq_arn
      not_empty_alarm_name = module.alarms.alarm_names[key].not_empty
    }
  }
}
