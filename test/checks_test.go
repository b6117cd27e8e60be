package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// The checks return what is wrong, so that the suite can require nothing to be, and the
// mutation test something.

const day = 24 * time.Hour

// pair is a source queue and its DLQ.
type pair struct {
	QueueURL     string `json:"queue_url"`
	QueueARN     string `json:"queue_arn"`
	DLQURL       string `json:"dlq_url"`
	DLQARN       string `json:"dlq_arn"`
	AlarmName    string `json:"not_empty_alarm_name"`
	Notification string `json:"notification_queue_url"`
}

// checkProof proves the pair's dead-lettering, with so many receives expected.
func checkProof(ctx context.Context, t dlqtest.Target, p pair, maxReceiveCount int, holdsInFlight bool) error {
	proof, err := dlqtest.Prove(ctx, t, dlqtest.Queue{
		URL: p.QueueURL, DLQ: p.DLQURL, MaxReceiveCount: maxReceiveCount,
		Alarm: p.AlarmName, AlarmHoldsInFlight: holdsInFlight, Notifications: p.Notification,
		Force: true, // the suite's own queue, which an earlier check may have used
	})
	if proof == nil || err == nil && proof.Proven() {
		return err
	}
	var text strings.Builder
	return errors.Join(proof.Report().WriteText(&text), err, errors.New(text.String()))
}

// checkOnlySourceAllowed tries to make another queue use the DLQ, which its redrive-allow
// policy must refuse.
func checkOnlySourceAllowed(ctx context.Context, client *sqs.Client, p pair) error {
	name := queueName(p.QueueURL)
	intruder := strings.TrimSuffix(name, ".fifo") + "-intruder" + strings.TrimPrefix(name, strings.TrimSuffix(name, ".fifo"))
	in := &sqs.CreateQueueInput{QueueName: &intruder, Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, p.DLQARN),
	}}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	out, err := client.CreateQueue(ctx, in)
	var refusal smithy.APIError
	switch {
	case err == nil:
		_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		return errors.Join(fmt.Errorf("queue %s, which the redrive-allow policy of %s doesn't name, could make it its DLQ", intruder, p.DLQARN), err)
	case errors.As(err, &refusal) && refusal.ErrorCode() == "InvalidParameterValue":
		return nil
	default:
		return fmt.Errorf("the redrive-allow policy was to refuse %s with InvalidParameterValue: %w", intruder, err)
	}
}

// checkRetention lets a message expire in the source queue and one in the DLQ, and holds
// both to the instant. A standard queue's DLQ counts from the original send, a FIFO
// queue's from the move. The clock must be one that can be moved. It stands still in
// between, where it can: on a machine under load seconds go by between two calls.
func checkRetention(ctx context.Context, t dlqtest.Target, client *sqs.Client, p pair, maxReceiveCount int, source, dlq time.Duration) error {
	if clock, ok := t.Clock.(interface {
		Pause()
		Resume()
	}); ok {
		clock.Pause()
		defer clock.Resume()
	}
	sent := t.Clock.Now()
	if err := sendPlain(ctx, client, p.QueueURL); err != nil {
		return err
	}
	if err := expireAt(ctx, t.Clock, client, p.QueueURL, sent.Add(source)); err != nil {
		return fmt.Errorf("retention of the source queue: %w", err)
	}
	sent = t.Clock.Now()
	if err := sendPlain(ctx, client, p.QueueURL); err != nil {
		return err
	}
	if err := t.Clock.Sleep(ctx, day); err != nil {
		return err
	}
	if err := deadLetter(ctx, client, p.QueueURL, maxReceiveCount); err != nil {
		return err
	}
	if strings.HasSuffix(p.DLQURL, ".fifo") {
		sent = t.Clock.Now()
	}
	if err := expireAt(ctx, t.Clock, client, p.DLQURL, sent.Add(dlq)); err != nil {
		return fmt.Errorf("retention of the DLQ: %w", err)
	}
	return nil
}

