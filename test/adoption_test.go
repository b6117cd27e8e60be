package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/gruntwork-io/terratest/modules/terraform"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// TestAdoption takes queues with messages in them from the layout of
// terraform-aws-modules/sqs and from plain resources into queue-with-dlq, and renames a key
// of queue-fleet: the plan destroys nothing, the messages stay, and the queues then do what
// the module promises.
func TestAdoption(t *testing.T) {
	needsTerraform(t)
	root := t.TempDir()
	for _, dir := range []string{"modules/queue-with-dlq", "modules/queue-fleet", "bench/fleet/peer-layout"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("..", dir))))
	}
	stackDir := filepath.Join(root, "test", "fixtures", "adoption")
	require.NoError(t, os.MkdirAll(stackDir, 0o700))
	configure := func(fixture string) {
		config, err := os.ReadFile(filepath.Join("fixtures", fixture, "main.tf"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(stackDir, "main.tf"), config, 0o600))
	}
	configure("adoption-before")
	s := prepare(t, stackDir, map[string]any{"prefix": uniqueName("adopted")})
	destroyAtEnd(t, s)
	s.apply(t)
	var before map[string]pair
	s.output(t, "queues", &before)
	for key, p := range before {
		require.NoError(t, send(s.ctx, s.sqs, p.QueueURL, key, "g"))
	}

	configure("adoption-after")
	s.init(t)
	for address, change := range s.plan(t) {
		require.NotContains(t, change.Actions, tfjson.ActionDelete, address)
		if slices.Contains(change.Actions, tfjson.ActionCreate) {
			require.True(t, strings.HasSuffix(address, ".terraform_data.own_dlq"), "%s is created", address)
		}
	}
	s.apply(t)
	s.requireNoChanges(t)
	var after map[string]pair
	s.output(t, "queues", &after)
	for key, n := range map[string]int{"orders": 3, "invoices": 4, "refunds": 2, "payments": 2} {
		require.Equal(t, before[key].QueueURL, after[key].QueueURL)
		requireMarker(t, s, after[key].QueueURL, key)
		require.NoError(t, checkProof(s.ctx, s.target.Target, after[key], n, false), key)
		require.NoError(t, checkOnlySourceAllowed(s.ctx, s.sqs, after[key]), key)
	}
}

// TestExistingQueueExample creates queues by hand and adopts them with the example.
func TestExistingQueueExample(t *testing.T) {
	needsTerraform(t)
	for _, tt := range []struct{ name, suffix string }{{"standard", ""}, {"FIFO", ".fifo"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := prepareCopy(t, "../examples/existing-queue", nil)
			attributes := map[string]string{}
			if tt.suffix != "" {
				attributes["FifoQueue"] = "true"
			}
			prefix := uniqueName("legacy")
			dlq, err := s.sqs.CreateQueue(s.ctx, &sqs.CreateQueueInput{QueueName: aws.String(prefix + "-failed" + tt.suffix), Attributes: attributes})
			require.NoError(t, err)
			// as people write it by hand: the count as a string
			source, err := s.sqs.CreateQueue(s.ctx, &sqs.CreateQueueInput{QueueName: aws.String(prefix + "-orders" + tt.suffix), Attributes: with(attributes, map[string]string{
				"VisibilityTimeout": "77",
				"RedrivePolicy":     `{"maxReceiveCount":"4", "deadLetterTargetArn":"` + queueARN(t, s, *dlq.QueueUrl) + `"}`,
			})})
			require.NoError(t, err)
			require.NoError(t, send(s.ctx, s.sqs, *source.QueueUrl, "kept", "g"))
			require.NoError(t, send(s.ctx, s.sqs, *dlq.QueueUrl, "dead", "g"))
			s.options.Vars = map[string]any{
				"queue_url": *source.QueueUrl, "dlq_url": *dlq.QueueUrl, "max_receive_count": 4, "visibility_timeout_seconds": 77,
			}
			destroyAtEnd(t, s)

			imported := 0
			for address, change := range s.plan(t) {
				require.NotContains(t, change.Actions, tfjson.ActionDelete, address)
				if change.Importing != nil {
					imported++
				}
			}
			require.Equal(t, 2, imported, "queues to import")
			s.apply(t)
			s.requireNoChanges(t)
			requireMarker(t, s, *source.QueueUrl, "kept")
			requireMarker(t, s, *dlq.QueueUrl, "dead")
			p := s.onlyPair(t)
			require.Equal(t, *source.QueueUrl, p.QueueURL)
			s.sleep(t, 5*time.Minute) // the alarm has seen the DLQ's message, and is to see it gone
			require.NoError(t, checkProof(s.ctx, s.target.Target, p, 4, true))
			require.NoError(t, checkOnlySourceAllowed(s.ctx, s.sqs, p))
		})
	}
}

