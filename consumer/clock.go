package consumer

import (
	"context"
	"time"
)

// Clock is the time that leases, heartbeats and drains go by. Sleep must wait while
// time passes: a clock whose Sleep moves the time, as awstest's does, suits Lambda, which
// only asks for the time, and not a Worker.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Sleep returns when d has passed, or with ctx's error when ctx is done.
	Sleep(ctx context.Context, d time.Duration) error
}

// WallClock is the time of the real world.
type WallClock struct{}

// Now is time.Now.
func (WallClock) Now() time.Time { return time.Now() }

// Sleep waits for d.
func (WallClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
