package test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// TestExamples deploys each example as it stands and proves its queue, its alarm and its
// notifications.
func TestExamples(t *testing.T) {
	needsTerraform(t)
	for _, tt := range []struct {
		example         string
		maxReceiveCount int
	}{
		{"minimal", 5},
		{"fifo", 5},
	} {
		t.Run(tt.example, func(t *testing.T) {
			t.Parallel()
			vars := map[string]any{}
			if target.FromEnv(os.Getenv) != string(dlqtest.Embedded) {
				vars["name"] = uniqueName("orders") // elsewhere the name may be taken
			}
			s := deploy(t, "../examples/"+tt.example, vars)
			s.requireNoChanges(t)
			p := pair{
				QueueURL: s.text(t, "queue_url"), QueueARN: s.text(t, "queue_arn"), DLQURL: s.text(t, "dlq_url"), DLQARN: s.text(t, "dlq_arn"),
				AlarmName: s.text(t, "not_empty_alarm_name"), Notification: s.text(t, "notification_queue_url"),
			}
			require.NotEmpty(t, p.Notification)
			require.NoError(t, checkProof(s.ctx, s.target.Target, p, tt.maxReceiveCount, true))
			require.NoError(t, checkOnlySourceAllowed(s.ctx, s.sqs, p))
			if s.virtual() {
				require.NoError(t, checkRetention(s.ctx, s.target.Target, s.sqs, p, tt.maxReceiveCount, 4*day, 14*day))
			}
		})
	}
}
