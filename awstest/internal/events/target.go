package events

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Defaults and bounds of a target's retry policy. [RetryPolicy API reference]
const (
	maxAttempts = 185
	minAge      = 60
	maxAge      = 86_400 // seconds
)

// target is where a rule sends events.
type target struct {
	ID               string `json:"Id"`
	Arn              string
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	Input            string            `json:",omitempty"`
	InputPath        string            `json:",omitempty"`
	InputTransformer *inputTransformer `json:",omitempty"`
	RetryPolicy      *retryPolicy      `json:",omitempty"`
	RoleArn          string            `json:",omitempty"`
	SqsParameters    *sqsParameters    `json:",omitempty"`
}

type inputTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"`
	InputTemplate string
}

type retryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

type sqsParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"`
}

var (
	targetPattern = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	queuePattern  = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sqs:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$`)
)

func isFIFO(queueARN string) bool { return strings.HasSuffix(queueARN, ".fifo") }

// check checks what a caller sets of a target. [PutTargets API reference; messages
// recorded, or as emulators have them from AWS]
func (t *target) check() error {
	switch {
	case !targetPattern.MatchString(t.ID):
		return constraint(t.ID, "targets.1.member.id", `Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+, with length less than or equal to 64`)
	case !strings.HasPrefix(t.Arn, "arn:"):
		return invalid("Parameter %.300s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	}
	parts := strings.SplitN(t.Arn, ":", 6)
	switch {
	case len(parts) != 6:
		return invalid("Parameter %.300s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case parts[2] != "sqs":
		return notServed("Targets of the service " + parts[2])
	case !queuePattern.MatchString(t.Arn):
		return invalid("Parameter %.300s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case isFIFO(t.Arn) && (t.SqsParameters == nil || t.SqsParameters.MessageGroupID == ""):
		return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.ID)
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != "" && (!queuePattern.MatchString(d.Arn) || isFIFO(d.Arn)) {
		return invalid("The dead-letter queue of target %s must be a standard queue.", t.ID)
	}
	if err := t.checkInput(); err != nil {
		return err
	}
	if r := t.RetryPolicy; r != nil {
		if n := r.MaximumRetryAttempts; n != nil && (*n < 0 || *n > maxAttempts) {
			return constraint(*n, "targets.1.member.retryPolicy.maximumRetryAttempts", "Member must have value between 0 and 185")
		}
		if n := r.MaximumEventAgeInSeconds; n != nil && (*n < minAge || *n > maxAge) {
			return constraint(*n, "targets.1.member.retryPolicy.maximumEventAgeInSeconds", "Member must have value between 60 and 86400")
		}
	}
	return nil
}

func (t *target) checkInput() error {
	given := 0
	for _, is := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case len(t.Input) > 8192 || len(t.InputPath) > 256:
		return constraint(t.Input+t.InputPath, "targets.1.member.input", "Member must have length less than or equal to 8192")
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return invalid("JSON syntax error in input for target %s.", t.ID)
	case t.InputPath != "" && !pathPattern.MatchString(t.InputPath):
		return invalid("InputPath for target %s is invalid.", t.ID)
	case t.InputTransformer == nil:
		return nil
	}
	in := t.InputTransformer
	switch {
	case in.InputTemplate == "" || len(in.InputTemplate) > 8192:
		return constraint(in.InputTemplate, "targets.1.member.inputTransformer.inputTemplate", "Member must have length between 1 and 8192")
	case len(in.InputPathsMap) > 100:
		return invalid("InputPathsMap for target %s has more than 100 keys.", t.ID)
	}
	for name, path := range in.InputPathsMap {
		if strings.HasPrefix(strings.ToUpper(name), "AWS") || !variablePattern.MatchString(name) {
			return invalid("Invalid InputPathsMap key %.100s for target %s.", name, t.ID)
		}
		if len(path) > 256 || !pathPattern.MatchString(path) {
			return invalid("InputPath for target %s is invalid.", t.ID)
		}
	}
	for _, placeholder := range placeholderPattern.FindAllStringSubmatch(in.InputTemplate, -1) {
		if _, ok := in.InputPathsMap[placeholder[1]]; !ok && !slices.Contains(reserved(), placeholder[1]) {
			return invalid("InputTemplate for target %s contains invalid placeholder %s.", t.ID, placeholder[1])
		}
	}
	return nil
}

type putTargetsInput struct {
	EventBusName string
	Rule         string
	Targets      []target
}

type failedOutput struct {
	FailedEntries    []failedEntry
	FailedEntryCount int
}

type failedEntry struct {
	ErrorCode    string
	ErrorMessage string
	TargetID     string `json:"TargetId"`
}

// putTargets implements PutTargets: it adds targets, and replaces those with the same id.
func (s *Service) putTargets(_ context.Context, c *wire.Call, in *putTargetsInput) (*failedOutput, error) {
	if len(in.Targets) == 0 || len(in.Targets) > 100 {
		return nil, constraint(len(in.Targets), "targets", "Member must have length between 1 and 100")
	}
	for i := range in.Targets {
		if err := in.Targets[i].check(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	merged := map[string]*target{}
	for _, t := range r.targets {
		merged[t.ID] = t
	}
	for i := range in.Targets {
		merged[in.Targets[i].ID] = &in.Targets[i]
	}
	if len(merged) > maxTargets {
		return nil, limitExceeded()
	}
	r.targets = slices.SortedFunc(maps.Values(merged), func(a, b *target) int { return cmp.Compare(a.ID, b.ID) })
	return &failedOutput{FailedEntries: []failedEntry{}}, nil
}

type removeTargetsInput struct {
	EventBusName string
	Force        bool
	IDs          []string `json:"Ids"`
	Rule         string
}

// removeTargets implements RemoveTargets. Targets that don't exist are no error.
func (s *Service) removeTargets(_ context.Context, c *wire.Call, in *removeTargetsInput) (*failedOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	r.targets = slices.DeleteFunc(slices.Clone(r.targets), func(t *target) bool { return slices.Contains(in.IDs, t.ID) })
	return &failedOutput{FailedEntries: []failedEntry{}}, nil
}

type listTargetsInput struct {
	EventBusName string
	Rule         string
	listInput
}

type listTargetsOutput struct {
	NextToken string `json:",omitempty"`
	Targets   []*target
}

// listTargetsByRule implements ListTargetsByRule.
func (s *Service) listTargetsByRule(_ context.Context, c *wire.Call, in *listTargetsInput) (*listTargetsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	byID := map[string]*target{}
	for _, t := range r.targets {
		byID[t.ID] = t
	}
	ids, next, err := in.page(slices.Collect(maps.Keys(byID)), "")
	if err != nil {
		return nil, err
	}
	out := &listTargetsOutput{Targets: []*target{}, NextToken: next}
	for _, id := range ids {
		out.Targets = append(out.Targets, byID[id]) // never changed, only replaced
	}
	return out, nil
}

func sortedNames(rules map[string]*rule) []string { return slices.Sorted(maps.Keys(rules)) }
