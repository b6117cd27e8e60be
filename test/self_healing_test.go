package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// TestSelfHealing deploys the example as it stands and lets an outage happen in it.
func TestSelfHealing(t *testing.T) {
	needsTerraform(t)
	vars := map[string]any{}
	if target.FromEnv(os.Getenv) != string(dlqtest.Embedded) {
		vars["name"] = uniqueName("orders")
	}
	s := deploy(t, "../examples/self-healing", vars)
	s.requireNoChanges(t)
	if !s.virtual() {
		return // the rest takes days
	}
	c := clientsOf(s.target.Target)
	h := healing{pair: s.onlyPair(t), FailuresDLQ: s.text(t, "failures_dlq_url"), FailedAlarm: s.text(t, "failed_alarm_name")}
	nightly := night{zone: "Europe/Berlin", hour: 3, perSecond: 10}
	// the redrive would get in the proof's way
	hour, err := nightly.after(c.target.Clock.Now(), 0)
	require.NoError(t, err)
	if hour.Sub(c.target.Clock.Now()) < 6*time.Hour {
		require.NoError(t, c.sleepUntil(s.ctx, hour.Add(time.Minute)))
	}
	require.NoError(t, checkProof(s.ctx, s.target.Target, h.pair, 3, true))
	require.NoError(t, checkHealing(s.ctx, c, h, nightly, 3))
	require.NoError(t, checkFailedStart(s.ctx, c, h, nightly, 3))
}

// healing is a pair whose DLQ is redriven on a schedule.
type healing struct {
	pair
	FailuresDLQ string `json:"failures_dlq_url"`
	FailedAlarm string `json:"failed_alarm_name"`
	RoleName    string `json:"role_name"`
}

// night is when a DLQ is redriven, and how fast.
type night struct {
	zone         string
	hour, minute int
	perSecond    int
}

// after is the first such instant that is more than so much later.
func (n night) after(now time.Time, later time.Duration) (time.Time, error) {
	zone, err := time.LoadLocation(n.zone)
	if err != nil {
		return time.Time{}, err
	}
	y, m, d := now.In(zone).Date()
	for ; ; d++ {
		if t := time.Date(y, m, d, n.hour, n.minute, 0, 0, zone); t.After(now.Add(later)) {
			return t, nil
		}
	}
}

// checkHealing is a night and the one after. In the evening the consumer is in an outage;
// its messages are dead-lettered and the alarm fires. At the hour the redrive returns them,
// and not before. The consumer, which works again, does each piece of work once, though it
// gets some of them twice. A poison message comes back to the DLQ, on both nights, and
// stands there once.
func checkHealing(ctx context.Context, c *sdkClients, h healing, n night, maxReceiveCount int) error {
	defer c.pause()()
	hour, err := n.after(c.target.Clock.Now(), 8*time.Hour)
	if err != nil {
		return err
	}
	w := &worker{c: c, queueURL: h.QueueURL, received: map[string]int{}, effects: map[string]int{}, dies: map[string]bool{}}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a quiet evening", func() error { return w.quietEvening(ctx, h, hour) }},
		{"the outage", func() error { return w.outage(ctx, h, maxReceiveCount) }},
		{"the alarm", func() error { return c.expectAlarm(ctx, h, cwtypes.StateValueAlarm, "ALARM") }},
		{"until the hour", func() error { return w.untilTheHour(ctx, h, hour) }},
		{"the redrive", func() error { return w.redrive(ctx, h, hour, n) }},
		{"what was processed", w.processed},
		{"the poison message", func() error { return w.poisonStands(ctx, h, maxReceiveCount) }},
		{"the alarm about it", func() error { return c.expectAlarm(ctx, h, cwtypes.StateValueAlarm, "OK", "ALARM") }},
		{"the next night", func() error {
			w.received = map[string]int{}
			next, err := n.after(c.target.Clock.Now(), 0)
			return errors.Join(err, c.sleepUntil(ctx, next.Add(time.Second)), w.work(ctx, 5*time.Minute), w.poisonStands(ctx, h, maxReceiveCount))
		}},
		{"the end", func() error {
			return errors.Join(c.drain(ctx, h.DLQURL, alarmDelay), c.expectAlarm(ctx, h, cwtypes.StateValueOk, "OK", "ALARM", "OK"), c.expectDepth(ctx, h.FailuresDLQ, 0))
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return stillOK(ctx, c.cloudwatch, h.FailedAlarm, hour.Add(-8*time.Hour), "after two nights")
}

const (
	goodMessages = 20
	poison       = "poison"
)

// twice are the keys of messages that their producer sends twice, and of those whose worker
// dies after the work and before it deletes the message.
func twice() (sent, died []string) {
	return []string{"order-3", "order-11", "order-19"}, []string{"order-5", "order-6", "order-12", "order-19"}
}

// worker is an idempotent consumer: it does the work of a business key, the message's
// body, once.
type worker struct {
	c        *sdkClients
	queueURL string
	down     bool            // nothing that it does succeeds
	dies     map[string]bool // keys at which it dies, once each
	received map[string]int  // by id, since when that was last of interest
	effects  map[string]int  // by key
	repeated int             // messages of keys whose work was done already
}

// poll takes all messages that are visible, once. What fails is neither deleted nor given
// back: its visibility timeout passes.
func (w *worker) poll(ctx context.Context) (int, error) {
	for taken := 0; ; {
		before := taken
		err := w.c.receive(ctx, w.queueURL, func(m types.Message) error {
			taken++
			key := *m.Body
			w.received[*m.MessageId]++
			if w.down || key == poison {
				return nil
			}
			if w.effects[key] > 0 {
				w.repeated++
			} else {
				w.effects[key]++
			}
			if w.dies[key] {
				delete(w.dies, key)
				return nil
			}
			_, err := w.c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &w.queueURL, ReceiptHandle: m.ReceiptHandle})
			return err
		})
		if err != nil || taken == before {
			return taken, err
		}
	}
}

