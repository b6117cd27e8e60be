package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
	"github.com/sqs-dlq/sqs-dlq/consumer/dynamostore"
	"github.com/sqs-dlq/sqs-dlq/consumer/otelhook"
)

// The code of the examples is that of docs/writing-consumers.md: see docs_test.go.

func ExampleHandler() {
	handle := func(ctx context.Context, m consumer.Message) error {
		var order struct{ Number string }
		if err := json.Unmarshal([]byte(m.Body), &order); err != nil {
			return consumer.Permanent(fmt.Errorf("reading an order: %w", err)) // no retry mends it
		}
		return ship(ctx, order.Number) // an error: the message comes back later
	}

	for _, body := range []string{`{"number":"7"}`, `{"number":"out of stock"}`, `<order/>`} {
		err := handle(context.Background(), consumer.Message{Body: body})
		fmt.Println(err, consumer.IsPermanent(err))
	}
	// Output:
	// <nil> false
	// out of stock false
	// reading an order: invalid character '<' looking for beginning of value true
}

func ExampleLambda() {
	lambda := starter{} // github.com/aws/aws-lambda-go/lambda in a function of your own
	lambda.Start(consumer.Lambda(handle,
		consumer.MaxReceiveCount(5), // of the queue's redrive policy
		silent(),
	))
	// Output: {"batchItemFailures":[{"itemIdentifier":"2"}]}
}

func ExampleBackoffThrough() {
	srv, queueURL := exampleQueue()
	defer srv.Close()
	cfg, lambda := srv.Config(), starter{}

	lambda.Start(consumer.Lambda(handle,
		consumer.BackoffThrough(sqs.NewFromConfig(cfg)),
		consumer.QueueURL(queueURL), // only where it doesn't follow from the queue's ARN
		consumer.Retry(consumer.Backoff{Base: 30 * time.Second, Factor: 2, Cap: time.Hour, Jitter: consumer.EqualJitter}),
		silent(),
	))
	// Output: {"batchItemFailures":[{"itemIdentifier":"2"}]}
}

func ExampleNewWorker() {
	srv, queueURL := exampleQueue(`{"number":"7"}`)
	defer srv.Close()
	cfg := srv.Config()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	handle := func(ctx context.Context, m consumer.Message) error {
		fmt.Println("working on", m.Body)
		stop() // for the example only: a worker goes on until it is told to stop
		return nil
	}

	worker, err := consumer.NewWorker(sqs.NewFromConfig(cfg), queueURL, handle,
		consumer.MaxReceiveCount(5), // of the queue's redrive policy
		consumer.Concurrency(20),
	)
	if err != nil {
		panic(err)
	}
	if err := worker.Run(ctx); err != nil { // until SIGTERM, and then drains
		panic(err)
	}
	// Output: working on {"number":"7"}
}

func ExampleBackoff_Bounds() {
	backoff := consumer.Backoff{Base: 10 * time.Second, Factor: 2, Cap: 15 * time.Minute, Jitter: consumer.EqualJitter}
	for attempt := 1; attempt <= 4; attempt++ {
		shortest, longest := backoff.Bounds(attempt)
		fmt.Printf("after attempt %d: %v to %v\n", attempt, shortest, longest)
	}
	// Output:
	// after attempt 1: 5s to 10s
	// after attempt 2: 10s to 20s
	// after attempt 3: 20s to 40s
	// after attempt 4: 40s to 1m20s
}

func ExampleMaxReceiveCount() {
	handle := func(ctx context.Context, m consumer.Message) error {
		err := ship(ctx, "out of stock")
		if err != nil && m.LastAttempt {
			fmt.Printf("attempt %d was the last: %v\n", m.Attempt, err) // tell the customer, say
		}
		return err
	}

	event := exampleEvent(`{}`)
	event.Records[0].Attributes["ApproximateReceiveCount"] = "5"
	runWith(consumer.Lambda(handle, consumer.MaxReceiveCount(5), silent()), event)
	// Output:
	// attempt 5 was the last: out of stock
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExampleQuarantine() {
	srv, quarantineURL := exampleQueue()
	defer srv.Close()
	cfg, lambda := srv.Config(), starter{}

	lambda.Start(consumer.Lambda(func(context.Context, consumer.Message) error {
		return consumer.Permanent(errors.New("no such order"))
	},
		consumer.Quarantine(consumer.QueueSink{Client: sqs.NewFromConfig(cfg), URL: quarantineURL}),
		silent(),
	))
	out, err := sqs.NewFromConfig(cfg).ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &quarantineURL, MessageAttributeNames: []string{"All"}})
	if err != nil {
		panic(err)
	}
	var note consumer.FailureNote
	if err := json.Unmarshal([]byte(*out.Messages[0].MessageAttributes[consumer.FailureAttribute].StringValue), &note); err != nil {
		panic(err)
	}
	fmt.Println(note.Error, note.Queue, note.ReceiveCount)
	// Output:
	// {"batchItemFailures":[]}
	// no such order orders 1
}

