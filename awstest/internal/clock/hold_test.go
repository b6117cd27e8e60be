package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

func TestAHoldKeepsAnAdvanceWhereItIs(t *testing.T) {
	c := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	defer c.Close()
	c.Pause()
	start := c.Now()
	working, finish := make(chan struct{}), make(chan struct{})
	var seen []time.Duration
	c.At(start.Add(time.Minute), func(time.Time) {
		release := c.Hold()
		go func() {
			close(working)
			<-finish
			// what follows at this instant is still part of it
			c.After(0, func(now time.Time) { seen = append(seen, now.Sub(start)) })
			release()
			release() // again does nothing
		}()
	})
	c.At(start.Add(2*time.Minute), func(now time.Time) { seen = append(seen, now.Sub(start)) })
	advanced := make(chan struct{})
	go func() {
		defer close(advanced)
		c.Advance(time.Hour)
	}()
	<-working
	ran := make(chan struct{})
	c.After(0, func(time.Time) { close(ran) }) // events of the instant run meanwhile
	<-ran
	require.Equal(t, start.Add(time.Minute), c.Now())
	select {
	case <-advanced:
		require.Fail(t, "the clock went on")
	default:
	}
	close(finish)
	<-advanced
	require.Equal(t, []time.Duration{time.Minute, 2 * time.Minute}, seen)
	require.Equal(t, start.Add(time.Hour), c.Now())
}

func TestClosingTheClockEndsAnAdvanceThatIsHeld(t *testing.T) {
	c := clock.New(time.Now())
	defer c.Hold()()
	advanced := make(chan struct{})
	go func() {
		defer close(advanced)
		c.Advance(time.Hour)
	}()
	c.Close()
	<-advanced
}

func TestTimeThatPassesByItselfIsNotHeld(t *testing.T) {
	c := clock.New(time.Now())
	defer c.Close()
	defer c.Hold()()
	ran := make(chan struct{})
	c.After(time.Millisecond, func(time.Time) { close(ran) })
	<-ran
}
