package dlqtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

const (
	sourceARN = "arn:aws:sqs:us-east-1:000000000000:orders"
	dlqARN    = "arn:aws:sqs:us-east-1:000000000000:orders-dlq"
)

// story writes histories by hand.
type story struct {
	dlqtest.History
	now   time.Time
	phase string
}

func newStory(n int) *story {
	s := &story{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), phase: "outage"}
	s.Header = dlqtest.Header{
		Ground: dlqtest.Embedded, Clock: "virtual", Started: s.now, SourceARN: sourceARN, DLQARN: dlqARN, MaxReceiveCount: n, KeepDLQ: true,
	}
	return s
}

func (s *story) add(e dlqtest.Event) *story {
	s.now = s.now.Add(time.Second)
	e.Seq, e.Call, e.Return, e.Phase = len(s.Events)+1, s.now, s.now, s.phase
	if e.Outcome == "" {
		e.Outcome = dlqtest.OK
	}
	s.Events = append(s.Events, e)
	return s
}

func (s *story) event(op dlqtest.Op, queue, key string) dlqtest.Event {
	e := dlqtest.Event{Op: op, Queue: queue, Key: key}
	if key != "" {
		e.MessageID, e.Body, e.Attributes = "id-"+key, "body-"+key, "attributes"
		e.Sent = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	}
	return e
}

func (s *story) send(key string, fails int) *story {
	e := s.event(dlqtest.OpSend, sourceARN, key)
	e.Fails, e.Fault = fails, "fault"
	return s.add(e)
}

func (s *story) receive(key string, counts ...int) *story {
	for _, n := range counts {
		e := s.event(dlqtest.OpReceive, sourceARN, key)
		e.ReceiveCount = n
		if s.phase == "recovery" {
			e.Sent = s.now
		}
		s.add(e)
	}
	return s
}

func (s *story) deleted(key string) *story {
	return s.add(s.event(dlqtest.OpDelete, sourceARN, key))
}

func (s *story) land(key string, n int) *story {
	e := s.event(dlqtest.OpReceive, dlqARN, key)
	e.ReceiveCount, e.Source = n, sourceARN
	return s.add(e)
}

// nothing is a receive from the source that finds nothing.
func (s *story) nothing() *story { return s.add(s.event(dlqtest.OpReceive, sourceARN, "")) }

func (s *story) depth(queue string, held int) *story {
	e := s.event(dlqtest.OpDepth, queue, "")
	e.Visible = held
	return s.add(e)
}

func (s *story) drained(queue string, held int) *story {
	e := s.event(dlqtest.OpDrain, queue, "")
	e.Visible = held
	return s.add(e)
}

func (s *story) alarm(phase, state string) *story {
	s.phase = phase
	e := s.event(dlqtest.OpAlarm, "", "")
	e.State, e.Changed = state, s.now
	return s.add(e)
}

func (s *story) notified(from, to string) *story {
	e := s.event(dlqtest.OpNotification, "", "")
	e.From, e.State = from, to
	return s.add(e)
}

// good is a history with which nothing is wrong, for maxReceiveCount 3.
func good() *story {
	return newStory(3).
		send("healthy", 0).send("poison", dlqtest.Always).send("flaky", 2).
		receive("healthy", 1).deleted("healthy").
		receive("poison", 1, 2, 3).
		receive("flaky", 1, 2, 3).deleted("flaky").
		drained(sourceARN, 0).
		land("poison", 4).drained(dlqARN, 1)
}

// edit changes every event that fits.
func (s *story) edit(fits func(dlqtest.Event) bool, change func(*dlqtest.Event)) *story {
	for i := range s.Events {
		if fits(s.Events[i]) {
			change(&s.Events[i])
		}
	}
	return s
}

// without leaves out every event that fits.
func (s *story) without(fits func(dlqtest.Event) bool) *story {
	s.Events = slices.DeleteFunc(s.Events, fits)
	return s
}

func is(op dlqtest.Op, queue, key string) func(dlqtest.Event) bool {
	return func(e dlqtest.Event) bool { return e.Op == op && e.Queue == queue && e.Key == key }
}

func receiveNo(key string, n int) func(dlqtest.Event) bool {
	return func(e dlqtest.Event) bool {
		return is(dlqtest.OpReceive, sourceARN, key)(e) && e.ReceiveCount == n
	}
}

