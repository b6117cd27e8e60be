package dlqtest

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// consumer is one of the consumers that compete for the source queue's messages.
type consumer struct {
	*prover
	number int // 0 if it is the only one
	// nothing is set once a consumer has found nothing; nil if each must find so itself.
	nothing *atomic.Bool
}

// fate is what a message's consumers do, and did.
type fate struct {
	fault    Fault
	receives int
	until    time.Time // when the message becomes visible again
	slow     *slow     // while a slow consumer holds it
	stale    []message // sights of it whose acknowledgement is still to come
}

// fateOf returns the fate of a message of this proof, nil of any other. A message that was
// sent twice, because the first answer was lost, has a fate for each.
func (p *prover) fateOf(m message) *fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent, ok := p.messages[m.key]
	if !ok {
		return nil
	}
	f := p.fates[m.id]
	if f == nil {
		f = &fate{fault: sent.Fault}
		p.fates[m.id] = f
	}
	return f
}

// consumeVisible receives until nothing is visible any more.
func (c *consumer) consumeVisible(ctx context.Context) (seen int, err error) {
	for empty := 0; empty < c.emptyReceives(); {
		if err := c.beat(ctx); err != nil {
			return seen, err
		}
		if seen == 0 && c.nothing != nil && c.nothing.Load() {
			return 0, nil // what is given back from now on its consumer receives again
		}
		messages, err := c.receive(ctx, source, receiveOptions{max: c.batch()})
		if err != nil {
			return seen, err
		}
		if len(messages) == 0 {
			empty++
			if c.nothing != nil {
				c.nothing.Store(true)
			}
			continue
		}
		empty = 0
		seen += len(messages)
		if err := c.consume(ctx, messages); err != nil || c.hopeless() {
			return seen, err
		}
	}
	return seen, nil
}

// consume does what the messages' consumers do. What they acknowledge they acknowledge
// together, as a consumer of batches does.
func (c *consumer) consume(ctx context.Context, messages []message) error {
	var done, late []message
	for _, m := range messages {
		f := c.fateOf(m)
		if f == nil {
			continue // not ours: leave it alone
		}
		action, overdue := c.decide(f, m)
		late = append(late, overdue...)
		switch action {
		case Delete:
			done = append(done, m)
		case Return:
			if err := c.changeVisibility(ctx, m, source, 0); err != nil {
				return err
			}
		case Beat, BeatDelete:
			c.hold(f, m)
		}
	}
	if err := c.delete(ctx, done, false); err != nil {
		return err
	}
	return c.delete(ctx, late, true)
}

// decide says what the consumer does with the message that it has just received, and
// which acknowledgements of earlier consumers are due by then.
func (c *consumer) decide(f *fate, m message) (action Action, overdue []message) {
	until := c.clock.Now().Add(c.visibility)
	c.mu.Lock()
	defer c.mu.Unlock()
	f.receives++
	f.until = until
	action = f.fault.on(f.receives)
	switch {
	case c.phase == phaseRecovery: // the outage is over
		action = Delete
	case action == BeatDelete && !c.canBeat():
		action = Delete
	case action == Beat && !c.canBeat():
		action = Leave
	}
	if f.fault.How == Overrun || action == Delete { // the consumer before this one is ready only now
		overdue = take(&f.stale)
	}
	switch action {
	case Delete:
		f.until = time.Time{}
	case Overrun, Late:
		f.stale = append(f.stale, m)
	}
	return action, overdue
}

func take(messages *[]message) []message {
	taken := *messages
	*messages = nil
	return taken
}

// hopeless says whether some message was received more often than can be explained, so
// that nothing more is to be learned.
func (p *prover) hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.fates {
		if f.receives > p.q.MaxReceiveCount+extraReceives {
			return true
		}
	}
	return false
}

// waitForVisibility lets the visibility timeout of all that was received lapse, but for
// messages whose slow consumers extend it meanwhile. Consumers look just before as well,
// where that costs no time.
func (p *prover) waitForVisibility(ctx context.Context) error {
	lapses := p.clock.Now().Add(p.visibility)
	if err := p.work(ctx, lapses.Add(-shortly)); err != nil {
		return err
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	after := time.Second
	if p.target.virtual() {
		after = shortly
	}
	return p.work(ctx, lapses.Add(after))
}

// shortly is less than the unit in which SQS counts delays and timeouts: so long before and
// after one is over, it is seen that it is neither shorter nor longer.
const shortly = 500 * time.Millisecond

// look lets consumers receive although nothing is to be there, if that costs no time.
func (p *prover) look(ctx context.Context) error {
	if !p.target.virtual() {
		return nil
	}
	_, err := p.consumeVisible(ctx)
	return err
}

// pending says whether some message is still hidden, and so may come back: one that a
// consumer holds, or one that was in an answer that was lost.
func (p *prover) pending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	for _, f := range p.fates {
		if f.until.After(now) {
			return true
		}
	}
	return p.lostUntil.After(now)
}

// acknowledgeLate sends the acknowledgements that are still to come, of messages that have
// left the source queue: they must not reach them in the DLQ, as what it holds before and
// after shows.
func (p *prover) acknowledgeLate(ctx context.Context) error {
	p.mu.Lock()
	var late []message
	for _, f := range p.fates {
		late = append(late, take(&f.stale)...)
	}
	p.mu.Unlock()
	if len(late) == 0 {
		return nil
	}
	slices.SortFunc(late, func(a, b message) int { return cmp.Compare(a.id, b.id) })
	if err := p.recordDepth(ctx, dlq); err != nil {
		return err
	}
	if err := (&consumer{prover: p}).delete(ctx, late, true); err != nil {
		return err
	}
	return p.recordDepth(ctx, dlq)
}
