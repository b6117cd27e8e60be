package test

import (
	"fmt"
	"strings"
)

// consumerBadInputs are the bad inputs of lambda-consumer.
func consumerBadInputs() []badInput {
	const arn = "arn:aws:sqs:us-east-1:000000000000:orders"
	queue := func(arn string, visibility int) string {
		return fmt.Sprintf("queue = { queue_arn = %q, visibility_timeout_seconds = %d }\n", arn, visibility)
	}
	// with a hash, since there is no zip
	function := func(settings string) string {
		return fmt.Sprintf("function = {\n  name = \"orders\"\n  filename = \"orders.zip\"\n  source_code_hash = \"aGFzaA==\"\n  %s\n}\n", settings)
	}
	existing := func(settings string) string {
		return fmt.Sprintf("function = null\nexisting_function = { %s }", settings)
	}
	return []badInput{
		{queue("orders", 30), "queue: queue_arn must be an SQS queue's ARN"},
		{queue(arn, 29), "queue: visibility_timeout_seconds is too short: Lambda needs 6 x the function's timeout, plus batching_window_seconds"},
		{queue(arn, 59) + function("timeout_seconds = 10"), "queue: visibility_timeout_seconds is too short"},
		{queue(arn, 30) + "batching_window_seconds = 1", "queue: visibility_timeout_seconds is too short"},
		{queue(arn, 17) + existing(`name = "orders", timeout_seconds = 3`), "queue: visibility_timeout_seconds is too short"},
		{queue(arn+".fifo", 60) + "batch_size = 11\nbatching_window_seconds = 1", "queue: of a FIFO queue Lambda takes batches of at most 10 messages, and no batching window."},
		{queue(arn+".fifo", 60) + "batching_window_seconds = 1", "queue: of a FIFO queue Lambda takes batches of at most 10 messages, and no batching window."},
		{"function = null", "function and existing_function: give one of the two."},
		{`existing_function = { name = "orders", timeout_seconds = 3 }`, "function and existing_function: give one of the two."},
		{"function = {\n  name = \"my orders\"\n  filename = \"orders.zip\"\n}", "function: name must be 1 to 64 letters, digits, hyphens and underscores"},
		{function(fmt.Sprintf("description = %q", strings.Repeat("d", 257))), "function: description may have at most 256 characters"},
		{function(`architecture = "amd64"`), "function: architecture must be x86_64 or arm64, as the program in the zip was built for"},
		{function("timeout_seconds = 901"), "function: timeout_seconds must be a whole number from 1 to 900 (15 minutes)."},
		{function("memory_mb = 64"), "function: memory_mb must be a whole number from 128 to 10240"},
		{function("reserved_concurrency = 1"), "function: reserved_concurrency must be a whole number of at least 2"},
		{function(`environment = { AWS_REGION = "x" }`), "function: the names in environment must begin with a letter"},
		{function(`policies = { logs = "{}" }`), "function: the keys of policies, which name them in the role, must be"},
		{function(`policies = { work = "everything" }`), "function: policies must hold IAM policy documents as JSON"},
		{function(`role_name = "a/b"`), "function: role_name must be 1 to 64 letters, digits and any of"},
		{function(`permissions_boundary_arn = "arn:aws:iam::000000000000:role/b"`), "function: permissions_boundary_arn must be the ARN of an IAM policy"},
		{function("log_retention_days = 2"), "function: log_retention_days must be a number of days that CloudWatch has"},
		{function(`log_kms_key_arn = "alias/logs"`), "function: log_kms_key_arn must be the ARN of a key"},
		{existing(`name = "https://example.com", timeout_seconds = 3`), "existing_function: name must be a function's name or ARN"},
		{existing(`name = "orders", timeout_seconds = 0`), "existing_function: timeout_seconds must be a whole number from 1 to 900, the function's own timeout"},
		{existing(`name = "orders", timeout_seconds = 3, reserved_concurrency = 1`), "existing_function: reserved_concurrency must be a whole number of at least 2"},
		{existing(`name = "orders", timeout_seconds = 3, role = { name = "arn:aws:iam::000000000000:role/r" }`), "existing_function: role.name must be a role's name"},
		{"batch_size = 0", "batch_size must be a whole number from 1 to 10000"},
		{"batch_size = 11", "batch_size of more than 10 needs a batching_window_seconds of at least 1"},
		{"batching_window_seconds = 301", "batching_window_seconds must be a whole number from 0 to 300"},
		{"maximum_concurrency = 1", "maximum_concurrency must be a whole number from 2 to 1000. For one at a time"},
		{function("reserved_concurrency = 5") + "maximum_concurrency = 6", "function: reserved_concurrency needs a maximum_concurrency of at most as many"},
		{function("reserved_concurrency = 5"), "function: reserved_concurrency needs a maximum_concurrency of at most as many"},
		{existing(`name = "orders", timeout_seconds = 3, reserved_concurrency = 5`), "existing_function: reserved_concurrency needs a maximum_concurrency of at most as many"},
		{fmt.Sprintf("filter_patterns = [%q]", `{"body":["`+strings.Repeat("p", 4090)+`"]}`), "filter_patterns may hold at most 10 patterns of at most 4096 characters"},
		{`filter_patterns = ["{\"messageAttributes\":{\"kind\":[\"order\"]}}"]`, "filter_patterns must each be a JSON object with body as its only member"},
		{`kms_key_arns = ["alias/orders"]`, "kms_key_arns must hold ARNs of keys"},
		{`tags = { "aws:cost" = "x" }`, "tags may hold at most 50"},
	}
}
