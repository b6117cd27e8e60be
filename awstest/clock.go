package awstest

import (
	"context"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

// Clock is the endpoint's time. It runs with the wall clock and can be moved ahead,
// never back. It is safe for concurrent use.
type Clock struct{ clock *clock.Clock }

// Now is the endpoint's current time.
func (c *Clock) Now() time.Time { return c.clock.Now() }

// Advance moves the clock ahead by d and runs all that falls due on the way, in order
// and each at its own instant: visibility timeouts, delays, retention, metrics, alarm
// evaluations, schedules, move tasks. When it returns, all of it has happened.
func (c *Clock) Advance(d time.Duration) { c.clock.Advance(d) }

// AdvanceTo moves the clock ahead to t, as Advance does. It does nothing if t has passed.
func (c *Clock) AdvanceTo(t time.Time) { c.clock.AdvanceTo(t) }

// Pause makes time stand still: it moves by Advance only, however long the caller
// takes. Long polls then wait until somebody advances the clock.
func (c *Clock) Pause() { c.clock.Pause() }

// Resume lets time run with the wall clock again.
func (c *Clock) Resume() { c.clock.Resume() }

// Sleep passes the time d by advancing the clock, without waiting. It returns ctx's
// error if ctx is done.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.clock.Advance(d)
	return nil
}
