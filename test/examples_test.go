package test

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// TestExamples deploys each example as it stands and proves its queues, their alarms and
// notifications. existing-queue, which needs queues to adopt, has a test of its own.
func TestExamples(t *testing.T) {
	needsTerraform(t)
	for _, tt := range []struct {
		example string
		// name is the input that names the queues, and is set where names may be taken.
		name string
		// receives are how many receives are expected, by key of the output queues; of
		// an example with one queue under "".
		receives    map[string]int
		source, dlq int // retention, in days
	}{
		{example: "minimal", name: "name", receives: map[string]int{"": 5}, source: 4, dlq: 14},
		{example: "fifo", name: "name", receives: map[string]int{"": 5}, source: 4, dlq: 14},
		{example: "complete", name: "name", receives: map[string]int{"": 4}, source: 2, dlq: 14},
		{example: "fleet", name: "prefix", receives: map[string]int{"payments": 6, "thumbnails": 3, "invoices": 5}, source: 4, dlq: 14},
		{example: "shared-dlq", name: "name", receives: map[string]int{"orders": 5, "returns": 3, "refunds": 5}, source: 4, dlq: 14},
		{example: "publishers", name: "name", receives: map[string]int{"": 5}, source: 4, dlq: 14},
	} {
		t.Run(tt.example, func(t *testing.T) {
			t.Parallel()
			vars := map[string]any{}
			if target.FromEnv(os.Getenv) != string(dlqtest.Embedded) {
				vars[tt.name] = uniqueName("orders")
			}
			s := deploy(t, "../examples/"+tt.example, vars)
			s.requireNoChanges(t)
			queues := map[string]pair{}
			if len(tt.receives) > 1 {
				s.output(t, "queues", &queues)
			} else {
				queues[""] = s.onlyPair(t)
			}
			require.Len(t, queues, len(tt.receives), "output queues")
			if tt.example == "publishers" {
				requirePublishersDeliver(t, s, queues[""])
			}
			keys := slices.Sorted(maps.Keys(tt.receives))
			for _, key := range keys {
				p, ok := queues[key]
				require.True(t, ok, "output queues has no %s", key)
				require.NoError(t, checkProof(s.ctx, s.target.Target, p, tt.receives[key], true), key)
				require.NoError(t, checkOnlySourceAllowed(s.ctx, s.sqs, p), key)
			}
			// by then, of queues that share a DLQ and its alarm, all are proven
			for _, key := range keys {
				if s.virtual() {
					require.NoError(t, checkRetention(s.ctx, s.target.Target, s.sqs, queues[key], tt.receives[key], time.Duration(tt.source)*day, time.Duration(tt.dlq)*day), key)
				}
			}
		})
	}
}
