package dlqtest_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// schedule is a proof to be made: of which queues, with what messages and consumers.
type schedule struct {
	queueSettings
	plan             []dlqtest.Message
	consumers, batch int
}

// drawSchedule draws queues, faults, consumers and their order.
func drawSchedule(t *rapid.T) schedule {
	s := schedule{
		queueSettings: queueSettings{
			name:            "q",
			fifo:            rapid.Bool().Draw(t, "fifo"),
			maxReceiveCount: rapid.IntRange(1, 5).Draw(t, "maxReceiveCount"),
			visibility:      time.Duration(rapid.SampledFrom([]int{1, 2, 30, 3600, 43200}).Draw(t, "visibility")) * time.Second,
			delay:           time.Duration(rapid.SampledFrom([]int{0, 0, 1, 900}).Draw(t, "delay")) * time.Second,
		},
		plan: []dlqtest.Message{{Fault: dlqtest.Crash(), Group: "a"}, {Fault: dlqtest.Healthy(), Group: "a"}},
	}
	if s.fifo {
		s.visibility = min(s.visibility, time.Hour) // else a group's last messages expire before their turn
	}
	for range rapid.IntRange(0, 8).Draw(t, "messages") {
		s.plan = append(s.plan, dlqtest.Message{
			Fault: rapid.SampledFrom(faults(s.maxReceiveCount)).Draw(t, "fault"),
			Group: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group"),
		})
	}
	s.plan = rapid.Permutation(s.plan).Draw(t, "plan")
	s.consumers = rapid.IntRange(1, 16).Draw(t, "consumers")
	s.batch = rapid.IntRange(1, 10).Draw(t, "batch")
	return s
}

// prove makes the proof on an endpoint that holds nothing else.
func (s schedule) prove(ctx context.Context, srv *awstest.Server, target dlqtest.Target) (*dlqtest.Proof, error) {
	q, err := makePair(ctx, srv, s.queueSettings)
	if err != nil {
		return nil, err
	}
	var opts []dlqtest.Option
	if s.plan != nil {
		opts = append(opts, dlqtest.WithPlan(s.plan))
	}
	if s.consumers > 0 {
		opts = append(opts, dlqtest.WithConsumers(s.consumers))
	}
	if s.batch > 0 {
		opts = append(opts, dlqtest.WithBatch(s.batch))
	}
	return dlqtest.Prove(ctx, target, q, opts...)
}

// TestRandomSchedulesAreProven draws schedules, -rapid.checks on each processor; on a sound
// endpoint every invariant holds for each.
func TestRandomSchedulesAreProven(t *testing.T) {
	for i := range runtime.GOMAXPROCS(0) {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				s := drawSchedule(t)
				srv := awstest.Start(t)
				proof, err := s.prove(t.Context(), srv, targetOf(srv))
				if err != nil || !proof.Proven() {
					t.Fatalf("%v\n%s", err, text(proof))
				}
			})
		})
	}
}

// provenOn makes the proof on an endpoint of its own, on which it must succeed.
func (s schedule) provenOn(b *testing.B, target func(*awstest.Server) dlqtest.Target) {
	srv, err := awstest.New()
	require.NoError(b, err)
	defer srv.Close()
	proof, err := s.prove(b.Context(), srv, target(srv))
	require.NoError(b, err)
	require.True(b, proof.Proven(), "%v", proof.Verdicts)
}
