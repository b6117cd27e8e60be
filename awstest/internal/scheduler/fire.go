package scheduler

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// task is one call of a schedule's target, with its retries.
type task struct {
	place       place
	group, arn  string // of the schedule
	target      target
	executionID string
	planned     time.Time // the occurrence
	retries     int       // retries so far
}

// arm makes the schedule's next occurrence after the instant happen. It is called with
// s.mu held.
func (s *Service) arm(g *group, sched *schedule, after time.Time) {
	if sched.next != nil {
		sched.next.Stop()
		sched.next = nil
	}
	if sched.spec.State != "ENABLED" {
		return
	}
	if t, ok := sched.plan.next(after); ok {
		sched.next = s.clk.At(t, func(now time.Time) { s.occur(g, sched, t, now) })
	}
}

// occur is an occurrence of a schedule.
func (s *Service) occur(g *group, sched *schedule, planned, now time.Time) {
	s.mu.Lock()
	if g.schedules[sched.name] != sched || sched.spec.State != "ENABLED" {
		s.mu.Unlock() // it was deleted or disabled just now
		return
	}
	t := &task{place: g.place, group: g.name, arn: sched.arn, target: *sched.spec.Target, executionID: wire.NewUUID(), planned: planned}
	delay := sched.spec.FlexibleTimeWindow.delay(sched.arn, planned)
	sched.next = nil
	s.arm(g, sched, planned)
	if sched.next == nil && sched.spec.ActionAfterCompletion == "DELETE" {
		s.drop(g, sched)
	}
	s.mu.Unlock()
	if delay > 0 {
		s.later(t, planned.Add(delay))
		return
	}
	s.attempt(t, now)
}

// delay is how far into its flexible window an occurrence is, in whole seconds: spread
// evenly, and the same on every run.
func (w *window) delay(arn string, planned time.Time) time.Duration {
	if w.MaximumWindowInMinutes == nil {
		return 0
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s at %d", arn, planned.Unix())
	return time.Duration(h.Sum64()%uint64(*w.MaximumWindowInMinutes*60)) * time.Second
}

// attempt calls the target, and sees to it that it is called again, or given up, if
// that fails. s.mu is not held: the target may be an operation of this service.
func (s *Service) attempt(t *task, now time.Time) {
	s.count(*t, "InvocationAttemptCount", now)
	err := s.call(t)
	if err == nil {
		return
	}
	s.count(*t, "TargetErrorCount", now)
	again := now.Add(backoff(t.retries))
	age := time.Duration(*t.target.RetryPolicy.MaximumEventAgeInSeconds) * time.Second
	switch {
	case t.retries >= *t.target.RetryPolicy.MaximumRetryAttempts:
		s.giveUp(t, err, "MaximumRetryAttempts", now)
	case again.Sub(t.planned) > age:
		s.giveUp(t, err, "MaximumEventAgeInSeconds", now)
	default:
		t.retries++
		s.later(t, again)
	}
}

// later calls the target at the instant. s.mu is not held.
func (s *Service) later(t *task, at time.Time) {
	s.mu.Lock()
	s.waiting[t] = at
	s.mu.Unlock()
	s.clk.At(at, func(now time.Time) {
		s.mu.Lock()
		delete(s.waiting, t)
		s.mu.Unlock()
		s.attempt(t, now)
	})
}

// backoff is how long to wait before the retry that follows n others: 1 s, doubling up
// to 8 min, with which 185 retries take about a day. AWS promises "exponential backoff"
// and no numbers.
func backoff(n int) time.Duration {
	if n >= 9 {
		return 8 * time.Minute
	}
	return time.Second << n
}

// call calls the target once. Templated targets other than SQS and SNS always fail, as
// universal targets of services that aren't served do.
func (s *Service) call(t *task) error {
	input := t.input()
	if operation := operationPattern.FindStringSubmatch(t.target.Arn); operation != nil {
		if s.opts.Operations == nil {
			return &wire.Error{Code: "NotImplemented", Message: "Universal targets are not served here."}
		}
		name := strings.ToUpper(operation[3][:1]) + operation[3][1:]
		if err := s.permit(t, operation[2], name, input); err != nil {
			return err
		}
		return s.opts.Operations.Invoke(context.Background(), t.place.account, t.place.region, operation[2], name, []byte(input))
	}
	switch service := t.service(); service {
	case "sqs":
		if err := s.permit(t, service, "SendMessage", t.request()); err != nil {
			return err
		}
	case "sns":
		if s.opts.Operations != nil {
			if err := s.permit(t, service, "Publish", t.request()); err != nil {
				return err
			}
			return s.opts.Operations.Invoke(context.Background(), t.place.account, t.place.region, service, "Publish", []byte(t.request()))
		}
		fallthrough
	default:
		return &wire.Error{Code: "NotImplemented", Message: "Targets of the service " + service + " are not served here."}
	}
	m := fabric.QueueMessage{Body: input}
	if t.target.SqsParameters != nil {
		m.GroupID = t.target.SqsParameters.MessageGroupID
	}
	return s.opts.Queues.Deliver(t.role(), t.target.Arn, m)
}

// role is the schedule's role, as a queue's policy sees it.
func (t *task) role() fabric.Principal {
	return fabric.Principal{SourceARN: t.target.RoleArn, SourceAccount: t.place.account}
}

// input is what the target gets, with the context attributes filled in. [EventBridge
// Scheduler user guide, "Adding context attributes"]
func (t *task) input() string {
	_, universal := t.operation()
	switch {
	case t.target.Input != nil:
		return strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", t.arn,
			"<aws.scheduler.scheduled-time>", t.planned.UTC().Format(time.RFC3339),
			"<aws.scheduler.execution-id>", t.executionID,
			"<aws.scheduler.attempt-number>", itoa(t.retries+1),
		).Replace(*t.target.Input)
	case universal:
		return "{}"
	}
	return encode(map[string]any{
		"version": "0", "id": t.executionID, "detail-type": "Scheduled Event", "source": "aws.scheduler",
		"account": t.place.account, "time": t.planned.UTC().Format(time.RFC3339), "region": t.place.region,
		"resources": []string{t.arn}, "detail": "{}",
	})
}

