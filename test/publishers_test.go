package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// requirePublishersDeliver publishes by each of the example's publishers, and requires
// that the queue gets all of it, and nothing from a topic that isn't named.
func requirePublishersDeliver(t *testing.T, s *stack, p pair) {
	t.Helper()
	require.NoError(t, checkPublishers(s.ctx, s.target.Target, p.QueueURL, publishers{
		topic: s.text(t, "topic_arn"), bucket: s.text(t, "bucket"), eventSource: "shop", eventType: "OrderPlaced",
	}))
	require.NoError(t, checkStrangerRefused(s.ctx, s.target.Target, p))
}

// publishers are what feeds a queue; an empty one isn't checked.
type publishers struct{ topic, bucket, eventSource, eventType string }

// checkPublishers sends by each of the publishers and waits for it to arrive. It empties
// the queue.
func checkPublishers(ctx context.Context, t dlqtest.Target, queueURL string, from publishers) error {
	var want []string
	mark := uniqueName("marker")
	if from.topic != "" {
		want = append(want, "topic-"+mark)
		if _, err := sns.NewFromConfig(t.Config).Publish(ctx, &sns.PublishInput{TopicArn: &from.topic, Message: aws.String("topic-" + mark)}); err != nil {
			return fmt.Errorf("publishing to the topic: %w", err)
		}
	}
	if from.eventSource != "" {
		want = append(want, "event-"+mark)
		for _, kind := range []string{from.eventType, "SomethingElse"} {
			detail, err := json.Marshal(map[string]string{"order": "event-" + mark, "kind": kind})
			if err != nil {
				return err
			}
			out, err := eventbridge.NewFromConfig(t.Config).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
				{Source: &from.eventSource, DetailType: aws.String(kind), Detail: aws.String(string(detail))},
			}})
			if err != nil || out.FailedEntryCount != 0 {
				return fmt.Errorf("putting an event: %w, %d failed", err, out.FailedEntryCount)
			}
		}
	}
	if from.bucket != "" {
		want = append(want, "incoming/object-"+mark)
		client := s3.NewFromConfig(t.Config, func(o *s3.Options) { o.UsePathStyle = t.Ground != dlqtest.AWS })
		for _, key := range []string{"incoming/object-" + mark, "elsewhere/object-" + mark} {
			if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &from.bucket, Key: &key, Body: strings.NewReader("an order")}); err != nil {
				return fmt.Errorf("putting an object: %w", err)
			}
			defer func() {
				_, _ = client.DeleteObject(context.WithoutCancel(ctx), &s3.DeleteObjectInput{Bucket: &from.bucket, Key: &key})
			}()
		}
	}
	bodies, err := drain(ctx, t, queueURL, len(want)+1, 2*time.Minute)
	if err != nil {
		return err
	}
	var wrong []error
	all := strings.Join(bodies, "\n")
	for _, text := range want {
		if n := strings.Count(all, text); n != 1 {
			wrong = append(wrong, fmt.Errorf("%q arrived %d times in %s, want once", text, n, queueName(queueURL)))
		}
	}
	for _, text := range []string{"SomethingElse", "elsewhere/object-" + mark} {
		if strings.Contains(all, text) {
			wrong = append(wrong, fmt.Errorf("%q arrived, which no publisher was to send", text))
		}
	}
	return errors.Join(wrong...)
}

// checkStrangerRefused subscribes the queue to a topic that its policy doesn't name, whose
// messages must not arrive.
func checkStrangerRefused(ctx context.Context, t dlqtest.Target, p pair) error {
	client := sns.NewFromConfig(t.Config)
	topic, err := client.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(uniqueName("stranger"))})
	if err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTopic(context.WithoutCancel(ctx), &sns.DeleteTopicInput{TopicArn: topic.TopicArn})
	}()
	sub, err := client.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &p.QueueARN, ReturnSubscriptionArn: true})
	if err != nil {
		return err
	}
	defer func() {
		_, _ = client.Unsubscribe(context.WithoutCancel(ctx), &sns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn})
	}()
	if _, err := client.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("from a stranger")}); err != nil {
		return err
	}
	bodies, err := drain(ctx, t, p.QueueURL, 1, 20*time.Second)
	if err == nil && len(bodies) > 0 {
		err = fmt.Errorf("a topic that the policy of %s doesn't name could send to it", queueName(p.QueueURL))
	}
	return err
}

// drain receives and deletes what is in the queue, until it has so many messages or the
// time is over, and returns their bodies.
func drain(ctx context.Context, t dlqtest.Target, queueURL string, atMost int, within time.Duration) ([]string, error) {
	client, clock := sqs.NewFromConfig(t.Config), t.Clock
	if clock == nil {
		clock = dlqtest.WallClock{}
	}
	var bodies []string
	for deadline := clock.Now().Add(within); len(bodies) < atMost && clock.Now().Before(deadline); {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10}, dlqtest.ShortPoll)
		if err != nil {
			return nil, err
		}
		for _, m := range out.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
		if len(out.Messages) == 0 {
			if err := clock.Sleep(ctx, 2*time.Second); err != nil {
				return nil, err
			}
		}
	}
	return bodies, nil
}
