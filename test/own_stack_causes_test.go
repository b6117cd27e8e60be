package test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// TestTheGuideExplainsWhatIsFound brings about what the guide's table names as causes, and
// holds the table to what a proof then says: each of its lines, and no other.
func TestTheGuideExplainsWhatIsFound(t *testing.T) {
	t.Parallel()
	causes := []struct {
		name string
		says string // the table's first column
		make func(*sample)
	}{
		{"a larger maxReceiveCount", "though the queue is to allow", func(s *sample) { s.redrive(s.p.DLQARN, 4) }},
		{"no redrive policy", "though the queue is to allow", func(s *sample) { s.set("RedrivePolicy", "") }},
		{"a smaller maxReceiveCount", "though its consumer … succeeds on receive", func(s *sample) { s.redrive(s.p.DLQARN, 2) }},
		{"another consumer", "but no consumer saw count", func(s *sample) { s.anotherConsumer(1) }},
		{"another consumer, for longer", "but a receive at … found nothing", func(s *sample) { s.anotherConsumer(3) }},
		{"a retention shorter than the receives take", "is lost: it was neither acknowledged nor is it in the DLQ", func(s *sample) { s.set("MessageRetentionPeriod", "60") }},
		{"another DLQ", "is lost: it was neither acknowledged nor is it in the DLQ", func(s *sample) { s.redrive(s.decoyARN, 3) }},
		{"another DLQ, too", "never reached the DLQ", func(s *sample) { s.redrive(s.decoyARN, 3) }},
		{"a DLQ that is in use", "is in the DLQ, but the proof didn't send it", func(s *sample) {
			s.meanwhile = func(ctx context.Context) (done bool, err error) {
				_, err = s.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.p.DLQURL, MessageBody: aws.String("another's")})
				return true, err
			}
		}},
		{"an alarm on messages sent", "the alarm did not go to ALARM", func(s *sample) { s.alarm.MetricName = aws.String("NumberOfMessagesSent") }},
		{"an alarm on messages received", "the alarm did not go to ALARM", func(s *sample) { s.alarm.MetricName = aws.String("NumberOfMessagesReceived") }},
		{"an ARN for a name", "the alarm did not go to ALARM", func(s *sample) { s.alarm.Dimensions[0].Value = &s.p.DLQARN }},
		{"a threshold above 0", "after a message was dead-lettered; it is allowed", func(s *sample) { s.alarm.Threshold = aws.Float64(1) }},
		{"many periods", "the alarm did not go to ALARM", func(s *sample) { s.alarm.EvaluationPeriods = aws.Int32(10) }},
		{"an alarm on the source queue", "when nothing had been dead-lettered", func(s *sample) { s.alarm.Dimensions[0].Value = aws.String(queueName(s.p.QueueURL)) }},
		{"a threshold that 0 reaches", "when nothing had been dead-lettered", func(s *sample) {
			s.alarm.ComparisonOperator = cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold
		}},
		{"a metric that doesn't exist", "the alarm was in INSUFFICIENT_DATA before the outage", func(s *sample) {
			s.alarm.MetricName, s.alarm.TreatMissingData = aws.String("ApproximateNumberOfVisibleMessages"), nil
		}},
		{"an alarm on visible messages only", "it must count messages in flight", func(s *sample) { s.q.AlarmHoldsInFlight = true }},
		{"one datapoint of many periods", "the alarm did not return to OK", func(s *sample) {
			s.alarm.EvaluationPeriods, s.alarm.DatapointsToAlarm = aws.Int32(10), aws.Int32(1)
		}},
		{"a long period", "the alarm did not return to OK", func(s *sample) { s.alarm.Period = aws.Int32(3600) }},
		{"no alarm actions", "no notification of the alarm's change to ALARM arrived", func(s *sample) { s.alarm.AlarmActions = nil }},
		{"no OK actions", "no notification of the alarm's change to OK arrived", func(s *sample) { s.alarm.OKActions = nil }},
		{"a DLQ that is none", "the redrive was refused", func(s *sample) { s.redrive(s.decoyARN, 3) }},
	}
	explained := map[string]bool{}
	for _, line := range tableOf(t, "The report says") {
		explained[line] = true
	}
	for _, tt := range causes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.True(t, explained[tt.says], "the guide doesn't explain %q", tt.says)
			s := newSample(t)
			require.NoError(t, s.prove(t), "without the cause all is well")
			s = newSample(t)
			tt.make(s)
			require.Regexp(t, strings.ReplaceAll(regexp.QuoteMeta(tt.says), "…", ".*"), s.prove(t))
		})
	}
	for line := range explained {
		found := false
		for _, tt := range causes {
			found = found || tt.says == line
		}
		require.True(t, found, "no cause here makes a proof say %q", line)
	}
}

