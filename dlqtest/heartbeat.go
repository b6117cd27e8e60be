package dlqtest

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// slow is a slow consumer at work on a message: it extends the visibility timeout meanwhile.
type slow struct {
	message
	beats int       // how often it is still to be extended
	next  time.Time // when it is to be extended, or the work ends
}

// beats is how often a slow consumer extends the visibility timeout.
const beats = 2

// canBeat says whether a visibility timeout can be extended so often: SQS hides a message
// for 12 hours at most, and counts in whole seconds. Else slow consumers don't extend it.
func (p *prover) canBeat() bool {
	return p.visibility >= 3*time.Second && p.visibility <= 3*time.Hour
}

// hold lets a slow consumer begin its work on a message.
func (p *prover) hold(f *fate, m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.slow = &slow{message: m, beats: beats, next: p.clock.Now().Add(p.untilBeat(p.visibility))}
}

// untilBeat is how long after a timeout was set it is extended again. Where time is real the
// others look after half of the visibility timeout at the latest, and poll for a third of it
// at most, so that it never lapses in between. Where time stands still it is extended so late
// that others look when the queue's own timeout would have lapsed.
func (p *prover) untilBeat(timeout time.Duration) time.Duration {
	if p.target.virtual() {
		return timeout * 9 / 10
	}
	return timeout / 2
}

// nextBeat is when the next slow consumer does something, zero if there is none.
func (p *prover) nextBeat() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var next time.Time
	for _, f := range p.fates {
		if f.slow != nil && (next.IsZero() || f.slow.next.Before(next)) {
			next = f.slow.next
		}
	}
	return next
}

// work lets slow consumers work until the instant, while nobody receives.
func (p *prover) work(ctx context.Context, until time.Time) error {
	for beat := p.nextBeat(); !beat.IsZero() && beat.Before(until); beat = p.nextBeat() {
		if err := p.sleep(ctx, beat.Sub(p.clock.Now())); err != nil {
			return err
		}
		if err := (&consumer{prover: p}).beat(ctx); err != nil {
			return err
		}
	}
	return p.sleep(ctx, until.Sub(p.clock.Now()))
}

// beat extends the visibility timeout of messages that slow consumers hold, if it is time
// to, and ends the work that has taken long enough.
func (c *consumer) beat(ctx context.Context) error {
	for _, f := range c.takeDue() {
		s := f.slow
		if s.beats == 0 {
			c.mu.Lock()
			f.slow = nil
			succeeds := f.fault.on(f.receives) == BeatDelete
			if succeeds {
				f.until = time.Time{}
			}
			c.mu.Unlock()
			if succeeds {
				if err := c.delete(ctx, []message{s.message}, false); err != nil {
					return err
				}
			}
			continue
		}
		timeout := (c.visibility * 3 / 2).Truncate(time.Second) // until the next beat, and then some
		c.mu.Lock()
		f.until = c.clock.Now().Add(timeout)
		c.mu.Unlock()
		if err := c.changeVisibility(ctx, s.message, source, timeout); err != nil {
			return err
		}
		c.mu.Lock()
		s.beats--
		s.next = c.clock.Now().Add(c.untilBeat(timeout))
		c.mu.Unlock()
	}
	return nil
}

// takeDue returns the fates of the messages on which slow consumers have something to do
// now, in order. No other consumer gets them meanwhile.
func (c *consumer) takeDue() []*fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	var due []*fate
	for _, f := range c.fates {
		if f.slow != nil && !f.slow.next.After(now) {
			f.slow.next = now.Add(c.visibility)
			due = append(due, f)
		}
	}
	slices.SortFunc(due, func(a, b *fate) int { return cmp.Compare(a.slow.id, b.slow.id) })
	return due
}
