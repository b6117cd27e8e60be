package awstest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedtypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func TestAdvance(t *testing.T) {
	k := start(t)
	k.srv.Clock.Pause()
	t.Run("ends visibility timeouts", func(t *testing.T) {
		url := k.queue("visibility", "VisibilityTimeout", "30")
		k.send(url, "body")
		require.Len(t, k.receive(url), 1)
		k.srv.Clock.Advance(30*time.Second - time.Nanosecond)
		require.Empty(t, k.receive(url))
		k.srv.Clock.Advance(time.Nanosecond)
		require.Equal(t, "2", k.receive(url)[0].Attributes["ApproximateReceiveCount"])
	})
	t.Run("ends delays", func(t *testing.T) {
		url := k.queue("delay", "DelaySeconds", "900")
		k.send(url, "body")
		require.Empty(t, k.receive(url))
		k.srv.Clock.Advance(15 * time.Minute)
		require.Len(t, k.receive(url), 1)
	})
	t.Run("ends retention", func(t *testing.T) {
		url := k.queue("retention", "MessageRetentionPeriod", "1209600")
		k.send(url, "body")
		k.srv.Clock.Advance(14*24*time.Hour - time.Nanosecond)
		require.Equal(t, "1", k.attribute(url, "ApproximateNumberOfMessages"))
		k.srv.Clock.Advance(time.Nanosecond)
		require.Equal(t, "0", k.attribute(url, "ApproximateNumberOfMessages"))
	})
	t.Run("evaluates alarms", func(t *testing.T) {
		url := k.queue("alarmed")
		k.alarmOn("alarmed", "alarmed")
		k.srv.Clock.Advance(2 * time.Minute)
		require.Equal(t, cwtypes.StateValueOk, k.alarmState("alarmed"))
		k.send(url, "body")
		k.srv.Clock.Advance(2 * time.Minute)
		require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("alarmed"))
	})
	t.Run("moves nothing back", func(t *testing.T) {
		before := k.srv.Clock.Now()
		k.srv.Clock.Advance(-time.Hour)
		k.srv.Clock.AdvanceTo(before.Add(-time.Hour))
		require.Equal(t, before, k.srv.Clock.Now())
		k.srv.Clock.AdvanceTo(before.Add(time.Hour))
		require.Equal(t, before.Add(time.Hour), k.srv.Clock.Now())
	})
}

// One Advance makes everything happen in the order of its instants: the schedule sends, the
// alarm sees it, and the message that the alarm leads to is timed by all that.
func TestOneAdvanceRunsAllServicesInOrder(t *testing.T) {
	begin := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	k := start(t, awstest.StartAt(begin))
	k.srv.Clock.Pause()
	before := k.srv.Clock.Now()
	k.queue("jobs")
	inbox := k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.topic("alerts", "inbox", nil)
	k.alarmOn("busy", "jobs", topicARN("alerts"))
	_, err := scheduler.NewFromConfig(k.srv.Config()).CreateSchedule(k.ctx, &scheduler.CreateScheduleInput{
		Name: aws.String("at-ten"), ScheduleExpression: aws.String("at(2026-11-24T10:00:30)"),
		FlexibleTimeWindow: &schedtypes.FlexibleTimeWindow{Mode: schedtypes.FlexibleTimeWindowModeOff},
		Target:             &schedtypes.Target{Arn: aws.String(queueARN("jobs")), RoleArn: aws.String(k.schedulerRole()), Input: aws.String("job")},
	})
	require.NoError(t, err)
	k.srv.Clock.Advance(24 * time.Hour)
	messages := k.receive(inbox)
	require.Len(t, messages, 1)
	notice := within(t, *messages[0].Body, "Message")
	require.Equal(t, "ALARM", within(t, notice, "NewStateValue"))
	// scheduled within the minute that ends at 10:01
	require.Equal(t, "2026-11-24T10:01:00.000+0000", within(t, notice, "StateChangeTime"))
	require.Equal(t, before.Add(24*time.Hour), k.srv.Clock.Now())
}

func TestAPausedClockStandsStill(t *testing.T) {
	k := start(t, awstest.StartAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	url := k.queue("q")
	k.srv.Clock.Pause()
	before := k.srv.Clock.Now()
	answered := make(chan int, 1)
	go func() {
		out, err := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 1})
		if err != nil {
			answered <- -1
			return
		}
		answered <- len(out.Messages)
	}()
	require.Eventually(t, func() bool { return goroutinesIn("sqs.(*queue).receive") == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, before, k.srv.Clock.Now())
	k.srv.Clock.Advance(time.Second - time.Nanosecond)
	require.Equal(t, 1, goroutinesIn("sqs.(*queue).receive"), "the receive still waits")
	k.srv.Clock.Advance(time.Nanosecond)
	require.Equal(t, 0, <-answered)
	require.Equal(t, before.Add(time.Second), k.srv.Clock.Now())
	k.srv.Clock.Resume()
	require.Eventually(t, func() bool { return k.srv.Clock.Now().After(before.Add(time.Second)) }, time.Minute, time.Millisecond)
}

func TestSleepPassesTimeWithoutWaiting(t *testing.T) {
	srv := awstest.Start(t)
	began, before := time.Now(), srv.Clock.Now()
	require.NoError(t, srv.Clock.Sleep(t.Context(), 24*time.Hour))
	require.GreaterOrEqual(t, srv.Clock.Now().Sub(before), 24*time.Hour)
	require.Less(t, time.Since(began), time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before = srv.Clock.Now()
	require.ErrorIs(t, srv.Clock.Sleep(ctx, time.Hour), context.Canceled)
	require.Less(t, srv.Clock.Now().Sub(before), time.Hour)
}

// The metrics of a minute are taken in the very instant in which the message becomes
// visible: who looked first used to be told nothing.
func TestAWaitingReceiveGetsAMessageThatBecomesVisibleOnTheMinute(t *testing.T) {
	k := start(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	k.srv.Clock.Pause()
	k.srv.Clock.AdvanceTo(time.Date(2026, 11, 24, 9, 1, 50, 0, time.UTC))
	url := k.queue("q")
	_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body"), DelaySeconds: 10})
	require.NoError(t, err)
	answered := make(chan *sqs.ReceiveMessageOutput, 1)
	go func() {
		out, _ := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		answered <- out
	}()
	require.Eventually(t, func() bool { return goroutinesIn("sqs.(*queue).receive") == 1 }, time.Minute, time.Millisecond)
	k.srv.Clock.Advance(10 * time.Second)
	select {
	case out := <-answered:
		require.Len(t, out.Messages, 1)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the receive still waits")
	}
}
