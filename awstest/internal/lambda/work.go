package lambda

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

// Handler is a Go function that stands in for a function's code. ctx has the
// lambdacontext.LambdaContext of the invocation, and is done when its time is up.
type Handler func(ctx context.Context, payload []byte) ([]byte, error)

// ErrTimedOut is the cause of a handler's context that is done because the function's
// timeout has passed.
var ErrTimedOut = errors.New("the function's timeout has passed")

// presence is an invocation's hold on the clock, which keeps an Advance where it is while
// the function works. One that nobody advances the clock for, a synchronous one, has none.
type presence struct {
	clk *clock.Clock

	mu      sync.Mutex
	wanted  bool
	release func() // nil while time may pass
}

// hold returns a presence that keeps the clock where it is.
func hold(clk *clock.Clock) *presence {
	return &presence{clk: clk, wanted: true, release: clk.Hold()}
}

// stay keeps the clock where it is, again.
func (p *presence) stay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted && p.release == nil {
		p.release = p.clk.Hold()
	}
}

// leave lets the clock go on.
func (p *presence) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release != nil {
		p.release()
		p.release = nil
	}
}

type presenceKey struct{}

// Work passes d of the clock's time in a handler, as a function does that takes that long:
// an Advance goes on meanwhile, and waits for the handler again when d has passed. It
// returns the context's cause if that is done earlier, ErrTimedOut if it is by the
// function's timeout.
func Work(ctx context.Context, d time.Duration) error {
	p, ok := ctx.Value(presenceKey{}).(*presence)
	if !ok {
		return errors.New("working on the endpoint's time: the context is not that of a function")
	}
	if err := context.Cause(ctx); err != nil || d <= 0 {
		return err
	}
	over := make(chan struct{})
	event := p.clk.After(d, func(time.Time) {
		p.stay()
		close(over)
	})
	p.leave()
	select {
	case <-over:
		return context.Cause(ctx)
	case <-ctx.Done():
		if !event.Stop() {
			<-over // the event is running: it holds the clock
		}
		p.stay()
		return context.Cause(ctx)
	}
}
