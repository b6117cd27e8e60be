package sqs

// deadLetter moves a ready message to the dead-letter queue if it has been received as
// often as the redrive policy allows. It is asked when a receive is about to return the
// message: nothing is moved before.
//
// The message keeps its id, contents and receive count. In a standard queue it keeps
// the time at which it was sent, too, from which its retention counts; in a FIFO queue
// it counts as sent now, and its own id takes the place of its deduplication id.
// If the dead-letter queue has been deleted, the message stays and is received further.
func (q *queue) deadLetter(m *message, now int64) bool {
	redrive := q.settings.Load().redrive
	if redrive == nil || int(m.count-m.before) < q.defective.limit(q, redrive.maxReceiveCount) {
		return false
	}
	target := q.svc.find(redrive.target)
	target = q.defective.target(q, target)
	if target == nil || target.fifo != q.fifo || target.closing() {
		return false
	}
	q.drop(m)
	// the copies that receives handed out share the old extra
	x := extra{}
	if m.extra != nil {
		x = *m.extra
		x.group, x.prev, x.next = nil, nil, nil
	}
	x.deadLetterFrom = q.arn
	sent := m.sent()
	if q.fifo {
		sent = now
		x.deduplicationID = m.id.String()
		x.sequence = q.svc.nextSequence()
	}
	m.extra = &x
	m.before = m.count
	m.nonce = 0
	m.arrived = now
	m.links[age].key, m.links[turn].key = sent, now
	for _, moved := range q.defective.alter(q, m) {
		target.post(moved)
	}
	q.pokes = append(q.pokes, target)
	return true
}

// closing reports whether the queue takes no more messages.
func (q *queue) closing() bool {
	q.inbox.mu.Lock()
	defer q.inbox.mu.Unlock()
	return q.inbox.closed
}
