package test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// These checks drive a pair's alarms with messages. The clock must be one that can be moved.

// watched is a pair with all four alarms of dlq-alarms.
type watched struct {
	pair
	Alarms struct {
		NotEmpty      string `json:"not_empty"`
		AboutToExpire string `json:"about_to_expire"`
		FillingFast   string `json:"filling_fast"`
		SourceStuck   string `json:"source_stuck"`
	} `json:"alarms"`
}

const (
	// An alarm follows the metric at the end of the minute.
	alarmDelay = 2 * time.Minute
	// An empty queue reports no age. CloudWatch then goes by the last one for some more
	// minutes, before it treats the data as missing.
	emptyDelay = 5 * time.Minute
)

// checkAboutToExpire has a message fail on the last day that the source keeps it. The
// alarm must fire when the message has been in the DLQ for so long, not before, and then
// the message must really stay for so long as the alarm left.
func checkAboutToExpire(ctx context.Context, c *sdkClients, w watched, maxReceiveCount int, sourceRetention, after, left time.Duration) error {
	clock := c.target.Clock
	if err := sendPlain(ctx, c.sqs, w.QueueURL); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, sourceRetention-time.Hour); err != nil {
		return err
	}
	if err := deadLetter(ctx, c.sqs, w.QueueURL, maxReceiveCount); err != nil {
		return err
	}
	moved := clock.Now()
	for _, step := range []struct {
		at    time.Duration
		state cwtypes.StateValue
	}{
		{after - alarmDelay, cwtypes.StateValueOk},
		{after + alarmDelay, cwtypes.StateValueAlarm},
		{after + left - alarmDelay, cwtypes.StateValueAlarm},
	} {
		if err := clock.Sleep(ctx, moved.Add(step.at).Sub(clock.Now())); err != nil {
			return err
		}
		held, err := depth(ctx, c.sqs, w.DLQURL)
		if err != nil {
			return err
		}
		if held != 1 {
			return fmt.Errorf("about to expire: %s after the move, of which the alarm is to leave %s, the message is lost", step.at, left)
		}
		if err := c.expectState(ctx, w.Alarms.AboutToExpire, step.state); err != nil {
			return fmt.Errorf("about to expire: %s after the move: %w", step.at, err)
		}
	}
	if err := c.drain(ctx, w.DLQURL, emptyDelay); err != nil {
		return err
	}
	if err := c.expectState(ctx, w.Alarms.AboutToExpire, cwtypes.StateValueOk); err != nil {
		return fmt.Errorf("about to expire: after the DLQ was emptied: %w", err)
	}
	return nil
}

// checkFillingFast has the DLQ fill in various ways. What makes the alarm fire is growth
// by so many messages in a period.
func checkFillingFast(ctx context.Context, c *sdkClients, w watched, maxReceiveCount, messages int, period time.Duration) error {
	minutes := func(d time.Duration) int { return int(d / time.Minute) }
	fill := func(n int) func(context.Context) error {
		return func(ctx context.Context) error { return c.deadLetterMany(ctx, w, maxReceiveCount, n) }
	}
	nothing := func(context.Context) error { return nil }
	var wrong []error
	for _, scene := range []struct {
		name         string
		first, every func(context.Context) error // at the beginning, and each minute
		// how many minutes later it must be in ALARM at the latest, and no longer; 0 for never
		firesBy, endsBy int
	}{
		{"one poison message", fill(1), nothing, 0, 0},
		{"one message less than many", fill(messages - 1), nothing, 0, 0},
		{"many messages at once", fill(messages), nothing, minutes(period) + 1, 2*minutes(period) + 1},
		{"a message a minute", nothing, fill(1), 0, 0},
		{"somebody looks at them all", func(ctx context.Context) error { return c.lookAtAll(ctx, w.DLQURL, period) }, nothing, 0, 0},
		{"an outage", nothing, fill(messages), 3, 0},
		{"the outage is over", nothing, nothing, 1, 2*minutes(period) + 1},
		{"the DLQ is emptied", func(ctx context.Context) error { return c.drain(ctx, w.DLQURL, 0) }, nothing, 0, 0},
		{"many messages after a silent night", func(ctx context.Context) error {
			return errors.Join(c.target.Clock.Sleep(ctx, 12*time.Hour), fill(messages)(ctx))
		}, nothing, 2, 2*minutes(period) + 1},
		{"they are moved out", func(ctx context.Context) error { return c.drain(ctx, w.DLQURL, 0) }, nothing, 0, 0},
	} {
		in, err := c.minutesInAlarm(ctx, w.Alarms.FillingFast, 4*minutes(period), scene.first, scene.every)
		if err != nil {
			return fmt.Errorf("filling fast: %s: %w", scene.name, err)
		}
		switch {
		case scene.firesBy == 0 && len(in) > 0:
			err = errors.New("it must not fire")
		case scene.firesBy > 0 && (len(in) == 0 || in[0] > scene.firesBy):
			err = fmt.Errorf("it must fire within %d minutes", scene.firesBy)
		case scene.firesBy > 0 && in[len(in)-1]-in[0] != len(in)-1:
			err = errors.New("it must fire once")
		case scene.endsBy > 0 && in[len(in)-1] >= scene.endsBy:
			err = fmt.Errorf("it must be over after %d minutes", scene.endsBy)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("filling fast: %s: %w, but was in ALARM in the minutes %v", scene.name, err, in))
		}
	}
	return errors.Join(wrong...)
}

