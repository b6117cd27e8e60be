package consumer_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// BenchmarkWorker has a Worker and a bare loop of the SDK's calls (receive ten, delete ten)
// consume the same number of messages at the same concurrency, in turns. It reports how
// many a second each handles and the Worker's share of the loop's: the medians, since other
// processes disturb single turns.
func BenchmarkWorker(b *testing.B) {
	for _, concurrency := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("concurrency %d", concurrency), func(b *testing.B) {
			const messages = 2000
			var worker, bare, shares []float64
			var workerCalls, bareCalls atomic.Int64
			var cpu [2]time.Duration // of the worker, of the loop
			measure := func(calls *atomic.Int64, consume func(ctx context.Context, client consumer.SQS, url string, one func())) float64 {
				took, cost := consumed(b, messages, calls, consume)
				if calls == &workerCalls {
					cpu[0] += cost
				} else {
					cpu[1] += cost
				}
				return messages / took.Seconds()
			}
			for i := 0; b.Loop(); i++ {
				loop := func() {
					bare = append(bare, measure(&bareCalls, func(ctx context.Context, client consumer.SQS, url string, one func()) {
						bareLoop(ctx, client, url, concurrency, one)
					}))
				}
				if i%2 == 0 {
					loop()
				}
				worker = append(worker, measure(&workerCalls, func(ctx context.Context, client consumer.SQS, url string, one func()) {
					w, err := consumer.NewWorker(client, url, func(context.Context, consumer.Message) error { one(); return nil },
						consumer.Concurrency(concurrency), quiet())
					require.NoError(b, err)
					require.NoError(b, w.Run(ctx))
				}))
				if i%2 == 1 {
					loop()
				}
				shares = append(shares, worker[i]/bare[i])
			}
			b.ReportMetric(median(worker), "worker-msgs/s")
			b.ReportMetric(median(bare), "bare-msgs/s")
			b.ReportMetric(median(shares), "worker/bare")
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "cpu-bare/worker")
			b.ReportMetric(float64(workerCalls.Load())/float64(b.N*messages), "worker-calls/msg")
			b.ReportMetric(float64(bareCalls.Load())/float64(b.N*messages), "bare-calls/msg")
			b.ReportMetric(0, "ns/op") // sending is most of it
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// counting counts the calls.
type counting struct {
	consumer.SQS
	calls *atomic.Int64
}

func (c counting) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	c.calls.Add(1)
	return c.SQS.ReceiveMessage(ctx, in, opts...)
}

func (c counting) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	c.calls.Add(1)
	return c.SQS.DeleteMessageBatch(ctx, in, opts...)
}

// consumed is how long it takes until all messages are handled and deleted.
func consumed(b *testing.B, messages int, calls *atomic.Int64, consume func(ctx context.Context, client consumer.SQS, url string, one func())) (took, cpu time.Duration) {
	srv := awstest.Start(b, awstest.WithoutCallLog())
	defer srv.Close()
	client := sqs.NewFromConfig(srv.Config())
	out, err := client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: new("q")})
	require.NoError(b, err)
	for i := 0; i < messages; i += 10 {
		in := &sqs.SendMessageBatchInput{QueueUrl: out.QueueUrl}
		for j := range 10 {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(j)), MessageBody: new(fmt.Sprintf(`{"order":%d}`, i+j))})
		}
		_, err := client.SendMessageBatch(b.Context(), in)
		require.NoError(b, err)
	}
	runtime.GC()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var handled atomic.Int64
	begun, used := time.Now(), cpuTime()
	consume(ctx, counting{client, calls}, *out.QueueUrl, func() {
		if handled.Add(1) == int64(messages) {
			took = time.Since(begun)
			stop()
		}
	})
	cpu = cpuTime() - used
	left, err := client.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(b, err)
	require.Equal(b, []string{"0", "0"}, []string{left.Attributes["ApproximateNumberOfMessages"], left.Attributes["ApproximateNumberOfMessagesNotVisible"]})
	return took, cpu
}

