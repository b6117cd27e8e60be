package sqs

import (
	"crypto/md5"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Snapshot takes down all that the service holds, at one instant: no message is moving
// between two queues. It is to be called by an event of the clock, so that nothing else
// happens by the passing of time. write puts it down, in records, and may take its
// time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	queues := *s.all.Load()
	// Nobody locks one queue under another, so that all can be locked here, one after the
	// other. With all of them locked nothing can enter an inbox any more.
	now := s.clk.Now().UnixNano()
	for _, q := range queues {
		q.mu.Lock()
	}
	head := savedService{
		Salt: s.salt, Sequence: s.sequence.Load(), QueueIDs: s.queueIDs.Load(), Queues: len(queues),
	}
	saved := make([]savedQueue, len(queues))
	messages := make([][]savedMessage, len(queues))
	for i, q := range queues {
		q.settle(now)
		saved[i], messages[i] = q.snapshot()
	}
	waiting := slices.Clone(queues[:0])
	for _, q := range queues {
		if len(q.waiters) > 0 {
			waiting = append(waiting, q)
		}
		q.unlock()
	}
	for _, q := range waiting {
		q.poke() // settling may have made messages visible
	}
	for key, tasks := range s.tasks {
		for _, t := range tasks {
			head.Tasks = append(head.Tasks, savedTask{
				Source: key.saved(), ID: t.id, Destination: t.destination, Rate: t.rate, Status: string(t.status),
				FailureReason: t.failureReason, Started: t.started.UnixNano(), Moved: t.moved, ToMove: t.toMove,
			})
		}
	}
	s.mu.RLock()
	for key, at := range s.deleted {
		head.Deleted = append(head.Deleted, savedDeletion{key.saved(), at.UnixNano()})
	}
	s.mu.RUnlock()
	return func(put func(any) error) error {
		if err := put(head); err != nil {
			return err
		}
		for i := range saved {
			if err := put(saved[i]); err != nil {
				return err
			}
			for j := range messages[i] {
				if err := put(&messages[i][j]); err != nil {
					return err
				}
			}
			messages[i] = nil
		}
		return nil
	}
}

// Restore fills a new service with what a Snapshot has written. Move tasks that were
// running go on. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var head savedService
	if err := get(&head); err != nil {
		return err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.salt = head.Salt
	s.sequence.Store(head.Sequence)
	var all []*queue
	for range head.Queues {
		var saved savedQueue
		if err := get(&saved); err != nil {
			return err
		}
		q, err := s.restoreQueue(&saved, get)
		if err != nil {
			return fmt.Errorf("queue %s: %w", saved.Key.Name, err)
		}
		all = append(all, q)
	}
	s.mu.Lock()
	for _, q := range all {
		s.queues[q.key] = q
	}
	for _, d := range head.Deleted {
		s.deleted[d.Key.key()] = time.Unix(0, d.At)
	}
	s.mu.Unlock()
	s.queueIDs.Store(head.QueueIDs)
	s.all.Store(&all)
	for _, saved := range head.Tasks {
		key := saved.Source.key()
		t := &moveTask{
			id: saved.ID, source: s.find(key), destination: saved.Destination, rate: saved.Rate, status: taskStatus(saved.Status),
			failureReason: saved.FailureReason, started: time.Unix(0, saved.Started), moved: saved.Moved, toMove: saved.ToMove,
		}
		if t.source == nil {
			return fmt.Errorf("move task %s: its source is missing", saved.ID)
		}
		s.tasks[key] = append(s.tasks[key], t)
		if t.status == running {
			s.runAt(t, s.clk.Now())
		}
	}
	return nil
}

// savedService comes first in a snapshot.
type savedService struct {
	Salt               [8]byte
	Sequence, QueueIDs uint64
	Queues             int // so many follow, each with its messages
	Tasks              []savedTask
	Deleted            []savedDeletion
}

type savedKey struct{ Account, Region, Name string }

func (k queueKey) saved() savedKey { return savedKey{k.account, k.region, k.name} }

func (k savedKey) key() queueKey { return queueKey{k.Account, k.Region, k.Name} }

type savedDeletion struct {
	Key savedKey
	At  int64
}

type savedTask struct {
	Source                savedKey
	ID                    string
	Destination           *string
	Rate                  *int32
	Status, FailureReason string
	Started               int64
	Moved, ToMove         int64
}

