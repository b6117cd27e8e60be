package dlq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// orders makes a source queue and its DLQ, with a message in it, on an endpoint of its own.
// Programs take the SDK's configuration instead, from config.LoadDefaultConfig.
func orders(ctx context.Context) (cfg aws.Config, end func()) {
	srv, err := awstest.New()
	if err != nil {
		log.Fatal(err)
	}
	client := sqs.NewFromConfig(srv.Config())
	create := func(name string, attributes map[string]string) *string {
		out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			log.Fatal(err)
		}
		return out.QueueUrl
	}
	dead := create("orders-dlq", map[string]string{"MessageRetentionPeriod": "1209600"})
	create("orders", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dlq","maxReceiveCount":5}`})
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: dead, MessageBody: aws.String(`{"id":17,"email":"a@example.com"}`)}); err != nil {
		log.Fatal(err)
	}
	return srv.Config(), srv.Close
}

func ExampleFleet_Status() {
	ctx := context.Background()
	cfg, end := orders(ctx)
	defer end()

	fleet := dlq.Fleet{SQS: sqs.NewFromConfig(cfg), Metrics: cloudwatch.NewFromConfig(cfg)}
	status, err := fleet.Status(ctx, dlq.Selection{Prefix: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Health)
	for _, q := range status.DLQs {
		fmt.Println(q.Name, "of", q.Sources[0].Name, q.Health, q.Reasons[0].Text)
	}
	// Output:
	// degraded
	// orders-dlq of orders needs_attention 1 message
}

func ExampleInspect() {
	ctx := context.Background()
	cfg, end := orders(ctx)
	defer end()

	seen, err := dlq.Inspect(ctx, sqs.NewFromConfig(cfg), "orders-dlq", dlq.InspectOptions{Max: 1, Redact: []string{"email"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range seen.Groups {
		fmt.Println(g.Messages, "of shape", g.Shape)
		fmt.Println(g.Samples[0].Body)
	}
	fmt.Println("given back:", seen.Release.Released)
	// Output:
	// 1 of shape {email, id}
	// {"email":"[redacted]","id":17}
	// given back: 1
}
