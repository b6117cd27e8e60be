package sqs

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// queueKey names a queue.
type queueKey struct{ account, region, name string }

// arn is the queue's ARN; the partition follows from the region.
func (k queueKey) arn() string {
	return "arn:" + wire.Partition(k.region) + ":sqs:" + k.region + ":" + k.account + ":" + k.name
}

// parseARN reads a queue's ARN. It doesn't ask whether the queue exists.
func parseARN(arn string) (queueKey, bool) {
	p := strings.Split(arn, ":")
	if len(p) != 6 || p[0] != "arn" || p[2] != "sqs" || p[3] == "" || p[4] == "" || p[5] == "" {
		return queueKey{}, false
	}
	return queueKey{account: p[4], region: p[3], name: p[5]}, true
}

// queue is one queue, from its creation to its deletion.
type queue struct {
	svc     *Service
	key     queueKey
	arn     string
	id      uint64
	fifo    bool
	created time.Time
	// perGroup says that duplicates are looked for within a message group. It stays as
	// it was at creation: AWS was seen to accept a change of DeduplicationScope, and to
	// go on as before.
	perGroup bool

	settings atomic.Pointer[settings] // replaced, under svc.admin, never changed
	called   atomic.Int64             // last API call, for the activity rule of metrics

	// inbox takes messages that other queues move here, while they hold their own lock:
	// it is a lock of its own that nothing else is locked under.
	inbox struct {
		mu     sync.Mutex
		moved  []*message
		closed bool
		any    atomic.Bool
	}

	mu       sync.Mutex
	closed   bool
	ready    line // standard: by order
	waiting  line // delayed and in flight, by the time at which they become visible
	byAge    line // all, by time sent
	groups   groups
	known    map[uuid]*message // messages that have been received, for receipt handles
	oldest   *message          // by time of arrival, of those that the age metric looks at
	youngest *message
	count    [gone]int // messages by state
	orders   int64
	nonces   uint64
	dedup    dedup
	attempts attempts
	purged   int64 // last purge, nanoseconds

	waiters []*waiter
	// watchers are told, after unlocking, when there are messages to receive
	watchers []*watcher
	wake     *clock.Event // at the time at which the next message becomes visible
	wakeAt   int64

	pokes  []*queue // queues that messages were moved to, to be told once this one is unlocked
	minute minute

	defective defective
}

// lock locks the queue and lets happen whatever has fallen due. It returns the time.
func (q *queue) lock() int64 {
	q.mu.Lock()
	now := q.svc.clk.Now().UnixNano()
	q.settle(now)
	if len(q.waiters) > 0 {
		q.serve(now) // unlock stops the event that would, since nothing is left to show
	}
	return now
}

// unlock unlocks the queue and tells queues that messages were moved to.
func (q *queue) unlock() {
	q.arm()
	pokes := q.pokes
	q.pokes = nil
	var watchers []*watcher
	if len(q.watchers) > 0 && q.available() {
		watchers = q.watchers
	}
	q.mu.Unlock()
	for _, d := range pokes {
		d.poke()
	}
	for _, w := range watchers {
		w.available()
	}
}

// poke serves those who wait for messages.
func (q *queue) poke() {
	now := q.lock()
	q.serve(now)
	q.unlock()
}

// settle makes the queue what it is at the time now: it takes in what was moved here,
// drops what has expired, and makes visible what is due, one after the other as they
// fell due: in a FIFO queue the order decides which group is served next.
func (q *queue) settle(now int64) {
	if q.inbox.any.Load() {
		q.open(now)
	}
	for {
		expiring, lapsing := q.byAge.first(), q.waiting.first()
		if expiring == nil {
			return
		}
		expiry := q.expiry(expiring)
		switch {
		case expiry <= now && (lapsing == nil || expiry <= lapsing.links[turn].key):
			q.drop(expiring)
		case lapsing != nil && lapsing.links[turn].key <= now:
			q.show(lapsing)
		default:
			return
		}
	}
}

// expiry is when the message's retention period ends.
func (q *queue) expiry(m *message) int64 {
	return m.sent() + q.settings.Load().retention - q.defective.early(q, m)
}

// post puts a message that has left another queue into this one's inbox. It reports
// whether the queue took it; a deleted one doesn't.
func (q *queue) post(m *message) bool {
	q.inbox.mu.Lock()
	defer q.inbox.mu.Unlock()
	if q.inbox.closed {
		return false
	}
	q.inbox.moved = append(q.inbox.moved, m)
	q.inbox.any.Store(true)
	return true
}

