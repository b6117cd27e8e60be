package dlqtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// end is one of the two queues.
type end int

const (
	source end = iota
	dlq
)

func (p *prover) url(e end) *string {
	if e == dlq {
		return &p.q.DLQ
	}
	return &p.q.URL
}

func (p *prover) arn(e end) string {
	if e == dlq {
		return p.h.DLQARN
	}
	return p.h.SourceARN
}

// message is a message that a consumer holds.
type message struct {
	key, id string
	handle  *string
}

// depth is what a queue says it holds.
type depth struct{ visible, inFlight, delayed int }

func (d depth) total() int { return d.visible + d.inFlight + d.delayed }

// queueFacts are the attributes that a proof looks at: none of what it judges.
type queueFacts struct {
	arn               string
	created           time.Time // zero if the endpoint doesn't say
	visibility, delay time.Duration
	depth
}

func (f queueFacts) name() string { return arnName(f.arn) }

func (p *prover) attributes(ctx context.Context, queueURL string) (queueFacts, error) {
	out, err := p.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameQueueArn, types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameDelaySeconds,
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed, types.QueueAttributeNameCreatedTimestamp,
		},
	})
	if err != nil {
		return queueFacts{}, err
	}
	number := func(name types.QueueAttributeName) int {
		n, convErr := strconv.Atoi(out.Attributes[string(name)])
		if convErr != nil && err == nil {
			err = fmt.Errorf("attribute %s of %s: %w", name, queueURL, convErr)
		}
		return n
	}
	f := queueFacts{
		arn:        out.Attributes[string(types.QueueAttributeNameQueueArn)],
		visibility: time.Duration(number(types.QueueAttributeNameVisibilityTimeout)) * time.Second,
		delay:      time.Duration(number(types.QueueAttributeNameDelaySeconds)) * time.Second,
		depth: depth{
			visible:  number(types.QueueAttributeNameApproximateNumberOfMessages),
			inFlight: number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
			delayed:  number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
		},
	}
	if seconds, convErr := strconv.ParseInt(out.Attributes[string(types.QueueAttributeNameCreatedTimestamp)], 10, 64); convErr == nil {
		f.created = time.Unix(seconds, 0)
	}
	return f, err
}

// send sends a message and remembers how its consumers fail.
func (p *prover) send(ctx context.Context, name string, m Message) error {
	key := p.run + "-" + name
	traceHeader := fmt.Sprintf("Root=1-%08x-%024x", p.clock.Now().Unix(), p.events()+1)
	in := &sqs.SendMessageInput{
		QueueUrl:    p.url(source),
		MessageBody: aws.String(body(key, p.text)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"Proof":  {DataType: aws.String("String"), StringValue: &key},
			"Number": {DataType: aws.String("Number"), StringValue: aws.String("12345678901234567890.5")},
			"Binary": {DataType: aws.String("Binary.raw"), BinaryValue: []byte{0, 1, 0xFE, 0xFF}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &traceHeader},
		},
	}
	e := Event{
		Op: OpSend, Queue: p.arn(source), Key: key, Group: m.Group, Call: p.clock.Now(),
		Body: hash(*in.MessageBody), Attributes: hashAttributes(in.MessageAttributes, traceHeader),
		Fault: m.Fault.Name, Fails: m.Fault.Fails,
	}
	e.HiddenUntil = e.Call.Add(p.delay)
	if m.Group != "" {
		in.MessageGroupId = &m.Group
	}
	if p.q.FIFO() {
		in.MessageDeduplicationId, e.DedupID = &key, key
	}
	p.mu.Lock()
	p.messages[key] = m
	p.mu.Unlock()
	for tries := 0; ; {
		var metadata middleware.Metadata
		out, err := p.sqs.SendMessage(ctx, in)
		if out != nil {
			metadata = out.ResultMetadata
			e.MessageID, e.Sequence = aws.ToString(out.MessageId), aws.ToString(out.SequenceNumber)
			p.mu.Lock()
			p.keys[e.MessageID] = key
			p.mu.Unlock()
		}
		e.Outcome, e.Error, e.Attempts = outcomeOf(err), errorText(err), attempts(metadata, err)
		p.record(e)
		if e.Outcome == Unknown && ctx.Err() == nil {
			return nil // what may have been sent isn't sent again
		}
		again, err := p.patience(ctx, &tries, err)
		if err != nil {
			return fmt.Errorf("sending a message to %s: %w", p.q.Name(), err)
		}
		if !again {
			return nil
		}
	}
}

