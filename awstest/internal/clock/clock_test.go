package clock_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// at is the instant d after the clock's start.
func at(d time.Duration) time.Time { return start.Add(d) }

// paused returns a clock that only Advance moves.
func paused(t *testing.T) *clock.Clock {
	t.Helper()
	c := clock.New(start)
	t.Cleanup(c.Close)
	c.Pause()
	c.AdvanceTo(start.Add(time.Hour))
	return c
}

// record returns an event that notes its name, its instant and the time it sees.
func record(c *clock.Clock, log *[]entry, name string) func(time.Time) {
	return func(now time.Time) { *log = append(*log, entry{name, now.Sub(start), c.Now().Sub(start)}) }
}

type entry struct {
	name      string
	due, seen time.Duration
}

func TestAdvanceRunsEventsInOrderEachAtItsInstant(t *testing.T) {
	c := paused(t)
	var log []entry
	c.At(at(3*time.Hour), record(c, &log, "third"))
	c.At(at(2*time.Hour), record(c, &log, "first of two at one instant"))
	c.At(at(2*time.Hour), record(c, &log, "second of two at one instant"))
	c.At(at(5*time.Hour), record(c, &log, "at the very end"))
	c.At(at(5*time.Hour+1), record(c, &log, "beyond"))

	c.Advance(4 * time.Hour)

	require.Equal(t, []entry{
		{"first of two at one instant", 2 * time.Hour, 2 * time.Hour},
		{"second of two at one instant", 2 * time.Hour, 2 * time.Hour},
		{"third", 3 * time.Hour, 3 * time.Hour},
		{"at the very end", 5 * time.Hour, 5 * time.Hour},
	}, log)
	require.Equal(t, at(5*time.Hour), c.Now())
}

func TestEventsThatEventsScheduleRunInTheSameAdvance(t *testing.T) {
	c := paused(t)
	var log []entry
	c.At(at(2*time.Hour), func(now time.Time) {
		c.At(now.Add(time.Minute), record(c, &log, "later"))
		c.At(now, record(c, &log, "now"))
		c.At(now.Add(-time.Minute), record(c, &log, "past"))
		c.After(30*time.Second, record(c, &log, "soon"))
		require.Empty(t, log, "an event runs only after the one that schedules it")
	})

	c.Advance(2 * time.Hour)

	h := 2 * time.Hour
	require.Equal(t, []entry{
		{"past", h - time.Minute, h}, // it sees the time of the event that scheduled it: never an earlier one
		{"now", h, h},
		{"soon", h + 30*time.Second, h + 30*time.Second},
		{"later", h + time.Minute, h + time.Minute},
	}, log)
}

func TestStop(t *testing.T) {
	c := paused(t)
	var log []entry
	first := c.At(at(2*time.Hour), record(c, &log, "first"))
	second := c.At(at(3*time.Hour), record(c, &log, "second"))
	var third *clock.Event
	c.At(at(4*time.Hour), func(time.Time) { require.True(t, third.Stop(), "an event may stop another one") })
	third = c.At(at(4*time.Hour), record(c, &log, "third"))
	var itself *clock.Event
	itself = c.At(at(5*time.Hour), func(time.Time) { require.False(t, itself.Stop(), "it runs already") })

	require.True(t, first.Stop())
	require.False(t, first.Stop(), "it is stopped already")
	c.Advance(6 * time.Hour)
	require.False(t, second.Stop(), "it has run")
	require.Equal(t, []entry{{"second", 3 * time.Hour, 3 * time.Hour}}, log)
}

func TestTimeStandsStillWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start)
		defer c.Close()
		var ran atomic.Int32
		c.At(at(30*time.Minute), func(time.Time) { ran.Add(1) })
		time.Sleep(10 * time.Minute)
		c.Pause()
		c.Pause() // twice is once
		time.Sleep(time.Hour)
		require.Equal(t, at(10*time.Minute), c.Now())
		require.Zero(t, ran.Load())

		c.Advance(5 * time.Minute)
		time.Sleep(time.Hour)
		require.Equal(t, at(15*time.Minute), c.Now(), "it stands still after an Advance too")

		c.Resume()
		c.Resume()
		time.Sleep(15*time.Minute - 1)
		require.Equal(t, at(30*time.Minute-1), c.Now())
		require.Zero(t, ran.Load())
		time.Sleep(1)
		synctest.Wait()
		require.EqualValues(t, 1, ran.Load())
	})
}

func TestEventsThatAreDueRunWhileTimeStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start)
		defer c.Close()
		c.Pause()
		var log []entry
		c.At(at(-time.Hour), record(c, &log, "past"))
		c.After(0, record(c, &log, "now"))
		c.After(1, record(c, &log, "next"))
		synctest.Wait()
		require.Equal(t, []entry{{"past", -time.Hour, 0}, {"now", 0, 0}}, log)
		require.NoError(t, c.Sleep(t.Context(), 0))
	})
}

func TestEventsRunWithTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start)
		defer c.Close()
		var log []entry
		c.After(3*time.Hour, record(c, &log, "third")) // beyond what the runner sleeps at once
		c.After(time.Second, func(now time.Time) {
			record(c, &log, "first")(now)
			c.After(time.Second, record(c, &log, "second"))
		})
		stopped := c.After(500*time.Millisecond, record(c, &log, "stopped"))
		stopped.Stop()
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		require.Equal(t, []entry{
			{"first", time.Second, time.Second},
			{"second", 2 * time.Second, 2 * time.Second},
			{"third", 3 * time.Hour, 3 * time.Hour},
		}, log)

		c.Advance(time.Hour)
		require.Equal(t, at(5*time.Hour), c.Now())
		time.Sleep(time.Minute)
		require.Equal(t, at(5*time.Hour+time.Minute), c.Now(), "time runs on after an Advance")
	})
}

// A slow event on the clock's own goroutine holds up an Advance: events never overlap.
func TestAdvanceWaitsForAnEventThatRuns(t *testing.T) {
	c := clock.New(start)
	defer c.Close()
	c.Pause()
	var log []entry
	running, finish, advanced := make(chan struct{}), make(chan struct{}), make(chan struct{})
	c.At(at(-time.Minute), func(now time.Time) {
		close(running)
		<-finish
		log = append(log, entry{name: "slow"})
	})
	<-running
	c.At(at(time.Minute), func(time.Time) { log = append(log, entry{name: "next"}) })
	go func() {
		c.Advance(time.Hour)
		close(advanced)
	}()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case <-advanced:
		t.Error("Advance didn't wait")
	default:
	}
	close(finish)
	<-advanced
	require.Equal(t, []entry{{name: "slow"}, {name: "next"}}, log)
}

func TestAdvanceTo(t *testing.T) {
	c := paused(t)
	c.AdvanceTo(at(0))
	require.Equal(t, at(time.Hour), c.Now(), "a time that has passed moves nothing")
	c.AdvanceTo(at(2 * time.Hour).In(time.FixedZone("elsewhere", 3600)))
	require.Equal(t, at(2*time.Hour), c.Now(), "the clock keeps its time zone")
	c.Advance(-time.Hour)
	require.Equal(t, at(2*time.Hour), c.Now())

	wall := time.Now().Add(time.Hour) // carries a reading of the monotonic clock
	c.AdvanceTo(wall)
	require.Equal(t, wall.Round(0).UTC(), c.Now())
	c.At(wall.Add(time.Hour), func(now time.Time) { require.Equal(t, now.Round(0), now) })
	c.Advance(time.Hour)
}

func TestNowNeverGoesBackAroundAShortAdvance(t *testing.T) {
	c := clock.New(start)
	defer c.Close()
	for range 10_000 {
		before := c.Now()
		c.Advance(0)
		after := c.Now()
		require.False(t, after.Before(before))
		c.AdvanceTo(after)
		require.False(t, c.Now().Before(after))
	}
}

func TestAnEventThatPausesAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start)
		defer c.Close()
		c.After(time.Minute, func(time.Time) { c.Pause() })
		c.Advance(time.Hour)
		time.Sleep(time.Hour)
		require.Equal(t, at(time.Hour), c.Now(), "paused, at the end of the Advance")

		c.After(time.Minute, func(time.Time) { c.Resume() })
		c.Advance(time.Hour)
		time.Sleep(time.Hour)
		require.Equal(t, at(3*time.Hour), c.Now())
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(start)
		require.NoError(t, c.Sleep(t.Context(), time.Minute))
		require.Equal(t, at(time.Minute), c.Now())

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.Sleep(cancelled, 0), context.Canceled)
		require.ErrorIs(t, c.Sleep(cancelled, time.Minute), context.Canceled)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Sleep(short, time.Minute), context.DeadlineExceeded)

		c.Pause()
		woken := make(chan error)
		go func() { woken <- c.Sleep(t.Context(), 24*time.Hour) }()
		synctest.Wait()
		c.Advance(24 * time.Hour)
		require.NoError(t, <-woken)

		go func() { woken <- c.Sleep(t.Context(), time.Minute) }()
		synctest.Wait()
		c.Close()
		require.ErrorIs(t, <-woken, context.Canceled)
	})
}

func TestClose(t *testing.T) {
	c := clock.New(start)
	c.At(at(time.Hour), func(time.Time) { t.Error("it ran") })
	c.Close()
	c.Close()
	c.Advance(2 * time.Hour)
	c.At(at(0), func(time.Time) { t.Error("it ran") })
	require.False(t, c.Now().Before(at(2*time.Hour)), "a closed clock still tells the time")

	c = paused(t)
	c.At(at(2*time.Hour), func(time.Time) { c.Close() })
	c.At(at(3*time.Hour), func(time.Time) { t.Error("it ran") })
	c.Advance(3 * time.Hour)
}

// A panicking event must neither be hidden by a second panic nor leave the clock locked.
func TestAnEventThatPanics(t *testing.T) {
	c := paused(t)
	ran := false
	c.At(at(2*time.Hour), func(time.Time) { panic("of the event") })
	c.At(at(3*time.Hour), func(time.Time) { ran = true })
	require.PanicsWithValue(t, "of the event", func() { c.Advance(2 * time.Hour) })
	require.Equal(t, at(2*time.Hour), c.Now())
	c.Advance(time.Hour)
	require.True(t, ran)
}

func TestConcurrentUse(t *testing.T) {
	c := clock.New(start)
	defer c.Close()
	stop := make(chan struct{})
	var observers, movers sync.WaitGroup
	var running, ran, scheduled, stopped atomic.Int64
	event := func(due time.Time) {
		if running.Add(1) != 1 {
			t.Error("two events at once")
		}
		if c.Now().Before(due) {
			t.Error("an event before its time")
		}
		ran.Add(1)
		running.Add(-1)
	}
	for range 4 {
		observers.Go(func() {
			last := c.Now()
			for {
				select {
				case <-stop:
					return
				default:
				}
				now := c.Now()
				if now.Before(last) {
					t.Errorf("time went back by %v", last.Sub(now))
					return
				}
				last = now
			}
		})
	}
	for i := range 4 {
		movers.Go(func() {
			for n := range 500 {
				var e *clock.Event
				switch n % 4 {
				case 0:
					e = c.At(c.Now().Add(-time.Second), event)
				case 1:
					e = c.After(0, event)
				default:
					e = c.After(time.Duration(n)*time.Microsecond, event)
				}
				scheduled.Add(1)
				switch (n + i) % 5 {
				case 0:
					c.Advance(time.Duration(n%50) * time.Microsecond)
				case 1:
					c.AdvanceTo(c.Now().Add(time.Microsecond))
				case 2:
					if e.Stop() {
						stopped.Add(1)
					}
				case 3:
					c.Pause()
				case 4:
					c.Resume()
				}
			}
		})
	}
	movers.Wait()
	c.Advance(time.Second)
	close(stop)
	observers.Wait()
	require.Equal(t, scheduled.Load()-stopped.Load(), ran.Load(), "every event runs once, or was stopped")
}
