package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedtypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// TestDLQRedrive proves the module's variants on queues that were deployed together with
// their redrives.
func TestDLQRedrive(t *testing.T) {
	needsTerraform(t)
	s := deploy(t, "fixtures/redrive", map[string]any{"prefix": uniqueName("r")})
	s.requireNoChanges(t)
	if !s.virtual() {
		return // the rest takes days
	}
	var queues map[string]healing
	s.output(t, "queues", &queues)
	c := clientsOf(s.target.Target)
	ctx := s.ctx
	nightly := night{zone: "Europe/Berlin", hour: 3, perSecond: 5}
	disabled := queues["disabled"]
	require.NoError(t, c.fillDLQ(ctx, disabled, 1, 2))

	t.Run("heals", func(t *testing.T) {
		require.NoError(t, checkHealing(ctx, c, queues["standard"], nightly, 3))
	})
	t.Run("heals FIFO queues under a KMS key, at their own hour", func(t *testing.T) {
		require.NoError(t, checkHealing(ctx, c, queues["fifo"], night{zone: "America/New_York", hour: 4, minute: 30, perSecond: 10}, 2))
	})
	t.Run("moves to another queue, by rate, in its window", func(t *testing.T) {
		defer c.pause()()
		require.NoError(t, c.fillDLQ(ctx, queues["elsewhere"], 3, 2))
		require.NoError(t, c.target.Clock.Sleep(ctx, 25*time.Hour))
		require.NoError(t, c.expectDepth(ctx, queues["elsewhere"].DLQURL, 0))
		require.NoError(t, c.expectDepth(ctx, queues["elsewhere"].QueueURL, 0))
		require.NoError(t, c.expectDepth(ctx, s.text(t, "elsewhere_url"), 3))
	})
	t.Run("tells of a DLQ that is nobody's", func(t *testing.T) {
		require.NoError(t, checkFailedStart(ctx, c, queues["standard"], nightly, 3))
	})
	t.Run("tells of a DLQ that is gone", func(t *testing.T) {
		defer c.pause()()
		h := queues["standard"]
		was, err := c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &h.DLQURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameMessageRetentionPeriod}})
		require.NoError(t, err)
		_, err = c.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &h.DLQURL})
		require.NoError(t, err)
		require.NoError(t, checkFailure(ctx, c, h, nightly, "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."))
		_, err = c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queueName(h.DLQURL)), Attributes: was.Attributes})
		require.NoError(t, err)
	})
	t.Run("tells of a role that may no longer do it", func(t *testing.T) {
		defer c.pause()()
		h := queues["standard"]
		roles := iam.NewFromConfig(s.target.Config)
		policy, err := roles.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &h.RoleName, PolicyName: aws.String("redrive")})
		require.NoError(t, err)
		put := func(document string) {
			_, err := roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &h.RoleName, PolicyName: policy.PolicyName, PolicyDocument: &document})
			require.NoError(t, err)
		}
		document := unescape(t, *policy.PolicyDocument)
		put(onlyStatement(t, document, "ReportFailures", "DecryptAndEncrypt"))
		require.NoError(t, checkFailure(ctx, c, h, nightly, "AccessDeniedException", "not authorized to perform: sqs:startmessagemovetask"))
		put(document)
	})
	t.Run("waits for a task that is running already", func(t *testing.T) {
		defer c.pause()()
		h := queues["standard"]
		hour, err := nightly.after(c.target.Clock.Now(), time.Hour)
		require.NoError(t, err)
		require.NoError(t, c.fillDLQ(ctx, h, 20, 3))
		require.NoError(t, c.sleepUntil(ctx, hour.Add(-5*time.Second)))
		_, err = c.sqs.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &h.DLQARN, MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		require.NoError(t, err)
		require.NoError(t, c.sleepUntil(ctx, hour.Add(10*time.Minute)))
		tasks, err := c.sqs.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &h.DLQARN, MaxResults: aws.Int32(10)})
		require.NoError(t, err)
		require.Len(t, tasks.Results, 2, "one by hand, one by the schedule")
		require.Greater(t, time.UnixMilli(tasks.Results[0].StartedTimestamp), hour.Add(14*time.Second), "it began when the other had ended")
		require.NoError(t, c.expectDepth(ctx, h.DLQURL, 0))
		require.NoError(t, c.expectDepth(ctx, h.QueueURL, 20))
		require.NoError(t, c.expectDepth(ctx, h.FailuresDLQ, 0))
		require.NoError(t, c.drain(ctx, h.QueueURL, 0))
	})
	t.Run("has left alone what is disabled", func(t *testing.T) {
		require.NoError(t, c.expectDepth(ctx, disabled.DLQURL, 1))
		require.NoError(t, c.expectDepth(ctx, disabled.QueueURL, 0))
		tasks, err := c.sqs.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &disabled.DLQARN})
		require.NoError(t, err)
		require.Empty(t, tasks.Results)
		require.NoError(t, c.expectState(ctx, disabled.AlarmName, cwtypes.StateValueAlarm))
	})
}

