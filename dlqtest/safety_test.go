package dlqtest_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// elsewhere is the endpoint as one that others may use, too.
func elsewhere(srv *awstest.Server) dlqtest.Target {
	t := targetOf(srv)
	t.Ground = dlqtest.Endpoint
	return t
}

// holds is how many messages of each kind a queue says that it holds.
func holds(t *testing.T, srv *awstest.Server, queueURL string) map[types.QueueAttributeName]int {
	t.Helper()
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := sqs.NewFromConfig(srv.Config()).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: names})
	require.NoError(t, err)
	held := map[types.QueueAttributeName]int{}
	for _, name := range names {
		if n, err := strconv.Atoi(out.Attributes[string(name)]); err != nil || n > 0 {
			require.NoError(t, err)
			held[name] = n
		}
	}
	return held
}

func TestQueuesInUseAreRefusedUnlessForced(t *testing.T) {
	ctx := context.Background()
	poll := func(t *testing.T, client *sqs.Client, queueURL string) {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queueURL}, dlqtest.ShortPoll)
		require.NoError(t, err)
		for _, m := range out.Messages {
			_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
			require.NoError(t, err)
		}
	}
	send := func(t *testing.T, client *sqs.Client, queueURL string) {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: aws.String("somebody's")})
		require.NoError(t, err)
	}
	for _, tt := range []struct {
		name    string
		use     func(*testing.T, *sqs.Client, dlqtest.Queue)
		ago     time.Duration
		refusal string // empty: none
	}{
		{"nobody has used them", func(*testing.T, *sqs.Client, dlqtest.Queue) {}, 2 * time.Minute, ""},
		{"a consumer polls the source", func(t *testing.T, c *sqs.Client, q dlqtest.Queue) { poll(t, c, q.URL) }, 2 * time.Minute, "queue q was used in the last 15 minutes (1 empty receive)"},
		{"a message went through the source", func(t *testing.T, c *sqs.Client, q dlqtest.Queue) {
			send(t, c, q.URL)
			poll(t, c, q.URL)
		}, 10 * time.Minute, "queue q was used in the last 15 minutes (1 message sent, 1 message received)"},
		{"somebody looked into the DLQ", func(t *testing.T, c *sqs.Client, q dlqtest.Queue) { poll(t, c, q.DLQ) }, 2 * time.Minute, "queue q-dlq was used in the last 15 minutes (1 empty receive)"},
		{"they were used long ago", func(t *testing.T, c *sqs.Client, q dlqtest.Queue) { poll(t, c, q.URL) }, 20 * time.Minute, ""},
	} {
		for _, ground := range []dlqtest.Ground{dlqtest.Endpoint, dlqtest.AWS} {
			t.Run(tt.name+" on "+string(ground), func(t *testing.T) {
				t.Parallel()
				srv := awstest.Start(t)
				q, err := makePair(t.Context(), srv, queueSettings{name: "q", maxReceiveCount: 2, visibility: 30 * time.Second})
				require.NoError(t, err)
				require.NoError(t, srv.Clock.Sleep(t.Context(), time.Hour)) // they aren't new
				tt.use(t, sqs.NewFromConfig(srv.Config()), q)
				require.NoError(t, srv.Clock.Sleep(t.Context(), tt.ago))
				target := elsewhere(srv)
				target.Ground = ground

				srv.ResetCalls()
				proof, err := dlqtest.Prove(t.Context(), target, q)
				if tt.refusal != "" {
					var setup *dlqtest.SetupError
					require.ErrorAs(t, err, &setup)
					require.ErrorContains(t, err, tt.refusal)
					require.ErrorContains(t, err, "Queue.Force (--force)")
					require.Nil(t, proof)
					require.Zero(t, srv.Count("sqs", "SendMessage")+srv.Count("sqs", "ReceiveMessage"), "it was touched")
					q.Force = true
					proof, err = dlqtest.Prove(t.Context(), target, q)
				}
				require.NoError(t, err)
				require.True(t, proof.Proven(), text(proof))

				target.Ground, q.Force = dlqtest.Embedded, false // whose queues are nobody else's
				proof, err = dlqtest.Prove(t.Context(), target, q)
				require.NoError(t, err)
				require.True(t, proof.Proven(), text(proof))
			})
		}
	}
}

func TestAQueueIsNotTakenForAnEarlierOneOfItsName(t *testing.T) {
	srv := awstest.Start(t)
	client := sqs.NewFromConfig(srv.Config())
	s := queueSettings{name: "q", maxReceiveCount: 2, visibility: 30 * time.Second}
	for range 2 {
		q, err := makePair(t.Context(), srv, s)
		require.NoError(t, err)
		proof, err := dlqtest.Prove(t.Context(), elsewhere(srv), q)
		require.NoError(t, err)
		require.True(t, proof.Proven(), text(proof))
		for _, url := range []string{q.URL, q.DLQ} {
			_, err := client.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
			require.NoError(t, err)
		}
		require.NoError(t, srv.Clock.Sleep(t.Context(), time.Minute)) // until the name is free again
	}
}

