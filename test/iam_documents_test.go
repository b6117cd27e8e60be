package test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// iamOutputs are the module's outputs that the test of the IAM documents reads.
type iamOutputs struct {
	QueueURL string `json:"queue_url"`
	QueueARN string `json:"queue_arn"`
	DLQURL   string `json:"dlq_url"`
	DLQARN   string `json:"dlq_arn"`
	Producer string `json:"producer_policy_json"`
	Consumer string `json:"consumer_policy_json"`
	Operator string `json:"redrive_operator_policy_json"`
}

// checkIAMDocuments does each role's work on the embedded endpoint and compares what was
// called, action by action and queue by queue, with the document that the module hands out
// for the role: whatever the work needs must be in it, and nothing else.
func checkIAMDocuments(t *testing.T, srv *awstest.Server, q iamOutputs) {
	t.Helper()
	// or a move task ends before it can be cancelled
	srv.Clock.Pause()
	defer srv.Clock.Resume()
	client := sqs.NewFromConfig(srv.Config())
	for _, role := range []struct {
		name, document string
		work           func(ctx context.Context, client *sqs.Client, q iamOutputs, n string) error
	}{
		{"producer", q.Producer, produce},
		{"consumer", q.Consumer, consume},
		{"redrive operator", q.Operator, operate},
	} {
		prepareWork(t, client, q)
		srv.ResetCalls()
		require.NoError(t, role.work(t.Context(), client, q, queueName(q.QueueURL)), role.name)
		called := map[string][]string{}
		for _, c := range srv.Calls() {
			if c.Service == "sqs" {
				action := "sqs:" + strings.TrimSuffix(c.Operation, "Batch")
				queue := q.QueueARN
				// of a task's handle IAM knows the queue that the task is of
				if strings.HasSuffix(c.Resource, queueName(q.DLQURL)) || c.Operation == "CancelMessageMoveTask" {
					queue = q.DLQARN
				}
				if !slices.Contains(called[queue], action) {
					called[queue] = append(called[queue], action)
				}
			}
		}
		allowed := map[string][]string{}
		var document struct {
			Statement []struct {
				Action   []string
				Resource string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(role.document), &document), role.name)
		for _, s := range document.Statement {
			allowed[s.Resource] = append(allowed[s.Resource], s.Action...)
		}
		for queue := range allowed {
			slices.Sort(called[queue])
			slices.Sort(allowed[queue])
		}
		require.Equal(t, called, allowed, "%s: what the work calls, and what the document allows", role.name)
	}
}

// prepareWork puts a message into each queue.
func prepareWork(t *testing.T, client *sqs.Client, q iamOutputs) {
	t.Helper()
	for _, u := range []string{q.QueueURL, q.DLQURL} {
		for range 3 {
			require.NoError(t, sendPlain(t.Context(), client, u))
		}
	}
}

// produce is what a producer does: it looks the queue up and sends.
func produce(ctx context.Context, client *sqs.Client, q iamOutputs, name string) error {
	if _, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name}); err != nil {
		return err
	}
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.QueueURL, MessageBody: aws.String("one")}); err != nil {
		return err
	}
	_, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.QueueURL, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("a"), MessageBody: aws.String("two")}}})
	return err
}

// consume is what a worker does, or an event source mapping: it looks at the queue,
// receives, extends or gives back, and deletes.
func consume(ctx context.Context, client *sqs.Client, q iamOutputs, name string) error {
	if _, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name}); err != nil {
		return err
	}
	return takeAll(ctx, client, q.QueueURL)
}

// operate is what a redrive operator does: it looks at the DLQ and into it, throws one
// message away, moves the rest to where they came from, and sends one by hand.
func operate(ctx context.Context, client *sqs.Client, q iamOutputs, name string) error {
	dlq := queueName(q.DLQURL)
	for _, n := range []string{dlq, name} {
		if _, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &n}); err != nil {
			return err
		}
	}
	if _, err := client.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &q.DLQURL}); err != nil {
		return err
	}
	if err := takeAll(ctx, client, q.DLQURL); err != nil {
		return err
	}
	if _, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.QueueURL}); err != nil {
		return err
	}
	task, err := client.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &q.DLQARN, MaxNumberOfMessagesPerSecond: aws.Int32(1)})
	if err != nil {
		return err
	}
	if _, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &q.DLQARN}); err != nil {
		return err
	}
	if _, err := client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle}); err != nil {
		return err
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.QueueURL, MessageBody: aws.String("by hand")})
	return err
}

// takeAll reads a queue as a consumer does.
func takeAll(ctx context.Context, client *sqs.Client, queueURL string) error {
	if _, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queueURL}); err != nil {
		return err
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, VisibilityTimeout: int32(time.Minute / time.Second)}, dlqtest.ShortPoll)
	if err != nil {
		return err
	}
	for _, m := range out.Messages {
		if _, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60}); err != nil {
			return err
		}
		if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return err
		}
	}
	return nil
}
