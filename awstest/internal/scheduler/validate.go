package scheduler

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	// time zones, on machines that have none
	_ "time/tzdata"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Defaults and bounds of a target's retry policy. [RetryPolicy API reference]
const (
	maxAttempts = 185
	minAge      = 60
	maxAge      = 86_400 // seconds
)

var (
	rolePattern      = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role/[\w+=,.@/-]+$`)
	queuePattern     = regexp.MustCompile(`^arn:aws(-[a-z]+)?:sqs:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$`)
	operationPattern = regexp.MustCompile(`^arn:aws(-[a-z]+)?:scheduler:::aws-sdk:([a-z0-9-]+):([a-zA-Z][a-zA-Z0-9]*)$`)
)

// complete checks what a caller sets of a schedule, fills in the defaults, and returns
// the plan that it makes. [CreateSchedule API reference]
func (in *spec) complete() (plan, error) {
	switch {
	case in.FlexibleTimeWindow == nil:
		return plan{}, missing("flexibleTimeWindow")
	case in.Target == nil:
		return plan{}, missing("target")
	case in.ScheduleExpression == "":
		return plan{}, missing("scheduleExpression")
	}
	if in.State == "" {
		in.State = "ENABLED"
	}
	if in.ActionAfterCompletion == "" {
		in.ActionAfterCompletion = "NONE"
	}
	if in.ScheduleExpressionTimezone == "" {
		in.ScheduleExpressionTimezone = "UTC"
	}
	for _, check := range []error{
		oneOf("state", in.State, "ENABLED", "DISABLED"),
		oneOf("actionAfterCompletion", in.ActionAfterCompletion, "NONE", "DELETE"),
		in.FlexibleTimeWindow.check(),
		in.Target.complete(),
	} {
		if check != nil {
			return plan{}, check
		}
	}
	if len([]rune(in.Description)) > 512 {
		return plan{}, constraint(in.Description, "description", "Member must have length less than or equal to 512")
	}
	zone, err := time.LoadLocation(in.ScheduleExpressionTimezone)
	if err != nil || in.ScheduleExpressionTimezone == "Local" {
		return plan{}, invalid("Invalid Schedule Expression Timezone %s.", in.ScheduleExpressionTimezone)
	}
	made, err := parseExpression(in.ScheduleExpression, zone)
	if err != nil {
		return plan{}, invalid("Invalid Schedule Expression %s.", in.ScheduleExpression)
	}
	made.start, made.end = instant(in.StartDate), instant(in.EndDate)
	if !made.start.IsZero() && !made.end.IsZero() && !made.start.Before(made.end) {
		return plan{}, invalid("The StartDate must be before the EndDate.")
	}
	return made, nil
}

func instant(t *wire.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func oneOf(member, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return constraint(value, member, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

func (w *window) check() error {
	if err := oneOf("flexibleTimeWindow.mode", w.Mode, "OFF", "FLEXIBLE"); err != nil {
		return err
	}
	switch minutes := w.MaximumWindowInMinutes; {
	case w.Mode == "OFF" && minutes != nil:
		return invalid("MaximumWindowInMinutes must not be set when the flexible time window is OFF.")
	case w.Mode == "FLEXIBLE" && minutes == nil:
		return invalid("MaximumWindowInMinutes must be set when the flexible time window is FLEXIBLE.")
	case minutes != nil:
		return between("flexibleTimeWindow.maximumWindowInMinutes", *minutes, 1, 1440)
	}
	return nil
}

func between(member string, value, low, high int) error {
	if value < low {
		return constraint(value, member, "Member must have value greater than or equal to "+itoa(low))
	}
	if value > high {
		return constraint(value, member, "Member must have value less than or equal to "+itoa(high))
	}
	return nil
}

// templated are the services that have templated targets, besides SQS. [EventBridge
// Scheduler user guide, "Templated targets"]
var templated = []string{
	"codebuild", "codepipeline", "ecs", "events", "firehose", "inspector", "kinesis", "lambda", "sagemaker", "sns", "states",
}

// complete checks a target and fills in its defaults.
func (t *target) complete() error {
	switch {
	case t.Arn == "":
		return missing("target.arn")
	case t.RoleArn == "":
		return missing("target.roleArn")
	case !rolePattern.MatchString(t.RoleArn):
		return invalid("Invalid RoleArn %s.", t.RoleArn)
	}
	if err := t.checkArn(); err != nil {
		return err
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != "" && (!queuePattern.MatchString(d.Arn) || isFIFO(d.Arn)) {
		return constraint(d.Arn, "target.deadLetterConfig.arn", `Member must satisfy regular expression pattern: ^arn:aws(-[a-z]+)?:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+$`)
	}
	if t.RetryPolicy == nil {
		t.RetryPolicy = &retryPolicy{}
	}
	r := t.RetryPolicy
	if r.MaximumEventAgeInSeconds == nil {
		r.MaximumEventAgeInSeconds = new(maxAge)
	}
	if r.MaximumRetryAttempts == nil {
		r.MaximumRetryAttempts = new(maxAttempts)
	}
	if err := between("target.retryPolicy.maximumEventAgeInSeconds", *r.MaximumEventAgeInSeconds, minAge, maxAge); err != nil {
		return err
	}
	return between("target.retryPolicy.maximumRetryAttempts", *r.MaximumRetryAttempts, 0, maxAttempts)
}

func (t *target) checkArn() error {
	if operation := operationPattern.FindStringSubmatch(t.Arn); operation != nil {
		if isReadOnly(operation[3]) {
			return invalid("%s is not a supported universal target: the operation only reads.", t.Arn)
		}
		if t.Input != nil && !json.Valid([]byte(*t.Input)) {
			return invalid("Invalid Input: it must be valid JSON.")
		}
		return nil
	}
	switch parts := strings.SplitN(t.Arn, ":", 6); {
	case len(parts) != 6 || parts[0] != "arn":
		return invalid("Provided Arn is not in correct format.")
	case slices.Contains(templated, parts[2]):
		return nil
	case parts[2] != "sqs":
		return invalid("Provided Arn is not in correct format.")
	case !queuePattern.MatchString(t.Arn):
		return invalid("Provided Arn is not in correct format.")
	}
	group := t.SqsParameters != nil && t.SqsParameters.MessageGroupID != ""
	if isFIFO(t.Arn) && !group {
		return invalid("SqsParameters.MessageGroupId is required for a target that is a FIFO queue.")
	}
	return nil
}

func isFIFO(queueARN string) bool { return strings.HasSuffix(queueARN, ".fifo") }

// isReadOnly reports whether an operation only reads, by its name; such ones can't be
// universal targets. [EventBridge Scheduler user guide, "Unsupported actions"]
func isReadOnly(operation string) bool {
	for _, prefix := range []string{
		"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover",
		"validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "retrieve",
	} {
		if rest, ok := strings.CutPrefix(operation, prefix); ok && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z') {
			return true
		}
	}
	return false
}
