package consumer

import "context"

// Hook is called before a message is worked on. The context that it returns is the
// handler's; the function, which may be nil, is called once when the outcome is known.
// Package otelhook makes one that traces. A hook must not panic.
type Hook func(ctx context.Context, m Message) (context.Context, func(Result))

// Result is what became of a message.
type Result struct {
	Outcome Outcome
	// Err is why, nil if it succeeded.
	Err error
	// Duplicate says that it was finished earlier: the handler did not run.
	Duplicate bool
}

// Outcome is what becomes of a message.
type Outcome int

// The outcomes.
const (
	Succeeded   Outcome = iota // acknowledged
	Retried                    // an attempt failed: it comes back
	Quarantined                // failed for good, recorded, acknowledged
	Returned                   // comes back, through no failure of its own: not begun for want of time or behind a failure in its group, held by another, or cut short by a worker that stops
)

// String is the outcome in a word.
func (o Outcome) String() string {
	return [...]string{"succeeded", "retried", "quarantined", "returned"}[o]
}

// finished says that the message can be acknowledged.
func (o Outcome) finished() bool { return o == Succeeded || o == Quarantined }