var landed = is(dlqtest.OpReceive, dlqARN, "poison")

func TestCheckJudgesHistories(t *testing.T) {
	fifo := func() *story {
		s := newStory(1)
		s.FIFO = true
		return s
	}
	grouped := func(s *story) *story {
		return s.edit(func(e dlqtest.Event) bool { return e.Key != "" }, func(e *dlqtest.Event) { e.Group = "g" })
	}
	// longAfter is a FIFO queue whose message is dead-lettered minutes after it was sent
	longAfter := func(s *story) *story {
		s.send("healthy", 0).receive("healthy", 1).deleted("healthy").send("poison", dlqtest.Always)
		s.now = s.now.Add(time.Minute)
		return s.receive("poison", 1).drained(sourceARN, 0).land("poison", 2).drained(dlqARN, 1)
	}
	// returned is a FIFO queue with two dead letters that are redriven
	returned := func(s *story) *story {
		s.KeepDLQ = false
		s.send("poison", dlqtest.Always).send("second", dlqtest.Always).send("healthy", 0).receive("poison", 1).receive("second", 1).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).land("poison", 2).land("second", 2).drained(dlqARN, 2)
		s.phase = "recovery"
		return s.add(s.event(dlqtest.OpRedrive, dlqARN, "")).add(s.event(dlqtest.OpRedriven, dlqARN, ""))
	}
	redriven := func() *story {
		s := good()
		s.KeepDLQ = false
		s.phase = "recovery"
		s.add(s.event(dlqtest.OpRedrive, dlqARN, "")).add(s.event(dlqtest.OpRedriven, dlqARN, ""))
		return s
	}
	alarmed := func() *story {
		s := newStory(1)
		s.Alarm, s.AlarmWithin, s.Notifications, s.NotifiesOK, s.KeepDLQ, s.AlarmHoldsInFlight = "a", 3*time.Minute, true, true, false, true
		s.alarm("control", "INSUFFICIENT_DATA").alarm("control", "OK")
		s.phase = "outage"
		return s.send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").receive("poison", 1).drained(sourceARN, 0)
	}
	rest := func(s *story) *story {
		s.land("poison", 2).drained(dlqARN, 1).alarm("inspection", "ALARM")
		s.phase = "recovery"
		s.add(s.event(dlqtest.OpRedrive, dlqARN, "")).add(s.event(dlqtest.OpRedriven, dlqARN, ""))
		return s.receive("poison", 1).deleted("poison").drained(sourceARN, 0).drained(dlqARN, 0)
	}
	fired := func() *story { return rest(alarmed().alarm("outage", "ALARM").notified("OK", "ALARM")) }

	tests := []struct {
		name    string
		history *story
		want    map[dlqtest.Invariant]dlqtest.Status // held where nothing is said
	}{
		{"all is well", good(), nil},
		{"dead-lettered one receive early", good().without(receiveNo("poison", 3)).edit(landed, func(e *dlqtest.Event) { e.ReceiveCount = 3 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated, dlqtest.DeadLettered: dlqtest.Violated}},
		{"dead-lettered one receive late", newStory(3).send("poison", dlqtest.Always).send("healthy", 0).receive("healthy", 1).deleted("healthy").
			receive("poison", 1, 2, 3, 4).drained(sourceARN, 0).land("poison", 5).drained(dlqARN, 1),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated, dlqtest.DeadLettered: dlqtest.Violated}},
		{"a receive nobody saw, on strict ground", good().without(receiveNo("poison", 2)),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated}},
		{"ended after one receive", newStory(3).send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").receive("poison", 1), map[dlqtest.Invariant]dlqtest.Status{
			dlqtest.Exact: dlqtest.NotKnown, dlqtest.DeadLettered: dlqtest.NotKnown, dlqtest.Intact: dlqtest.NotKnown,
			dlqtest.Spared: dlqtest.NotKnown, dlqtest.Conserved: dlqtest.NotKnown, dlqtest.Isolated: dlqtest.NotKnown}},
		{"received again while it was hidden", good().edit(receiveNo("poison", 1), func(e *dlqtest.Event) { e.HiddenUntil = e.Call.Add(time.Minute) }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated}},
		{"given back, but not there", good().without(receiveNo("flaky", 3)).without(is(dlqtest.OpDelete, sourceARN, "flaky")).without(is(dlqtest.OpDrain, sourceARN, "")).without(landed).without(is(dlqtest.OpDrain, dlqARN, "")).
			add(dlqtest.Event{Op: dlqtest.OpVisibility, Queue: sourceARN, Key: "flaky", MessageID: "id-flaky", HiddenUntil: time.Unix(0, 0)}).nothing().
			receive("flaky", 3).deleted("flaky").drained(sourceARN, 0).land("poison", 4).drained(dlqARN, 1),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated}},
		{"a lost answer explains a missing number", good().without(receiveNo("poison", 2)).edit(receiveNo("poison", 3), func(e *dlqtest.Event) { e.Attempts = 2 }), nil},
		{"an acknowledgement whose answer was lost", good().without(is(dlqtest.OpDelete, sourceARN, "healthy")).add(dlqtest.Event{Op: dlqtest.OpDelete, Queue: sourceARN, Key: "healthy", MessageID: "id-healthy", Outcome: dlqtest.Unknown}),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Conserved: dlqtest.NotKnown}},
		{"a stale acknowledgement without effect", good().edit(receiveNo("poison", 3), func(*dlqtest.Event) {}).add(dlqtest.Event{Op: dlqtest.OpDelete, Queue: sourceARN, Key: "poison", MessageID: "id-poison", Stale: true}), nil},
		{"counts out of order", good().edit(receiveNo("flaky", 2), func(e *dlqtest.Event) { e.ReceiveCount = 1 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated}},
		{"the source was not drained", good().without(is(dlqtest.OpDrain, sourceARN, "")),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.NotKnown}},
		{"the source was drained before the last receive only", newStory(1).send("poison", dlqtest.Always).send("healthy", 0).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).receive("poison", 1).land("poison", 2).drained(dlqARN, 1),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.NotKnown}},
		{"nothing sent", newStory(3).drained(sourceARN, 0).drained(dlqARN, 0), map[dlqtest.Invariant]dlqtest.Status{
			dlqtest.Exact: dlqtest.NotKnown, dlqtest.DeadLettered: dlqtest.NotKnown, dlqtest.Intact: dlqtest.NotKnown,
			dlqtest.Spared: dlqtest.NotKnown, dlqtest.Conserved: dlqtest.NotKnown}},
		{"lost on the move", good().without(landed).edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 0 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.DeadLettered: dlqtest.Violated, dlqtest.Conserved: dlqtest.Violated, dlqtest.Intact: dlqtest.NotKnown}},
		{"not found, but the DLQ was not read to its end", good().without(landed).without(is(dlqtest.OpDrain, dlqARN, "")),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.DeadLettered: dlqtest.NotKnown, dlqtest.Conserved: dlqtest.NotKnown, dlqtest.Intact: dlqtest.NotKnown,
				dlqtest.Spared: dlqtest.NotKnown, dlqtest.Isolated: dlqtest.NotKnown}},
		{"the count starts again in the DLQ", good().edit(landed, func(e *dlqtest.Event) { e.ReceiveCount = 1 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.DeadLettered: dlqtest.Violated}},
		{"the DLQ names no source", good().edit(landed, func(e *dlqtest.Event) { e.Source = "" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.DeadLettered: dlqtest.Violated}},
		{"twice in the DLQ", good().land("poison", 5), map[dlqtest.Invariant]dlqtest.Status{dlqtest.DeadLettered: dlqtest.Violated}},
		{"another body in the DLQ", good().edit(landed, func(e *dlqtest.Event) { e.Body = "other" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"another id in the DLQ", good().edit(landed, func(e *dlqtest.Event) { e.MessageID = "other" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"a wrong digest", good().edit(landed, func(e *dlqtest.Event) { e.BadMD5 = "body" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"an attribute dropped", good().edit(landed, func(e *dlqtest.Event) { e.Attributes = "fewer" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"sent anew by the move", good().edit(landed, func(e *dlqtest.Event) { e.Sent = e.Sent.Add(time.Hour) }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"sent anew by a receive", good().edit(receiveNo("flaky", 2), func(e *dlqtest.Event) { e.Sent = e.Call }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"first received for a second time", good().edit(is(dlqtest.OpReceive, sourceARN, "flaky"), func(e *dlqtest.Event) { e.FirstReceived = e.Call }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"another sender", good().edit(is(dlqtest.OpReceive, sourceARN, "flaky"), func(e *dlqtest.Event) { e.Sender = fmt.Sprint(e.ReceiveCount) }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"another sender in the DLQ", good().edit(landed, func(e *dlqtest.Event) { e.Sender = "other" }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"a message that can be processed is dead-lettered", good().without(is(dlqtest.OpDelete, sourceARN, "flaky")).without(receiveNo("flaky", 3)).
			land("flaky", 3).edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 2 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Spared: dlqtest.Violated}},
		{"processed and dead-lettered", good().land("healthy", 2).edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 2 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Spared: dlqtest.Violated, dlqtest.Conserved: dlqtest.Violated}},
		{"a healthy message vanishes", good().without(func(e dlqtest.Event) bool { return e.Key == "healthy" && e.Op != dlqtest.OpSend }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Conserved: dlqtest.Violated}},
		{"a poison message vanishes at once", good().without(func(e dlqtest.Event) bool { return e.Key == "poison" && e.Op != dlqtest.OpSend }).
			edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 0 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Exact: dlqtest.Violated, dlqtest.DeadLettered: dlqtest.Violated, dlqtest.Conserved: dlqtest.Violated, dlqtest.Intact: dlqtest.NotKnown}},
		{"a send of unknown outcome, not seen again", good().send("maybe", 0).edit(is(dlqtest.OpSend, sourceARN, "maybe"), func(e *dlqtest.Event) { e.Outcome = dlqtest.Unknown }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Conserved: dlqtest.NotKnown}},
		{"a failed send is no message", good().send("refused", 0).edit(is(dlqtest.OpSend, sourceARN, "refused"), func(e *dlqtest.Event) { e.Outcome = dlqtest.Failed }), nil},
		{"back after it was acknowledged", good().receive("healthy", 2), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Conserved: dlqtest.Violated}},
		{"a late acknowledgement takes a message out of the DLQ", newStory(3).send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").
			receive("poison", 1, 2, 3).drained(sourceARN, 0).depth(dlqARN, 2).depth(dlqARN, 1).land("poison", 4).drained(dlqARN, 1),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Conserved: dlqtest.Violated}},
		{"the DLQ could not be asked what it holds", newStory(3).send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").
			receive("poison", 1, 2, 3).drained(sourceARN, 0).depth(dlqARN, 1).
			add(dlqtest.Event{Op: dlqtest.OpDepth, Queue: dlqARN, Outcome: dlqtest.Failed}).depth(dlqARN, 1).land("poison", 4).drained(dlqARN, 1), nil},
		{"a stranger in the DLQ", good().add(dlqtest.Event{Op: dlqtest.OpReceive, Queue: dlqARN, MessageID: "stranger", ReceiveCount: 1}).
			edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 2 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Isolated: dlqtest.Violated}},
		{"the DLQ says that it holds more than can be read", good().edit(is(dlqtest.OpDrain, dlqARN, ""), func(e *dlqtest.Event) { e.Visible = 2 }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Isolated: dlqtest.Violated}},

		{"FIFO: in order", grouped(fifo().send("poison", dlqtest.Always).send("healthy", 0).receive("poison", 1).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).land("poison", 2).drained(dlqARN, 1)), nil},
		{"FIFO: the second before the first is out of the way", grouped(fifo().send("poison", dlqtest.Always).send("healthy", 0).receive("healthy", 1).deleted("healthy").receive("poison", 1).
			drained(sourceARN, 0).land("poison", 2).drained(dlqARN, 1)), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"FIFO: another sequence number", grouped(fifo().send("poison", dlqtest.Always).send("healthy", 0).receive("poison", 1).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).land("poison", 2).drained(dlqARN, 1)).edit(is(dlqtest.OpReceive, sourceARN, "healthy"), func(e *dlqtest.Event) { e.Sequence = "9" }), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"FIFO: another order in the DLQ", grouped(fifo().send("poison", dlqtest.Always).send("second", dlqtest.Always).send("healthy", 0).receive("poison", 1).receive("second", 1).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).land("second", 2).land("poison", 2).drained(dlqARN, 2)), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"FIFO: another group in the DLQ", grouped(fifo().send("poison", dlqtest.Always).send("healthy", 0).receive("poison", 1).receive("healthy", 1).deleted("healthy").
			drained(sourceARN, 0).land("poison", 2).drained(dlqARN, 1)).edit(landed, func(e *dlqtest.Event) { e.Group = "other" }), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},

		{"FIFO: sent anew by the move", longAfter(fifo()).edit(landed, func(e *dlqtest.Event) { e.Sent = e.Call }), nil},
		{"FIFO: not sent anew by the move", longAfter(fifo()), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Intact: dlqtest.Violated}},
		{"FIFO: redriven in order", grouped(returned(fifo()).receive("poison", 1).deleted("poison").receive("second", 1).deleted("second").drained(sourceARN, 0).drained(dlqARN, 0)), nil},
		{"FIFO: redriven in another order", grouped(returned(fifo()).receive("second", 1).deleted("second").receive("poison", 1).deleted("poison").drained(sourceARN, 0).drained(dlqARN, 0)),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},

		{"redriven", redriven().receive("poison", 1).deleted("poison").drained(sourceARN, 0).drained(dlqARN, 0), nil},
		{"not redriven", func() *story { s := good(); s.KeepDLQ = false; return s }(), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.NotKnown}},
		{"the redrive is refused", func() *story {
			s := good()
			s.KeepDLQ = false
			return s.add(dlqtest.Event{Op: dlqtest.OpRedrive, Queue: dlqARN, Outcome: dlqtest.Failed})
		}(), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"lost by the redrive", redriven().drained(sourceARN, 0).drained(dlqARN, 0), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"back twice", redriven().receive("poison", 1).deleted("poison").receive("poison", 1).drained(sourceARN, 0).drained(dlqARN, 0), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"back with its old count", redriven().receive("poison", 5).deleted("poison").drained(sourceARN, 0).drained(dlqARN, 0), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"back with its old age", redriven().receive("poison", 1).deleted("poison").drained(sourceARN, 0).drained(dlqARN, 0).
			edit(func(e dlqtest.Event) bool { return e.Phase == "recovery" && e.Key != "" }, func(e *dlqtest.Event) { e.Sent = e.Sent.Add(-time.Hour) }),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"back in the DLQ", redriven().receive("poison", 1).deleted("poison").drained(sourceARN, 0).
			add(dlqtest.Event{Op: dlqtest.OpDrain, Queue: dlqARN, Outcome: dlqtest.Failed, Visible: 1, Error: "holds 1 visible, 0 in flight, 0 delayed"}),
			map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.Violated}},
		{"still in the DLQ", redriven().receive("poison", 1).deleted("poison").drained(sourceARN, 0), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Redriven: dlqtest.NotKnown}},

		{"alarm: fires and clears", fired().alarm("recovery", "OK").notified("ALARM", "OK"), nil},
		{"alarm: never fires", rest(func() *story {
			s := alarmed().alarm("outage", "OK")
			s.now = s.now.Add(3 * time.Minute)
			return s.alarm("outage", "OK")
		}()).alarm("recovery", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: not watched for as long as it may take", rest(alarmed().alarm("outage", "OK")).alarm("recovery", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.NotKnown}},
		{"alarm: never clears", fired().alarm("recovery", "ALARM"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: not notified", rest(alarmed().alarm("outage", "ALARM")).alarm("recovery", "OK").notified("ALARM", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: notified twice", fired().notified("OK", "ALARM").alarm("recovery", "OK").notified("ALARM", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: its end not notified", fired().alarm("recovery", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: gone off while the DLQ was inspected", fired().alarm("inspection", "OK").alarm("recovery", "OK").notified("ALARM", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: on before anything was dead-lettered", rest(func() *story {
			s := newStory(1)
			s.Alarm, s.AlarmWithin = "a", 3*time.Minute
			return s.alarm("control", "ALARM").send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").receive("poison", 1).drained(sourceARN, 0)
		}().alarm("outage", "ALARM")).alarm("recovery", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
		{"alarm: not known before", rest(func() *story {
			s := newStory(1)
			s.Alarm, s.AlarmWithin = "a", 3*time.Minute
			return s.alarm("control", "INSUFFICIENT_DATA").send("healthy", 0).send("poison", dlqtest.Always).receive("healthy", 1).deleted("healthy").receive("poison", 1).drained(sourceARN, 0)
		}().alarm("outage", "ALARM")).alarm("recovery", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.NotKnown}},
		{"alarm: too late", rest(func() *story {
			s := alarmed()
			s.now = s.now.Add(time.Hour)
			return s.alarm("outage", "ALARM").notified("OK", "ALARM")
		}()).alarm("recovery", "OK").notified("ALARM", "OK"), map[dlqtest.Invariant]dlqtest.Status{dlqtest.Alarmed: dlqtest.Violated}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verdicts := dlqtest.Check(&tt.history.History)
			require.NotEmpty(t, verdicts)
			for _, v := range verdicts {
				want, ok := tt.want[v.Invariant]
				if !ok {
					want = dlqtest.Held
				}
				require.Equal(t, want, v.Status, "%s: %s", v.Invariant, v.Summary)
			}
			require.Equal(t, len(tt.want) == 0, dlqtest.Proven(verdicts))
		})
	}
}

// A receive that finds nothing says that nothing could be received: the histories here have
// one between two sights of a message, of which it is known until when it was hidden.
func TestCheckSeesMessagesHeldBack(t *testing.T) {
	hides := func(d time.Duration) func(*dlqtest.Event) {
		return func(e *dlqtest.Event) { e.HiddenUntil = e.Call.Add(d) }
	}
	// once is a message that comes twice, with what happens in between
	once := func(hidden time.Duration, between func(*story)) *story {
		s := newStory(2).send("poison", dlqtest.Always).send("healthy", 0).receive("healthy", 1).deleted("healthy").receive("poison", 1)
		s.edit(receiveNo("poison", 1), hides(hidden))
		between(s)
		return s.receive("poison", 2).nothing().drained(sourceARN, 0).land("poison", 3).drained(dlqARN, 1)
	}
	// groups is a FIFO queue with poison at the head of one group, and healthy messages of
	// their groups, each sent with no delay
	groups := func(healthy ...string) *story {
		s := newStory(1)
		s.FIFO = true
		s.send("poison", dlqtest.Always)
		for i, group := range healthy {
			s.send(fmt.Sprintf("healthy-%d", i), 0)
			s.Events[len(s.Events)-1].Group = group
		}
		return s.edit(is(dlqtest.OpSend, sourceARN, "poison"), func(e *dlqtest.Event) { e.Group = "poisoned" }).
			edit(func(e dlqtest.Event) bool { return e.Op == dlqtest.OpSend }, hides(0))
	}
	in := func(group string, s *story) *story {
		s.Events[len(s.Events)-1].Group = group
		return s
	}
	rest := func(s *story) *story {
		s.drained(sourceARN, 0).land("poison", 2)
		return in("poisoned", s).drained(dlqARN, 1)
	}
	for _, tt := range []struct {
		name    string
		history *story
		want    string // what the first finding about exact ends with; nothing if it is held
	}{
		{"not while it is hidden", once(time.Minute, func(s *story) { s.nothing(); s.now = s.now.Add(time.Minute) }), ""},
		{"longer than it was to be hidden", once(time.Second, func(s *story) { s.nothing().nothing() }),
			"was hidden until 2026-11-24 09:00:06.000 only, but a receive at 2026-11-24 09:00:06.000 found nothing"},
		{"a receive that began while it was hidden", once(2*time.Second, func(s *story) {
			s.nothing()
			last := &s.Events[len(s.Events)-1]
			last.Return, s.now = s.now.Add(time.Minute), s.now.Add(time.Minute)
		}), ""},
		{"another consumer's receive, under way when it came", once(time.Second, func(s *story) {
			s.nothing()
			s.Events[len(s.Events)-1].Began = 4
		}), ""},
		{"another consumer has it by then", once(0, func(s *story) { s.nothing() }).
			edit(receiveNo("poison", 2), func(e *dlqtest.Event) { e.Began = e.Seq - 2 }), ""},
		{"an answer was lost, which may have had it", once(time.Second, func(s *story) {
			s.nothing()
			s.Events[len(s.Events)-1].Attempts = 2
			s.now = s.now.Add(time.Minute)
			s.nothing()
		}), ""},
		{"a second of the wall clock", func() *story {
			s := once(time.Second, func(s *story) { s.nothing() })
			s.Clock = "wall"
			return s
		}(), ""},
		{"not known until when it was hidden", once(0, func(s *story) {
			s.edit(receiveNo("poison", 1), func(e *dlqtest.Event) { e.HiddenUntil = time.Time{} })
			s.nothing()
		}), ""},
		{"on AWS one receive says nothing", func() *story {
			s := once(time.Second, func(s *story) { s.nothing().nothing() })
			s.Ground = dlqtest.AWS
			return s
		}(), ""},

		{"FIFO: behind the poison of its group", rest(in("poisoned", in("poisoned", in("poisoned", groups("poisoned").receive("poison", 1)).
			edit(receiveNo("poison", 1), hides(5*time.Second)).nothing().nothing().nothing().nothing().nothing().receive("healthy-0", 1)).deleted("healthy-0"))), ""},
		{"FIFO: behind the poison of another group", rest(in("other", in("other", in("poisoned", groups("other").receive("poison", 1)).
			edit(receiveNo("poison", 1), hides(time.Minute)).nothing().receive("healthy-0", 1)).deleted("healthy-0"))),
			"could be received from 2026-11-24 09:00:02.000 on, but a receive at 2026-11-24 09:00:04.000 found nothing"},
		{"FIFO: when the poison of its group is gone", rest(in("poisoned", in("poisoned", in("poisoned", groups("poisoned").receive("poison", 1)).
			edit(receiveNo("poison", 1), hides(time.Second)).nothing().nothing().receive("healthy-0", 1)).deleted("healthy-0"))),
			"could be received from 2026-11-24 09:00:02.000 on, but a receive at 2026-11-24 09:00:05.000 found nothing"},
		{"FIFO: when the one before it was acknowledged", rest(in("g", in("g", in("g", in("g", in("poisoned", groups("g", "g").receive("poison", 1)).
			receive("healthy-0", 1)).deleted("healthy-0")).nothing().receive("healthy-1", 1)).deleted("healthy-1"))),
			"could be received from 2026-11-24 09:00:03.000 on, but a receive at 2026-11-24 09:00:07.000 found nothing"},
		{"FIFO: when the one before it was given out", rest(in("g", in("g", in("g", in("g", in("poisoned", groups("g", "g").receive("poison", 1)).
			receive("healthy-0", 1)).nothing().deleted("healthy-0")).receive("healthy-1", 1)).deleted("healthy-1"))), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verdicts := dlqtest.Check(&tt.history.History)
			if tt.want == "" {
				require.True(t, dlqtest.Proven(verdicts), fmt.Sprint(verdicts))
				return
			}
			for _, v := range verdicts {
				if v.Invariant != dlqtest.Exact {
					require.Equal(t, dlqtest.Held, v.Status, v.Summary)
					continue
				}
				require.Equal(t, dlqtest.Violated, v.Status)
				require.Len(t, v.Findings, 1)
				require.Equal(t, tt.want, v.Findings[0].What)
			}
		})
	}
}

// On AWS clients don't see every receive, and standard queues deliver at least once.
func TestCheckAllowsForWhatAWSDoesNotPromise(t *testing.T) {
	onAWS := func(s *story) *story { s.Ground = dlqtest.AWS; return s }
	for _, tt := range []struct {
		name    string
		history *story
		proven  bool
		noted   dlqtest.Invariant
	}{
		{"a missing number is unknown", onAWS(good().without(receiveNo("poison", 2))), false, ""},
		{"a number above N is a violation", onAWS(good().receive("poison", 4)), false, ""},
		{"a delivery after the acknowledgement is noted", onAWS(good().receive("healthy", 2)), true, dlqtest.Conserved},
		{"a second delivery from the DLQ is noted", onAWS(good().land("poison", 5)), true, dlqtest.DeadLettered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verdicts := dlqtest.Check(&tt.history.History)
			require.Equal(t, tt.proven, dlqtest.Proven(verdicts), fmt.Sprint(verdicts))
			for _, v := range verdicts {
				require.Equal(t, v.Invariant == tt.noted, len(v.Notes) > 0, fmt.Sprint(v))
			}
		})
	}
}