// tableOf returns the first column of the guide's table that begins with the heading.
func tableOf(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "| "+heading+" |")
	require.True(t, found)
	table, _, _ := strings.Cut(rest, "\n\n")
	var column []string
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(line, " | ")
		column = append(column, strings.TrimPrefix(cells[0], "| "))
	}
	require.NotEmpty(t, column)
	return column
}

// sample is a sound pair with an alarm on visible messages, of which a cause spoils something.
type sample struct {
	*sdkClients
	t         *testing.T
	p         pair
	decoyARN  string
	q         dlqtest.Queue
	alarm     *cloudwatch.PutMetricAlarmInput
	meanwhile func(context.Context) (done bool, err error)
}

func newSample(t *testing.T) *sample {
	srv := awstest.Start(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	c := clientsOf(dlqtest.Target{Config: srv.DirectConfig(), Clock: srv.Clock, Ground: dlqtest.Embedded})
	p := c.createPair(t, "orders", false, 3)
	out, err := c.cloudwatch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{p.AlarmName}})
	require.NoError(t, err)
	require.Len(t, out.MetricAlarms, 1)
	actions := out.MetricAlarms[0].AlarmActions
	return &sample{
		sdkClients: c, t: t, p: p, decoyARN: strings.Replace(p.DLQARN, "-dlq", "-decoy", 1),
		q: dlqtest.Queue{URL: p.QueueURL, DLQ: p.DLQURL, MaxReceiveCount: 3, Alarm: p.AlarmName, Notifications: p.Notification},
		alarm: &cloudwatch.PutMetricAlarmInput{
			AlarmName: &p.AlarmName, AlarmActions: actions, OKActions: actions,
			Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: aws.String(queueName(p.DLQURL))}},
			Statistic:  cwtypes.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1),
			ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(0),
			TreatMissingData: aws.String("notBreaching"),
		},
	}
}

func (s *sample) set(attribute, value string) {
	_, err := s.sqs.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &s.p.QueueURL, Attributes: map[string]string{attribute: value}})
	require.NoError(s.t, err)
}

// anotherConsumer receives so many messages while the proof waits.
func (s *sample) anotherConsumer(n int) {
	got := 0
	s.meanwhile = func(ctx context.Context) (done bool, err error) {
		out, err := s.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &s.p.QueueURL}, dlqtest.ShortPoll)
		if err == nil {
			got += len(out.Messages)
		}
		return got >= n, err
	}
}

func (s *sample) redrive(dlqARN string, maxReceiveCount int) {
	s.set("RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, dlqARN, maxReceiveCount))
}

// prove proves the pair; what isn't proven is in the error.
func (s *sample) prove(t *testing.T) error {
	_, err := s.cloudwatch.PutMetricAlarm(t.Context(), s.alarm)
	require.NoError(t, err)
	target := s.target
	if s.meanwhile != nil {
		target.Clock = &interrupted{Clock: target.Clock, then: s.meanwhile}
	}
	return checkQueue(t.Context(), target, s.q)
}

// interrupted is a clock during whose sleeps somebody else does something, until it's done.
type interrupted struct {
	dlqtest.Clock
	then func(context.Context) (done bool, err error)
	done bool
}

func (c *interrupted) Sleep(ctx context.Context, d time.Duration) error {
	err := c.Clock.Sleep(ctx, d)
	if err == nil && !c.done {
		c.done, err = c.then(ctx)
	}
	return err
}
