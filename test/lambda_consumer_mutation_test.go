package test

// processorDefects are edits of lambda-consumer and examples/task-processor with which
// failed messages are lost, or not worked on, or nobody hears of them, or functions may do
// what they needn't. Those of a group are planted together, and each must be noticed.
func processorDefects() [][]moduleDefect {
	const consumer, example = "lambda-consumer", "task-processor"
	return [][]moduleDefect{
		{
			{"batches of one", consumer, "batch_size                         = var.batch_size", "batch_size                         = 1", "BatchSize:1 "},
			{"a window that nobody asked for", consumer, "maximum_batching_window_in_seconds = var.batching_window_seconds", "maximum_batching_window_in_seconds = 2", "Window:2"},
			{"concurrency without a bound", consumer, "for_each = var.maximum_concurrency == null ? [] : [var.maximum_concurrency]", "for_each = []", "MaximumConcurrency:0"},
			{"another timeout", consumer, "timeout                        = var.function.timeout_seconds", "timeout                        = 3", "Timeout:3"},
			{"logs that are kept for ever", consumer, "retention_in_days = var.function.log_retention_days", "retention_in_days = 0", "LogDays:0"},
			{"all of SQS", consumer, `["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]`, `["sqs:*"]`, "needn't permit sqs:* on"},
			{"no permission to back off", consumer, `var.change_visibility ? ["sqs:ChangeMessageVisibility"] : []`, "[]", "doesn't permit sqs:ChangeMessageVisibility on"},
			{"a role for anybody's functions", consumer, `Principal = { Service = "lambda.amazonaws.com" }`, `Principal = { Service = ["ec2.amazonaws.com", "lambda.amazonaws.com"] }`, `"ec2.amazonaws.com"`},
			{"keys that are never dropped", example, `attribute_name = "expires"`, `attribute_name = "until"`, "what has expired isn't dropped"},
			{"tasks that can't be recovered", example, "# The tasks are what is at stake.\n  point_in_time_recovery {\n    enabled = true", "point_in_time_recovery {\n    enabled = false", "point-in-time recovery of"},
			{"an undertaker that may touch keys", example, "Statement = [{\n          Sid      = \"ChangeTasks\"\n          Effect   = \"Allow\"\n          Action   = \"dynamodb:UpdateItem\"\n          Resource = aws_dynamodb_table.tasks.arn", "Statement = [{\n          Sid      = \"ChangeTasks\"\n          Effect   = \"Allow\"\n          Action   = \"dynamodb:UpdateItem\"\n          Resource = [aws_dynamodb_table.tasks.arn, aws_dynamodb_table.keys.arn]", "needn't permit dynamodb:UpdateItem on arn:aws:dynamodb:us-east-1:000000000000:table/defect-0-keys"},
			{"a consumer that may delete tasks", example, "Sid      = \"ChangeTasks\"\n            Effect   = \"Allow\"\n            Action   = \"dynamodb:UpdateItem\"", "Sid      = \"ChangeTasks\"\n            Effect   = \"Allow\"\n            Action   = [\"dynamodb:DeleteItem\", \"dynamodb:UpdateItem\"]", "needn't permit dynamodb:DeleteItem on arn:aws:dynamodb:us-east-1:000000000000:table/defect-0-tasks"},
		},
		{
			{"a mapping that is switched off", consumer, "enabled          = var.enabled", "enabled          = !var.enabled", "a good task: task good is {status:PENDING"},
			{"logs in a group of Lambda's own", consumer, `"/aws/lambda/${var.function.name}"`, `"/lambda/${var.function.name}"`, "doesn't permit logs:PutLogEvents on arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/defect-1-consumer:*"},
			{"all queues", consumer, "Resource = var.queue.queue_arn", `Resource = "*"`, "needn't permit sqs:ReceiveMessage on *"},
			{"no permission for the work", consumer, "for_each = local.own ? var.function.policies : {}", "for_each = {}", "doesn't permit dynamodb:UpdateItem on"},
			{"undertakers without a bound", example, "maximum_concurrency = 2", "maximum_concurrency = 1000", "MaximumConcurrency:1000"},
		},
		{{"failures that nobody reports", consumer, `function_response_types = ["ReportBatchItemFailures"]`, `function_response_types = []`, "a poison task: task poison is {status:PROCESSING attempts:1"}},
		{{"environment variables that don't arrive", consumer, "variables = environment.value", `variables = { MAX_RECEIVE_COUNT = "5" }`, "a good task: task good is {status:PENDING"}},
		{{"logs that go nowhere", consumer, `["logs:CreateLogStream", "logs:PutLogEvents"]`, `["logs:CreateLogStream"]`, "its death is told: the log tells of 0 deaths"}},
		{{"one attempt less", example, "max_receive_count        = 5", "max_receive_count        = 4", "a poison task: task poison is {status:DEAD attempts:4"}},
		{{"a consumer of the DLQ", example, "queue               = module.queue\n", "queue               = { queue_arn = module.queue.dlq_arn, visibility_timeout_seconds = 30 }\n", "a good task: task good is {status:PENDING"}},
		{{"an undertaker on the source queue", example, "queue_arn                  = module.queue.dlq_arn", "queue_arn                  = module.queue.queue_arn", "defect-7-dead-letters is {Queue:arn:aws:sqs:us-east-1:000000000000:defect-7 State"}},
		{{"an undertaker that is switched off", example, "enabled             = var.dead_letters_enabled", "enabled             = false", "a poison task: task poison is {status:PROCESSING attempts:5"}},
		{{"the other program", example, "/consumer.zip", "/dead-letters.zip", "a good task: task good is {status:DEAD"}},
		{{"keys among the tasks", example, "KEYS_TABLE = aws_dynamodb_table.keys.name", "KEYS_TABLE = aws_dynamodb_table.tasks.name", "a good task: task good is"}},
		{{"a failure for all", example, "FAIL       = var.fail", `FAIL       = "times:1"`, "a good task: task good is {status:DONE attempts:2"}},
		{{"deaths of another service", example, "SERVICE           = var.name", `SERVICE           = "tasks"`, "its death is told: tasks_dead_total is 0"}},
		{{"an alarm on another service", example, "dimensions  = { Service = var.name }", `dimensions  = { Service = "another" }`, "went to ALARM 0 times"}},
	}
}
