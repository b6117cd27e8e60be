package events

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// delivery is an event on its way to a target of a rule.
type delivery struct {
	place   place
	rule    string // its ARN
	target  target
	event   string // its JSON
	input   string // what the target gets
	trace   string
	begun   time.Time
	retries int // so far

	unfit error // why there is no input
}

// deliveries are those of an event to the rule's targets. It is called with s.mu held.
func (r *rule) deliveries(e *event, now time.Time) []*delivery {
	var all []*delivery
	for _, t := range r.targets {
		d := &delivery{place: r.bus.place, rule: r.arn, target: *t, event: e.text, trace: e.trace, begun: now}
		d.input, d.unfit = t.input(r, e)
		all = append(all, d)
	}
	return all
}

// deliver makes the first attempts. s.mu is not held: targets lock for themselves.
func (s *Service) deliver(deliveries []*delivery, now time.Time) {
	for _, d := range deliveries {
		s.attempt(d, now)
	}
}

// attempt delivers, and sees to it that it is tried again, or given up, if that fails.
// What the target refuses is given up at once: EventBridge tries again after faults of the
// target only. [EventBridge user guide, "How EventBridge retries delivering events"]
func (s *Service) attempt(d *delivery, now time.Time) {
	err := d.unfit
	if err == nil {
		err = s.put(d, d.target.Arn, fabric.QueueMessage{Body: d.input, GroupID: d.group(), TraceHeader: d.trace})
	}
	if err == nil {
		return
	}
	attempts, age := maxAttempts, maxAge
	if p := d.target.RetryPolicy; p != nil {
		if p.MaximumRetryAttempts != nil {
			attempts = *p.MaximumRetryAttempts
		}
		if p.MaximumEventAgeInSeconds != nil {
			age = *p.MaximumEventAgeInSeconds
		}
	}
	again := now.Add(backoff(d.retries))
	switch {
	case isRefusal(err):
		s.giveUp(d, err, "")
	case d.retries >= attempts:
		s.giveUp(d, err, "MaximumRetryAttempts")
	case again.Sub(d.begun) > time.Duration(age)*time.Second:
		s.giveUp(d, err, "MaximumEventAgeInSeconds")
	default:
		d.retries++
		if !s.later(d, again) {
			s.giveUp(d, err, "")
		}
	}
}

// later makes another attempt at the instant, unless too many wait already.
func (s *Service) later(d *delivery, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= maxWaiting {
		return false
	}
	s.waiting[d] = at
	s.clk.At(at, func(now time.Time) {
		s.mu.Lock()
		delete(s.waiting, d)
		s.mu.Unlock()
		s.attempt(d, now)
	})
	return true
}

// backoff is how long to wait before the retry that follows n others: 1 s, doubling up
// to 8 min, with which 185 retries take about a day. AWS promises "exponential back off
// and jitter" and no numbers.
func backoff(n int) time.Duration {
	if n >= 9 {
		return 8 * time.Minute
	}
	return time.Second << n
}

// put puts a message into a queue as the service, on the rule's behalf, or as the target's
// role. [EventBridge user guide, "Using resource-based policies"]
func (s *Service) put(d *delivery, queueARN string, m fabric.QueueMessage) error {
	from := fabric.Principal{Service: Principal, SourceARN: d.rule, SourceAccount: d.place.account}
	if d.target.RoleArn != "" && queueARN == d.target.Arn {
		from = fabric.Principal{SourceARN: d.target.RoleArn, SourceAccount: d.place.account}
	}
	return s.queues.Deliver(from, queueARN, m)
}

func (d *delivery) group() string {
	if d.target.SqsParameters == nil {
		return ""
	}
	return d.target.SqsParameters.MessageGroupID
}

// isRefusal reports whether an error is the rule's or its target's settings', and not a
// fault of the target, or throttling.
func isRefusal(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && !e.Receiver && e.Status < 500 && e.Status != http.StatusTooManyRequests && !strings.Contains(e.Code, "Throttl")
}

// giveUp ends a delivery that failed: the event goes to the target's dead-letter queue, if
// it has one that lets the rule send, and is lost else. condition is the limit that was
// reached, empty if it was none. [EventBridge user guide, "Using dead-letter queues to
// process undelivered events"]
func (s *Service) giveUp(d *delivery, err error, condition string) {
	if d.target.DeadLetterConfig == nil || d.target.DeadLetterConfig.Arn == "" {
		return
	}
	code, message := errorCode(err), err.Error()
	var e *wire.Error
	if errors.As(err, &e) {
		message = e.Message
	}
	attributes := map[string]fabric.Attribute{}
	for name, value := range map[string]string{
		"ERROR_CODE":                code,
		"ERROR_MESSAGE":             message,
		"EXHAUSTED_RETRY_CONDITION": condition,
		"RETRY_ATTEMPTS":            strconv.Itoa(d.retries),
		"RULE_ARN":                  d.rule,
		"TARGET_ARN":                d.target.Arn,
	} {
		if value != "" { // an attribute can't be empty
			attributes[name] = fabric.Attribute{DataType: "String", StringValue: value}
		}
	}
	_ = s.put(d, d.target.DeadLetterConfig.Arn, fabric.QueueMessage{Body: d.event, Attributes: attributes, TraceHeader: d.trace})
}

// errorCode is an error as the attribute ERROR_CODE has it. The user guide lists the codes;
// which error is which is assumed.
func errorCode(err error) string {
	var e *wire.Error
	if !errors.As(err, &e) {
		return "INTERNAL_ERROR"
	}
	switch {
	case strings.Contains(e.Code, "AccessDenied"):
		return "NO_PERMISSIONS"
	case strings.HasSuffix(e.Code, "NonExistentQueue"):
		return "NO_RESOURCE"
	case e.Code == "InvalidJson":
		return "INVALID_JSON"
	case strings.HasPrefix(e.Code, "Invalid"), e.Code == "MissingParameter":
		return "INVALID_PARAMETER"
	case strings.Contains(e.Code, "Throttl"):
		return "THROTTLING"
	}
	return "ERROR_FROM_TARGET"
}
