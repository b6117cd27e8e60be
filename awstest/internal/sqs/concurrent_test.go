package sqs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// nobody takes metrics.
type nobody struct{}

func (nobody) PutQueue(string, string, string, time.Time, []fabric.Value) {}

func TestSixtyFourClientsAtOnceLoseAndDoubleNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, which -short leaves out")
	}
	const clients, each, receives = 64, 4, 2
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%t", fifo), func(t *testing.T) {
			h := newHarness(t, Options{})
			suffix, attributes := "", []string{"VisibilityTimeout", "43200"} // nothing lapses: consumers end it themselves
			if fifo {
				suffix, attributes = ".fifo", append(attributes, "FifoQueue", "true", "ContentBasedDeduplication", "true")
			}
			dlq := h.queue("dlq"+suffix, attributes...)
			q := h.queue("q"+suffix, append(attributes, "RedrivePolicy", redriveTo("dlq"+suffix, receives))...)

			stop := make(chan struct{})
			var background sync.WaitGroup
			background.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						h.clk.Advance(10 * time.Millisecond)
						h.svc.PublishMetrics(h.clk.Now(), nobody{})
						time.Sleep(time.Millisecond) // gives the clients a turn; nothing depends on how long
					}
				}
			})

			var mu sync.Mutex
			seen := map[string]int{}    // receives of poison messages from the source
			dead := map[string]int{}    // and from the DLQ
			healthy := map[string]int{} // deletes of healthy ones
			finished := func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(dead) == clients*each && len(healthy) == clients*each
			}
			ctx, cancel := context.WithTimeout(h.ctx(), time.Minute)
			defer cancel()
			errs := make(chan error, clients)
			var wg sync.WaitGroup
			for c := range clients {
				wg.Go(func() {
					errs <- func() error {
						for i := range each {
							for _, kind := range []string{"poison", "healthy"} {
								body := fmt.Sprintf("%s-%d-%d", kind, c, i)
								in := &awssqs.SendMessageInput{QueueUrl: &q, MessageBody: &body}
								if fifo {
									in.MessageGroupId = &body
								}
								if _, err := h.sqs.SendMessage(ctx, in); err != nil {
									return err
								}
							}
						}
						for !finished() && ctx.Err() == nil {
							from := q
							if c%4 == 0 {
								from = dlq
							}
							out, err := h.sqs.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &from, MaxNumberOfMessages: 10, WaitTimeSeconds: int32(c % 3)})
							if err != nil {
								return err
							}
							for _, m := range out.Messages {
								if err := h.consume(ctx, from, m, from == dlq, &mu, seen, dead, healthy); err != nil {
									return err
								}
							}
						}
						return ctx.Err()
					}()
				})
			}
			wg.Wait()
			close(stop)
			background.Wait()
			for range clients {
				require.NoError(t, <-errs)
			}
			for c := range clients {
				for i := range each {
					name := fmt.Sprintf("-%d-%d", c, i)
					require.Equal(t, receives, seen["poison"+name], name)
					require.Equal(t, 1, healthy["healthy"+name], name)
					require.Equal(t, 1, dead["poison"+name], name)
				}
			}
			require.Len(t, dead, clients*each, "and nothing else was dead-lettered")
			require.Equal(t, [3]int{0, 0, 0}, h.counts(q))
			require.Equal(t, [3]int{0, 0, 0}, h.counts(dlq))
		})
	}
}

// consume deletes what is healthy, or was dead-lettered, and puts the rest back.
func (h *harness) consume(ctx context.Context, from string, m types.Message, last bool, mu *sync.Mutex, seen, dead, healthy map[string]int) error {
	body := *m.Body
	count := healthy
	var err error
	switch {
	case !last && strings.HasPrefix(body, "poison"):
		count, err = seen, h.hide(from, m, 0)
	case last:
		count = dead
		fallthrough
	default:
		_, err = h.sqs.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &from, ReceiptHandle: m.ReceiptHandle})
	}
	mu.Lock()
	defer mu.Unlock()
	count[body]++
	return err
}
