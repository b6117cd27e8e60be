package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/cpu"
	"github.com/sqs-dlq/sqs-dlq/dlq"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

// rules are what somebody may write: three conditions on attributes and the body, and
// every message of the benchmark passes all of them.
const rules = `
rules:
  - name: test traffic
    when: is_json && body.tenant == "test"
    then: discard
  - name: often redriven
    when: redrive_count > 5
    then: quarantine
  - name: timed out
    when: age < duration("24h") && attributes["error"] == "Timeout"
    then: redrive
`

// bench is an endpoint with a dead-letter queue and a target, new for each measurement.
type bench struct {
	client      *sqs.Client
	http        *http.Client
	dir         string
	number      int
	dlq, target dlq.Queue
}

func newBench(endpoint, dir string) *bench {
	b := &bench{dir: dir, http: &http.Client{Transport: sdkhttp.PlainBodies(&http.Transport{MaxIdleConnsPerHost: 256})}}
	b.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), HTTPClient: b.http,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return b
}

func (b *bench) close() { b.http.CloseIdleConnections() }

// fill creates the queues and sends n messages to the dead-letter queue.
func (b *bench) fill(ctx context.Context, n int) (err error) {
	b.number++
	for name, q := range map[string]*dlq.Queue{"dlq": &b.dlq, "target": &b.target} {
		name += strconv.Itoa(b.number)
		if _, err := b.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name}); err != nil {
			return fmt.Errorf("creating queue %s: %w", name, err)
		}
		if *q, err = dlq.Find(ctx, b.client, name); err != nil {
			return err
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(8)
	for sent := 0; sent < n; sent += 10 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &b.dlq.URL}
		for i := sent; i < min(n, sent+10); i++ {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(`{"tenant":"acme","order":{"id":` + strconv.Itoa(i) + `,"items":["a","b","c"],"total":12.5},"note":"somebody wants this tomorrow"}`),
				MessageAttributes: map[string]types.MessageAttributeValue{"error": {DataType: aws.String("String"), StringValue: aws.String("Timeout")}},
			})
		}
		work.Go(func() error {
			_, err := b.client.SendMessageBatch(ctx, in)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return fmt.Errorf("sending messages: %w", err)
	}
	return nil
}

// empty deletes the queues, so that the endpoint doesn't hold what was redriven.
func (b *bench) empty(ctx context.Context) error {
	for _, q := range []dlq.Queue{b.dlq, b.target} {
		if _, err := b.client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.URL}); err != nil {
			return err
		}
	}
	return nil
}

// count is how many messages a queue has.
func (b *bench) count(ctx context.Context, q dlq.Queue) (int, error) {
	out, err := b.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
}

// measurement is how many messages a second were moved, and the CPU time that each cost
// this process, in microseconds.
type measurement struct{ rate, cpu float64 }

func (b *bench) measure(ctx context.Context, n, concurrency int, do func(ctx context.Context, concurrency int) error) (measurement, error) {
	if err := b.fill(ctx, n); err != nil {
		return measurement{}, err
	}
	runtime.GC()
	begin, own := time.Now(), cpu.Time()
	if err := do(ctx, concurrency); err != nil {
		return measurement{}, err
	}
	took := time.Since(begin)
	own = cpu.Time() - own
	if moved, err := b.count(ctx, b.target); err != nil || moved != n {
		return measurement{}, fmt.Errorf("of %d messages %d were moved: %w", n, moved, err)
	}
	return measurement{float64(n) / took.Seconds(), float64(own.Nanoseconds()) / 1e3 / float64(n)}, b.empty(ctx)
}

// bare is what a script does: receive ten, send ten, delete ten, until there are none. It
// looks at no message, and carries over its body and its attributes.
func (b *bench) bare(ctx context.Context, concurrency int) error {
	work, ctx := errgroup.WithContext(ctx)
	for range concurrency {
		work.Go(func() error {
			for {
				out, err := b.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &b.dlq.URL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
				if err != nil || len(out.Messages) == 0 {
					return err
				}
				send := &sqs.SendMessageBatchInput{QueueUrl: &b.target.URL}
				remove := &sqs.DeleteMessageBatchInput{QueueUrl: &b.dlq.URL}
				for i, m := range out.Messages {
					id := strconv.Itoa(i)
					send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: m.Body, MessageAttributes: m.MessageAttributes})
					remove.Entries = append(remove.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle})
				}
				if _, err := b.client.SendMessageBatch(ctx, send); err != nil {
					return err
				}
				if _, err := b.client.DeleteMessageBatch(ctx, remove); err != nil {
					return err
				}
			}
		})
	}
	return work.Wait()
}

// redrive is the selective redrive with everything on: rules, ledger, summary. Like the bare
// loop it doesn't wait for messages when there are none.
func (b *bench) redrive(concurrency int) (dlq.Redrive, error) {
	parsed, err := dlq.ParseRules("rules", []byte(rules))
	return dlq.Redrive{
		Client: b.client, DLQ: b.dlq, Rules: parsed, To: &b.target, Concurrency: concurrency, Wait: -1,
		QuarantineFile: filepath.Join(b.dir, "quarantine"), DiscardFile: filepath.Join(b.dir, "discarded"),
		Ledger: filepath.Join(b.dir, "ledger-"+b.dlq.Name),
	}, err
}

func (b *bench) selective(ctx context.Context, concurrency int) error {
	r, err := b.redrive(concurrency)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(r.Ledger) }()
	s, err := r.Run(ctx)
	if err == nil && len(s.Attention()) > 0 {
		err = fmt.Errorf("the redrive did not go well: %v", s.Attention())
	}
	return err
}

func (b *bench) dryRun(ctx context.Context, concurrency int) error {
	r, err := b.redrive(concurrency)
	if err != nil {
		return err
	}
	r.DryRun = true
	_, err = r.Run(ctx)
	return err
}

// memory returns the heap at most and at the end, in bytes.
func (b *bench) memory(ctx context.Context, n int, do func(ctx context.Context, concurrency int) error) (most, end uint64, err error) {
	if err := b.fill(ctx, n); err != nil {
		return 0, 0, err
	}
	runtime.GC()
	stop, sampled := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-tick.C:
			case <-stop:
				sampled <- most
				return
			}
		}
	}()
	err = do(ctx, 4)
	close(stop)
	most = <-sampled
	if err != nil {
		return 0, 0, err
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return most, m.HeapAlloc, b.empty(ctx)
}