// expireAt moves the clock and sees the queue's one message disappear at the instant.
func expireAt(ctx context.Context, clock dlqtest.Clock, client *sqs.Client, queueURL string, at time.Time) error {
	const slack = 2 * time.Second
	for _, step := range []struct {
		until time.Time
		held  int
	}{{at.Add(-slack), 1}, {at.Add(slack), 0}} {
		if err := clock.Sleep(ctx, step.until.Sub(clock.Now())); err != nil {
			return err
		}
		held, err := depth(ctx, client, queueURL)
		if err != nil {
			return err
		}
		if held != step.held {
			return fmt.Errorf("%s holds %d messages at %s, which is %s from the instant at which its message expires; want %d", queueName(queueURL), held, step.until.Format(time.RFC3339), step.until.Sub(at), step.held)
		}
	}
	return nil
}

// checkSilence lets nobody use the queues for half a day: after six hours SQS publishes no
// metrics any more, and an alarm on an empty DLQ must not take that for anything but OK.
func checkSilence(ctx context.Context, t dlqtest.Target, client *cloudwatch.Client, alarm string) error {
	began := t.Clock.Now()
	if err := t.Clock.Sleep(ctx, 12*time.Hour); err != nil {
		return err
	}
	return stillOK(ctx, client, alarm, began, "after a silent night")
}

// stillOK wants the alarm to have been OK since the instant; when says what has passed.
func stillOK(ctx context.Context, client *cloudwatch.Client, name string, since time.Time, when string) error {
	a, err := describeAlarm(ctx, client, name)
	if err != nil {
		return err
	}
	if changed := aws.ToTime(a.StateTransitionedTimestamp); a.StateValue != cwtypes.StateValueOk || changed.After(since) {
		return fmt.Errorf("%s alarm %s is %s since %s: %s", when, name, a.StateValue, changed.Format(time.RFC3339), aws.ToString(a.StateReason))
	}
	return nil
}

func describeAlarm(ctx context.Context, client *cloudwatch.Client, name string) (cwtypes.MetricAlarm, error) {
	out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil {
		return cwtypes.MetricAlarm{}, err
	}
	if len(out.MetricAlarms) != 1 {
		return cwtypes.MetricAlarm{}, fmt.Errorf("there are %d alarms of the name %q", len(out.MetricAlarms), name)
	}
	return out.MetricAlarms[0], nil
}

func sendPlain(ctx context.Context, client *sqs.Client, queueURL string) error {
	return send(ctx, client, queueURL, "to expire", "g")
}

// send sends a message, to a FIFO queue in the group.
func send(ctx context.Context, client *sqs.Client, queueURL, body, group string) error {
	in := &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: &body}
	if strings.HasSuffix(queueURL, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = &group, aws.String(uniqueName("dedup"))
	}
	_, err := client.SendMessage(ctx, in)
	return err
}

// deadLetter receives the queue's one message as often as is allowed, and once more.
func deadLetter(ctx context.Context, client *sqs.Client, queueURL string, maxReceiveCount int) error {
	for range maxReceiveCount + 1 {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL}, dlqtest.ShortPoll)
		if err != nil {
			return err
		}
		for _, m := range out.Messages {
			if _, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
	}
	return nil
}

// depth is how many messages the queue says that it holds.
func depth(ctx context.Context, client *sqs.Client, queueURL string) (int, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: names})
	if err != nil {
		return 0, err
	}
	total := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("attribute %s of %s: %w", name, queueURL, err)
		}
		total += n
	}
	return total, nil
}

// checkAttributes compares attributes of a queue with literal values. JSON is compared by
// what it says.
func checkAttributes(ctx context.Context, client *sqs.Client, queueURL string, want map[string]string) error {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return err
	}
	var wrong []error
	for name, value := range want {
		if got := out.Attributes[name]; got != value && !sameJSON(got, value) {
			wrong = append(wrong, fmt.Errorf("%s of %s is %q, want %q", name, queueName(queueURL), got, value))
		}
	}
	return errors.Join(wrong...)
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	m, err1 := json.Marshal(x)
	n, err2 := json.Marshal(y)
	return err1 == nil && err2 == nil && string(m) == string(n)
}

func queueName(queueURL string) string { return queueURL[strings.LastIndex(queueURL, "/")+1:] }