// TestANightlyRedriveKeepsToLocalTime holds the endpoint's scheduler to nights around
// changes to and from daylight saving time.
func TestANightlyRedriveKeepsToLocalTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone, expression string
		from                   time.Time
		nights                 []string // in UTC
	}{
		{"the end of summer", "Europe/Berlin", "cron(0 3 * * ? *)", time.Date(2026, 10, 23, 12, 0, 0, 0, time.UTC), []string{"2026-10-24T01:00", "2026-10-25T02:00", "2026-10-26T02:00"}},
		{"the end of winter", "Europe/Berlin", "cron(0 3 * * ? *)", time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC), []string{"2027-03-27T02:00", "2027-03-28T01:00", "2027-03-29T01:00"}},
		{"the other hemisphere", "Australia/Sydney", "cron(30 3 * * ? *)", time.Date(2027, 4, 2, 20, 0, 0, 0, time.UTC), []string{"2027-04-03T17:30", "2027-04-04T17:30"}},
		{"a zone without", "Asia/Kolkata", "cron(0 3 * * ? *)", time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), []string{"2027-03-27T21:30", "2027-03-28T21:30"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := awstest.Start(t, awstest.StartAt(tt.from))
			srv.Clock.Pause()
			c := clientsOf(dlqtest.Target{Config: srv.DirectConfig(), Clock: srv.Clock, Ground: dlqtest.Embedded})
			p := c.createPair(t, "orders", false, 1)
			role := c.createRedriveRole(t, p)
			_, err := scheduler.NewFromConfig(c.target.Config).CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
				Name: aws.String("orders"), ScheduleExpression: &tt.expression, ScheduleExpressionTimezone: &tt.zone,
				FlexibleTimeWindow: &schedtypes.FlexibleTimeWindow{Mode: schedtypes.FlexibleTimeWindowModeOff},
				Target: &schedtypes.Target{
					Arn: aws.String("arn:aws:scheduler:::aws-sdk:sqs:startMessageMoveTask"), RoleArn: &role,
					Input: aws.String(fmt.Sprintf(`{"SourceArn":%q,"MaxNumberOfMessagesPerSecond":10}`, p.DLQARN)),
				},
			})
			require.NoError(t, err)
			var nights []string
			for range tt.nights {
				require.NoError(t, c.target.Clock.Sleep(t.Context(), day))
				tasks, err := c.sqs.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &p.DLQARN})
				require.NoError(t, err)
				require.Len(t, tasks.Results, 1)
				nights = append(nights, time.UnixMilli(tasks.Results[0].StartedTimestamp).UTC().Format("2006-01-02T15:04"))
			}
			require.Equal(t, tt.nights, nights)
		})
	}
}

// createRedriveRole makes a role for schedules that redrive the pair.
func (c *sdkClients) createRedriveRole(t *testing.T, p pair) string {
	t.Helper()
	client := iam.NewFromConfig(c.target.Config)
	out, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("redrive"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	require.NoError(t, err)
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("redrive"), PolicyName: aws.String("redrive"), PolicyDocument: aws.String(
		fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":[%q,%q]}]}`, p.DLQARN, p.QueueARN))})
	require.NoError(t, err)
	return *out.Role.Arn
}

// fillDLQ dead-letters so many messages of a standard queue.
func (c *sdkClients) fillDLQ(ctx context.Context, h healing, messages, maxReceiveCount int) error {
	return c.deadLetterMany(ctx, watched{pair: h.pair}, maxReceiveCount, messages)
}

// onlyStatement is a policy document with the statements of these Sids alone.
func onlyStatement(t *testing.T, document string, sids ...string) string {
	t.Helper()
	var d struct {
		Version   string
		Statement []map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(document), &d))
	d.Statement = slices.DeleteFunc(d.Statement, func(s map[string]any) bool { return !slices.Contains(sids, fmt.Sprint(s["Sid"])) })
	require.Len(t, d.Statement, len(sids))
	b, err := json.Marshal(d)
	require.NoError(t, err)
	return string(b)
}

// unescape reads a document as IAM returns it.
func unescape(t *testing.T, document string) string {
	t.Helper()
	text, err := url.QueryUnescape(document)
	require.NoError(t, err)
	return text
}
