package sqs

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxReceive  = 10
	maxWait     = 20    // seconds
	maxHidden   = 43200 // seconds
	maxInFlight = 120_000
	// oftenReceived is from how many receives on AWS puts a message of a standard queue
	// behind the others, and leaves it out of the age of the oldest.
	oftenReceived = 3
)

// receiveMessage implements ReceiveMessage.
func (s *Service) receiveMessage(ctx context.Context, c *wire.Call, in *receiveMessageInput) (*receiveMessageOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	set := q.settings.Load()
	r := receipt{ctx: ctx, max: 1, hidden: set.visibility}
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > maxReceive {
			return nil, invalidValue(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		r.max = int(*n)
	}
	if n := in.VisibilityTimeout; n != nil {
		if *n < 0 || *n > maxHidden {
			return nil, invalidValue(*n, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
		}
		r.hidden = q.defective.hidden(q, int64(*n)*int64(time.Second))
	}
	wait := set.wait
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > maxWait {
			return nil, invalidValue(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		wait = int64(*n) * int64(time.Second)
	}
	if id := in.ReceiveRequestAttemptId; id != nil {
		if !q.fifo {
			return nil, invalidValue(*id, "ReceiveRequestAttemptId", "The request include parameter that is not valid for this queue type.")
		}
		if !isID(*id) {
			return nil, invalidID(*id, "ReceiveRequestAttemptId")
		}
		r.attempt = *id
	}
	system, err := systemFilter(c, in)
	if err != nil {
		return nil, err
	}
	if err := s.useKey(q, set, fabric.Principal{SourceAccount: c.Account}, receiving()); err != nil {
		return nil, err
	}
	messages, err := q.receive(&r, wait)
	if err != nil {
		return nil, err
	}
	out := &receiveMessageOutput{}
	if len(messages) > 0 {
		filter := newAttributeFilter(in.MessageAttributeNames)
		out.Messages = make([]receivedMessage, len(messages))
		for i := range messages {
			s.render(&out.Messages[i], q, &messages[i], system, filter)
		}
	}
	return out, nil
}

// receipt is what a receive asks for.
type receipt struct {
	ctx     context.Context
	max     int
	hidden  int64  // visibility timeout, nanoseconds
	attempt string // FIFO: the receive's id, empty if it has none
}

// waiter is a receive that waits for messages.
type waiter struct {
	receipt
	done     chan struct{}
	finished bool // under the queue's lock; messages and err are set
	messages []message
	err      error
	deadline *clock.Event
}

// finish ends the wait. It is called with the queue locked, or by its deadline.
func (w *waiter) finish(messages []message, err error) {
	w.messages, w.err, w.finished = messages, err, true
	if w.deadline != nil {
		w.deadline.Stop()
	}
	close(w.done)
}

// receive takes messages, and waits for the first for up to wait nanoseconds. Who
// gives up waiting takes none. The messages are copies.
func (q *queue) receive(r *receipt, wait int64) ([]message, error) {
	now := q.lock()
	if err := r.ctx.Err(); err != nil {
		q.unlock()
		return nil, err
	}
	if q.closed {
		q.unlock()
		return nil, queueDoesNotExist()
	}
	if !q.fifo && wait == 0 && q.count[inFlight] >= maxInFlight {
		q.unlock()
		return nil, overLimit()
	}
	messages := q.take(r, now)
	if len(messages) > 0 || wait == 0 {
		if len(messages) == 0 {
			q.minute.empty++
		}
		q.unlock()
		return messages, nil
	}
	w := &waiter{receipt: *r, done: make(chan struct{})}
	q.waiters = append(q.waiters, w)
	w.deadline = q.svc.clk.At(time.Unix(0, now+wait), func(time.Time) {
		now := q.lock()
		q.serve(now) // what has become visible in this instant is in time
		if !w.finished {
			q.forget(w)
			q.minute.empty++
			w.finish(nil, nil)
		}
		q.unlock()
	})
	q.unlock()
	select {
	case <-w.done:
		return w.messages, w.err
	case <-r.ctx.Done():
		q.giveUp(w)
		return nil, r.ctx.Err()
	}
}

// forget takes a waiter off the list.
func (q *queue) forget(w *waiter) {
	for i := range q.waiters {
		if q.waiters[i] == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			return
		}
	}
}

// giveUp ends a wait whose caller has gone. If messages were handed to it in the very
// moment, they are put back as if it had never asked.
func (q *queue) giveUp(w *waiter) {
	now := q.lock()
	defer q.unlock()
	if !w.finished {
		q.forget(w)
		w.finish(nil, w.ctx.Err())
		return
	}
	for i := range w.messages {
		got := &w.messages[i]
		m := q.known[got.id]
		if m == nil || m.nonce != got.nonce {
			continue
		}
		m.count--
		if m.count == m.before {
			m.first = 0
		}
		q.minute.received = max(q.minute.received-1, 0) // the minute may have ended meanwhile
		if m.state == inFlight {
			q.show(m)
		}
	}
	q.serve(now)
}

// serve hands messages to those who wait, first come, first served.
func (q *queue) serve(now int64) {
	for len(q.waiters) > 0 && q.available() {
		w := q.waiters[0]
		if w.ctx.Err() != nil {
			q.waiters = q.waiters[1:]
			w.finish(nil, w.ctx.Err())
			continue
		}
		messages := q.take(&w.receipt, now)
		if len(messages) == 0 {
			return // all that there was has gone to the dead-letter queue
		}
		q.waiters = q.waiters[1:]
		w.finish(messages, nil)
	}
}

// arm sees to it that those who wait are served, and those who watch are told, when the next message becomes visible.
func (q *queue) arm() {
	var at int64
	if len(q.waiters) > 0 || len(q.watchers) > 0 {
		if next := q.waiting.first(); next != nil {
			at = next.links[turn].key
		}
	}
	if at == q.wakeAt {
		return
	}
	if q.wake != nil {
		q.wake.Stop()
		q.wake = nil
	}
	q.wakeAt = at
	if at != 0 {
		q.wake = q.svc.clk.At(time.Unix(0, at), func(time.Time) {
			now := q.lock()
			if q.wakeAt == at {
				q.wake, q.wakeAt = nil, 0
			}
			q.serve(now)
			q.unlock()
		})
	}
}

// take is one receive attempt: it takes up to r.max messages, and moves those that
// have been received often enough to the dead-letter queue instead.
func (q *queue) take(r *receipt, now int64) []message {
	if r.attempt != "" {
		if again := q.repeat(r, now); again != nil {
			return again
		}
	}
	if !q.available() {
		return nil
	}
	limit := min(r.max, maxInFlight-q.count[inFlight])
	var taken []*message
	if q.fifo {
		taken = q.takeGroups(r, limit, now)
	} else {
		for len(taken) < limit {
			m := q.ready.first()
			if m == nil {
				break
			}
			if q.deadLetter(m, now) {
				continue
			}
			q.receiveOne(m, r, now)
			taken = append(taken, m)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	q.minute.received += int64(len(taken))
	copies := make([]message, len(taken))
	for i, m := range taken {
		copies[i] = *m
	}
	if r.hidden == 0 {
		// only now, so that no message is taken twice
		for _, m := range taken {
			q.show(m)
		}
	}
	if r.attempt != "" {
		q.attempts.add(r.attempt, copies, now)
	}
	return copies
}

// takeGroups takes messages of one group after the other.
func (q *queue) takeGroups(r *receipt, limit int, now int64) []*message {
	var taken []*message
	for len(taken) < limit {
		g := q.groups.head
		if g == nil || q.defective.heldUp(q) {
			break
		}
		for m := g.head; m != nil && m.state == ready && len(taken) < limit; {
			next := m.extra.next
			if !q.deadLetter(m, now) {
				q.receiveOne(m, r, now)
				taken = append(taken, m)
			}
			m = next
		}
		q.regroup(g)
	}
	return taken
}

// receiveOne makes a ready message a received one.
func (q *queue) receiveOne(m *message, r *receipt, now int64) {
	if m.nonce == 0 {
		q.known[m.id] = m
	}
	q.nonces++
	m.nonce = q.nonces
	m.count++
	if m.first == 0 {
		m.first = now
	}
	m.received = now
	if !q.fifo && m.count >= oftenReceived && m.deadLetterFrom() == "" {
		q.unage(m)
	}
	q.hide(m, now+r.hidden)
}

// render makes a received message of a copy of a message.
func (s *Service) render(out *receivedMessage, q *queue, m *message, system systemSet, filter *attributeFilter) {
	out.MessageId = m.id.String()
	out.ReceiptHandle = s.handle(q, m)
	out.MD5OfBody = hex.EncodeToString(m.md5[:])
	out.Body = m.body
	if system != 0 {
		out.Attributes = systemAttributes(m, q.fifo, system)
		q.defective.retell(q, m, out.Attributes)
	}
	if m.extra != nil && filter != nil {
		if attributes := filter.apply(m.extra.attributes); len(attributes) > 0 {
			out.MessageAttributes = attributes
			out.MD5OfMessageAttributes = attributesMD5(attributes)
		}
	}
}

// attempts are receives with an id of their own, whose messages can be had once more if
// the answer was lost.
type attempts struct {
	byID  map[string][]message
	order []attempt
}

type attempt struct {
	id    string
	until int64
}

func (a *attempts) add(id string, messages []message, now int64) {
	for len(a.order) > 0 && a.order[0].until <= now {
		delete(a.byID, a.order[0].id)
		a.order[0] = attempt{}
		a.order = a.order[1:]
	}
	if a.byID == nil {
		a.byID = map[string][]message{}
	}
	a.byID[id] = messages
	a.order = append(a.order, attempt{id, now + int64(dedupWindow)})
}

// repeat is what an earlier receive with the same id took, if it is all still as it was,
// hidden anew.
func (q *queue) repeat(r *receipt, now int64) []message {
	earlier := q.attempts.byID[r.attempt]
	if len(earlier) == 0 || earlier[0].received+int64(dedupWindow) <= now {
		return nil
	}
	for i := range earlier {
		m := q.known[earlier[i].id]
		if m == nil || m.nonce != earlier[i].nonce || m.state != inFlight {
			return nil
		}
	}
	for i := range earlier {
		q.hide(q.known[earlier[i].id], now+r.hidden)
	}
	return earlier
}

// systemSet is a set of message system attributes.
type systemSet uint16

const (
	senderID systemSet = 1 << iota
	sentTimestamp
	receiveCount
	firstReceive
	sequenceNumber
	deduplicationID
	groupID
	traceHeader
	deadLetterSource
	allSystem systemSet = 1<<iota - 1
)

func systemAttribute(name string) (systemSet, bool) {
	switch name {
	case "All":
		return allSystem, true
	case "SenderId":
		return senderID, true
	case "SentTimestamp":
		return sentTimestamp, true
	case "ApproximateReceiveCount":
		return receiveCount, true
	case "ApproximateFirstReceiveTimestamp":
		return firstReceive, true
	case "SequenceNumber":
		return sequenceNumber, true
	case "MessageDeduplicationId":
		return deduplicationID, true
	case "MessageGroupId":
		return groupID, true
	case "AWSTraceHeader":
		return traceHeader, true
	case "DeadLetterQueueSourceArn":
		return deadLetterSource, true
	}
	return 0, false
}

// systemFilter is the system attributes that a receive asks for: by either parameter in
// JSON, while in the Query protocol the older one wins.
func systemFilter(c *wire.Call, in *receiveMessageInput) (systemSet, error) {
	lists := [][]string{in.AttributeNames, in.MessageSystemAttributeNames}
	if c.Protocol == wire.Query && len(in.AttributeNames) > 0 {
		lists = lists[:1]
	}
	var set systemSet
	for _, names := range lists {
		for _, name := range names {
			a, ok := systemAttribute(name)
			if !ok {
				return 0, unknownAttribute(name)
			}
			set |= a
		}
	}
	return set, nil
}

func systemAttributes(m *message, fifo bool, set systemSet) map[string]string {
	out := make(map[string]string, 8)
	put := func(a systemSet, name, value string) {
		if set&a != 0 && value != "" {
			out[name] = value
		}
	}
	put(senderID, "SenderId", m.sender)
	put(sentTimestamp, "SentTimestamp", millis(m.sent()))
	put(receiveCount, "ApproximateReceiveCount", strconv.Itoa(int(m.count)))
	put(firstReceive, "ApproximateFirstReceiveTimestamp", millis(m.first))
	if x := m.extra; x != nil {
		put(groupID, "MessageGroupId", x.groupID)
		put(traceHeader, "AWSTraceHeader", x.traceHeader)
		put(deadLetterSource, "DeadLetterQueueSourceArn", x.deadLetterFrom)
		if fifo {
			put(deduplicationID, "MessageDeduplicationId", x.deduplicationID)
			put(sequenceNumber, "SequenceNumber", formatSequence(x.sequence))
		}
	}
	return out
}

func millis(nanos int64) string { return strconv.FormatInt(nanos/int64(time.Millisecond), 10) }
