package awstest_test

import (
	"fmt"
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
	"github.com/stretchr/testify/require"
)

func TestAPoisonMessageTripsTheAlarmWhichNotifiesAQueue(t *testing.T) {
	k := start(t)
	k.srv.Clock.Pause()
	source, dlq := k.sourceAndDLQ("orders", "3")
	inbox := k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.topic("alerts", "inbox", nil)
	k.alarmOn("not-empty", "orders-dlq", topicARN("alerts"))
	_, err := k.cw.PutCompositeAlarm(k.ctx, &cloudwatch.PutCompositeAlarmInput{
		AlarmName: aws.String("page"), AlarmRule: aws.String(`ALARM("not-empty")`), AlarmActions: []string{topicARN("alerts")},
	})
	require.NoError(t, err)
	k.srv.Clock.Advance(2 * time.Minute)
	require.Equal(t, cwtypes.StateValueOk, k.alarmState("not-empty"))
	k.send(source, "poison")
	for range 3 {
		require.Len(t, k.receive(source), 1)
		k.srv.Clock.Advance(30 * time.Second)
	}
	require.Empty(t, k.receive(source))
	require.Equal(t, "1", k.attribute(dlq, "ApproximateNumberOfMessages"))
	k.srv.Clock.Advance(2 * time.Minute)
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("not-empty"))
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("page"))
	messages := k.receive(inbox)
	require.Len(t, messages, 2)
	for i, name := range []string{"not-empty", "page"} {
		require.Equal(t, name, within(t, within(t, *messages[i].Body, "Message"), "AlarmName"))
	}
}

func TestAnAlarmWhoseTopicMayNotSendIsNotHeard(t *testing.T) {
	k := start(t)
	inbox := k.queue("inbox") // without a policy
	k.topic("alerts", "inbox", nil)
	url := k.queue("q")
	k.alarmOn("a", "q", topicARN("alerts"))
	k.send(url, "body")
	k.srv.Clock.Advance(2 * time.Minute)
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("a"))
	require.Empty(t, k.receive(inbox))
}

// schedulerRole creates a role that schedules may assume, and that may do anything with
// queues, and returns its ARN.
func (k *kit) schedulerRole() string {
	k.Helper()
	client := iam.NewFromConfig(k.srv.Config())
	out, err := client.CreateRole(k.ctx, &iam.CreateRoleInput{RoleName: aws.String("schedules"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	require.NoError(k, err)
	_, err = client.PutRolePolicy(k.ctx, &iam.PutRolePolicyInput{RoleName: aws.String("schedules"), PolicyName: aws.String("queues"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`)})
	require.NoError(k, err)
	return *out.Role.Arn
}

// schedule creates a schedule for a target.
func (k *kit) schedule(name, expression, target, input string) {
	k.Helper()
	role := k.schedulerRole()
	_, err := scheduler.NewFromConfig(k.srv.Config()).CreateSchedule(k.ctx, &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: &expression,
		FlexibleTimeWindow: &schedtypes.FlexibleTimeWindow{Mode: schedtypes.FlexibleTimeWindowModeOff},
		Target:             &schedtypes.Target{Arn: &target, RoleArn: &role, Input: &input},
	})
	require.NoError(k, err)
}

func TestAScheduleRedrivesADeadLetterQueue(t *testing.T) {
	k := start(t)
	k.srv.Clock.Pause()
	source, dlq := k.sourceAndDLQ("orders", "1", "VisibilityTimeout", "0")
	k.schedule("redrive", "rate(1 hour)", "arn:aws:scheduler:::aws-sdk:sqs:startMessageMoveTask",
		`{"SourceArn":"`+queueARN("orders-dlq")+`","MaxNumberOfMessagesPerSecond":1}`)
	k.srv.Clock.Advance(time.Minute) // a rate fires at once, too: nothing to move yet
	for i := range 3 {
		k.send(source, fmt.Sprint("poison ", i))
	}
	require.Len(t, k.receive(source), 3)
	require.Empty(t, k.receive(source))
	require.Equal(t, "3", k.attribute(dlq, "ApproximateNumberOfMessages"))

	k.srv.Clock.Advance(59*time.Minute + time.Second)
	require.Equal(t, "2", k.attribute(source, "ApproximateNumberOfMessages"), "one at once, one after a second")
	k.srv.Clock.Advance(time.Second)
	require.Equal(t, "3", k.attribute(source, "ApproximateNumberOfMessages"))
	require.Equal(t, "0", k.attribute(dlq, "ApproximateNumberOfMessages"))
	tasks, err := k.sqs.ListMessageMoveTasks(k.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(queueARN("orders-dlq"))})
	require.NoError(t, err)
	require.Equal(t, "COMPLETED", *tasks.Results[0].Status)
	require.EqualValues(t, 3, tasks.Results[0].ApproximateNumberOfMessagesMoved)
}

func TestAScheduleSendsToAQueueByRate(t *testing.T) {
	k := start(t)
	k.srv.Clock.Pause()
	url := k.queue("jobs")
	k.schedule("tick", "rate(5 minutes)", queueARN("jobs"), "tick")
	k.srv.Clock.Advance(16 * time.Minute)
	require.Equal(t, []string{"tick", "tick", "tick", "tick"}, k.bodies(url), "at once, and after 5, 10 and 15 minutes")
}

func TestAFIFOTopicKeepsOrderAndDeduplicatesIntoAFIFOQueue(t *testing.T) {
	k := start(t)
	url := k.queue("events.fifo", "FifoQueue", "true", "Policy", snsMaySend("events.fifo"))
	k.topic("events.fifo", "events.fifo", map[string]string{"FifoTopic": "true"}, "RawMessageDelivery", "true")
	for _, body := range []string{"one", "two", "two", "three"} {
		_, err := k.sns.Publish(k.ctx, &sns.PublishInput{
			TopicArn: aws.String(topicARN("events.fifo")), Message: &body, MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("id-" + body),
		})
		require.NoError(t, err)
	}
	messages := k.receive(url)
	require.Len(t, messages, 3)
	for i, body := range []string{"one", "two", "three"} {
		require.Equal(t, body, *messages[i].Body)
		require.Equal(t, "g", messages[i].Attributes[string(types.MessageSystemAttributeNameMessageGroupId)])
		require.Equal(t, "id-"+body, messages[i].Attributes[string(types.MessageSystemAttributeNameMessageDeduplicationId)])
	}
}

func TestASubscriptionRedrivesWhatItCannotDeliver(t *testing.T) {
	k := start(t)
	k.queue("gone", "Policy", snsMaySend("gone"))
	dlq := k.queue("undelivered", "Policy", snsMaySend("undelivered"))
	k.topic("events", "gone", nil, "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("undelivered")+`"}`)
	_, err := k.sqs.DeleteQueue(k.ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(k.srv.URL + "/000000000000/gone")})
	require.NoError(t, err)
	_, err = k.sns.Publish(k.ctx, &sns.PublishInput{TopicArn: aws.String(topicARN("events")), Message: aws.String("event")})
	require.NoError(t, err)
	k.srv.Clock.Advance(time.Hour)
	require.Equal(t, []string{"event"}, k.bodies(dlq))
}