// savedQueue is a queue without its messages, of which so many follow. Times are
// nanoseconds since 1970.
type savedQueue struct {
	Key                       savedKey
	ID                        uint64
	Created, Modified, Called int64
	FIFO, PerGroup            bool
	Attributes, Tags          map[string]string
	Orders                    int64
	Nonces                    uint64
	Purged                    int64
	Minute                    [5]int64
	Sizes                     [3]float64
	Dedup                     []savedAccepted
	Attempts                  []savedAttempt
	Groups                    []string // those that can be received from, in turn
	Messages                  int
}

type savedAccepted struct {
	Key      string
	ID       uuid
	Sequence uint64
	Until    int64
}

type savedAttempt struct {
	ID       string
	Until    int64
	Messages []savedReceive
}

type savedReceive struct {
	ID    uuid
	Nonce uint64
}

// savedMessage is kept short by its keys: there may be a million of them.
type savedMessage struct {
	ID              uuid                      `cbor:"1,keyasint"`
	Body            string                    `cbor:"2,keyasint"`
	Sender          string                    `cbor:"3,keyasint,omitempty"`
	State           uint8                     `cbor:"4,keyasint,omitempty"`
	Sent            int64                     `cbor:"5,keyasint"`
	Visible         int64                     `cbor:"6,keyasint,omitempty"` // when it becomes so, if it isn't yet
	Order           int64                     `cbor:"7,keyasint"`
	Arrived         int64                     `cbor:"8,keyasint"`
	Received        int64                     `cbor:"9,keyasint,omitempty"`
	First           int64                     `cbor:"10,keyasint,omitempty"`
	Nonce           uint64                    `cbor:"11,keyasint,omitempty"`
	Count           int32                     `cbor:"12,keyasint,omitempty"`
	Before          int32                     `cbor:"13,keyasint,omitempty"`
	Aging           bool                      `cbor:"14,keyasint,omitempty"`
	Extra           bool                      `cbor:"15,keyasint,omitempty"`
	Attributes      map[string]AttributeValue `cbor:"16,keyasint,omitempty"`
	TraceHeader     string                    `cbor:"17,keyasint,omitempty"`
	GroupID         string                    `cbor:"18,keyasint,omitempty"`
	DeduplicationID string                    `cbor:"19,keyasint,omitempty"`
	Sequence        uint64                    `cbor:"20,keyasint,omitempty"`
	DeadLetterFrom  string                    `cbor:"21,keyasint,omitempty"`
}

// snapshot is called with the queue locked and settled.
func (q *queue) snapshot() (savedQueue, []savedMessage) {
	set, c := q.settings.Load(), q.minute
	saved := savedQueue{
		Key: q.key.saved(), ID: q.id, Created: q.created.UnixNano(), Modified: set.modified.UnixNano(), Called: q.called.Load(),
		FIFO: q.fifo, PerGroup: q.perGroup, Attributes: map[string]string{}, Tags: maps.Clone(set.tags),
		Orders: q.orders, Nonces: q.nonces, Purged: q.purged,
		Minute: [5]int64{c.sent, c.received, c.deleted, c.empty, c.deduplicated}, Sizes: [3]float64{c.sizes, c.sizeMin, c.sizeMax},
		Messages: q.byAge.len,
	}
	for _, name := range attributeNames {
		if v := set.get(name); v != "" && name != attrFifoQueue {
			saved.Attributes[name] = v
		}
	}
	for _, a := range q.dedup.order {
		saved.Dedup = append(saved.Dedup, savedAccepted{a.key, a.id, a.sequence, a.until})
	}
	for _, a := range q.attempts.order {
		kept := savedAttempt{ID: a.id, Until: a.until}
		for _, m := range q.attempts.byID[a.id] {
			kept.Messages = append(kept.Messages, savedReceive{m.id, m.nonce})
		}
		saved.Attempts = append(saved.Attempts, kept)
	}
	for g := q.groups.head; g != nil; g = g.next {
		saved.Groups = append(saved.Groups, g.id)
	}
	messages := make([]savedMessage, 0, q.byAge.len)
	// in order of arrival, which is that of each message group
	for m := q.oldest; m != nil; m = m.younger {
		messages = append(messages, m.saved())
	}
	q.byAge.each(func(m *message) {
		if !m.aging {
			messages = append(messages, m.saved())
		}
	})
	return saved, messages
}

func (m *message) saved() savedMessage {
	saved := savedMessage{
		ID: m.id, Body: m.body, Sender: m.sender, State: uint8(m.state), Sent: m.sent(), Order: m.order, Arrived: m.arrived,
		Received: m.received, First: m.first, Nonce: m.nonce, Count: m.count, Before: m.before, Aging: m.aging,
	}
	if m.state != ready {
		saved.Visible = m.links[turn].key
	}
	if x := m.extra; x != nil {
		saved.Extra = true
		saved.Attributes, saved.TraceHeader, saved.GroupID = x.attributes, x.traceHeader, x.groupID
		saved.DeduplicationID, saved.Sequence, saved.DeadLetterFrom = x.deduplicationID, x.sequence, x.deadLetterFrom
	}
	return saved
}