// checkSourceStuck has a healthy consumer for a while, and then none. The alarm must fire
// when a message has waited for so long, and be over when it is consumed.
func checkSourceStuck(ctx context.Context, c *sdkClients, w watched, after time.Duration) error {
	minute := 0
	healthy := func(ctx context.Context) error {
		minute++
		switch minute % 10 {
		case 1:
			return sendPlain(ctx, c.sqs, w.QueueURL)
		case 6:
			return c.consume(ctx, w.QueueURL)
		}
		return nil
	}
	nothing := func(context.Context) error { return nil }
	in, err := c.minutesInAlarm(ctx, w.Alarms.SourceStuck, 3*int(after/time.Minute), nothing, healthy)
	if err != nil {
		return err
	}
	if len(in) > 0 {
		return fmt.Errorf("source stuck: it is in ALARM in the minutes %v of a queue that is consumed", in)
	}
	if err := sendPlain(ctx, c.sqs, w.QueueURL); err != nil {
		return err
	}
	sent := c.target.Clock.Now()
	for _, step := range []struct {
		at    time.Duration
		state cwtypes.StateValue
	}{{after - alarmDelay, cwtypes.StateValueOk}, {after + alarmDelay, cwtypes.StateValueAlarm}} {
		if err := c.target.Clock.Sleep(ctx, sent.Add(step.at).Sub(c.target.Clock.Now())); err != nil {
			return err
		}
		if err := c.expectState(ctx, w.Alarms.SourceStuck, step.state); err != nil {
			return fmt.Errorf("source stuck: nobody has received a message for %s: %w", step.at, err)
		}
	}
	if err := errors.Join(c.consume(ctx, w.QueueURL), c.target.Clock.Sleep(ctx, emptyDelay)); err != nil {
		return err
	}
	if err := c.expectState(ctx, w.Alarms.SourceStuck, cwtypes.StateValueOk); err != nil {
		return fmt.Errorf("source stuck: the message is consumed: %w", err)
	}
	return nil
}

// checkQuiet lets nobody use the queues for a day. Nothing must happen.
func checkQuiet(ctx context.Context, c *sdkClients, w watched) error {
	if err := c.target.Clock.Sleep(ctx, alarmDelay); err != nil {
		return err
	}
	began := c.target.Clock.Now()
	if err := c.target.Clock.Sleep(ctx, day); err != nil {
		return err
	}
	var wrong []error
	for _, name := range []string{w.Alarms.NotEmpty, w.Alarms.AboutToExpire, w.Alarms.FillingFast, w.Alarms.SourceStuck} {
		wrong = append(wrong, stillOK(ctx, c.cloudwatch, name, began, "after a quiet day"))
	}
	return errors.Join(wrong...)
}

