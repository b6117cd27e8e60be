package dlqtest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// describeAlarm returns the alarm, nil if there is none of that name.
func (p *prover) describeAlarm(ctx context.Context) (*types.MetricAlarm, error) {
	out, err := p.cw.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{p.q.Alarm}})
	if err != nil {
		return nil, err
	}
	for i := range out.MetricAlarms {
		if aws.ToString(out.MetricAlarms[i].AlarmName) == p.q.Alarm {
			return &out.MetricAlarms[i], nil
		}
	}
	return nil, nil
}

// readAlarm records the alarm's state.
func (p *prover) readAlarm(ctx context.Context) error {
	_, err := p.alarmState(ctx)
	return err
}

func (p *prover) alarmState(ctx context.Context) (string, error) {
	e := Event{Op: OpAlarm, Call: p.clock.Now()}
	alarm, err := p.describeAlarm(ctx)
	if err == nil && alarm == nil {
		err = fmt.Errorf("there is no alarm of that name any more")
	}
	if err != nil {
		e.Outcome, e.Error = Failed, errorText(err)
		p.record(e)
		return "", fmt.Errorf("reading the alarm %s: %w", p.q.Alarm, err)
	}
	e.State, e.Reason = string(alarm.StateValue), aws.ToString(alarm.StateReason)
	// StateTransitionedTimestamp is when the state changed; StateUpdatedTimestamp, which
	// endpoints that lack the former have, also moves when only the reason does
	if e.Changed = aws.ToTime(alarm.StateTransitionedTimestamp); e.Changed.IsZero() {
		e.Changed = aws.ToTime(alarm.StateUpdatedTimestamp)
	}
	p.record(e)
	return e.State, nil
}

// awaitAlarm reads the alarm until it is in the state, for so long at most. That it
// isn't, then, is for the checker to judge.
func (p *prover) awaitAlarm(ctx context.Context, state string, within time.Duration) error {
	deadline := p.clock.Now().Add(within)
	for {
		got, err := p.alarmState(ctx)
		if err != nil {
			return err
		}
		if got == state || !p.clock.Now().Before(deadline) {
			return nil
		}
		if err := p.sleep(ctx, 15*time.Second); err != nil {
			return err
		}
	}
}

// readNotifications records the alarm's notifications, until the one of its change into
// the state has come or a minute has passed.
func (p *prover) readNotifications(ctx context.Context, state string) error {
	if p.q.Notifications == "" {
		return nil
	}
	began := p.h.Started.Add(sortByMessage(&p.h).skew()).Truncate(time.Second)
	deadline := p.clock.Now().Add(time.Minute)
	for {
		arrived, err := p.takeNotifications(ctx, state, began)
		if err != nil || arrived || !p.clock.Now().Before(deadline) {
			return err
		}
		if err := p.sleep(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}

// takeNotifications empties the notification queue of the alarm's notifications since the
// proof began, by the queues' clock, and says whether one of its change into the state was
// among them.
func (p *prover) takeNotifications(ctx context.Context, state string, began time.Time) (arrived bool, err error) {
	for {
		in := &sqs.ReceiveMessageInput{QueueUrl: &p.q.Notifications, MaxNumberOfMessages: maxBatch, VisibilityTimeout: 30}
		call := p.clock.Now()
		out, err := p.sqs.ReceiveMessage(ctx, in, p.wait(in))
		if err != nil {
			return arrived, fmt.Errorf("receiving notifications from %s: %w", queueName(p.q.Notifications), err)
		}
		if len(out.Messages) == 0 {
			return arrived, nil
		}
		for _, m := range out.Messages {
			n, ok := parseNotification(m)
			if !ok || n.AlarmName != p.q.Alarm {
				continue // another's: it comes back
			}
			if n.changed().Before(began) {
				continue // of another run
			}
			p.record(Event{Op: OpNotification, Call: call, MessageID: aws.ToString(m.MessageId), State: n.NewStateValue, From: n.OldStateValue, Reason: n.NewStateReason, Changed: n.changed()})
			arrived = arrived || n.NewStateValue == state
			if _, err := p.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &p.q.Notifications, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return arrived, fmt.Errorf("deleting a notification from %s: %w", queueName(p.q.Notifications), err)
			}
		}
	}
}

// notification is what CloudWatch tells SNS of an alarm's transition.
type notification struct {
	AlarmName, NewStateValue, OldStateValue, NewStateReason, StateChangeTime string
}

func (n notification) changed() time.Time {
	t, _ := time.Parse("2006-01-02T15:04:05.000-0700", n.StateChangeTime)
	return t.UTC()
}

// parseNotification reads a notification as SNS delivers it, in its envelope or raw.
func parseNotification(m sqstypes.Message) (notification, bool) {
	text := aws.ToString(m.Body)
	var envelope struct{ Type, Message string }
	if json.Unmarshal([]byte(text), &envelope) == nil && envelope.Type == "Notification" {
		text = envelope.Message
	}
	var n notification
	err := json.Unmarshal([]byte(text), &n)
	return n, err == nil && n.AlarmName != ""
}