func TestMetricsThatCannotBeReadRefuseAQueueOnAWSOnly(t *testing.T) {
	for _, tt := range []struct {
		ground  dlqtest.Ground
		refused bool
	}{{dlqtest.AWS, true}, {dlqtest.Endpoint, false}} {
		t.Run(string(tt.ground), func(t *testing.T) {
			t.Parallel()
			srv := awstest.Start(t)
			q, err := makePair(t.Context(), srv, queueSettings{name: "q", maxReceiveCount: 2, visibility: 30 * time.Second})
			require.NoError(t, err)
			srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "monitoring", Operation: "GetMetricData"})
			var said []string
			target := elsewhere(srv)
			target.Ground, target.Progress = tt.ground, func(line string) { said = append(said, line) }
			proof, err := dlqtest.Prove(t.Context(), target, q)
			if tt.refused {
				require.ErrorContains(t, err, "reading from CloudWatch whether queue q was used lately")
				require.ErrorContains(t, err, "allow cloudwatch:GetMetricData")
				return
			}
			require.NoError(t, err)
			require.True(t, proof.Proven(), text(proof))
			require.Contains(t, said[0], "whether q was used lately is not known")
		})
	}
}

// A proof that is interrupted leaves nothing in queues that live on, wherever it is.
func TestAProofThatEndsEarlyTakesItsMessagesAway(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		for _, op := range []string{"SendMessage", "ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "StartMessageMoveTask", "ListMessageMoveTasks"} {
			for _, after := range []int{0, 1, 4, 11} {
				name := op + " after " + strconv.Itoa(after) + " fifo=" + strconv.FormatBool(fifo)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					srv := awstest.Start(t)
					q, err := makePair(t.Context(), srv, queueSettings{name: "q", fifo: fifo, maxReceiveCount: 2, visibility: 10 * time.Minute})
					require.NoError(t, err)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					target := elsewhere(srv)
					target.Config.HTTPClient = interrupting{srv.Config().HTTPClient, func() {
						if srv.Count("sqs", op) > after && ctx.Err() == nil {
							cancel()
							time.Sleep(10 * time.Millisecond) // a connection that is to be cut off is, by then
						}
					}}
					proof, err := dlqtest.Prove(ctx, target, q)
					if err == nil {
						require.True(t, proof.Proven(), "it makes no so many calls: %s", text(proof))
					} else if !errors.Is(err, context.Canceled) {
						require.NoError(t, err)
					}
					for _, queue := range []string{q.URL, q.DLQ} {
						require.Empty(t, holds(t, srv, queue), "%s: %v", queue, err)
					}
				})
			}
		}
	}
}

// interrupting is a client that calls done after each request.
type interrupting struct {
	aws.HTTPClient
	done func()
}

// Do makes the request.
func (i interrupting) Do(r *http.Request) (*http.Response, error) {
	defer i.done()
	return i.HTTPClient.Do(r)
}

func TestWhatAProofTakesAwayIsOnlyItsOwn(t *testing.T) {
	srv := awstest.Start(t)
	q, err := makePair(t.Context(), srv, queueSettings{name: "q", maxReceiveCount: 3, visibility: 10 * time.Minute})
	require.NoError(t, err)
	client := sqs.NewFromConfig(srv.Config())
	for _, queue := range []string{q.URL, q.DLQ} {
		for _, body := range []string{"somebody's", `{"proof":"another-1"}`} {
			_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body})
			require.NoError(t, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said []string
	target := elsewhere(srv)
	target.Progress = func(line string) {
		said = append(said, line)
		if line == "reading the DLQ" {
			cancel()
		}
	}
	_, err = dlqtest.Prove(ctx, target, q)
	require.ErrorContains(t, err, "queue q holds 2 messages")
	require.ErrorContains(t, err, "Queue.Force (--force)")

	q.Force = true
	proof, err := dlqtest.Prove(ctx, target, q)
	require.ErrorIs(t, err, context.Canceled)
	for _, e := range proof.History.Events {
		require.False(t, e.Op == dlqtest.OpDelete && e.Key == "", "a message of another's was deleted")
	}
	// the consumers have received the source's two so often that they were dead-lettered
	require.Empty(t, holds(t, srv, q.URL))
	require.Equal(t, map[types.QueueAttributeName]int{types.QueueAttributeNameApproximateNumberOfMessages: 4}, holds(t, srv, q.DLQ), "given back, not deleted")
	require.Contains(t, said[len(said)-1], "q-dlq still holds 4 messages")
}
