package clock_test

import (
	"testing"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
)

func BenchmarkNow(b *testing.B) {
	c := clock.New(start)
	defer c.Close()
	for b.Loop() {
		c.Now()
	}
}

func BenchmarkNowInParallel(b *testing.B) {
	c := clock.New(start)
	defer c.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}

// BenchmarkAdvanceTwoWeeks is the cost of the endpoint's quietest two weeks: an event
// every minute that schedules the next.
func BenchmarkAdvanceTwoWeeks(b *testing.B) {
	c := clock.New(start)
	defer c.Close()
	events := 0
	var tick func(time.Time)
	tick = func(now time.Time) {
		events++
		c.At(now.Add(time.Minute), tick)
	}
	c.At(start, tick)
	b.ReportAllocs()
	for b.Loop() {
		c.Advance(14 * 24 * time.Hour)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkAdvanceOverManyEvents is the cost of a full queue's expiry: 100,000 events
// that are spread over the time that passes.
func BenchmarkAdvanceOverManyEvents(b *testing.B) {
	const n = 100_000
	c := clock.New(start)
	defer c.Close()
	c.Pause()
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		now := c.Now()
		for i := range n {
			c.At(now.Add(time.Duration(i*7919%n)*time.Second), func(time.Time) { events++ })
		}
		c.Advance(n * time.Second)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
