package dlqtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// queueSettings are the settings of a pair that a test makes.
type queueSettings struct {
	name              string
	fifo              bool
	maxReceiveCount   int
	visibility, delay time.Duration
}

// makePair makes a source queue and its DLQ on the endpoint.
func makePair(ctx context.Context, srv *awstest.Server, s queueSettings) (dlqtest.Queue, error) {
	client := sqs.NewFromConfig(srv.DirectConfig())
	suffix, kind := "", map[string]string{}
	if s.fifo {
		suffix, kind["FifoQueue"] = ".fifo", "true"
	}
	dlqName, name := s.name+"-dlq"+suffix, s.name+suffix
	dlq, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &dlqName, Attributes: kind})
	if err != nil {
		return dlqtest.Queue{}, err
	}
	attributes := map[string]string{
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, dlqName, s.maxReceiveCount),
		"VisibilityTimeout": fmt.Sprint(int(s.visibility.Seconds())),
		"DelaySeconds":      fmt.Sprint(int(s.delay.Seconds())),
	}
	if s.fifo {
		attributes["FifoQueue"] = "true"
	}
	source, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return dlqtest.Queue{}, err
	}
	return dlqtest.Queue{URL: *source.QueueUrl, DLQ: *dlq.QueueUrl, MaxReceiveCount: s.maxReceiveCount}, nil
}

// targetOf is the endpoint as a target, for clients that don't wait before they retry, nor
// sign what the endpoint takes unsigned.
func targetOf(srv *awstest.Server) dlqtest.Target {
	cfg := srv.DirectConfig()
	cfg.Credentials = aws.AnonymousCredentials{}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return dlqtest.Target{Config: cfg, Clock: srv.Clock, Ground: dlqtest.Embedded}
}

// text is the proof's report.
func text(proof *dlqtest.Proof) string {
	if proof == nil {
		return "no proof"
	}
	var b strings.Builder
	_ = proof.Report().WriteText(&b)
	return b.String()
}

func faults(n int) []dlqtest.Fault {
	return []dlqtest.Fault{
		dlqtest.Crash(), dlqtest.Nack(), dlqtest.Stale(), dlqtest.PartialBatch(), dlqtest.SlowPoison(),
		dlqtest.Healthy(), dlqtest.SlowHeartbeat(), dlqtest.Killed(), dlqtest.Duplicate(),
		dlqtest.Flaky(n-1, dlqtest.Leave), dlqtest.Flaky(n-1, dlqtest.Return), dlqtest.Flaky(n-1, dlqtest.Overrun),
		dlqtest.Flaky(n-1, dlqtest.Late), dlqtest.Flaky(n-1, dlqtest.Beat), dlqtest.Flaky(n, dlqtest.Leave),
		{Name: "flaky and slow", Fails: n - 1, How: dlqtest.Beat, Then: dlqtest.BeatDelete},
	}
}

func TestEveryFaultIsProven(t *testing.T) {
	const n = 3
	for _, fifo := range []bool{false, true} {
		for _, f := range faults(n) {
			t.Run(fmt.Sprintf("%s fifo=%v", f, fifo), func(t *testing.T) {
				t.Parallel()
				srv := awstest.Start(t)
				q, err := makePair(t.Context(), srv, queueSettings{name: "q", fifo: fifo, maxReceiveCount: n, visibility: 30 * time.Second})
				require.NoError(t, err)
				plan := []dlqtest.Message{{Fault: f, Group: "a"}, {Fault: dlqtest.Healthy(), Group: "a"}, {Fault: dlqtest.Crash(), Group: "b"}, {Fault: f, Group: "b"}}
				proof, err := dlqtest.Prove(t.Context(), targetOf(srv), q, dlqtest.WithPlan(plan))
				require.NoError(t, err)
				require.True(t, proof.Proven(), text(proof))
			})
		}
	}
}

// An endpoint that throttles, fails and drops answers meanwhile must not be taken for a
// queue that does: what is lost in between is unknown at worst, never a violation.
func TestTroubleOnTheWayIsNotBlamedOnTheQueue(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		if fifo && testing.Short() {
			continue
		}
		for _, kind := range []awstest.FaultKind{
			awstest.Throttle, awstest.Unavailable, awstest.InternalError, awstest.DropRequest, awstest.DropResponse, awstest.TruncateResponse,
		} {
			for _, op := range []string{"SendMessage", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "GetQueueAttributes"} {
				t.Run(fmt.Sprintf("%s on %s fifo=%v", kind, op, fifo), func(t *testing.T) {
					t.Parallel()
					srv := awstest.Start(t)
					q, err := makePair(t.Context(), srv, queueSettings{name: "q", fifo: fifo, maxReceiveCount: 3, visibility: 30 * time.Second})
					require.NoError(t, err)
					fault := awstest.Fault{Kind: kind, Service: "sqs", Operation: op, Share: 0.3, Seed: 7}
					if op == "GetQueueAttributes" {
						fault.Skip = 2 // the proof may not begin without
					}
					srv.Inject(fault)
					proof, err := dlqtest.Prove(t.Context(), targetOf(srv), q)
					require.NoError(t, err, text(proof))
					for _, v := range proof.Verdicts {
						require.NotEqual(t, dlqtest.Violated, v.Status, text(proof))
					}
				})
			}
		}
	}
}

