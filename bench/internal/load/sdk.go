package load

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

type sdk struct {
	client *sqs.Client
	http   *http.Client
	url    string
}

// NewSDK creates a queue and returns a client of aws-sdk-go-v2 for it.
func NewSDK(ctx context.Context, endpoint, queue string) (Client, error) {
	c := &sdk{http: &http.Client{Transport: sdkhttp.PlainBodies(&http.Transport{MaxIdleConnsPerHost: 256})}}
	c.client = sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   c.http,
	})
	out, err := c.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queue)})
	if err != nil {
		return nil, fmt.Errorf("creating queue %s: %w", queue, err)
	}
	c.url = *out.QueueUrl
	return c, nil
}

func (c *sdk) Worker() Worker { return sdkWorker{c} }

func (c *sdk) Close(ctx context.Context) error {
	defer c.http.CloseIdleConnections()
	_, err := c.client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &c.url})
	return err
}

// sdkWorker shares the client's connections.
type sdkWorker struct{ *sdk }

func (w sdkWorker) Close() {}

func (c *sdk) Send(ctx context.Context, body string) error {
	_, err := c.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &c.url, MessageBody: &body})
	return err
}

func (c *sdk) Receive(ctx context.Context) (string, error) {
	out, err := c.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &c.url})
	if err != nil || len(out.Messages) == 0 {
		return "", err
	}
	return aws.ToString(out.Messages[0].ReceiptHandle), nil
}

func (c *sdk) Delete(ctx context.Context, handle string) error {
	_, err := c.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &c.url, ReceiptHandle: &handle})
	return err
}
