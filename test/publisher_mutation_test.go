package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// publisherDefects are edits of queue-with-dlq that keep publishers out, or let others in.
func publisherDefects() []moduleDefect {
	const queues = "queue-with-dlq"
	return []moduleDefect{
		{"topics may not send", queues, `Principal = { Service = "sns.amazonaws.com" }`, `Principal = { Service = "sqs.amazonaws.com" }`, "topic-"},
		{"any topic may send", queues, `Condition = { ArnEquals = { "aws:SourceArn" = try(one(arns), arns) } }
    } if length(arns) > 0],
    [for arns in [var.publishers.eventbridge_rule_arns] : {`, `} if length(arns) > 0],
    [for arns in [var.publishers.eventbridge_rule_arns] : {`, "doesn't name could send"},
		{"rules may not send", queues, `Principal = { Service = "events.amazonaws.com" }`, `Principal = { Service = "event.amazonaws.com" }`, "event-"},
		{"publishers are forgotten", queues, "concat([local.own_statement.source], local.publisher_statements, local.caller_statements)", "concat([local.own_statement.source], local.caller_statements)", "topic-"},
		{"the key encrypts for none of them", queues, `      Principal = principal
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]`, `      Principal = principal
      Action    = ["kms:Decrypt", "kms:DescribeKey"]`, "topic-"},
		{"the key is for another queue", queues, `"kms:EncryptionContext:aws:sqs:arn" = local.source_arn`, `"kms:EncryptionContext:aws:sqs:arn" = local.dlq_arn`, "event-"},
		{"the key knows topics only", queues, `service if length(var.publishers.eventbridge_rule_arns) > 0],`, `service if length(var.publishers.eventbridge_rule_arns) > 100],`, "event-"},
	}
}

// TestPublisherDefectsAreNoticed deploys the defects beside a sound module, each queue
// under a key of its own, fed by a topic and a rule.
func TestPublisherDefectsAreNoticed(t *testing.T) {
	needsTerraform(t)
	defects := publisherDefects()
	s := deployDefects(t, defects, "provider \"aws\" {\n  region = \"us-east-1\"\n}\n", writePublishers)
	check := func(name string) error {
		var out struct {
			pair
			Topic string `json:"topic_arn"`
		}
		s.output(t, name, &out)
		return errors.Join(
			checkPublishers(t.Context(), s.target.Target, out.QueueURL, publishers{topic: out.Topic, eventSource: "shop", eventType: name}),
			checkStrangerRefused(t.Context(), s.target.Target, out.pair),
		)
	}
	t.Run("none", func(t *testing.T) { require.NoError(t, check("sound")) })
	for i, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			require.ErrorContains(t, check(defectName(i)), d.caughtBy, "the defect survived")
		})
	}
}

// writePublishers writes a queue of the module in the directory with its publishers.
func writePublishers(w *strings.Builder, name string) {
	fmt.Fprintf(w, `
module "%[1]s" {
  source     = "./%[1]s/queue-with-dlq"
  name       = "%[1]s"
  kms_key_id = aws_kms_key.%[1]s.arn

  publishers = {
    sns_topic_arns        = [aws_sns_topic.%[1]s.arn]
    eventbridge_rule_arns = [aws_cloudwatch_event_rule.%[1]s.arn]
  }
}

data "aws_iam_policy_document" "%[1]s" {
  source_policy_documents = [module.%[1]s.kms_key_policy_json]

  statement {
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::000000000000:root"]
    }
  }
}

resource "aws_kms_key" "%[1]s" {
  policy = data.aws_iam_policy_document.%[1]s.json
}

resource "aws_sns_topic" "%[1]s" {
  name = "%[1]s"
}

resource "aws_sns_topic_subscription" "%[1]s" {
  topic_arn = aws_sns_topic.%[1]s.arn
  protocol  = "sqs"
  endpoint  = module.%[1]s.queue_arn
}

resource "aws_cloudwatch_event_rule" "%[1]s" {
  name          = "%[1]s"
  event_pattern = jsonencode({ source = ["shop"], detail-type = ["%[1]s"] })
}

resource "aws_cloudwatch_event_target" "%[1]s" {
  rule = aws_cloudwatch_event_rule.%[1]s.name
  arn  = module.%[1]s.queue_arn
}

output "%[1]s" {
  value = {
    queue_url = module.%[1]s.queue_url
    queue_arn = module.%[1]s.queue_arn
    dlq_arn   = module.%[1]s.dlq_arn
    topic_arn = aws_sns_topic.%[1]s.arn
  }
}
`, name)
}