// Throttled calls take no effect, so that the proof is none the worse for them.
func TestThrottlingLeavesTheProofAsItIs(t *testing.T) {
	srv := awstest.Start(t)
	q, err := makePair(t.Context(), srv, queueSettings{name: "q", maxReceiveCount: 3, visibility: 30 * time.Second})
	require.NoError(t, err)
	srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: "sqs", Share: 0.2, Seed: 1, Skip: 4})
	proof, err := dlqtest.Prove(t.Context(), targetOf(srv), q)
	require.NoError(t, err)
	require.True(t, proof.Proven(), text(proof))
}

// skewed is a clock that is off by so much.
type skewed struct {
	dlqtest.Clock
	by time.Duration
}

func (s skewed) Now() time.Time { return s.Clock.Now().Add(s.by) }

func TestClockSkewIsAllowedFor(t *testing.T) {
	for _, by := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			srv := awstest.Start(t)
			q := sample{maxReceiveCount: 2, visibility: 30, alarm: true}.create(t, srv)
			target := targetOf(srv)
			target.Clock = skewed{srv.Clock, by}
			proof, err := dlqtest.Prove(t.Context(), target, q)
			require.NoError(t, err)
			require.True(t, proof.Proven(), text(proof))
		})
	}
}

func TestBadStatementsAreRefusedWithWhatToDo(t *testing.T) {
	srv := awstest.Start(t)
	sound, err := makePair(t.Context(), srv, queueSettings{name: "q", maxReceiveCount: 3, visibility: 30 * time.Second})
	require.NoError(t, err)
	client := sqs.NewFromConfig(srv.Config())
	for _, tt := range []struct {
		name string
		edit func(*dlqtest.Queue)
		opts []dlqtest.Option
		want string
	}{
		{"no URL", func(q *dlqtest.Queue) { q.URL = "" }, nil, "Queue.URL is empty: give the queue's URL"},
		{"a name for a URL", func(q *dlqtest.Queue) { q.DLQ = "orders-dlq" }, nil, "give the queue's URL, not its name or ARN"},
		{"a queue that is its own DLQ", func(q *dlqtest.Queue) { q.DLQ = q.URL }, nil, "cannot be its own"},
		{"no count", func(q *dlqtest.Queue) { q.MaxReceiveCount = 0 }, nil, "state what you expect"},
		{"notifications of no alarm", func(q *dlqtest.Queue) { q.Notifications = q.DLQ }, nil, "name the alarm"},
		{"an alarm that isn't there", func(q *dlqtest.Queue) { q.Alarm = "nope" }, nil, "there is no CloudWatch alarm of the name nope"},
		{"a queue that isn't there", func(q *dlqtest.Queue) { q.URL += "x" }, nil, "reading the source queue's attributes"},
		{"too many consumers", func(*dlqtest.Queue) {}, []dlqtest.Option{dlqtest.WithConsumers(65)}, "from 1 to 64"},
		{"too large batches", func(*dlqtest.Queue) {}, []dlqtest.Option{dlqtest.WithBatch(11)}, "from 1 to 10"},
		{"an empty plan", func(*dlqtest.Queue) {}, []dlqtest.Option{dlqtest.WithPlan(nil)}, "has no messages"},
		{"a fault that fails in no way", func(*dlqtest.Queue) {}, []dlqtest.Option{dlqtest.WithPlan([]dlqtest.Message{{Fault: dlqtest.Fault{Fails: 2}}})}, "doesn't say how"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := sound
			tt.edit(&q)
			proof, err := dlqtest.Prove(t.Context(), targetOf(srv), q, tt.opts...)
			require.Nil(t, proof)
			var setup *dlqtest.SetupError
			require.ErrorAs(t, err, &setup)
			require.ErrorContains(t, err, tt.want)
		})
	}
	t.Run("a queue that is in use", func(t *testing.T) {
		body := "somebody's"
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &sound.DLQ, MessageBody: &body})
		require.NoError(t, err)
		_, err = dlqtest.Prove(t.Context(), targetOf(srv), sound)
		require.ErrorContains(t, err, "queue q-dlq holds 1 message: a proof needs queues that are empty")
	})
}
