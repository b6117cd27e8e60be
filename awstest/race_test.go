package awstest_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedtypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// Sixty-four clients use all services at once, while the clock is moved, state is saved,
// faults come and go and calls are looked at. Run with -race it says whether that is
// safe; in any case no message may be lost or doubled.
func TestSixtyFourClientsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, which -short leaves out")
	}
	const clients, rounds = 64, 8
	k := keep(t, awstest.SaveEvery(10*time.Millisecond))
	k.srv.Clock.Resume()
	source, dlq := k.sourceAndDLQ("shared", "1000", "VisibilityTimeout", "0")
	inbox := k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.queue("ordered.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	k.topic("events", "inbox", nil, "RawMessageDelivery", "true")
	k.alarmOn("busy", "shared", topicARN("events"))

	var sent, deleted sync.Map
	var published atomic.Int64
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			cfg := once(k.srv)
			c := &client{k: k.kit, cfg: cfg, id: i, sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), cw: cloudwatch.NewFromConfig(cfg)}
			for round := range rounds {
				switch (i + round) % 4 {
				case 0:
					c.cycle(source, round, &sent, &deleted)
				case 1:
					c.publish(round, &published)
				case 2:
					c.own(round)
				case 3:
					c.look(dlq)
				}
			}
		})
	}
	wait.Go(func() {
		for range 50 {
			k.srv.Clock.Advance(7 * time.Second)
			remove := k.srv.Inject(awstest.Fault{Kind: awstest.Latency, Operation: "ListQueues", Delay: time.Millisecond})
			k.srv.Calls()
			k.srv.Count("sqs", "")
			remove()
		}
	})
	wait.Wait()
	require.False(t, t.Failed())

	// what was sent was deleted or is there; nothing else is
	for {
		messages := k.receive(source)
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			_, gone := deleted.Load(*m.Body)
			require.False(t, gone, "%s was deleted", *m.Body)
			deleted.Store(*m.Body, true)
			_, err := k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: &source, ReceiptHandle: m.ReceiptHandle})
			require.NoError(t, err)
		}
	}
	sent.Range(func(body, _ any) bool {
		_, ok := deleted.Load(body)
		require.True(t, ok, "%s is lost", body)
		return true
	})
	require.Equal(t, "0", k.attribute(dlq, "ApproximateNumberOfMessages"))
	events := 0
	for {
		messages := k.receive(inbox)
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			if len(*m.Body) < 20 { // what the alarm tells is longer
				events++
			}
			_, err := k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: &inbox, ReceiptHandle: m.ReceiptHandle})
			require.NoError(t, err)
		}
	}
	require.EqualValues(t, published.Load(), events)
}

// client is one of many.
type client struct {
	k   *kit
	cfg aws.Config
	id  int
	sqs *sqs.Client
	sns *sns.Client
	cw  *cloudwatch.Client
}

// ok takes note of an error: require must not be called on other goroutines.
func (c *client) ok(err error) bool {
	if err != nil {
		c.k.Errorf("client %d: %v", c.id, err)
	}
	return err == nil
}

// cycle sends a message and deletes what it receives.
func (c *client) cycle(url string, round int, sent, deleted *sync.Map) {
	body := fmt.Sprintf("%d/%d", c.id, round)
	if _, err := c.sqs.SendMessage(c.k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); c.ok(err) {
		sent.Store(body, true)
	}
	out, err := c.sqs.ReceiveMessage(c.k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if !c.ok(err) {
		return
	}
	var entries []types.DeleteMessageBatchRequestEntry
	for i, m := range out.Messages {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if len(entries) == 0 {
		return
	}
	_, err = c.sqs.DeleteMessageBatch(c.k.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	if c.ok(err) {
		for _, m := range out.Messages {
			deleted.Store(*m.Body, true) // others may have received it, too: it is visible at once
		}
	}
}

func (c *client) publish(round int, published *atomic.Int64) {
	body := fmt.Sprintf("event %d/%d", c.id, round)
	if _, err := c.sns.Publish(c.k.ctx, &sns.PublishInput{TopicArn: aws.String(topicARN("events")), Message: &body}); c.ok(err) {
		published.Add(1)
	}
	group := fmt.Sprint(c.id % 5)
	_, err := c.sqs.SendMessage(c.k.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(c.k.srv.URL + "/000000000000/ordered.fifo"), MessageBody: &body, MessageGroupId: &group})
	c.ok(err)
	_, err = c.sqs.ReceiveMessage(c.k.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.k.srv.URL + "/000000000000/ordered.fifo"), MaxNumberOfMessages: 3})
	c.ok(err)
}

// own makes and removes resources of its own in every service.
func (c *client) own(round int) {
	name := fmt.Sprintf("own-%d-%d", c.id, round)
	ctx := c.k.ctx
	made, err := c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if !c.ok(err) {
		return
	}
	_, err = c.cw.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/SQS"), MetricName: aws.String("NumberOfMessagesSent"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	})
	c.ok(err)
	r := iam.NewFromConfig(c.cfg)
	_, err = r.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	c.ok(err)
	s := scheduler.NewFromConfig(c.cfg)
	_, err = s.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: aws.String("rate(1 minute)"), FlexibleTimeWindow: &schedtypes.FlexibleTimeWindow{Mode: schedtypes.FlexibleTimeWindowModeOff},
		Target: &schedtypes.Target{Arn: aws.String(queueARN(name)), RoleArn: aws.String("arn:aws:iam::000000000000:role/" + name), Input: aws.String("tick")},
	})
	c.ok(err)
	_, err = s.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name})
	c.ok(err)
	_, err = r.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	c.ok(err)
	_, err = c.cw.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
	c.ok(err)
	_, err = c.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
	c.ok(err)
}

// look asks all services what there is.
func (c *client) look(dlq string) {
	ctx := c.k.ctx
	_, err := c.sqs.ListQueues(ctx, &sqs.ListQueuesInput{})
	c.ok(err)
	_, err = c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &dlq, AttributeNames: []types.QueueAttributeName{"All"}})
	c.ok(err)
	_, err = c.cw.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	c.ok(err)
	_, err = c.cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}}})
	c.ok(err)
	_, err = c.sns.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})
	c.ok(err)
	_, err = sts.NewFromConfig(c.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	c.ok(err)
	_, err = c.sqs.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(queueARN("shared-dlq"))})
	var refused smithy.APIError // another client's may be running
	if !errors.As(err, &refused) {
		c.ok(err)
	}
}
