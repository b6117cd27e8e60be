package consumer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// MaxVisibility is how long SQS hides a message at most, counted from the receive.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const MaxVisibility = 12 * time.Hour

// Backoff says how long a message is hidden after a failed attempt: Base after the
// first, Factor times as long after each further one, never longer than Cap, and
// jittered. It depends on the attempt's number alone.
//
// SQS counts in whole seconds and hides a message for 12 hours at most from its receive;
// what is drawn beyond is cut off.
type Backoff struct {
	// Base is the delay after the first attempt, before jitter; at least a second.
	Base time.Duration
	// Factor is by how much it grows; at least 1.
	Factor float64
	// Cap is the longest delay; from Base to MaxVisibility.
	Cap time.Duration
	// Jitter spreads messages that fail together.
	Jitter Jitter
}

// Jitter is how a delay is drawn at random.
type Jitter int

// The kinds of jitter, for a delay of d: the delay is drawn evenly from the whole seconds
// of the range.
const (
	EqualJitter Jitter = iota // d/2 to d: intervals grow, messages still spread
	FullJitter                // 0 to d: spreads most, some come back at once
)

// DefaultBackoff is used unless the option Retry says otherwise.
func DefaultBackoff() Backoff {
	return Backoff{Base: 10 * time.Second, Factor: 2, Cap: 15 * time.Minute, Jitter: EqualJitter}
}

// Bounds is the range that the delay after an attempt is drawn from, in whole seconds and
// with both ends in it. Attempts count from 1.
func (b Backoff) Bounds(attempt int) (shortest, longest time.Duration) {
	full := math.Min(b.Base.Seconds()*math.Pow(b.Factor, float64(max(attempt, 1)-1)), b.Cap.Seconds())
	low := 0.0
	if b.Jitter == EqualJitter {
		low = full / 2
	}
	seconds := func(s float64) time.Duration { return time.Duration(s) * time.Second }
	return seconds(math.Floor(low)), seconds(math.Ceil(full))
}

// Delay draws the delay after an attempt. random is the source of chance; nil means one
// that differs in each run.
func (b Backoff) Delay(attempt int, random *rand.Rand) time.Duration {
	shortest, longest := b.Bounds(attempt)
	n := int64((longest-shortest)/time.Second) + 1
	if random == nil {
		return shortest + time.Duration(rand.Int64N(n))*time.Second
	}
	return shortest + time.Duration(random.Int64N(n))*time.Second
}

func (b Backoff) check() error {
	switch {
	case b.Base < time.Second:
		return fmt.Errorf("the backoff's base is %v: SQS counts in whole seconds, so it must be at least one", b.Base)
	case !(b.Factor >= 1) || math.IsInf(b.Factor, 0):
		return fmt.Errorf("the backoff's factor is %v: it must be at least 1", b.Factor)
	case b.Cap < b.Base || b.Cap > MaxVisibility:
		return fmt.Errorf("the backoff's cap is %v: it must lie between its base, %v, and %v", b.Cap, b.Base, MaxVisibility)
	case b.Jitter != EqualJitter && b.Jitter != FullJitter:
		return fmt.Errorf("the backoff's jitter is %d: it must be EqualJitter or FullJitter", b.Jitter)
	}
	return nil
}

// within is the delay in whole seconds that SQS accepts for a message that was received
// some time ago.
func within(delay, ago time.Duration) int32 {
	// A second's slack: SQS's clock started before ours, when it received the call.
	left := MaxVisibility - ago - time.Second
	return int32(max(min(delay, left), 0) / time.Second)
}