type receiveOptions struct {
	max int
	// visibility overrides the queue's visibility timeout, if positive.
	visibility time.Duration
}

// receive receives once and records every message that came, or that none did.
func (c *consumer) receive(ctx context.Context, from end, o receiveOptions) ([]message, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl:                    c.url(from),
		MaxNumberOfMessages:         int32(o.max),
		VisibilityTimeout:           int32(o.visibility / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	hidden := o.visibility
	if hidden == 0 {
		hidden = c.visibility // the DLQ is always read with one of its own
	}
	for tries := 0; ; {
		call, began := c.clock.Now(), c.events()
		var metadata middleware.Metadata
		out, err := c.sqs.ReceiveMessage(ctx, in, c.wait(in))
		if out != nil {
			metadata = out.ResultMetadata
		}
		e := Event{
			Op: OpReceive, Queue: c.arn(from), Consumer: c.number, Call: call, Began: began,
			Outcome: outcomeOf(err), Error: errorText(err), Attempts: attempts(metadata, err),
		}
		if err != nil || len(out.Messages) == 0 {
			c.record(e)
		}
		if e.lost() > 0 {
			c.mu.Lock()
			c.lostUntil = c.clock.Now().Add(hidden)
			c.mu.Unlock()
		}
		again, err := c.patience(ctx, &tries, err)
		if err != nil {
			return nil, fmt.Errorf("receiving from %s: %w", queueName(*c.url(from)), err)
		}
		if again {
			continue
		}
		messages := make([]message, len(out.Messages))
		for i, m := range out.Messages {
			sight := c.sight(m)
			sight.Op, sight.Queue, sight.Consumer, sight.Call, sight.Began, sight.HiddenUntil = e.Op, e.Queue, e.Consumer, e.Call, e.Began, call.Add(hidden)
			if i == 0 {
				sight.Attempts = e.Attempts
			}
			c.record(sight)
			messages[i] = message{key: sight.Key, id: sight.MessageID, handle: m.ReceiptHandle}
			c.keep(from, messages[i])
		}
		return messages, nil
	}
}

// sight is what a received message shows.
func (p *prover) sight(m types.Message) Event {
	attribute := func(name types.MessageSystemAttributeName) string { return m.Attributes[string(name)] }
	instant := func(name types.MessageSystemAttributeName) time.Time {
		if ms, err := strconv.ParseInt(attribute(name), 10, 64); err == nil {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	}
	e := Event{
		MessageID:  aws.ToString(m.MessageId),
		Group:      attribute(types.MessageSystemAttributeNameMessageGroupId),
		DedupID:    attribute(types.MessageSystemAttributeNameMessageDeduplicationId),
		Sequence:   attribute(types.MessageSystemAttributeNameSequenceNumber),
		Source:     attribute(types.MessageSystemAttributeNameDeadLetterQueueSourceArn),
		Handle:     hash(aws.ToString(m.ReceiptHandle)),
		Body:       hash(aws.ToString(m.Body)),
		Attributes: hashAttributes(m.MessageAttributes, attribute(types.MessageSystemAttributeNameAWSTraceHeader)),
		BadMD5:     badMD5(m),
		Sender:     attribute(types.MessageSystemAttributeNameSenderId),

		Sent:          instant(types.MessageSystemAttributeNameSentTimestamp),
		FirstReceived: instant(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp),
	}
	e.ReceiveCount, _ = strconv.Atoi(attribute(types.MessageSystemAttributeNameApproximateReceiveCount))
	// the id first: a body that was exchanged for another's must not pass for that other
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Key = p.keys[e.MessageID]; e.Key == "" {
		var content struct{ Proof string }
		if json.Unmarshal([]byte(aws.ToString(m.Body)), &content) == nil && strings.HasPrefix(content.Proof, p.run+"-") {
			e.Key = content.Proof
		}
	}
	if m, ok := p.messages[e.Key]; ok {
		e.Fault, e.Fails = m.Fault.Name, m.Fault.Fails
	}
	return e
}

// wait makes a receive a long poll where time is real, and a short one where it stands
// still.
func (p *prover) wait(in *sqs.ReceiveMessageInput) func(*sqs.Options) {
	if p.target.virtual() {
		return ShortPoll
	}
	// not so long that a slow consumer's visibility timeout lapses meanwhile
	in.WaitTimeSeconds = int32(min(max(p.visibility/3, time.Second), 5*time.Second) / time.Second)
	return func(*sqs.Options) {}
}

// delete acknowledges messages, in one request if there are several. With stale handles
// a FIFO queue refuses; that is as it should be, and recorded.
func (c *consumer) delete(ctx context.Context, messages []message, stale bool) error {
	for len(messages) > 0 {
		batch := messages[:min(len(messages), maxBatch)]
		messages = messages[len(batch):]
		for tries := 0; ; {
			call, began := c.clock.Now(), c.events()
			errs, err := c.tryDelete(ctx, batch)
			for i, m := range batch {
				c.recordOn(m, source, Event{Op: OpDelete, Call: call, Began: began, Stale: stale}, errs[i])
			}
			if stale && refused(err) {
				break
			}
			again, err := c.patience(ctx, &tries, err)
			if err != nil {
				return fmt.Errorf("deleting from %s: %w", c.q.Name(), err)
			}
			if !again {
				break
			}
		}
	}
	return nil
}

// tryDelete returns each message's error, and one of them for all.
func (c *consumer) tryDelete(ctx context.Context, batch []message) (errs []error, err error) {
	errs = make([]error, len(batch))
	if len(batch) == 1 {
		_, err = c.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: c.url(source), ReceiptHandle: batch[0].handle})
		errs[0] = err
		return errs, err
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: c.url(source)}
	for i, m := range batch {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.handle})
	}
	out, err := c.sqs.DeleteMessageBatch(ctx, in)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs, err
	}
	for _, f := range out.Failed {
		if i, convErr := strconv.Atoi(aws.ToString(f.Id)); convErr == nil && i < len(errs) {
			fault := smithy.FaultServer
			if f.SenderFault {
				fault = smithy.FaultClient
			}
			errs[i] = &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: fault}
			err = errs[i]
		}
	}
	return errs, err
}

