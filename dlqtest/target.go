package dlqtest

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Clock is the time that the queues under proof live by. Waiting goes through it, so
// that the same proof sleeps on AWS and skips ahead on a clock that can be moved.
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

// Ground is the kind of endpoint that a proof runs on.
type Ground string

// The grounds. On AWS a standard queue may deliver a message more than once and receives
// have been seen that no client saw; elsewhere the proof is strict.
const (
	Embedded Ground = "embedded" // an endpoint in this process, e.g. awstest
	Endpoint Ground = "endpoint" // an endpoint at some URL
	AWS      Ground = "aws"      // a real account
)

// Target is where the queues under proof are.
type Target struct {
	// Config is what the AWS SDK's clients are made from: region, credentials, endpoint.
	Config aws.Config
	// Clock is the queues' time; nil means WallClock.
	Clock Clock
	// Ground says how much the endpoint promises; empty means AWS.
	Ground Ground
	// Progress, if not nil, is told what the proof is doing, a line at a time.
	Progress func(line string)
}

func (t Target) clock() Clock {
	if t.Clock == nil {
		return WallClock{}
	}
	return t.Clock
}

// virtual says that time can be skipped: nothing is gained by waiting.
func (t Target) virtual() bool {
	_, wall := t.clock().(WallClock)
	return !wall
}

func (t Target) ground() Ground {
	if t.Ground == "" {
		return AWS
	}
	return t.Ground
}

func (t Target) say(line string) {
	if t.Progress != nil {
		t.Progress(line)
	}
}

// pausable is a clock that can be made to stand still while the proof works, so that
// what it sees doesn't depend on the machine's speed.
type pausable interface {
	Pause()
	Resume()
}
