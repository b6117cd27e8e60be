package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Idempotency says how runs for the same key are told apart and remembered. Before the
// handler runs its key is leased; when it has returned nil the key is recorded as done, and
// then the message is acknowledged. A failure frees the key.
//
// Promised is that a key that was recorded as done doesn't run again before its TTL has
// passed, however often its messages are delivered, sent or redriven and whoever dies when;
// and that no two run for a key at a time, as long as handlers heed the end of their
// contexts.
//
// Not promised, by anybody, is that an effect happens once where the process dies, or the
// store fails, between the effect and the record of it: then it runs again. Where that
// matters make the two one transaction (see dynamostore.DoneItem), or the effect one that
// can be repeated.
type Idempotency struct {
	// Store remembers the keys.
	Store Store
	// Key is what makes two messages the same work: ByAttribute, ByDeduplicationID or a
	// function of your own, say of the order's number in the body. An error is treated as
	// the handler's own. Where Key is nil or returns an empty string the MessageId is the
	// key, which catches redeliveries but neither a second send nor a redrive.
	Key func(Message) (string, error)
	// TTL is for how long a key stays done: longer than any message with it may still
	// arrive. By default 14 days, the longest that SQS keeps a message.
	TTL time.Duration
	// Lease is for how long a run in Lambda holds its key before others may take it: longer
	// than the work takes, and shorter than the queue's visibility timeout, or a message
	// whose function crashed spends receives on waiting for it. By default it is until the
	// invocation's deadline (15 minutes if there is none). In a Worker it is the visibility
	// timeout and extended with it, whatever Lease says.
	Lease time.Duration
}

func (i *Idempotency) check() error {
	switch {
	case i.Store == nil:
		return errors.New("idempotency needs a store")
	case i.TTL < 0 || i.Lease < 0:
		return fmt.Errorf("the idempotency's TTL is %v and its lease %v: they can't be negative", i.TTL, i.Lease)
	}
	return nil
}

const (
	defaultTTL   = 14 * 24 * time.Hour
	longestLease = 15 * time.Minute // the longest that a Lambda function runs
)

func (i *Idempotency) keyOf(m Message) (string, error) {
	if i.Key != nil {
		var key string
		err := sheltered(func() (err error) {
			key, err = i.Key(m)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("finding the idempotency key: %w", err)
		}
		if key != "" {
			return key, nil
		}
	}
	return m.ID, nil
}

// ByAttribute takes the key from the message attribute of that name.
func ByAttribute(name string) func(Message) (string, error) {
	return func(m Message) (string, error) { return m.Attributes[name].String, nil }
}

// ByDeduplicationID takes the MessageDeduplicationId as the key. SQS itself looks at it
// for five minutes only. It replaces the id of a message that it dead-letters from a FIFO
// queue, so a redrive counts as new work.
func ByDeduplicationID() func(Message) (string, error) {
	return func(m Message) (string, error) { return m.DeduplicationID, nil }
}

// Store remembers which keys are done, and which are being worked on and until when. Its
// methods are called by many goroutines at once. The consumer passes the time, so that a
// store needs no clock; consumers that share a store must agree on it to within a
// fraction of their leases.
type Store interface {
	// Acquire takes the lease for l.Owner, atomically, if the key is unknown, was forgotten
	// (its record's or lease's time has passed at now), or is leased by l.Owner already,
	// which extends it. Otherwise it changes nothing and says why.
	Acquire(ctx context.Context, l Lease, now time.Time) (Claim, error)
	// Complete records the key as done until the given time, whoever holds the lease: the
	// work has been done.
	Complete(ctx context.Context, l Lease, until time.Time) error
	// Release gives the lease up if l.Owner holds it. Otherwise it does nothing.
	Release(ctx context.Context, l Lease) error
}

// Lease is the right to work on a key until a time.
type Lease struct {
	Key   string
	Owner string // one run of a handler
	Until time.Time
}

// Claim is what became of the wish to work on a key.
type Claim struct {
	// State is Acquired, Held or Done.
	State State
	// Until is when the other's lease ends, if State is Held.
	Until time.Time
}

// State is what is known of a key.
type State int

// The states of a key for somebody who wants to work on it.
const (
	Acquired State = iota // the lease is yours
	Held                  // somebody else works on it
	Done                  // the work has been done
)

// String is the state in a word.
func (s State) String() string {
	switch s {
	case Acquired:
		return "acquired"
	case Held:
		return "held"
	case Done:
		return "done"
	}
	return fmt.Sprintf("state %d", int(s))
}
