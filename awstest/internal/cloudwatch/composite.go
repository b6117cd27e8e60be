package cloudwatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// PutCompositeAlarmInput is the input of PutCompositeAlarm.
type PutCompositeAlarmInput struct {
	AlarmName                        string    `json:"AlarmName"`
	AlarmDescription                 *string   `json:"AlarmDescription"`
	AlarmRule                        string    `json:"AlarmRule"`
	ActionsEnabled                   *bool     `json:"ActionsEnabled"`
	OKActions                        []string  `json:"OKActions"`
	AlarmActions                     []string  `json:"AlarmActions"`
	InsufficientDataActions          []string  `json:"InsufficientDataActions"`
	Tags                             []Tag     `json:"Tags"`
	ActionsSuppressor                string    `json:"ActionsSuppressor"`
	ActionsSuppressorWaitPeriod      *int32    `json:"ActionsSuppressorWaitPeriod"`
	ActionsSuppressorExtensionPeriod *int32    `json:"ActionsSuppressorExtensionPeriod"`
	ActionConfiguration              *struct{} `json:"ActionConfiguration"`
}

func (s *Service) putCompositeAlarm(_ context.Context, c *wire.Call, in *PutCompositeAlarmInput) (*wire.Empty, error) {
	var v constraints
	validateNaming(&v, in.AlarmName, in.AlarmDescription)
	validateActions(&v, in.OKActions, in.AlarmActions, in.InsufficientDataActions)
	v.required(in.AlarmRule != "", "alarmRule")
	v.length(in.AlarmRule, "alarmRule", maxRule)
	if err := v.err(); err != nil {
		return nil, err
	}
	if in.ActionConfiguration != nil {
		return nil, notServed("ActionConfiguration is not served here.")
	}
	if err := in.validateSuppressor(); err != nil {
		return nil, err
	}
	if err := validateTags(in.Tags); err != nil {
		return nil, err
	}
	parsed, mentioned, err := parseRule(in.AlarmRule)
	if err != nil {
		return nil, validationError("Error in AlarmRule [%v]", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	var children, unknown []string
	for _, m := range mentioned {
		name := sp.alarmName(m)
		if _, ok := sp.alarms[name]; !ok {
			unknown = append(unknown, m)
		}
		if !slices.Contains(children, name) {
			children = append(children, name)
		}
	}
	if len(unknown) > 0 {
		return nil, validationError("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(unknown, ", "))
	}
	if in.ActionsSuppressor != "" && sp.alarms[sp.alarmName(in.ActionsSuppressor)] == nil {
		return nil, validationError("Could not save the composite alarm as the actions suppressor alarm [%s] does not exist", in.ActionsSuppressor)
	}
	a := sp.alarms[in.AlarmName]
	if a != nil && !a.composite() {
		return nil, validationError("An alarm of a different type with the name %s exists already.", in.AlarmName)
	}
	created := a == nil
	if created {
		a = sp.create(in.AlarmName, in.Tags, c.Time)
		sp.composites = append(sp.composites, a)
	}
	replaced := a.config.Suppressor != in.ActionsSuppressor
	a.rule, a.children, a.configured = parsed, children, c.Time
	a.config = alarmConfig{
		ActionsEnabled: in.ActionsEnabled == nil || *in.ActionsEnabled, Description: in.AlarmDescription, Rule: in.AlarmRule,
		OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
		Suppressor: in.ActionsSuppressor, WaitPeriod: in.ActionsSuppressorWaitPeriod, ExtensionPeriod: in.ActionsSuppressorExtensionPeriod,
	}
	if replaced {
		a.suppressorReplaced()
	}
	sp.recordConfiguration(a, created, c.Time)
	if !slices.Contains(s.fresh, a) {
		s.fresh = append(s.fresh, a)
	}
	return &wire.Empty{}, nil
}

// alarmName is the name of an alarm that a rule mentions by name or ARN.
func (sp *space) alarmName(mention string) string {
	if name, ok := strings.CutPrefix(mention, sp.alarmARN("")); ok {
		return name
	}
	return mention
}

// maxRounds bounds how far a change may travel through composite alarms that depend on
// each other, which may be in a circle.
const maxRounds = 100

// evaluateComposites evaluates composite alarms that are new and those of which a child
// has changed its state, and on to those that they are children of; s.mu is held.
func (s *Service) evaluateComposites(now time.Time) {
	for _, a := range s.fresh {
		if a.space.alarms[a.name] == a {
			s.evaluateComposite(a, nil, now)
		}
	}
	s.fresh = nil
	for round := 0; len(s.changed) > 0 && round < maxRounds; round++ {
		work := s.changed
		s.changed = nil
		for _, child := range work {
			for _, a := range child.space.composites {
				if slices.Contains(a.children, child.name) {
					s.evaluateComposite(a, child, now)
				}
			}
		}
	}
	s.changed = nil
}

func (s *Service) evaluateComposite(a *alarm, child *alarm, now time.Time) {
	sp := a.space
	holds := a.rule.holds(func(mention string) string {
		if c := sp.alarms[sp.alarmName(mention)]; c != nil {
			return c.state
		}
		return "" // deleted: in no state
	})
	state := stateOK
	if holds {
		state = stateAlarm
	}
	if state == a.state {
		return
	}
	if child == nil {
		// the first evaluation has no child that has just changed: it goes by the first
		// that is in the state in which the alarm now is
		for _, name := range a.children {
			if c := sp.alarms[name]; c != nil && (child == nil || child.state != state && c.state == state) {
				child = c
			}
		}
	}
	if child == nil {
		s.transition(a, state, "AlarmRule evaluates to "+strings.ToUpper(map[bool]string{true: "true", false: "false"}[holds]), "", now, nil)
		return
	}
	type childState struct {
		Value     string `json:"value"`
		Timestamp string `json:"timestamp"`
	}
	type triggeringAlarm struct {
		Arn   string     `json:"arn"`
		State childState `json:"state"`
	}
	reason := child.arn + " transitioned to " + child.state + " at " + child.transitioned.UTC().Format("Monday 02 January, 2006 15:04:05 UTC")
	data := toJSON(map[string]any{"triggeringAlarms": []triggeringAlarm{{child.arn, childState{child.state, longTime(child.transitioned)}}}})
	s.transition(a, state, reason, data, now, []*alarm{child})
}
