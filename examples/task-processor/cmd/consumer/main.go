// Command consumer is the Lambda function that works off the source queue.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sqs-dlq/sqs-dlq/examples/task-processor/tasks"
)

func main() {
	deps, err := tasks.FromEnvironment(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(tasks.NewConsumer(deps))
}