func ExampleIdempotent() {
	client, end := exampleTables("orders-keys", "orders-failures")
	defer end()
	lambda := starter{}
	orderNumber := func(m consumer.Message) (string, error) {
		var order struct{ Number string }
		err := json.Unmarshal([]byte(m.Body), &order)
		return order.Number, err
	}

	function := consumer.Lambda(handle,
		consumer.Idempotent(consumer.Idempotency{
			Store: dynamostore.New(client, "orders-keys"),
			Key:   orderNumber, // or consumer.ByAttribute("order"), or consumer.ByDeduplicationID()
		}),
		consumer.Quarantine(dynamostore.NewSink(client, "orders-failures")),
		silent(),
	)
	lambda.Start(function)
	lambda.Start(function) // SQS delivers the same messages again: order 7 isn't shipped twice
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"2"}]}
	// {"batchItemFailures":[{"itemIdentifier":"2"}]}
}

func ExampleIdempotency() {
	client, end := exampleTables("orders", "orders-keys")
	defer end()
	handle := func(ctx context.Context, m consumer.Message) error {
		shipped := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: m.Key}}
		_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("orders"), Item: shipped}},
			{Put: &types.Put{TableName: aws.String("orders-keys"), Item: dynamostore.DoneItem(m.Key, time.Now().Add(14*24*time.Hour))}},
		}})
		return err
	}

	run(consumer.Lambda(handle, consumer.Idempotent(consumer.Idempotency{Store: dynamostore.New(client, "orders-keys")}), silent()))
	// Output: {"batchItemFailures":[]}
}

func ExampleReceivedBefore() {
	handle := func(ctx context.Context, m consumer.Message) error {
		fmt.Printf("receive %d is attempt %d\n", m.ReceiveCount, m.Attempt)
		return nil // mark the task dead, in such a way that doing it twice changes nothing
	}

	event := exampleEvent(`{}`)
	event.Records[0].Attributes["ApproximateReceiveCount"] = "6"
	runWith(consumer.Lambda(handle,
		consumer.ReceivedBefore(5), // the source queue's maxReceiveCount
	), event)
	// Output:
	// receive 6 is attempt 1
	// {"batchItemFailures":[]}
}

func ExampleMetrics() {
	var stdout bytes.Buffer
	run(consumer.Lambda(handle,
		consumer.Metrics(&stdout, "Orders"), // os.Stdout in a function of your own
		silent(),
	))

	var document map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &document); err != nil {
		panic(err)
	}
	fmt.Println(document["Queue"], document["Received"], document["Succeeded"], document["Retried"])
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"2"}]}
	// orders 2 1 1
}

func ExampleHooks() {
	lambda, tracerProvider := starter{}, noop.NewTracerProvider()
	lambda.Start(consumer.Lambda(handle,
		consumer.Hooks(otelhook.New(tracerProvider, propagation.TraceContext{})),
		silent(),
	))
	// Output: {"batchItemFailures":[{"itemIdentifier":"2"}]}
}

// What the examples share.

func ship(_ context.Context, number string) error {
	if number == "out of stock" {
		return errors.New(number)
	}
	return nil
}

func handle(ctx context.Context, m consumer.Message) error {
	var order struct{ Number string }
	if err := json.Unmarshal([]byte(m.Body), &order); err != nil {
		return consumer.Permanent(err)
	}
	return ship(ctx, order.Number)
}

func silent() consumer.Option { return consumer.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))) }

// starter is lambda, but for the endless loop.
type starter struct{}

func (starter) Start(function func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) {
	run(function)
}

// run invokes a function as Lambda would.
func run(function func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) {
	runWith(function, exampleEvent(`{"number":"7"}`, `{"number":"out of stock"}`))
}

func runWith(function func(context.Context, events.SQSEvent) (events.SQSEventResponse, error), event events.SQSEvent) {
	response, err := function(context.Background(), event)
	if err != nil {
		panic(err)
	}
	answer, err := json.Marshal(response)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(answer))
}

func exampleEvent(bodies ...string) events.SQSEvent {
	var event events.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprint(i + 1), Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-central-1:111122223333:orders",
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return event
}

func exampleQueue(bodies ...string) (srv *awstest.Server, url string) {
	srv, err := awstest.New()
	if err != nil {
		panic(err)
	}
	client := sqs.NewFromConfig(srv.Config())
	out, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		panic(err)
	}
	for _, body := range bodies {
		if _, err := client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: out.QueueUrl, MessageBody: &body}); err != nil {
			panic(err)
		}
	}
	return srv, *out.QueueUrl
}

func exampleTables(names ...string) (client *dynamodb.Client, end func()) {
	srv, err := awstest.New()
	if err != nil {
		panic(err)
	}
	client = dynamodb.NewFromConfig(srv.Config())
	for _, name := range names {
		if _, err := client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		}); err != nil {
			panic(err)
		}
	}
	return client, srv.Close
}