// cpuTime is what this process has used, the endpoint's share included. Unlike the time that
// passes it is the same however busy the machine is.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// bareLoop is what a consumer without any care does.
func bareLoop(ctx context.Context, client consumer.SQS, url string, concurrency int, one func()) {
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for ctx.Err() == nil {
				out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
					QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, VisibilityTimeout: 60,
					MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
				})
				if err != nil || len(out.Messages) == 0 {
					continue
				}
				in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
				for i, m := range out.Messages {
					one()
					in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
				}
				_, _ = client.DeleteMessageBatch(context.WithoutCancel(ctx), in) // the caller sees what is left
			}
		})
	}
	wg.Wait()
}

// BenchmarkLambda is what the adapter adds to a message, beside the handler.
func BenchmarkLambda(b *testing.B) {
	event := func(queue string, n int) events.SQSEvent {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = "m" + strconv.Itoa(i)
		}
		return records(queue, ids...)
	}
	handler := func(context.Context, consumer.Message) error { return nil }
	for _, c := range []struct {
		name  string
		event events.SQSEvent
		opts  []consumer.Option
	}{
		{"batch of 10", event("q", 10), nil},
		{"batch of 10000", event("q", 10_000), nil},
		{"batch of 10 of a FIFO queue", event("q.fifo", 10), nil},
		{"batch of 10 idempotent", event("q", 10), []consumer.Option{consumer.Idempotent(consumer.Idempotency{Store: &forgetful{}})}},
	} {
		b.Run(c.name, func(b *testing.B) {
			fn := consumer.Lambda(handler, append(c.opts, quiet())...)
			b.ReportAllocs()
			for b.Loop() {
				response, err := fn(b.Context(), c.event)
				if err != nil || len(response.BatchItemFailures) > 0 {
					b.Fatal(err, response)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(c.event.Records)), "µs/msg")
		})
	}
}

// forgetful is a store that costs nothing and lets everybody work.
type forgetful struct{}

func (forgetful) Acquire(context.Context, consumer.Lease, time.Time) (consumer.Claim, error) {
	return consumer.Claim{}, nil
}
func (forgetful) Complete(context.Context, consumer.Lease, time.Time) error { return nil }
func (forgetful) Release(context.Context, consumer.Lease) error             { return nil }

// BenchmarkWorkerMemory has a Worker consume queues of several lengths that nobody stores:
// it reports how large the heap was at most after a collection, and what the Worker itself
// costs a message.
func BenchmarkWorkerMemory(b *testing.B) {
	for _, messages := range []int64{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d messages", messages), func(b *testing.B) {
			var most uint64
			for b.Loop() {
				ctx, stop := context.WithCancel(b.Context())
				var sent, handled atomic.Int64
				client := fakeSQS{
					receive: func(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
						out := &sqs.ReceiveMessageOutput{}
						for range in.MaxNumberOfMessages {
							n := sent.Add(1)
							if n > messages {
								break
							}
							out.Messages = append(out.Messages, types.Message{
								MessageId: new(strconv.FormatInt(n, 10)), ReceiptHandle: new(strconv.FormatInt(n, 10)), Body: new(strings.Repeat("x", 1000)),
								Attributes: map[string]string{"ApproximateReceiveCount": "1"},
							})
						}
						if len(out.Messages) == 0 {
							<-ctx.Done()
						}
						return out, nil
					},
					bounded: func(string, context.Context) {},
				}
				w, err := consumer.NewWorker(client, "https://example/q", func(context.Context, consumer.Message) error {
					n := handled.Add(1)
					if n%(messages/10) == 0 {
						var stats runtime.MemStats
						runtime.GC()
						runtime.ReadMemStats(&stats)
						most = max(most, stats.HeapAlloc)
					}
					if n == messages {
						stop()
					}
					return nil
				}, quiet(), consumer.Time(impatient{}))
				require.NoError(b, err)
				require.NoError(b, w.Run(ctx))
			}
			b.ReportMetric(float64(most)/(1<<20), "MB-heap")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(int64(b.N)*messages), "µs/msg")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// impatient is a clock that doesn't wait for the second in which a receive may answer at
// the end.
type impatient struct{ consumer.WallClock }

func (i impatient) Sleep(ctx context.Context, d time.Duration) error {
	return i.WallClock.Sleep(ctx, d/100)
}
