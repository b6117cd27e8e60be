package awstest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// In a test, awstest.Start(t) does the same and closes the endpoint at its end.
func ExampleNew() {
	srv, err := awstest.New()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	ctx := context.Background()
	client := sqs.NewFromConfig(srv.Config())
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("hello")})
	if err != nil {
		log.Fatal(err)
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*out.Messages[0].Body)
	// Output: hello
}

// Two weeks pass in no time, and the message expires.
func ExampleClock_Advance() {
	srv, err := awstest.New()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	ctx := context.Background()
	client := sqs.NewFromConfig(srv.Config())
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("orders-dlq"), Attributes: map[string]string{"MessageRetentionPeriod": "1209600"},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("forgotten")})
	if err != nil {
		log.Fatal(err)
	}
	count := func() string {
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: queue.QueueUrl, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages"},
		})
		if err != nil {
			log.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"]
	}
	srv.Clock.Advance(13 * 24 * time.Hour)
	fmt.Println("after 13 days:", count())
	srv.Clock.Advance(24 * time.Hour)
	fmt.Println("after 14 days:", count())
	// Output:
	// after 13 days: 1
	// after 14 days: 0
}

// The second call fails; the SDK would repeat it by itself, had it not been told not to.
func ExampleServer_Inject() {
	srv, err := awstest.New()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	ctx := context.Background()
	cfg := srv.Config()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	client := sqs.NewFromConfig(cfg)
	remove := srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: "sqs", Operation: "ListQueues", Skip: 1, Times: 1})
	defer remove()
	for range 3 {
		_, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
		var refused smithy.APIError
		if errors.As(err, &refused) {
			fmt.Println(refused.ErrorCode())
		} else {
			fmt.Println("ok")
		}
	}
	fmt.Println(srv.Count("sqs", "ListQueues"), "calls")
	// Output:
	// ok
	// RequestThrottled
	// ok
	// 3 calls
}