// work polls every ten seconds for so long.
func (w *worker) work(ctx context.Context, d time.Duration) error {
	for end := w.c.target.Clock.Now().Add(d); w.c.target.Clock.Now().Before(end); {
		if _, err := w.poll(ctx); err != nil {
			return err
		}
		if err := w.c.target.Clock.Sleep(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) quietEvening(ctx context.Context, h healing, hour time.Time) error {
	if err := w.c.sleepUntil(ctx, hour.Add(-7*time.Hour)); err != nil {
		return err
	}
	if _, err := w.c.notifications(ctx, h.Notification, h.AlarmName); err != nil { // of before
		return err
	}
	if err := send(ctx, w.c.sqs, h.QueueURL, "order-0", "order-0"); err != nil {
		return err
	}
	if _, err := w.poll(ctx); err != nil {
		return err
	}
	return errors.Join(w.c.expectDepth(ctx, h.QueueURL, 0), w.c.expectDepth(ctx, h.DLQURL, 0))
}

// outage sends while nothing succeeds, until all is dead-lettered.
func (w *worker) outage(ctx context.Context, h healing, maxReceiveCount int) error {
	w.down = true
	sent, _ := twice()
	bodies := append([]string{poison}, sent...)
	for i := range goodMessages {
		bodies = append(bodies, fmt.Sprintf("order-%d", i+1))
	}
	w.received = map[string]int{}
	for i, body := range bodies {
		if err := send(ctx, w.c.sqs, h.QueueURL, body, fmt.Sprintf("group-%d", i)); err != nil {
			return err
		}
	}
	for range maxReceiveCount {
		n, err := w.poll(ctx)
		switch {
		case err != nil:
			return err
		case n != len(bodies):
			return fmt.Errorf("a poll received %d messages, want %d", n, len(bodies))
		}
		if err := errors.Join(w.c.expectDepth(ctx, h.DLQURL, 0), w.c.target.Clock.Sleep(ctx, 31*time.Second)); err != nil {
			return err
		}
	}
	n, err := w.poll(ctx)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d messages were received more than %d times", n, maxReceiveCount)
	}
	return errors.Join(err, w.c.expectDepth(ctx, h.QueueURL, 0), w.c.expectDepth(ctx, h.DLQURL, len(bodies)))
}

// untilTheHour ends the outage. Nothing comes back by itself.
func (w *worker) untilTheHour(ctx context.Context, h healing, hour time.Time) error {
	w.down, w.received = false, map[string]int{}
	_, died := twice()
	for _, key := range died {
		w.dies[key] = true
	}
	if err := w.c.sleepUntil(ctx, hour.Add(-2*time.Second)); err != nil {
		return err
	}
	n, err := w.poll(ctx)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d messages came back before", n)
	}
	return err
}

