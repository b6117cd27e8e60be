// Command dead-letters is the Lambda function that works off the dead-letter queue.
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
	lambda.Start(tasks.NewUndertaker(deps))
}