// changeVisibility makes a message visible again after the timeout, counted from now. A
// refusal is recorded, and no more: the message then comes back when it would have anyway.
func (c *consumer) changeVisibility(ctx context.Context, m message, at end, timeout time.Duration) error {
	for tries := 0; ; {
		call, began := c.clock.Now(), c.events()
		_, err := c.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: c.url(at), ReceiptHandle: m.handle, VisibilityTimeout: int32(timeout / time.Second),
		})
		c.recordOn(m, at, Event{Op: OpVisibility, Call: call, Began: began, Duration: timeout, HiddenUntil: call.Add(timeout)}, err)
		if refused(err) {
			return nil
		}
		again, err := c.patience(ctx, &tries, err)
		if err != nil {
			return fmt.Errorf("changing a message's visibility timeout in %s: %w", queueName(*c.url(at)), err)
		}
		if !again {
			return nil
		}
	}
}

func (c *consumer) recordOn(m message, at end, e Event, err error) {
	e.Queue, e.Key, e.MessageID, e.Handle, e.Consumer = c.arn(at), m.key, m.id, hash(aws.ToString(m.handle)), c.number
	e.Outcome, e.Error = outcomeOf(err), errorText(err)
	c.record(e)
}

// patience decides what becomes of an operation that failed: it is done again after a
// while if the endpoint was overloaded, failed or could not be reached. Beyond some tries,
// and with any other error, the proof ends.
func (p *prover) patience(ctx context.Context, tries *int, err error) (again bool, _ error) {
	const enough = 8
	if err == nil {
		return false, nil
	}
	if *tries++; ctx.Err() != nil || refused(err) || *tries >= enough {
		return false, err
	}
	return true, p.sleep(ctx, time.Second)
}

// refused says whether the service answered that it won't, however often it is asked. What
// it throttles it may take later.
func refused(err error) bool {
	throttled := []string{"RequestThrottled", "ThrottlingException", "Throttling", "Throttled", "TooManyRequestsException"}
	var api smithy.APIError
	return outcomeOf(err) == Failed && !(errors.As(err, &api) && slices.Contains(throttled, api.ErrorCode()))
}

// attempts is how often the SDK sent a request, 0 if once. The metadata is that of the
// answer, if there was one.
func attempts(metadata middleware.Metadata, err error) int {
	n := 0
	if results, ok := retry.GetAttemptResults(metadata); ok {
		n = len(results.Results)
	}
	var exhausted *retry.MaxAttemptsError
	if errors.As(err, &exhausted) {
		n = exhausted.Attempt
	}
	if n <= 1 {
		return 0
	}
	return n
}