// redrive is the hour itself, and some minutes of work after it.
func (w *worker) redrive(ctx context.Context, h healing, hour time.Time, n night) error {
	if err := w.c.sleepUntil(ctx, hour.Add(time.Second+time.Second/2)); err != nil {
		return err
	}
	back, err := depth(ctx, w.c.sqs, h.QueueURL)
	if err != nil {
		return err
	}
	if low, high := n.perSecond, 2*n.perSecond; back < low || back > high {
		return fmt.Errorf("%d messages are back after a second and a half, want %d to %d", back, low, high)
	}
	if err := w.work(ctx, 80*time.Second); err != nil {
		return err
	}
	if err := w.c.expectState(ctx, h.AlarmName, cwtypes.StateValueOk); err != nil {
		return fmt.Errorf("the DLQ was empty for a minute: %w", err)
	}
	return errors.Join(w.work(ctx, 5*time.Minute), w.c.expectDepth(ctx, h.QueueURL, 0))
}

// processed wants each piece of work to have been done once, and to have been asked for
// again where a message was sent or received twice.
func (w *worker) processed() error {
	sent, died := twice()
	if want := len(sent) + len(died); w.repeated != want {
		return fmt.Errorf("%d messages told of work that was done already, want %d", w.repeated, want)
	}
	for i := range goodMessages + 1 {
		if key := fmt.Sprintf("order-%d", i); w.effects[key] != 1 {
			return fmt.Errorf("%s was done %d times", key, w.effects[key])
		}
	}
	if len(w.effects) != goodMessages+1 {
		return fmt.Errorf("work was done that nobody asked for: %v", w.effects)
	}
	return nil
}

// poisonStands wants the poison message to have been received as often as is allowed, and
// to be alone in the DLQ.
func (w *worker) poisonStands(ctx context.Context, h healing, maxReceiveCount int) error {
	most := 0
	for _, n := range w.received {
		most = max(most, n)
	}
	if most != maxReceiveCount {
		return fmt.Errorf("it was received %d times, want %d", most, maxReceiveCount)
	}
	if err := w.c.expectDepth(ctx, h.DLQURL, 1); err != nil {
		return err
	}
	var bodies []string
	err := w.c.receive(ctx, h.DLQURL, func(m types.Message) error {
		bodies = append(bodies, *m.Body)
		_, err := w.c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &h.DLQURL, ReceiptHandle: m.ReceiptHandle})
		return err
	})
	if err == nil && !slices.Equal(bodies, []string{poison}) {
		err = fmt.Errorf("the DLQ holds %q", bodies)
	}
	return err
}

// checkFailedStart takes the DLQ from its source for a night, so that SQS starts no task
// from it. The start must be tried again for an hour, and then be in the failures DLQ, with
// the reason, and in an alarm.
func checkFailedStart(ctx context.Context, c *sdkClients, h healing, n night, maxReceiveCount int) error {
	defer c.pause()()
	policy := func(text string) error {
		_, err := c.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &h.QueueURL, Attributes: map[string]string{"RedrivePolicy": text}})
		return err
	}
	return errors.Join(
		policy(""),
		checkFailure(ctx, c, h, n, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."),
		policy(fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, h.DLQARN, maxReceiveCount)),
	)
}

