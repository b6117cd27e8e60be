package consumer

import (
	"context"
	"time"
)

// Sink records permanent failures before they are acknowledged. Recording must be safe to
// repeat: a consumer that dies between recording and acknowledging records again.
type Sink interface {
	// Record returns nil only if the failure is stored.
	Record(ctx context.Context, f Failure) error
}

// Failure is a message that failed for good.
type Failure struct {
	Message Message
	// Err is what the handler returned.
	Err error
	// Time is when it did.
	Time time.Time
}

// SinkFunc is a function as a sink.
type SinkFunc func(ctx context.Context, f Failure) error

// Record calls the function.
func (fn SinkFunc) Record(ctx context.Context, f Failure) error { return fn(ctx, f) }
