package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/fleet"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/load"
)

// BenchmarkCycle sends, receives and deletes one message after the other.
func BenchmarkCycle(b *testing.B) {
	for _, client := range []struct {
		name string
		dial func(ctx context.Context, url string) (load.Client, error)
	}{
		{"client=SDK", func(ctx context.Context, url string) (load.Client, error) { return load.NewSDK(ctx, url, "bench") }},
		{"client=lean", func(ctx context.Context, url string) (load.Client, error) { return load.NewLean(ctx, url, "bench") }},
	} {
		for _, log := range []struct {
			name    string
			options []awstest.Option
		}{
			{"calls=kept", nil},
			{"calls=forgotten", []awstest.Option{awstest.WithoutCallLog()}},
		} {
			b.Run(client.name+"/"+log.name, func(b *testing.B) {
				srv := awstest.Start(b, log.options...)
				c, err := client.dial(b.Context(), srv.URL)
				require.NoError(b, err)
				w, body := c.Worker(), strings.Repeat("x", 256)
				defer w.Close()
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, load.Cycle(b.Context(), w, body))
				}
			})
		}
	}
}

// BenchmarkReceive receives and deletes a message, and sends another, at several depths
// of the queue.
func BenchmarkReceive(b *testing.B) {
	body := strings.Repeat("x", 1024)
	for _, depth := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			srv := awstest.Start(b, awstest.WithoutCallLog())
			c, err := load.NewLean(b.Context(), srv.URL, "deep")
			require.NoError(b, err)
			w := c.Worker()
			defer w.Close()
			for sent := 0; sent < depth; sent += 10 {
				require.NoError(b, c.SendBatch(b.Context(), w, body, 10))
			}
			for b.Loop() {
				require.NoError(b, load.Cycle(b.Context(), w, body))
			}
		})
	}
}

// BenchmarkAdvance has a day pass for queues with three alarms each.
func BenchmarkAdvance(b *testing.B) {
	for _, queues := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("queues=%d", queues), func(b *testing.B) {
			srv := awstest.Start(b)
			srv.Clock.Pause()
			require.NoError(b, fleet.SetUp(b.Context(), srv, queues))
			for b.Loop() {
				srv.Clock.Advance(24 * time.Hour)
			}
		})
	}
}