// open takes in what is in the inbox.
func (q *queue) open(now int64) {
	q.inbox.mu.Lock()
	moved := q.inbox.moved
	q.inbox.moved = nil
	q.inbox.any.Store(false)
	q.inbox.mu.Unlock()
	for _, m := range moved {
		// a metric minute may be a moment behind the clock that the sender looked at
		q.insert(m, m.visibleFrom(), max(now, m.arrived))
		if m.posted {
			m.posted = false
			q.minute.sent++
			q.minute.size(messageSize(m.body, m.attributes()))
		}
	}
}

// insert puts a message into the queue that was sent at the given time and is, or
// becomes, visible at the time from.
func (q *queue) insert(m *message, from, now int64) {
	q.orders++
	m.order = q.orders
	q.byAge.add(m, m.sent())
	m.older, m.younger, m.aging = q.youngest, nil, true
	if q.youngest != nil {
		q.youngest.younger = m
	} else {
		q.oldest = m
	}
	q.youngest = m
	m.links[turn].index = unlinked
	if q.fifo {
		q.joinGroup(m)
	}
	if from > now {
		m.state = delayed
		q.count[delayed]++
		q.waiting.add(m, from)
	} else {
		m.state = ready
		q.count[ready]++
		if !q.fifo {
			q.ready.add(m, m.order)
		}
	}
	if q.fifo {
		q.regroup(m.extra.group)
	}
}

// drop takes a message out of the queue.
func (q *queue) drop(m *message) {
	q.count[m.state]--
	if m.state != ready {
		q.waiting.remove(m)
	} else if !q.fifo {
		q.ready.remove(m)
	}
	q.byAge.remove(m)
	q.unage(m)
	if m.nonce != 0 {
		delete(q.known, m.id)
	}
	was := m.state
	m.state = gone
	if q.fifo {
		q.leaveGroup(m, was)
	}
}

// unage takes a message out of those that the age metric looks at.
func (q *queue) unage(m *message) {
	if !m.aging {
		return
	}
	m.aging = false
	if m.older != nil {
		m.older.younger = m.younger
	} else {
		q.oldest = m.younger
	}
	if m.younger != nil {
		m.younger.older = m.older
	} else {
		q.youngest = m.older
	}
	m.older, m.younger = nil, nil
}

// hide puts a ready message, or one that is hidden already, out of sight until the
// given time.
func (q *queue) hide(m *message, until int64) {
	if m.state == ready {
		if !q.fifo {
			q.ready.remove(m)
		}
	} else {
		q.waiting.remove(m)
	}
	q.move(m, inFlight)
	q.waiting.add(m, q.defective.shown(q, m, until))
}

// show makes a hidden message visible.
func (q *queue) show(m *message) {
	q.waiting.remove(m)
	was := m.state
	q.move(m, ready)
	if q.fifo {
		q.regroup(m.extra.group)
		return
	}
	// A delayed message counts as sent now. One received often goes to the back: AWS says
	// so of messages received three times or more.
	if was == delayed || m.count-m.before >= oftenReceived {
		q.orders++
		m.order = q.orders
	}
	q.ready.add(m, m.order)
}

// move changes a message's state.
func (q *queue) move(m *message, to state) {
	if m.state == to {
		return
	}
	if q.fifo {
		m.extra.group.counted(q, m.state, to)
	}
	q.count[m.state]--
	q.count[to]++
	m.state = to
}

// available reports whether there is a message for a receive to look at.
func (q *queue) available() bool {
	if q.fifo {
		return q.groups.head != nil
	}
	return q.ready.len > 0
}

// empty removes all messages.
func (q *queue) empty() {
	q.ready.clear()
	q.waiting.clear()
	q.byAge.clear()
	q.groups = groups{}
	q.known = map[uuid]*message{}
	q.oldest, q.youngest = nil, nil
	q.count = [gone]int{}
	q.dedup = dedup{}
	q.attempts = attempts{}
}

// close ends the queue: who waits gets an error, who moves messages here is refused.
func (q *queue) close() {
	q.lock()
	q.closed = true
	q.inbox.mu.Lock()
	q.inbox.closed, q.inbox.moved = true, nil
	q.inbox.mu.Unlock()
	q.empty()
	for _, w := range q.waiters {
		w.finish(nil, queueDoesNotExist())
	}
	q.waiters = nil
	q.unlock()
}

// newQueue returns an empty queue. It is called with s.admin held, or before anything is served.
func (s *Service) newQueue(key queueKey, set *settings, now time.Time) *queue {
	q := &queue{
		svc: s, key: key, arn: key.arn(), id: s.queueIDs.Add(1), created: now,
		fifo: set.fifo, perGroup: set.dedupScope == scopeGroup,
		ready: line{which: turn}, waiting: line{which: turn}, byAge: line{which: age},
		known: map[uuid]*message{}, watchers: s.watchers[key],
	}
	q.settings.Store(set)
	q.called.Store(now.UnixNano())
	return q
}