// minutesInAlarm does something at the beginning, and something each minute, and returns
// the minutes at whose end the alarm was in ALARM. It begins with a minute of the clock,
// lest one ends while something is being done.
func (c *sdkClients) minutesInAlarm(ctx context.Context, name string, minutes int, first, every func(context.Context) error) ([]int, error) {
	now := c.target.Clock.Now()
	begin := now.Truncate(time.Minute).Add(time.Minute + time.Second)
	if err := c.target.Clock.Sleep(ctx, begin.Sub(now)); err != nil {
		return nil, err
	}
	if err := first(ctx); err != nil {
		return nil, err
	}
	var in []int
	for i := range minutes {
		if err := errors.Join(every(ctx), c.target.Clock.Sleep(ctx, time.Minute)); err != nil {
			return nil, err
		}
		a, err := describeAlarm(ctx, c.cloudwatch, name)
		if err != nil {
			return nil, err
		}
		if a.StateValue == cwtypes.StateValueAlarm {
			in = append(in, i+1)
		}
	}
	return in, nil
}

func (c *sdkClients) expectState(ctx context.Context, name string, want cwtypes.StateValue) error {
	a, err := describeAlarm(ctx, c.cloudwatch, name)
	if err != nil {
		return err
	}
	if a.StateValue != want {
		return fmt.Errorf("alarm %s is %s, want %s: %s", name, a.StateValue, want, aws.ToString(a.StateReason))
	}
	return nil
}

// deadLetterMany sends messages and receives them until all are in the DLQ. Of a FIFO
// queue each is in a group of its own.
func (c *sdkClients) deadLetterMany(ctx context.Context, w watched, maxReceiveCount, n int) error {
	for range n {
		if err := send(ctx, c.sqs, w.QueueURL, "poison", uniqueName("group")); err != nil {
			return err
		}
	}
	for range n*(maxReceiveCount+1) + 1 {
		held, err := depth(ctx, c.sqs, w.QueueURL)
		if err != nil || held == 0 {
			return err
		}
		if err := c.receive(ctx, w.QueueURL, func(m types.Message) error {
			_, err := c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &w.QueueURL, ReceiptHandle: m.ReceiptHandle})
			return err
		}); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %d receives of each, %s still holds messages", maxReceiveCount+1, w.QueueURL)
}

// consume receives and deletes a message, as a consumer does that works.
func (c *sdkClients) consume(ctx context.Context, queueURL string) error {
	consumed := 0
	err := c.receive(ctx, queueURL, func(m types.Message) error {
		consumed++
		_, err := c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
		return err
	})
	if err == nil && consumed == 0 {
		err = fmt.Errorf("%s has nothing to consume", queueName(queueURL))
	}
	return err
}

func (c *sdkClients) receive(ctx context.Context, queueURL string, each func(types.Message) error) error {
	out, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL, MaxNumberOfMessages: 10}, dlqtest.ShortPoll)
	if err != nil {
		return err
	}
	for _, m := range out.Messages {
		if err := each(m); err != nil {
			return err
		}
	}
	return nil
}

// lookAtAll takes all messages of a queue, which are then in flight for a while.
func (c *sdkClients) lookAtAll(ctx context.Context, queueURL string, d time.Duration) error {
	held, err := depth(ctx, c.sqs, queueURL)
	if err != nil {
		return err
	}
	for seen := 0; seen < held; {
		out, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queueURL, MaxNumberOfMessages: 10, VisibilityTimeout: int32(d / time.Second),
		}, dlqtest.ShortPoll)
		if err != nil {
			return err
		}
		if len(out.Messages) == 0 {
			return fmt.Errorf("%s holds %d messages but shows %d", queueName(queueURL), held, seen)
		}
		seen += len(out.Messages)
	}
	return nil
}

// drain empties a queue, and gives the alarms time to see it.
func (c *sdkClients) drain(ctx context.Context, queueURL string, d time.Duration) error {
	if _, err := c.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &queueURL}); err != nil {
		return err
	}
	return c.target.Clock.Sleep(ctx, d)
}