// events is how many events have been recorded.
func (p *prover) events() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.h.Events)
}

// recordDrain asks the queue what it holds and records whether that is all accounted for.
// AWS's counts lag behind, so there it asks again for a while.
func (p *prover) recordDrain(ctx context.Context, at end, done func(depth) bool) error {
	tries := 1
	if p.h.Ground == AWS {
		tries = 12
	}
	for {
		e, held, err := p.readDepth(ctx, at)
		if err != nil {
			return err
		}
		tries--
		if !done(held) && tries > 0 {
			p.record(e)
			if err := p.sleep(ctx, 10*time.Second); err != nil {
				return err
			}
			continue
		}
		e.Op = OpDrain
		if !done(held) {
			e.Outcome = Failed
			e.Error = fmt.Sprintf("holds %d visible, %d in flight, %d delayed", held.visible, held.inFlight, held.delayed)
		}
		p.record(e)
		return nil
	}
}

// readDepth asks the queue what it holds, and returns the event that says so. It records
// that the question was in vain.
func (p *prover) readDepth(ctx context.Context, at end) (Event, depth, error) {
	for tries := 0; ; {
		e := Event{Op: OpDepth, Queue: p.arn(at), Call: p.clock.Now()}
		facts, err := p.attributes(ctx, *p.url(at))
		if again, _ := p.patience(ctx, &tries, err); again {
			continue
		}
		if err != nil {
			e.Outcome, e.Error = outcomeOf(err), errorText(err)
			p.record(e)
			return e, depth{}, fmt.Errorf("reading how many messages %s holds: %w", queueName(*p.url(at)), err)
		}
		e.Return = p.clock.Now()
		e.Visible, e.InFlight, e.Delayed = facts.visible, facts.inFlight, facts.delayed
		return e, facts.depth, nil
	}
}

// recordDepth asks the queue what it holds, and records it.
func (p *prover) recordDepth(ctx context.Context, at end) error {
	e, _, err := p.readDepth(ctx, at)
	if err == nil {
		p.record(e)
	}
	return err
}

// redrive moves the DLQ's messages back to their source and waits for the end of it. It
// reports whether that was begun: a refusal is for the checker to judge.
func (p *prover) redrive(ctx context.Context) (begun bool, err error) {
	call := p.clock.Now()
	_, err = p.sqs.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &p.h.DLQARN})
	p.record(Event{Op: OpRedrive, Queue: p.h.DLQARN, Call: call, Outcome: outcomeOf(err), Error: errorText(err)})
	if outcomeOf(err) == Failed {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("starting a message move task from %s: %w", queueName(p.q.DLQ), err)
	}
	const limit = 15 * time.Minute
	deadline := p.clock.Now().Add(limit)
	for {
		if err := p.sleep(ctx, 5*time.Second); err != nil {
			return true, err
		}
		call := p.clock.Now()
		out, err := p.sqs.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &p.h.DLQARN})
		if err != nil {
			return true, fmt.Errorf("listing the message move tasks of %s: %w", queueName(p.q.DLQ), err)
		}
		e := Event{Op: OpRedriven, Queue: p.h.DLQARN, Call: call, Outcome: Unknown, State: "not listed"}
		if len(out.Results) > 0 {
			e.State, e.Error = aws.ToString(out.Results[0].Status), aws.ToString(out.Results[0].FailureReason)
		}
		switch {
		case e.State == "COMPLETED":
			e.Outcome = OK
		case e.State == "RUNNING" && p.clock.Now().Before(deadline):
			continue
		case e.State == "RUNNING":
			e.Error = fmt.Sprintf("still running after %s", limit)
		default:
			e.Outcome = Failed
		}
		p.record(e)
		return true, nil
	}
}

// hash shortens what is only ever compared.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// hashAttributes is a hash of message attributes and trace header.
func hashAttributes(attributes map[string]types.MessageAttributeValue, traceHeader string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		fmt.Fprintf(&b, "%q %q %q %s\n", name, aws.ToString(a.DataType), aws.ToString(a.StringValue), base64.StdEncoding.EncodeToString(a.BinaryValue))
	}
	return hash(b.String() + traceHeader)
}
