package test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

// TestQueueWithDLQ proves the variants of queue-with-dlq, and queues of queue-fleet: each
// message lands in the DLQ after exactly the stated number of receives.
func TestQueueWithDLQ(t *testing.T) {
	needsTerraform(t)
	prefix := uniqueName("q")
	s := deploy(t, "fixtures/queues", map[string]any{"prefix": prefix})
	s.requireNoChanges(t)
	var queues map[string]pair
	s.output(t, "queues", &queues)

	for _, tt := range []struct {
		key             string
		maxReceiveCount int
		onWall          bool // quick enough where time is real
	}{
		{"once", 1, true},
		{"thrice", 3, true},
		{"five", 5, true},
		{"long", 2, false}, // a visibility timeout of 12 h, a delay of 15 min
		{"fifo-once", 1, true},
		{"fifo-three", 3, true},
		{"fleet-thrice", 3, true},
		{"fleet-fifo-once", 1, true},
	} {
		t.Run(tt.key, func(t *testing.T) {
			p, ok := queues[tt.key]
			require.True(t, ok, "output queues has no %s", tt.key)
			require.NoError(t, checkOnlySourceAllowed(s.ctx, s.sqs, p))
			if tt.onWall || s.virtual() {
				require.NoError(t, checkProof(s.ctx, s.target.Target, p, tt.maxReceiveCount, false))
			}
			if s.virtual() {
				require.NoError(t, checkRetention(s.ctx, s.target.Target, s.sqs, p, tt.maxReceiveCount, 4*day, 14*day))
			}
		})
	}

	if s.target.Server != nil {
		t.Run("IAM documents", func(t *testing.T) {
			var outputs map[string]iamOutputs
			s.output(t, "queues", &outputs)
			checkIAMDocuments(t, s.target.Server, outputs["thrice"])
		})
	}

	t.Run("attributes", func(t *testing.T) {
		for _, tt := range []struct {
			key               string
			visibility, delay int
			fifo, perGroup    bool
		}{{"once", 30, 0, false, false}, {"long", 43200, 900, false, false}, {"fifo-once", 30, 0, true, false}, {"fifo-three", 30, 0, true, true}} {
			p := queues[tt.key]
			common := map[string]string{"SqsManagedSseEnabled": "true"}
			if tt.fifo {
				common["FifoQueue"], common["DeduplicationScope"], common["FifoThroughputLimit"] = "true", "queue", "perQueue"
			}
			if tt.perGroup {
				common["DeduplicationScope"], common["FifoThroughputLimit"] = "messageGroup", "perMessageGroupId"
			}
			require.NoError(t, checkAttributes(s.ctx, s.sqs, p.QueueURL, with(common, map[string]string{
				"VisibilityTimeout": fmt.Sprint(tt.visibility), "DelaySeconds": fmt.Sprint(tt.delay), "MaximumMessageSize": "262144", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "20",
				"Policy": tlsOnly(p.QueueARN),
			})), tt.key)
			require.NoError(t, checkAttributes(s.ctx, s.sqs, p.DLQURL, with(common, map[string]string{
				"MessageRetentionPeriod": "1209600", "RedrivePolicy": "", "Policy": tlsOnly(p.DLQARN),
				"RedriveAllowPolicy": fmt.Sprintf(`{"redrivePermission":"byQueue","sourceQueueArns":[%q]}`, p.QueueARN),
			})), tt.key)
		}
	})
}

// checkModuleAttributes holds a pair that the module made with its defaults to them.
func checkModuleAttributes(ctx context.Context, client *sqs.Client, p pair) error {
	return errors.Join(
		checkAttributes(ctx, client, p.QueueURL, map[string]string{
			"VisibilityTimeout": "30", "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true", "Policy": tlsOnly(p.QueueARN),
		}),
		checkAttributes(ctx, client, p.DLQURL, map[string]string{
			"SqsManagedSseEnabled": "true", "RedrivePolicy": "", "Policy": tlsOnly(p.DLQARN),
		}),
	)
}

// tlsOnly is the policy that refuses all requests to the queue that don't use TLS.
func tlsOnly(arn string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"DenyInsecureTransport","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":%q,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`, arn)
}

func with(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}
