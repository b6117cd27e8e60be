package dlqtest

import "time"

// The phases of a proof.
const (
	phaseControl    = "control"    // healthy traffic, which must not trip the alarm
	phaseOutage     = "outage"     // consumers fail, messages are dead-lettered, the alarm fires
	phaseInspection = "inspection" // the DLQ is read
	phaseRecovery   = "recovery"   // messages are redriven and processed, the alarm clears
)

// Alarm states.
const (
	stateOK    = "OK"
	stateAlarm = "ALARM"
)

func checkAlarmed(l *lifelines) Verdict {
	j := &judge{invariant: Alarmed}
	phases := map[string][]*Event{}
	var notifications []*Event
	for i := range l.Events {
		switch e := &l.Events[i]; {
		case e.Op == OpAlarm && e.Outcome == OK:
			phases[e.Phase] = append(phases[e.Phase], e)
		case e.Op == OpAlarm:
			j.unknown(nil, "the alarm's state could not be read at %s: %s", clockTime(e.Call), e.Error)
		case e.Op == OpNotification:
			notifications = append(notifications, e)
		}
	}
	checkQuietBefore(j, l, phases)
	fired := checkFired(j, l, phases[phaseOutage])
	if l.AlarmHoldsInFlight {
		if len(phases[phaseInspection]) == 0 {
			j.unknown(nil, "the alarm was not read while the DLQ's messages were in flight")
		}
		for _, e := range phases[phaseInspection] {
			if e.State != stateAlarm {
				j.violated(nil, "the alarm went to %s at %s, while the DLQ's messages were being inspected: it must count messages in flight", e.State, clockTime(e.Changed))
			}
		}
	}
	checkCleared(j, l, phases[phaseRecovery])
	if l.Notifications && fired {
		checkNotified(j, l, notifications, stateAlarm)
		if l.NotifiesOK && !l.KeepDLQ {
			checkNotified(j, l, notifications, stateOK)
		}
	}
	held := "OK before, ALARM while the DLQ wasn't empty"
	if !l.KeepDLQ {
		held += ", OK after the redrive"
	}
	if l.Notifications {
		held += "; notified"
	}
	return j.verdict("%s", held)
}

// checkQuietBefore judges the time before anything can have been dead-lettered.
func checkQuietBefore(j *judge, l *lifelines, phases map[string][]*Event) {
	control := phases[phaseControl]
	if len(control) == 0 {
		j.unknown(nil, "the alarm was not read before the outage")
	} else if last := control[len(control)-1]; last.State != stateOK && last.State != stateAlarm {
		j.unknown(nil, "the alarm was in %s before the outage: %s", last.State, last.Reason)
	}
	// nothing can land before the last receive that is allowed
	var earliest time.Time
	for _, m := range l.doomed() {
		for _, e := range m.receives {
			if e.ReceiveCount == l.MaxReceiveCount && (earliest.IsZero() || e.Call.Before(earliest)) {
				earliest = e.Call
			}
		}
	}
	earliest = earliest.Add(l.skew())
	for _, e := range append(control, phases[phaseOutage]...) {
		if e.State == stateAlarm && (e.Phase == phaseControl || e.Changed.Before(earliest)) {
			j.violated(nil, "the alarm went to ALARM at %s, when nothing had been dead-lettered: %s", clockTime(e.Changed), e.Reason)
			return
		}
	}
}

// checkFired judges whether the alarm followed the first message into the DLQ in time.
func checkFired(j *judge, l *lifelines, outage []*Event) (fired bool) {
	for _, e := range outage {
		if e.State != stateAlarm {
			continue
		}
		if landed := l.firstDrain(phaseOutage); landed != nil {
			if took := e.Changed.Sub(landed.Return.Add(l.skew())); took > l.AlarmWithin {
				j.violated(nil, "the alarm went to ALARM at %s, %s after a message was dead-lettered; it is allowed %s", clockTime(e.Changed), took.Round(time.Second), l.AlarmWithin)
			}
		}
		return true
	}
	if len(outage) == 0 {
		j.unknown(nil, "the alarm was not read after the outage began")
		return false
	}
	last, landed := outage[len(outage)-1], l.firstDrain(phaseOutage)
	switch {
	case landed == nil:
		j.unknown(nil, "the alarm was %s at %s, but whether a message had been dead-lettered by then is not known", last.State, clockTime(last.Call))
	case last.Call.Sub(landed.Return) < l.AlarmWithin:
		j.unknown(nil, "the alarm was %s at %s, before its time was up", last.State, clockTime(last.Call))
	default:
		j.violated(nil, "the alarm did not go to ALARM; at %s it was %s: %s", clockTime(last.Call), last.State, last.Reason)
	}
	return false
}

func checkCleared(j *judge, l *lifelines, recovery []*Event) {
	if l.KeepDLQ {
		return
	}
	if len(recovery) == 0 {
		j.unknown(nil, "the alarm was not read after the redrive")
		return
	}
	if last := recovery[len(recovery)-1]; last.State != stateOK {
		j.violated(nil, "the alarm did not return to OK after the redrive; at %s it was %s: %s", clockTime(last.Call), last.State, last.Reason)
	}
}

// checkNotified looks for the notification of the alarm's transition into a state.
func checkNotified(j *judge, l *lifelines, notifications []*Event, state string) {
	arrived := 0
	for _, e := range notifications {
		if e.State == state && (state == stateAlarm || e.From == stateAlarm) {
			arrived++
		}
	}
	switch {
	case arrived == 0:
		j.violated(nil, "no notification of the alarm's change to %s arrived", state)
	case arrived > 1 && l.strict():
		j.violated(nil, "%d notifications of the alarm's change to %s arrived, not one", arrived, state)
	case arrived > 1:
		j.note(nil, "%d notifications of the alarm's change to %s arrived: at-least-once delivery", arrived, state)
	}
}
