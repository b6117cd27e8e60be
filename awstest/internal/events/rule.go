package events

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/pattern"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// rule is a rule: it sends events that match its pattern, and those of its schedule, to its
// targets.
type rule struct {
	bus       *bus
	name, arn string
	spec      ruleSpec
	pattern   *pattern.Pattern // of spec, nil if it has none
	schedule  *schedule        // of spec, nil if it has none
	next      *clock.Event     // its next occurrence, nil if there is none
	tags      map[string]string
	targets   []*target // in order of their ids
}

// ruleSpec is what callers set of a rule; PutRule replaces all of it.
type ruleSpec struct {
	Description        string `json:",omitempty"`
	EventPattern       string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
}

// The states of a rule that callers may set.
const (
	stateEnabled  = "ENABLED"
	stateDisabled = "DISABLED"
	stateAll      = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

// maxPattern bounds an event pattern, in characters. [PutRule API reference]
const maxPattern = 4096

var rulePattern = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// rule finds a rule. It is called with s.mu held.
func (s *Service) rule(c *wire.Call, busName, name string) (*bus, *rule, error) {
	b, err := s.bus(c, busName)
	if err != nil {
		return nil, nil, err
	}
	if r := b.rules[name]; r != nil {
		return b, r, nil
	}
	return nil, nil, notFound("Rule %.300s does not exist on EventBus %s.", name, b.name)
}

func newRule(b *bus, name string) *rule {
	r := &rule{bus: b, name: name, arn: b.place.arnOf("rule/" + name), tags: map[string]string{}}
	if b.name != defaultBus {
		r.arn = b.place.arnOf("rule/" + b.name + "/" + name)
	}
	return r
}

// complete checks what a caller sets of a rule of the bus, fills in the defaults, and
// returns the pattern and the schedule that it makes.
func (in *ruleSpec) complete(b *bus) (*pattern.Pattern, *schedule, error) {
	if in.State == "" {
		in.State = stateEnabled
	}
	switch {
	case !slices.Contains([]string{stateEnabled, stateDisabled, stateAll}, in.State):
		return nil, nil, constraint(in.State, "state", "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	case len([]rune(in.Description)) > 512:
		return nil, nil, constraint(in.Description, "description", "Member must have length less than or equal to 512")
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return nil, nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case len([]rune(in.EventPattern)) > maxPattern:
		return nil, nil, constraint(in.EventPattern, "eventPattern", "Member must have length less than or equal to 4096")
	case in.ScheduleExpression != "" && b.name != defaultBus:
		return nil, nil, invalid("ScheduleExpression is supported only on the default event bus.")
	}
	var matching *pattern.Pattern
	var due *schedule
	if in.EventPattern != "" {
		parsed, err := parsePattern(in.EventPattern)
		if err != nil {
			return nil, nil, err
		}
		matching = parsed
	}
	if in.ScheduleExpression != "" {
		parsed, err := parseSchedule(in.ScheduleExpression)
		if err != nil {
			return nil, nil, invalid("Parameter ScheduleExpression is not valid.")
		}
		due = parsed
	}
	return matching, due, nil
}

type putRuleInput struct {
	Name         string
	EventBusName string
	Tags         []tag
	ruleSpec
}

type putRuleOutput struct{ RuleArn string }

// putRule implements PutRule. Of a rule that exists it leaves the targets and, whatever it
// says of them, the tags. A rate keeps its beat if the schedule goes on as it was.
func (s *Service) putRule(_ context.Context, c *wire.Call, in *putRuleInput) (*putRuleOutput, error) {
	switch {
	case in.Name == "":
		return nil, missing("name")
	case !rulePattern.MatchString(in.Name):
		return nil, constraint(in.Name, "name", `Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+, with length less than or equal to 64`)
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	matching, due, err := in.ruleSpec.complete(b)
	if err != nil {
		return nil, err
	}
	now := s.clk.Now()
	r := b.rules[in.Name]
	if r == nil {
		if len(b.rules) >= maxRules {
			return nil, limitExceeded()
		}
		r = newRule(b, in.Name)
		r.tags = tags
		b.rules[r.name] = r
	}
	if due != nil {
		due.anchor = now
		if r.schedule != nil && r.spec.ScheduleExpression == in.ScheduleExpression && r.enabled() && in.State != stateDisabled {
			due.anchor = r.schedule.anchor
		}
	}
	r.spec, r.pattern, r.schedule = in.ruleSpec, matching, due
	s.arm(r, now)
	return &putRuleOutput{r.arn}, nil
}

func (r *rule) enabled() bool { return r.spec.State != stateDisabled }

// arm makes the rule's next occurrence after the instant happen. It is called with s.mu
// held.
func (s *Service) arm(r *rule, after time.Time) {
	if r.next != nil {
		r.next.Stop()
		r.next = nil
	}
	if r.schedule == nil || !r.enabled() {
		return
	}
	if t, ok := r.schedule.next(after); ok {
		r.next = s.clk.At(t, func(now time.Time) { s.occur(r, t, now) })
	}
}

// occur is an occurrence of a rule's schedule.
func (s *Service) occur(r *rule, planned, now time.Time) {
	s.mu.Lock()
	if r.bus.rules[r.name] != r || r.schedule == nil || !r.enabled() {
		s.mu.Unlock() // it was deleted or disabled just now
		return
	}
	deliveries := r.deliveries(scheduled(r, planned), now)
	r.next = nil
	s.arm(r, planned)
	s.mu.Unlock()
	s.deliver(deliveries, now)
}

type ruleInput struct {
	Name         string
	EventBusName string
	Force        bool
}

type ruleOutput struct {
	Arn          string
	CreatedBy    string `json:",omitempty"`
	EventBusName string
	Name         string
	ruleSpec
}

func (r *rule) describe() ruleOutput {
	return ruleOutput{Arn: r.arn, EventBusName: r.bus.name, Name: r.name, ruleSpec: r.spec}
}

// describeRule implements DescribeRule.
func (s *Service) describeRule(_ context.Context, c *wire.Call, in *ruleInput) (*ruleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, r, err := s.rule(c, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	out := r.describe()
	out.CreatedBy = b.place.account
	return &out, nil
}

// deleteRule implements DeleteRule. One that doesn't exist is no error.
func (s *Service) deleteRule(_ context.Context, c *wire.Call, in *ruleInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	r := b.rules[in.Name]
	switch {
	case r == nil:
		return &wire.Empty{}, nil
	case len(r.targets) > 0:
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	if r.next != nil {
		r.next.Stop()
	}
	delete(b.rules, r.name)
	return &wire.Empty{}, nil
}

// enableRule implements EnableRule.
func (s *Service) enableRule(_ context.Context, c *wire.Call, in *ruleInput) (*wire.Empty, error) {
	return s.turn(c, in, stateEnabled)
}

// disableRule implements DisableRule.
func (s *Service) disableRule(_ context.Context, c *wire.Call, in *ruleInput) (*wire.Empty, error) {
	return s.turn(c, in, stateDisabled)
}

func (s *Service) turn(c *wire.Call, in *ruleInput, state string) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	now := s.clk.Now()
	if r.schedule != nil && !r.enabled() {
		r.schedule.anchor = now
	}
	r.spec.State = state
	s.arm(r, now)
	return &wire.Empty{}, nil
}

type listRulesInput struct {
	EventBusName string
	NamePrefix   string
	listInput
}

type listRulesOutput struct {
	NextToken string `json:",omitempty"`
	Rules     []ruleOutput
}

// listRules implements ListRules.
func (s *Service) listRules(_ context.Context, c *wire.Call, in *listRulesInput) (*listRulesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	names, next, err := in.page(slices.Collect(maps.Keys(b.rules)), in.NamePrefix)
	if err != nil {
		return nil, err
	}
	out := &listRulesOutput{Rules: []ruleOutput{}, NextToken: next}
	for _, name := range names {
		out.Rules = append(out.Rules, b.rules[name].describe())
	}
	return out, nil
}

type rulesByTargetInput struct {
	EventBusName string
	TargetArn    string
	listInput
}

type ruleNamesOutput struct {
	NextToken string `json:",omitempty"`
	RuleNames []string
}

// listRuleNamesByTarget implements ListRuleNamesByTarget.
func (s *Service) listRuleNamesByTarget(_ context.Context, c *wire.Call, in *rulesByTargetInput) (*ruleNamesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, r := range b.rules {
		if slices.ContainsFunc(r.targets, func(t *target) bool { return t.Arn == in.TargetArn }) {
			names = append(names, name)
		}
	}
	names, next, err := in.page(names, "")
	if err != nil {
		return nil, err
	}
	return &ruleNamesOutput{RuleNames: append([]string{}, names...), NextToken: next}, nil
}