// service is that of the target's ARN.
func (t *task) service() string { return strings.SplitN(t.target.Arn, ":", 4)[2] }

func (t *task) operation() (name string, universal bool) {
	if m := operationPattern.FindStringSubmatch(t.target.Arn); m != nil {
		return m[3], true
	}
	return "", false
}

// giveUp ends a task that failed, and sends it to the dead-letter queue, if there is
// one. [EventBridge Scheduler user guide, "Configuring a dead-letter queue"]
func (s *Service) giveUp(t *task, err error, condition string, now time.Time) {
	s.count(*t, "InvocationDroppedCount", now)
	if t.target.DeadLetterConfig == nil || t.target.DeadLetterConfig.Arn == "" {
		return
	}
	code, message := "InternalError", err.Error()
	var e *wire.Error
	if errors.As(err, &e) {
		code, message = e.Code, e.Message
	}
	attributes := map[string]fabric.Attribute{}
	for name, value := range map[string]string{
		"ERROR_CODE":                code,
		"ERROR_MESSAGE":             message,
		"EXECUTION_ID":              t.executionID,
		"EXHAUSTED_RETRY_CONDITION": condition,
		"IS_PAYLOAD_TRUNCATED":      "false",
		"RETRY_ATTEMPTS":            itoa(t.retries),
		"SCHEDULED_TIME":            t.planned.UTC().Format(time.RFC3339),
		"SCHEDULE_ARN":              t.arn,
		"TARGET_ARN":                t.target.Arn,
	} {
		if value != "" { // an attribute can't be empty
			attributes[name] = fabric.Attribute{DataType: "String", StringValue: value}
		}
	}
	if s.bury(t, fabric.QueueMessage{Body: t.request(), Attributes: attributes}) != nil {
		s.count(*t, "InvocationsFailedToBeSentToDeadLetterCount", now)
		return
	}
	s.count(*t, "InvocationsSentToDeadLetterCount", now)
}

// bury sends to the schedule's dead-letter queue, as the schedule's role. [EventBridge
// Scheduler user guide, "Configuring a dead-letter queue"]
func (s *Service) bury(t *task, m fabric.QueueMessage) error {
	arn := t.target.DeadLetterConfig.Arn
	if err := s.permit(t, "sqs", "SendMessage", encode(map[string]string{"QueueUrl": queueURL(arn)})); err != nil {
		return err
	}
	return s.opts.Queues.Deliver(t.role(), arn, m)
}

// request is the call of the target as a dead-letter queue shows it: the input of the
// operation.
func (t *task) request() string {
	if _, universal := t.operation(); universal {
		return t.input()
	}
	switch t.service() {
	case "sqs":
	case "sns":
		return encode(map[string]string{"TopicArn": t.target.Arn, "Message": t.input()})
	default:
		return t.input() // how AWS shows the calls of other services is not documented
	}
	out := map[string]any{"MessageBody": t.input(), "QueueUrl": queueURL(t.target.Arn)}
	if p := t.target.SqsParameters; p != nil && p.MessageGroupID != "" {
		out["MessageGroupId"] = p.MessageGroupID
	}
	return encode(out)
}

// queueURL returns the URL that a queue has on AWS.
func queueURL(arn string) string {
	parts := strings.Split(arn, ":")
	domain := "amazonaws.com"
	if parts[1] == "aws-cn" {
		domain += ".cn"
	}
	return "https://sqs." + parts[3] + "." + domain + "/" + parts[4] + "/" + parts[5]
}

func encode(v any) string {
	b, _ := wire.EncodeJSON(v) // maps of strings can always be encoded
	return string(b)
}