// TestAdoptingUnderAnotherNameIsRefused: a queue that is imported, and called otherwise than
// the configuration says, is not replaced.
func TestAdoptingUnderAnotherNameIsRefused(t *testing.T) {
	needsTerraform(t)
	root := t.TempDir()
	for _, module := range []string{"queue-with-dlq", "queue-fleet"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, module), os.DirFS("../modules/"+module)))
	}
	prefix := uniqueName("misnamed")
	config := fmt.Sprintf(`provider "aws" {
  region = "us-east-1"
}

module "orders" {
  source   = "./queue-with-dlq"
  name     = "%[1]s-order"
  dlq_name = "%[1]s-orders-dlq"
}

module "invoices" {
  source = "./queue-with-dlq"
  name   = "%[1]s-invoice"
}

module "fleet" {
  source = "./queue-fleet"
  queues = { refunds = { name = "%[1]s-refund" } }
}
`, prefix)
	configure := func(config string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	}
	configure(config)
	s := prepare(t, root, nil)
	for name, address := range map[string]string{
		"orders": "module.orders.aws_sqs_queue.source", "invoices": "module.invoices.aws_sqs_queue.dlq[0]", "refunds": `module.fleet.aws_sqs_queue.source["refunds"]`,
	} {
		q, err := s.sqs.CreateQueue(s.ctx, &sqs.CreateQueueInput{QueueName: aws.String(prefix + "-" + name)})
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = s.sqs.DeleteQueue(s.ctx, &sqs.DeleteQueueInput{QueueUrl: q.QueueUrl}) })
		config += fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", address, *q.QueueUrl)
	}
	configure(config)
	_, err := terraform.PlanContextE(t, t.Context(), s.options)
	require.Error(t, err)
	said := strings.Join(strings.Fields(err.Error()), " ")
	for _, want := range []string{
		fmt.Sprintf("The source queue is called %[1]s-orders; %[1]s-order is configured.", prefix),
		fmt.Sprintf("The DLQ is called %[1]s-invoices; %[1]s-invoice-dlq is configured.", prefix),
		fmt.Sprintf(`aws_sqs_queue.source["refunds"] is %[1]s-refunds, configured is %[1]s-refund`, prefix),
	} {
		require.Contains(t, said, want)
	}
}

// plan plans, and returns the changes by address.
func (s *stack) plan(t *testing.T) map[string]*tfjson.Change {
	t.Helper()
	options := *s.options
	options.PlanFilePath = filepath.Join(t.TempDir(), "plan")
	_, err := terraform.PlanContextE(t, t.Context(), &options)
	require.NoError(t, err)
	shown, err := terraform.ShowWithStructContextE(t, t.Context(), &options)
	require.NoError(t, err)
	changes := map[string]*tfjson.Change{}
	for address, r := range shown.ResourceChangesMap {
		changes[address] = r.Change
	}
	require.NotEmpty(t, changes)
	return changes
}

// requireMarker takes the one message, which has that body, out of the queue.
func requireMarker(t *testing.T, s *stack, queueURL, body string) {
	t.Helper()
	out, err := s.sqs.ReceiveMessage(s.ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10}, dlqtest.ShortPoll)
	require.NoError(t, err)
	require.Len(t, out.Messages, 1, "messages in %s", queueName(queueURL))
	require.Equal(t, body, *out.Messages[0].Body)
	_, err = s.sqs.DeleteMessage(s.ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: out.Messages[0].ReceiptHandle})
	require.NoError(t, err)
}

func queueARN(t *testing.T, s *stack, queueURL string) string {
	t.Helper()
	out, err := s.sqs.GetQueueAttributes(s.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	require.NoError(t, err)
	return out.Attributes[string(types.QueueAttributeNameQueueArn)]
}
