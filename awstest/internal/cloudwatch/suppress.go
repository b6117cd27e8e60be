package cloudwatch

import (
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

// What a composite alarm's actions are suppressed by, as DescribeAlarms has it.
const (
	byAlarm     = "Alarm"           // the suppressor is in ALARM
	byWait      = "WaitPeriod"      // the suppressor may yet go into ALARM
	byExtension = "ExtensionPeriod" // the suppressor has left ALARM, and this alarm may yet leave it
)

// held is how the actions of a composite alarm with a suppressor are held back.
// [CloudWatch user guide, "Suppressing composite alarm actions": its six examples]
type held struct {
	by    string       // empty if they aren't
	ends  *clock.Event // of the period that is active; nil if none is
	since *act         // what is held back; nil if the state hasn't changed meanwhile
}

// act is the transition that actions are performed for.
type act struct {
	oldState string
	trigger  []*alarm
}

// reason is as AWS words it in the event of a composite alarm's change of state.
func (h *held) reason() string {
	if h.by == "" {
		return ""
	}
	return "Actions suppressed by " + h.by
}

// stop discards the period that is active.
func (h *held) stop() {
	if h.ends != nil {
		h.ends.Stop()
		h.ends = nil
	}
}

func (in *PutCompositeAlarmInput) validateSuppressor() error {
	wait, extension := in.ActionsSuppressorWaitPeriod, in.ActionsSuppressorExtensionPeriod
	var v constraints
	v.length(in.ActionsSuppressor, "actionsSuppressor", maxSuppressor)
	if err := v.err(); err != nil {
		return err
	}
	switch {
	case in.ActionsSuppressor == "" && (wait != nil || extension != nil):
		return validationError("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod can only be set with an ActionsSuppressor.")
	case in.ActionsSuppressor != "" && (wait == nil || extension == nil):
		return validationError("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required with an ActionsSuppressor.")
	case wait != nil && *wait < 0 || extension != nil && *extension < 0:
		return validationError("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative.")
	}
	return nil
}

// maxSuppressor is how long the name or ARN of a suppressor may be, in characters.
const maxSuppressor = 1600

// hold holds back the actions of a transition: while the suppressor is in ALARM, or for
// a wait period, which each transition begins anew; s.mu is held.
func (s *Service) hold(a *alarm, t act, now time.Time) {
	h := &a.held
	h.stop()
	h.since = &t
	if a.suppressed() {
		h.by = byAlarm
		return
	}
	s.period(a, byWait, a.config.WaitPeriod, now)
}

// suppressed reports whether the alarm's suppressor is in ALARM.
func (a *alarm) suppressed() bool {
	sup := a.space.alarms[a.space.alarmName(a.config.Suppressor)]
	return sup != nil && sup.state == stateAlarm
}

// suppressorChanged is told of every transition and passes it on to those composite
// alarms that the alarm suppresses; s.mu is held.
func (s *Service) suppressorChanged(sup *alarm, now time.Time) {
	for _, a := range sup.space.composites {
		if a.config.Suppressor == "" || a.space.alarmName(a.config.Suppressor) != sup.name {
			continue
		}
		switch {
		case sup.state == stateAlarm:
			a.held.stop()
			a.held.by = byAlarm
		case a.held.by == byAlarm:
			s.period(a, byExtension, a.config.ExtensionPeriod, now)
		}
	}
}

// period holds actions back for some seconds, after which the alarm takes those of the
// state that it is in by then.
func (s *Service) period(a *alarm, by string, seconds *int32, now time.Time) {
	h := &a.held
	if seconds == nil || *seconds == 0 {
		s.release(a, now)
		return
	}
	h.by = by
	var mine *clock.Event
	mine = s.clk.At(now.Add(time.Duration(*seconds)*time.Second), func(now time.Time) {
		s.mu.Lock()
		if h.ends == mine { // else it was discarded as it fell due
			s.release(a, now)
		}
		s.mu.Unlock()
		s.notify()
	})
	h.ends = mine
}

// release ends the suppression. That an alarm whose state hasn't changed during it takes
// no actions again is not documented; s.mu is held.
func (s *Service) release(a *alarm, now time.Time) {
	since := a.held.since
	a.held = held{}
	if since != nil && a.space.alarms[a.name] == a {
		s.act(a, since.oldState, now, since.trigger)
	}
}

// suppressorReplaced discards the period that is active, and what was held back with it
// ("If you replace the action suppressor alarm, any active WaitPeriod or ExtensionPeriod
// is discarded"); s.mu is held.
func (a *alarm) suppressorReplaced() {
	a.held.stop()
	a.held = held{}
	if a.config.Suppressor != "" && a.suppressed() {
		a.held.by = byAlarm
	}
}