// checkFailure sees a start fail with the error, and empties the failures DLQ.
func checkFailure(ctx context.Context, c *sdkClients, h healing, n night, code, message string) error {
	hour, err := n.after(c.target.Clock.Now(), time.Minute)
	if err != nil {
		return err
	}
	if _, err := c.notifications(ctx, h.Notification, h.FailedAlarm); err != nil { // of before
		return err
	}
	if err := c.sleepUntil(ctx, hour.Add(45*time.Minute)); err != nil {
		return err
	}
	told, err := c.notifications(ctx, h.Notification, h.FailedAlarm)
	if err == nil && len(told) > 0 {
		err = fmt.Errorf("alarm %s told %q", h.FailedAlarm, told)
	}
	if err := errors.Join(err, c.expectDepth(ctx, h.FailuresDLQ, 0)); err != nil {
		return fmt.Errorf("a start that is still tried again: %w", err)
	}
	if err := c.sleepUntil(ctx, hour.Add(65*time.Minute)); err != nil {
		return err
	}
	out, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &h.FailuresDLQ, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}}, dlqtest.ShortPoll)
	if err != nil {
		return err
	}
	if len(out.Messages) != 1 {
		return fmt.Errorf("a start that failed: the failures DLQ holds %d messages, want 1", len(out.Messages))
	}
	m := out.Messages[0]
	var call struct {
		SourceArn                    string
		MaxNumberOfMessagesPerSecond int
	}
	if err := json.Unmarshal([]byte(*m.Body), &call); err != nil || call.SourceArn != h.DLQARN || call.MaxNumberOfMessagesPerSecond != n.perSecond {
		return fmt.Errorf("a start that failed: the failures DLQ holds the call %s (%w)", *m.Body, err)
	}
	for name, want := range map[string]string{
		"ERROR_CODE": code, "ERROR_MESSAGE": message, "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds", "SCHEDULED_TIME": hour.UTC().Format(time.RFC3339),
	} {
		if a, ok := m.MessageAttributes[name]; !ok || !strings.Contains(*a.StringValue, want) {
			return fmt.Errorf("a start that failed: %s is not %q: %v", name, want, m.MessageAttributes)
		}
	}
	// long enough for it to be over, which it tells nobody
	if err := errors.Join(c.target.Clock.Sleep(ctx, time.Hour), c.expectState(ctx, h.FailedAlarm, cwtypes.StateValueOk)); err != nil {
		return err
	}
	told, err = c.notifications(ctx, h.Notification, h.FailedAlarm)
	if err == nil && !slices.Equal(told, []string{"ALARM"}) {
		err = fmt.Errorf("a start that failed: alarm %s told %q, want ALARM once", h.FailedAlarm, told)
	}
	return errors.Join(err, c.drain(ctx, h.FailuresDLQ, alarmDelay))
}

// pause lets time stand still until the function that it returns is called, where it can:
// under load seconds go by between two calls.
func (c *sdkClients) pause() (resume func()) {
	if clock, ok := c.target.Clock.(interface {
		Pause()
		Resume()
	}); ok {
		clock.Pause()
		return clock.Resume
	}
	return func() {}
}

func (c *sdkClients) sleepUntil(ctx context.Context, t time.Time) error {
	return c.target.Clock.Sleep(ctx, t.Sub(c.target.Clock.Now()))
}

func (c *sdkClients) expectDepth(ctx context.Context, queueURL string, want int) error {
	n, err := depth(ctx, c.sqs, queueURL)
	if err == nil && n != want {
		err = fmt.Errorf("%s holds %d messages, want %d", queueName(queueURL), n, want)
	}
	return err
}

// expectAlarm gives the alarm on the DLQ time, and wants it to be in the state, and to have
// told of these since it was last asked.
func (c *sdkClients) expectAlarm(ctx context.Context, h healing, state cwtypes.StateValue, told ...string) error {
	if err := c.target.Clock.Sleep(ctx, alarmDelay); err != nil {
		return err
	}
	got, err := c.notifications(ctx, h.Notification, h.AlarmName)
	if err == nil && !slices.Equal(got, told) {
		err = fmt.Errorf("alarm %s told %q, want %q", h.AlarmName, got, told)
	}
	return errors.Join(err, c.expectState(ctx, h.AlarmName, state))
}

// notifications takes the notifications out of the queue, and returns the states that the
// alarm's speak of, in order.
func (c *sdkClients) notifications(ctx context.Context, queueURL, alarm string) ([]string, error) {
	type notice struct{ AlarmName, NewStateValue, StateChangeTime string }
	var notices []notice
	for more := true; more; {
		more = false
		err := c.receive(ctx, queueURL, func(m types.Message) error {
			more = true
			var envelope struct{ Message string }
			var n notice
			if err := json.Unmarshal([]byte(*m.Body), &envelope); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(envelope.Message), &n); err != nil {
				return err
			}
			if n.AlarmName == alarm {
				notices = append(notices, n)
			}
			_, err := c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(notices, func(a, b notice) int { return strings.Compare(a.StateChangeTime, b.StateChangeTime) })
	var states []string
	for _, n := range notices {
		states = append(states, n.NewStateValue)
	}
	return states, nil
}
