package cloudwatch

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// AlarmNamesInput is the input of DeleteAlarms, EnableAlarmActions and DisableAlarmActions.
type AlarmNamesInput struct {
	AlarmNames []string `json:"AlarmNames"`
}

func (in *AlarmNamesInput) validate() error {
	var v constraints
	v.required(in.AlarmNames != nil, "alarmNames")
	if len(in.AlarmNames) > 100 {
		v.add(len(in.AlarmNames), "alarmNames", "Member must have length less than or equal to 100")
	}
	return v.err()
}

// deleteAlarms deletes all of the alarms or, if that of one is refused, none. That a name
// which doesn't exist is refused is documented ("If you specify an incorrect alarm name
// ..., no alarms are deleted"; error ResourceNotFound), not recorded.
func (s *Service) deleteAlarms(_ context.Context, c *wire.Call, in *AlarmNamesInput) (*wire.Empty, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	var names, needed []string
	composites := 0
	for _, name := range in.AlarmNames {
		a := sp.alarms[name]
		if a == nil {
			return nil, alarmNotFound()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			if a.composite() {
				composites++
			}
		}
	}
	if composites > 1 {
		return nil, validationError("You can delete at most one composite alarm in one DeleteAlarms operation.")
	}
	for _, name := range names {
		for _, p := range sp.composites {
			if slices.Contains(p.children, name) && !slices.Contains(names, p.name) && !slices.Contains(needed, name) {
				needed = append(needed, name)
			}
		}
	}
	if len(needed) > 0 {
		them := "it"
		if len(needed) > 1 {
			them = "them"
		}
		return nil, validationError("Cannot delete %s as there are composite alarm(s) depending on %s.", strings.Join(needed, ","), them)
	}
	for _, name := range names {
		a := sp.alarms[name]
		delete(sp.alarms, name)
		is := func(b *alarm) bool { return a == b }
		if a.composite() {
			sp.composites = slices.DeleteFunc(sp.composites, is)
		} else {
			s.alarms = slices.DeleteFunc(s.alarms, is)
			a.unwatch(s)
		}
		sp.recordDeletion(a, c.Time)
	}
	return &wire.Empty{}, nil
}

func (s *Service) enableAlarmActions(_ context.Context, c *wire.Call, in *AlarmNamesInput) (*wire.Empty, error) {
	return s.setActionsEnabled(c, in, true)
}

func (s *Service) disableAlarmActions(_ context.Context, c *wire.Call, in *AlarmNamesInput) (*wire.Empty, error) {
	return s.setActionsEnabled(c, in, false)
}

// setActionsEnabled passes over names that don't exist: the operations know no such error.
func (s *Service) setActionsEnabled(c *wire.Call, in *AlarmNamesInput, enabled bool) (*wire.Empty, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	for _, name := range in.AlarmNames {
		if a := sp.alarms[name]; a != nil && a.config.ActionsEnabled != enabled {
			a.config.ActionsEnabled = enabled
			a.configured = c.Time
			sp.recordConfiguration(a, false, c.Time)
		}
	}
	return &wire.Empty{}, nil
}

// SetAlarmStateInput is the input of SetAlarmState.
type SetAlarmStateInput struct {
	AlarmName       string `json:"AlarmName"`
	StateValue      string `json:"StateValue"`
	StateReason     string `json:"StateReason"`
	StateReasonData string `json:"StateReasonData"`
}

// setAlarmState puts an alarm into a state until its next evaluation.
func (s *Service) setAlarmState(_ context.Context, c *wire.Call, in *SetAlarmStateInput) (*wire.Empty, error) {
	var v constraints
	v.required(in.AlarmName != "", "alarmName")
	v.required(in.StateValue != "", "stateValue")
	v.oneOf(in.StateValue, "stateValue", states)
	v.length(in.StateReason, "stateReason", 1023)
	v.length(in.StateReasonData, "stateReasonData", 4000)
	if err := v.err(); err != nil {
		return nil, err
	}
	if in.StateReasonData != "" && !json.Valid([]byte(in.StateReasonData)) {
		return nil, &wire.Error{Code: "InvalidFormat", Type: "InvalidFormatFault", Message: "StateReasonData is not valid JSON"}
	}
	s.mu.Lock()
	a := s.of(c).alarms[in.AlarmName]
	if a == nil {
		s.mu.Unlock()
		return nil, alarmNotFound()
	}
	a.settled = settled{}
	if a.state != in.StateValue {
		s.transition(a, in.StateValue, in.StateReason, in.StateReasonData, c.Time, nil)
		s.evaluateComposites(c.Time)
	} else {
		a.reason, a.reasonData, a.updated = in.StateReason, in.StateReasonData, c.Time
	}
	s.mu.Unlock()
	s.notify()
	return &wire.Empty{}, nil
}