// restoreQueue makes a queue of what was saved of it, and of the messages that follow.
func (s *Service) restoreQueue(saved *savedQueue, get func(any) error) (*queue, error) {
	set := defaultSettings(time.Unix(0, saved.Modified))
	set.fifo = saved.FIFO
	for _, name := range attributeNames {
		v, ok := saved.Attributes[name]
		if !ok {
			continue
		}
		if err := set.set(name, v); err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	if set.tags = saved.Tags; len(set.tags) == 0 {
		set.tags = nil
	}
	q := s.newQueue(saved.Key.key(), &set, time.Unix(0, saved.Created))
	q.id, q.perGroup = saved.ID, saved.PerGroup
	q.called.Store(saved.Called)
	for range saved.Messages {
		var m savedMessage
		if err := get(&m); err != nil {
			return nil, err
		}
		if err := q.restoreMessage(&m); err != nil {
			return nil, err
		}
	}
	q.orders, q.nonces, q.purged = saved.Orders, saved.Nonces, saved.Purged
	c := saved.Minute
	q.minute = minute{
		sent: c[0], received: c[1], deleted: c[2], empty: c[3], deduplicated: c[4],
		sizes: saved.Sizes[0], sizeMin: saved.Sizes[1], sizeMax: saved.Sizes[2],
	}
	for _, a := range saved.Dedup {
		q.dedup.add(accepted{key: a.Key, id: a.ID, sequence: a.Sequence, until: a.Until})
	}
	for _, a := range saved.Attempts {
		q.restoreAttempt(a)
	}
	// the groups that can be received from, in turn
	byID := q.groups.byID
	for _, id := range saved.Groups {
		if g := byID[id]; g != nil {
			q.regroup(g)
		}
	}
	for _, g := range byID {
		q.regroup(g) // it is in the list already, unless the snapshot was wrong
	}
	return q, nil
}

func (q *queue) restoreMessage(saved *savedMessage) error {
	if saved.State >= uint8(gone) || q.fifo && saved.GroupID == "" {
		return fmt.Errorf("message %s is in no state that there is", saved.ID)
	}
	m := &message{
		id: saved.ID, md5: md5.Sum([]byte(saved.Body)), body: saved.Body, sender: saved.Sender,
		order: saved.Order, arrived: saved.Arrived, received: saved.Received, first: saved.First,
		nonce: saved.Nonce, count: saved.Count, before: saved.Before, state: state(saved.State),
	}
	if m.sender == q.key.account {
		m.sender = q.key.account // messages share the string
	}
	if saved.Extra {
		m.extra = &extra{
			attributes: saved.Attributes, traceHeader: saved.TraceHeader, groupID: strings.Clone(saved.GroupID),
			deduplicationID: saved.DeduplicationID, sequence: saved.Sequence, deadLetterFrom: saved.DeadLetterFrom,
		}
	}
	m.links[turn].index, m.links[age].index = unlinked, unlinked
	q.byAge.add(m, saved.Sent)
	if saved.Aging {
		m.aging, m.older = true, q.youngest
		if q.youngest != nil {
			q.youngest.younger = m
		} else {
			q.oldest = m
		}
		q.youngest = m
	}
	if m.nonce != 0 {
		q.known[m.id] = m
	}
	q.count[m.state]++
	if q.fifo {
		q.joinGroup(m)
		if m.state == inFlight {
			m.extra.group.counted(q, ready, inFlight)
		}
	}
	switch {
	case m.state != ready:
		q.waiting.add(m, saved.Visible)
	case !q.fifo:
		q.ready.add(m, m.order)
	}
	return nil
}

// restoreAttempt makes a receive repeatable again, if its messages are still as it took
// them.
func (q *queue) restoreAttempt(a savedAttempt) {
	var taken []message
	for _, r := range a.Messages {
		m := q.known[r.ID]
		if m == nil || m.nonce != r.Nonce {
			return
		}
		taken = append(taken, *m)
	}
	if q.attempts.byID == nil {
		q.attempts.byID = map[string][]message{}
	}
	q.attempts.byID[a.ID] = taken
	q.attempts.order = append(q.attempts.order, attempt{a.ID, a.Until})
}
