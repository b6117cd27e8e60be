package dlqtest

import (
	"fmt"
)

// Action is what a consumer does with a message that it received.
type Action string

// The actions.
const (
	Delete Action = "delete" // it succeeds and acknowledges the message
	Leave  Action = "leave"  // it crashes: the visibility timeout lapses
	Return Action = "return" // it gives the message back: visibility timeout 0
)

// Fault is the way in which a message's consumer fails.
type Fault struct {
	// Name says what goes wrong, e.g. "crash".
	Name string
	// Fails is how many receives fail before one succeeds; Always if none does.
	Fails int
	// How is what the consumer does when it fails: Leave or Return.
	How Action
}

// Always is the Fails of a poison message: no consumer will ever succeed on it.
const Always = -1

// Healthy is no fault: the first consumer succeeds.
func Healthy() Fault { return Fault{Name: "healthy"} }

// Crash is a consumer that dies on the message each time, without a word: the message
// comes back when its visibility timeout lapses.
func Crash() Fault { return Fault{Name: "crash", Fails: Always, How: Leave} }

// Nack is a consumer that fails on the message each time and gives it back at once, by
// setting its visibility timeout to 0.
func Nack() Fault { return Fault{Name: "nack", Fails: Always, How: Return} }

// Flaky is a consumer that fails k times, then succeeds. A queue with
// maxReceiveCount k+1 must not dead-letter the message: the boundary.
func Flaky(k int, how Action) Fault {
	return Fault{Name: fmt.Sprintf("flaky(%d, %s)", k, how), Fails: max(k, 0), How: how}
}

// Poison says whether the message can never be processed.
func (f Fault) Poison() bool { return f.Fails == Always }

// String is the fault's name.
func (f Fault) String() string { return f.Name }

// on is what the consumer does at the n-th receive that it sees, from 1.
func (f Fault) on(n int) Action {
	if f.Fails == Always || n <= f.Fails {
		return f.How
	}
	return Delete
}

// survives says whether the message is processed when the queue allows so many receives.
func (f Fault) survives(maxReceiveCount int) bool {
	return f.Fails != Always && f.Fails < maxReceiveCount
}
