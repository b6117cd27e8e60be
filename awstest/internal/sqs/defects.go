package sqs

import (
	"crypto/md5"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Defect is a deviation from AWS that can be switched on, so that a proof of
// dead-lettering can itself be tested: each must make it fail.
type Defect string

// The defects. Their hooks are the methods of defective, and nothing else.
const (
	DeadLetterEarly    Defect = "dead-letter-early"    // moved one receive early
	DeadLetterLate     Defect = "dead-letter-late"     // moved one receive late
	CountReset         Defect = "count-reset"          // the receive count starts anew in the DLQ
	LostOnMove         Defect = "lost-on-move"         // moved nowhere
	BodySwapped        Defect = "body-swapped"         // the DLQ's message has another body
	AttributeDropped   Defect = "attribute-dropped"    // a message attribute is lost on the move
	SourceARNMissing   Defect = "source-arn-missing"   // no DeadLetterQueueSourceArn
	MessageIDChanged   Defect = "message-id-changed"   // moved under another id
	ShortRetention     Defect = "short-retention"      // messages in a DLQ expire an hour early
	Resurrected        Defect = "resurrected"          // a deleted message turns up in the DLQ
	DuplicatedOnMove   Defect = "duplicated-on-move"   // moved twice
	AllowPolicyIgnored Defect = "allow-policy-ignored" // any queue may use the DLQ
	OrderBroken        Defect = "order-broken"         // a FIFO DLQ gives the last of a group first
	NotDeleted         Defect = "not-deleted"          // a deleted message comes back
	DLQMetricsMissing  Defect = "dlq-metrics-missing"  // no metrics of DLQs
	StaleMetrics       Defect = "stale-metrics"        // gauges are sampled every 15 minutes only
	MovedToWrongQueue  Defect = "moved-to-wrong-queue" // moved to some other queue
	GiveBackIgnored    Defect = "give-back-ignored"    // a visibility timeout of 0 changes nothing
	ExtensionIgnored   Defect = "extension-ignored"    // no other visibility timeout does
	VisibleEarly       Defect = "visible-early"        // messages are hidden for a second less
	VisibleLate        Defect = "visible-late"         // messages are hidden for a second more
	DelayIgnored       Defect = "delay-ignored"        // messages can be received as soon as they are sent
	ExtensionOther     Defect = "extension-other"      // a visibility timeout is extended by the queue's own
	TimeoutIgnored     Defect = "timeout-ignored"      // a receive hides for the queue's own timeout
	GroupsHeldUp       Defect = "groups-held-up"       // a FIFO message in flight holds up all groups
	SentAnew           Defect = "sent-anew"            // a message counts as sent when it is received
	FirstReceiveAnew   Defect = "first-receive-anew"   // each receive says that it is the first
	SenderDropped      Defect = "sender-dropped"       // a DLQ's messages have no SenderId
	LateDeleteReaches  Defect = "late-delete-reaches"  // a receipt handle of the source deletes in the DLQ
	RedriveLoses       Defect = "redrive-loses"        // a message move task loses messages
	RedriveDoubles     Defect = "redrive-doubles"      // it moves them twice
	RedriveKeepsCount  Defect = "redrive-keeps-count"  // they go on being counted
	RedriveKeepsAge    Defect = "redrive-keeps-age"    // they count as sent when they first were
	RedriveReverses    Defect = "redrive-reverses"     // a FIFO DLQ's group comes back last message first
)

// Defects lists all there are.
func Defects() []Defect {
	return []Defect{
		DeadLetterEarly, DeadLetterLate, CountReset, LostOnMove, BodySwapped, AttributeDropped, SourceARNMissing,
		MessageIDChanged, ShortRetention, Resurrected, DuplicatedOnMove, AllowPolicyIgnored, OrderBroken, NotDeleted,
		DLQMetricsMissing, StaleMetrics, MovedToWrongQueue, GiveBackIgnored, ExtensionIgnored, VisibleEarly,
		VisibleLate, DelayIgnored, ExtensionOther, TimeoutIgnored, GroupsHeldUp, SentAnew, FirstReceiveAnew, SenderDropped, LateDeleteReaches,
		RedriveLoses, RedriveDoubles, RedriveKeepsCount, RedriveKeepsAge, RedriveReverses,
	}
}

// SetDefects switches exactly these defects on, for all queues.
func (s *Service) SetDefects(defects ...Defect) error {
	var set uint64
	for _, d := range defects {
		bit := d.bit()
		if bit == 0 {
			return fmt.Errorf("no such defect: %q", d)
		}
		set |= bit
	}
	s.defects.Store(set)
	return nil
}

// bit is the defect's place in a set, 0 if there is no such defect.
func (d Defect) bit() uint64 {
	i := slices.Index(Defects(), d)
	if i < 0 {
		return 0
	}
	return 1 << i
}

// has reports whether a defect is on.
func (s *Service) has(d Defect) bool {
	set := s.defects.Load()
	return set != 0 && set&d.bit() != 0
}

// defective holds what the defects of a queue need to remember. Its methods are the
// hooks; they are called with the queue locked, where they don't say otherwise.
type defective struct {
	lastBody string     // of the message moved last
	buried   []*message // deleted messages
	gauges   gauges
	sampled  int64
}

const maxBuried = 16

// limit is how many receives a message may have.
func (*defective) limit(q *queue, maxReceiveCount int) int {
	switch {
	case q.svc.has(DeadLetterEarly):
		return maxReceiveCount - 1
	case q.svc.has(DeadLetterLate):
		return maxReceiveCount + 1
	}
	return maxReceiveCount
}

// target is the queue that messages are moved to.
func (*defective) target(q, dlq *queue) *queue {
	if q.svc.has(MovedToWrongQueue) {
		for _, other := range *q.svc.all.Load() {
			if other != q && other != dlq && other.fifo == q.fifo && other.key.account == q.key.account && other.key.region == q.key.region {
				return other
			}
		}
	}
	return dlq
}

// alter is what arrives in the dead-letter queue when m is moved there. It may change m
// and its extra, which are nobody else's any more.
func (d *defective) alter(q *queue, m *message) []*message {
	s := q.svc
	if s.defects.Load() == 0 {
		return []*message{m}
	}
	if s.has(LostOnMove) {
		return nil
	}
	if s.has(CountReset) {
		m.count, m.before, m.first = 0, 0, 0
	}
	if s.has(BodySwapped) {
		if d.lastBody == "" {
			d.lastBody = m.body + " swapped"
		}
		m.body, d.lastBody = d.lastBody, m.body
		m.md5 = md5.Sum([]byte(m.body))
	}
	if s.has(AttributeDropped) && len(m.extra.attributes) > 0 {
		m.extra.attributes = maps.Clone(m.extra.attributes)
		delete(m.extra.attributes, slices.Min(slices.Collect(maps.Keys(m.extra.attributes))))
	}
	if s.has(SourceARNMissing) {
		m.extra.deadLetterFrom = ""
	}
	if s.has(MessageIDChanged) {
		m.id = newUUID()
	}
	moved := []*message{m}
	if s.has(DuplicatedOnMove) {
		twin, x := *m, *m.extra
		twin.extra = &x
		moved = append(moved, &twin)
	}
	for _, b := range d.buried {
		x := *m.extra
		if b.extra != nil {
			x.attributes, x.traceHeader, x.groupID = b.extra.attributes, b.extra.traceHeader, b.extra.groupID
		}
		b.extra, b.before, b.nonce, b.arrived = &x, b.count, 0, m.arrived
		b.links[age].key, b.links[turn].key = m.sent(), m.visibleFrom()
		moved = append(moved, b)
	}
	d.buried = nil
	return moved
}

// undeleted reports whether a delete is only said to have happened.
func (*defective) undeleted(q *queue, _ *message) bool { return q.svc.has(NotDeleted) }

// bury takes note of a deleted message.
func (d *defective) bury(q *queue, m *message) {
	if q.svc.has(Resurrected) && q.settings.Load().redrive != nil && len(d.buried) < maxBuried {
		d.buried = append(d.buried, m)
	}
}

// reversed reports whether a message that joins its group does so at the wrong end.
func (*defective) reversed(q *queue, m *message) bool {
	return q.svc.has(OrderBroken) && m.deadLetterFrom() != ""
}

// early is how much too early a message expires, in nanoseconds.
func (*defective) early(q *queue, m *message) int64 {
	if q.svc.has(ShortRetention) && m.deadLetterFrom() != "" {
		return int64(time.Hour)
	}
	return 0
}

// unchanged reports whether a change of visibility is only said to have happened.
func (*defective) unchanged(q *queue, seconds int32) bool {
	return q.svc.has(GiveBackIgnored) && seconds == 0 || q.svc.has(ExtensionIgnored) && seconds != 0
}

// shown is when a message that is hidden until then becomes visible, in nanoseconds.
func (*defective) shown(q *queue, m *message, until int64) int64 {
	switch {
	case q.svc.has(VisibleEarly):
		return max(until-int64(time.Second), m.received)
	case q.svc.has(VisibleLate):
		return until + int64(time.Second)
	}
	return until
}

// delayed is how long a message that is sent can't be received.
func (*defective) delayed(q *queue, delay int64) int64 {
	if q.svc.has(DelayIgnored) {
		return 0
	}
	return delay
}

// extended is until when a message is hidden whose visibility timeout is changed.
func (*defective) extended(q *queue, now, until int64) int64 {
	if q.svc.has(ExtensionOther) {
		return now + q.settings.Load().visibility
	}
	return until
}

// hidden is how long a receive hides messages that asks for a timeout of its own. It is
// called with no queue locked.
func (*defective) hidden(q *queue, timeout int64) int64 {
	if q.svc.has(TimeoutIgnored) {
		return q.settings.Load().visibility
	}
	return timeout
}

// heldUp reports whether a receive gets no message of any group.
func (*defective) heldUp(q *queue) bool { return q.svc.has(GroupsHeldUp) && q.groups.inFlight > 0 }

// retell changes what a receive tells of a message. It is called with no queue locked.
func (*defective) retell(q *queue, m *message, attributes map[string]string) {
	s := q.svc
	if s.has(SentAnew) {
		attributes["SentTimestamp"] = millis(m.received)
	}
	if s.has(FirstReceiveAnew) {
		attributes["ApproximateFirstReceiveTimestamp"] = millis(m.received)
	}
	if s.has(SenderDropped) && m.deadLetterFrom() != "" {
		delete(attributes, "SenderId")
	}
}

// reach deletes a message that was moved to the dead-letter queue. It is called with no
// queue locked.
func (*defective) reach(q *queue, id uuid) {
	if !q.svc.has(LateDeleteReaches) {
		return
	}
	redrive := q.settings.Load().redrive
	if redrive == nil {
		return
	}
	if dlq := q.svc.find(redrive.target); dlq != nil {
		dlq.lock()
		defer dlq.unlock()
		var found *message
		dlq.byAge.each(func(m *message) {
			if m.id == id {
				found = m
			}
		})
		if found != nil {
			dlq.drop(found)
		}
	}
}

// redriven is what arrives at the destination of a message move task that takes m.
func (*defective) redriven(q *queue, m, moved *message) []*message {
	s := q.svc
	if s.has(RedriveLoses) {
		return nil
	}
	if s.has(RedriveKeepsCount) {
		moved.count = m.count
	}
	if s.has(RedriveKeepsAge) {
		moved.links[age].key = m.sent()
	}
	if s.has(RedriveDoubles) {
		twin := renew(m, moved.arrived)
		if moved.extra != nil {
			twin.extra.sequence = moved.extra.sequence
		}
		twin.links = moved.links
		return []*message{moved, twin}
	}
	return []*message{moved}
}

// foremost is the message of a group that a message move task takes next.
func (*defective) foremost(q *queue, g *group) *message {
	if q.svc.has(RedriveReverses) {
		return g.tail
	}
	return g.head
}

// silent reports whether the queue publishes no metrics.
func (*defective) silent(q *queue) bool {
	return q.svc.has(DLQMetricsMissing) && q.svc.isDeadLetterQueue(q)
}

// sample is what the queue publishes when its gauges stand at g.
func (d *defective) sample(q *queue, g gauges, now int64) gauges {
	const every = int64(15 * time.Minute)
	if !q.svc.has(StaleMetrics) {
		return g
	}
	if d.sampled == 0 || now-d.sampled >= every {
		d.gauges, d.sampled = g, now
	}
	return d.gauges
}

// rotate puts the last message of a group first.
func (g *group) rotate() {
	m := g.tail
	if m == g.head {
		return
	}
	g.tail = m.extra.prev
	g.tail.extra.next = nil
	m.extra.prev, m.extra.next = nil, g.head
	g.head.extra.prev = m
	g.head = m
}
