package dlqtest_test

import (
	"os"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// TestMain lets the heap grow before the garbage collector runs. It is so small here that
// it would run at each schedule, which costs as much as a third of them.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(512 << 20)
	}
	os.Exit(m.Run())
}

// BenchmarkSchedule is a proof of the default plan, with four consumers, on an endpoint of
// its own: one after the other, and side by side on all processors.
func BenchmarkSchedule(b *testing.B) {
	s := schedule{queueSettings: queueSettings{name: "q", maxReceiveCount: 3, visibility: 30 * time.Second}, consumers: 4}
	benchmarkSchedules(b, func(uint64) schedule { return s })
}

// BenchmarkRandomSchedule is a proof of schedules as TestRandomSchedulesAreProven draws
// them.
func BenchmarkRandomSchedule(b *testing.B) {
	drawn := rapid.Custom(drawSchedule)
	schedules := make([]schedule, 1000)
	for i := range schedules {
		schedules[i] = drawn.Example(i)
	}
	benchmarkSchedules(b, func(i uint64) schedule { return schedules[i%uint64(len(schedules))] })
}

// benchmarkSchedules reports how many schedules are proven a second.
func benchmarkSchedules(b *testing.B, nth func(i uint64) schedule) {
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
	}
	b.Run("over connections", func(b *testing.B) {
		n := uint64(0)
		for b.Loop() {
			n++
			nth(n).provenOn(b, func(srv *awstest.Server) dlqtest.Target {
				target := targetOf(srv)
				target.Config = srv.Config()
				return target
			})
		}
		report(b)
	})
	b.Run("direct", func(b *testing.B) {
		n := uint64(0)
		for b.Loop() {
			n++
			nth(n).provenOn(b, targetOf)
		}
		report(b)
	})
	b.Run("side by side", func(b *testing.B) {
		var n atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				nth(n.Add(1)).provenOn(b, targetOf)
			}
		})
		report(b)
	})
}

// BenchmarkLongProof is a proof of the longest that SQS has: 1000 receives, each hidden
// for 12 hours.
func BenchmarkLongProof(b *testing.B) {
	s := schedule{
		queueSettings: queueSettings{name: "q", maxReceiveCount: 1000, visibility: 12 * time.Hour},
		plan:          []dlqtest.Message{{Fault: dlqtest.Nack()}, {Fault: dlqtest.Healthy()}, {Fault: dlqtest.Flaky(999, dlqtest.Return)}},
	}
	for b.Loop() {
		s.provenOn(b, targetOf)
	}
}

// BenchmarkManyMessages is a proof of 10,000 messages, half of them poison, with eight
// consumers.
func BenchmarkManyMessages(b *testing.B) {
	s := schedule{queueSettings: queueSettings{name: "q", maxReceiveCount: 3, visibility: 30 * time.Second}, consumers: 8}
	for range 5000 {
		s.plan = append(s.plan, dlqtest.Message{Fault: dlqtest.Crash()}, dlqtest.Message{Fault: dlqtest.Healthy()})
	}
	for b.Loop() {
		s.provenOn(b, targetOf)
	}
}
