package dlqtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// A queue pair that was created with the SDK is proven on an AWS endpoint inside the
// process. Its clock is moved, so that five visibility timeouts of an hour take no time.
func ExampleProve() {
	ctx := context.Background()
	srv, err := awstest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	queue, err := createOrders(ctx, srv.Config(), 5)
	if err != nil {
		fmt.Println(err)
		return
	}

	target := dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Embedded}
	proof, err := dlqtest.Prove(ctx, target, queue)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range proof.Verdicts {
		fmt.Println(v.Status, v.Invariant)
	}
	fmt.Println("proven:", proof.Proven())

	// Output:
	// held exact
	// held dead-lettered
	// held intact
	// held spared
	// held conserved
	// held isolated
	// held redriven
	// proven: true
}

// What a proof expects is the caller's to say. This queue allows five receives, where four
// were meant.
func ExampleProve_violated() {
	ctx := context.Background()
	srv, err := awstest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	queue, err := createOrders(ctx, srv.Config(), 5)
	if err != nil {
		fmt.Println(err)
		return
	}
	queue.MaxReceiveCount = 4 // what was meant

	target := dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Embedded}
	proof, err := dlqtest.Prove(ctx, target, queue, dlqtest.WithPlan([]dlqtest.Message{{Fault: dlqtest.Nack()}, {Fault: dlqtest.Healthy()}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range proof.Verdicts[:2] {
		what, _, _ := strings.Cut(v.Findings[0].What, " at ") // without the time
		fmt.Printf("%s %s: %s\n", v.Status, v.Invariant, what)
	}

	// Output:
	// violated exact: was received with count 5
	// violated dead-lettered: its first receive from the DLQ had count 6, not 5
}

// The consumers of a test's own plan fail in the ways that this service has seen: eight of
// them compete, each for batches of three.
func ExampleWithPlan() {
	ctx := context.Background()
	srv, err := awstest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	queue, err := createOrders(ctx, srv.Config(), 5)
	if err != nil {
		fmt.Println(err)
		return
	}

	plan := []dlqtest.Message{
		{Fault: dlqtest.Stale()},                 // always slower than the visibility timeout
		{Fault: dlqtest.PartialBatch()},          // always the one that fails of its batch
		{Fault: dlqtest.SlowHeartbeat()},         // slow, but extends the visibility timeout
		{Fault: dlqtest.Killed()},                // processed, but not acknowledged, the first time
		{Fault: dlqtest.Flaky(4, dlqtest.Leave)}, // succeeds on the last receive that is allowed
		{Fault: dlqtest.Flaky(5, dlqtest.Leave)}, // would succeed on the one after it: too late
		{Fault: dlqtest.Fault{Name: "out of memory", Fails: dlqtest.Always, How: dlqtest.Leave}},
	}
	target := dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Embedded}
	proof, err := dlqtest.Prove(ctx, target, queue, dlqtest.WithPlan(plan), dlqtest.WithConsumers(8), dlqtest.WithBatch(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range proof.Report().Messages {
		end := "processed"
		if m.DeadLettered != nil {
			end = "in the DLQ"
		}
		fmt.Printf("%s (received %dx): %s\n", m.Fault, len(m.Receives), end)
	}
	fmt.Println("proven:", proof.Proven())

	// Output:
	// overrun (received 5x): in the DLQ
	// partial batch (received 5x): in the DLQ
	// slow heartbeat (received 1x): processed
	// killed before delete (received 2x): processed
	// flaky(4, leave) (received 5x): processed
	// flaky(5, leave) (received 5x): in the DLQ
	// out of memory (received 5x): in the DLQ
	// proven: true
}

// A history that was recorded before, here by hand, is judged by itself: its one message
// was received twice and then never seen again.
func ExampleCheck() {
	const recorded = `
{"ground":"embedded","clock":"virtual","started":"2026-11-24T09:00:00Z","source":"arn:aws:sqs:eu-west-1:123456789012:orders","dlq":"arn:aws:sqs:eu-west-1:123456789012:orders-dlq","fifo":false,"maxReceiveCount":2,"keepDlq":true}
{"seq":1,"call":"2026-11-24T09:00:01Z","return":"2026-11-24T09:00:01Z","op":"send","outcome":"ok","queue":"arn:aws:sqs:eu-west-1:123456789012:orders","key":"1","messageId":"a1","fault":"crash","fails":-1}
{"seq":2,"call":"2026-11-24T09:00:02Z","return":"2026-11-24T09:00:02Z","op":"receive","outcome":"ok","queue":"arn:aws:sqs:eu-west-1:123456789012:orders","key":"1","messageId":"a1","receiveCount":1}
{"seq":3,"call":"2026-11-24T09:01:00Z","return":"2026-11-24T09:01:00Z","op":"receive","outcome":"ok","queue":"arn:aws:sqs:eu-west-1:123456789012:orders","key":"1","messageId":"a1","receiveCount":2}
{"seq":4,"call":"2026-11-24T09:02:00Z","return":"2026-11-24T09:02:00Z","op":"drain","outcome":"ok","queue":"arn:aws:sqs:eu-west-1:123456789012:orders"}
{"seq":5,"call":"2026-11-24T09:02:01Z","return":"2026-11-24T09:02:01Z","op":"drain","outcome":"ok","queue":"arn:aws:sqs:eu-west-1:123456789012:orders-dlq"}
`
	history, err := dlqtest.ReadHistory(strings.NewReader(recorded))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range dlqtest.Check(history) {
		fmt.Printf("%s %s: %s\n", v.Status, v.Invariant, v.Summary)
	}

	// Output:
	// held exact: 1 poison message received exactly twice each, and never again
	// violated dead-lettered: message 1 (a1): never reached the DLQ
	// unknown intact: no message was seen in the DLQ
	// unknown spared: no message was sent that can be processed
	// violated conserved: message 1 (a1): is lost: it was neither acknowledged nor is it in the DLQ
	// held isolated: nothing else is in the DLQ
}

// In a test, Require is all there is to it. These queues are in the account of the default
// credentials: the proof waits for the queue's own visibility timeout, as often as messages
// are to be received, and the queue is to be empty and in nobody's use.
func ExampleRequire() {
	_ = func(t *testing.T) { // func TestOrdersDeadLetters(t *testing.T)
		cfg, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dlqtest.Require(t, dlqtest.Target{Config: cfg, Progress: func(line string) { t.Log(line) }}, dlqtest.Queue{
			URL:             "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-staging",
			DLQ:             "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-staging-dlq",
			MaxReceiveCount: 5,
			Alarm:           "orders-staging-dlq-not-empty",
		})
	}
}

// createOrders creates a queue of that maxReceiveCount whose visibility timeout is an hour,
// and its DLQ.
func createOrders(ctx context.Context, cfg aws.Config, maxReceiveCount int) (dlqtest.Queue, error) {
	client := sqs.NewFromConfig(cfg)
	dlq, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders-dlq")})
	if err != nil {
		return dlqtest.Queue{}, err
	}
	source, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders"), Attributes: map[string]string{
		"VisibilityTimeout": "3600",
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dlq","maxReceiveCount":%d}`, maxReceiveCount),
	}})
	if err != nil {
		return dlqtest.Queue{}, err
	}
	return dlqtest.Queue{URL: *source.QueueUrl, DLQ: *dlq.QueueUrl, MaxReceiveCount: maxReceiveCount}, nil
}
