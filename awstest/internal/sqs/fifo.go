package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// group is a message group of a FIFO queue: its messages in order, whatever their
// state. What can be received is the messages before the first that is hidden.
type group struct {
	id         string
	head, tail *message
	inFlight   int
	queued     bool // among the groups that a receive looks at
	prev, next *group
}

// groups are a queue's message groups. Those whose head is visible are in a list, from
// which receives serve one group after the other; a group that was served goes to the
// end.
type groups struct {
	byID       map[string]*group
	head, tail *group
	inFlight   int // groups with messages in flight
}

// sequenceBase makes sequence numbers of 20 digits.
const sequenceBase = 10_000_000_000_000_000_000

func (s *Service) nextSequence() uint64 { return sequenceBase + s.sequence.Add(1)<<8 }

func formatSequence(n uint64) string { return strconv.FormatUint(n, 10) }

// joinGroup puts a message at the end of its group.
func (q *queue) joinGroup(m *message) {
	if q.groups.byID == nil {
		q.groups.byID = map[string]*group{}
	}
	g := q.groups.byID[m.extra.groupID]
	if g == nil {
		g = &group{id: m.extra.groupID}
		q.groups.byID[g.id] = g
	}
	m.extra.group = g
	m.extra.prev, m.extra.next = g.tail, nil
	if g.tail != nil {
		g.tail.extra.next = m
	} else {
		g.head = m
	}
	g.tail = m
	if q.defective.reversed(q, m) {
		g.rotate()
	}
}

// leaveGroup takes a message that was in the given state out of its group.
func (q *queue) leaveGroup(m *message, was state) {
	g := m.extra.group
	g.counted(q, was, gone)
	if p := m.extra.prev; p != nil {
		p.extra.next = m.extra.next
	} else {
		g.head = m.extra.next
	}
	if n := m.extra.next; n != nil {
		n.extra.prev = m.extra.prev
	} else {
		g.tail = m.extra.prev
	}
	m.extra.prev, m.extra.next, m.extra.group = nil, nil, nil
	q.regroup(g)
	if g.head == nil {
		delete(q.groups.byID, g.id)
	}
}

// regroup puts a group into the list of those that can be received from, or out of it.
func (q *queue) regroup(g *group) {
	available := g.head != nil && g.head.state == ready
	switch l := &q.groups; {
	case available && !g.queued:
		g.queued, g.prev, g.next = true, l.tail, nil
		if l.tail != nil {
			l.tail.next = g
		} else {
			l.head = g
		}
		l.tail = g
	case !available && g.queued:
		if g.prev != nil {
			g.prev.next = g.next
		} else {
			l.head = g.next
		}
		if g.next != nil {
			g.next.prev = g.prev
		} else {
			l.tail = g.prev
		}
		g.queued, g.prev, g.next = false, nil, nil
	}
}

// counted keeps count of messages in flight as one of the group's goes from a state to
// another.
func (g *group) counted(q *queue, from, to state) {
	if from == inFlight {
		if g.inFlight--; g.inFlight == 0 {
			q.groups.inFlight--
		}
	}
	if to == inFlight {
		if g.inFlight++; g.inFlight == 1 {
			q.groups.inFlight++
		}
	}
}

// dedupWindow is how long a deduplication id is remembered, from the first send.
const dedupWindow = 5 * time.Minute

// dedup remembers what was sent lately.
type dedup struct {
	seen  map[string]accepted
	order []accepted // oldest first
}

// accepted is a message that was sent, which may be gone since.
type accepted struct {
	key      string
	id       uuid
	sequence uint64
	until    int64
}

// find is what was sent with the same key within the window.
func (d *dedup) find(key string, now int64) (accepted, bool) {
	for len(d.order) > 0 && d.order[0].until <= now {
		delete(d.seen, d.order[0].key)
		d.order[0] = accepted{} // lets go of the key; append drops the place in time
		d.order = d.order[1:]
	}
	a, ok := d.seen[key]
	return a, ok
}

func (d *dedup) add(a accepted) {
	if d.seen == nil {
		d.seen = map[string]accepted{}
	}
	d.seen[a.key] = a
	d.order = append(d.order, a)
}

// dedupKey is what a queue tells duplicates by.
func (q *queue) dedupKey(x *extra) string {
	if q.perGroup {
		return x.groupID + "\x00" + x.deduplicationID
	}
	return x.deduplicationID
}

// contentID is the deduplication id that a body has of itself.
func contentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
