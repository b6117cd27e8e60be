package dlq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// ground is an endpoint with queues on it.
type ground struct {
	testing.TB
	srv *awstest.Server
	sqs *sqs.Client
	cw  *cloudwatch.Client
}

// newGround begins some seconds after a full minute, at which metrics are published.
func newGround(t testing.TB, opts ...awstest.Option) *ground {
	srv := awstest.Start(t, append([]awstest.Option{awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 5, 0, time.UTC))}, opts...)...)
	return &ground{t, srv, sqs.NewFromConfig(srv.DirectConfig()), cloudwatch.NewFromConfig(srv.DirectConfig())}
}

// fleet is the ground's queues, by the ground's clock.
func (g *ground) fleet() dlq.Fleet {
	return dlq.Fleet{SQS: g.sqs, Metrics: g.cw, Now: g.srv.Clock.Now}
}

func (g *ground) status(sel dlq.Selection) *dlq.Status {
	g.Helper()
	s, err := g.fleet().Status(g.Context(), sel)
	require.NoError(g, err)
	return s
}

func arnOf(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

func (g *ground) url(name string) string { return g.srv.URL + "/000000000000/" + name }

// queue creates a queue. Attributes are name, value, name, value, …
func (g *ground) queue(name string, attributes ...string) string {
	g.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := g.sqs.CreateQueue(g.Context(), in)
	require.NoError(g, err)
	return *out.QueueUrl
}

// source creates a source queue of a DLQ that exists, for messages of one receive.
func (g *ground) source(name, dlqName string, attributes ...string) string {
	g.Helper()
	return g.queue(name, append(attributes, "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"1"}`, arnOf(dlqName)))...)
}

// send sends messages of these bodies.
func (g *ground) send(url string, bodies ...string) {
	g.Helper()
	for _, body := range bodies {
		_, err := g.sqs.SendMessage(g.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(body)})
		require.NoError(g, err)
	}
}

// deadLetter sends messages to a source whose messages are received once, and lets them
// be dead-lettered.
func (g *ground) deadLetter(url string, bodies ...string) {
	g.Helper()
	g.send(url, bodies...)
	g.drain(url)
	g.srv.Clock.Advance(time.Minute) // their visibility timeout is 30 s
	require.Empty(g, g.receive(url, 10), "they are moved, not returned")
	g.drain(url)
}

// drain receives until nothing comes.
func (g *ground) drain(url string) {
	g.Helper()
	for len(g.receive(url, 10)) > 0 {
	}
}

// receive receives up to n messages and returns their bodies.
func (g *ground) receive(url string, n int32) []string {
	g.Helper()
	out, err := g.sqs.ReceiveMessage(g.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: n})
	require.NoError(g, err)
	var bodies []string
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

// names are the names of DLQs.
func names(dlqs []dlq.DLQ) []string {
	out := []string{}
	for _, d := range dlqs {
		out = append(out, d.Name)
	}
	return out
}

// sourceNames are the names of a DLQ's sources.
func sourceNames(d dlq.DLQ) []string {
	out := []string{}
	for _, s := range d.Sources {
		out = append(out, s.Name)
	}
	return out
}

// denying returns an SQS client that is denied an operation, on the inputs that fit.
func (g *ground) denying(operation string, fits func(input any) bool) *sqs.Client {
	cfg := g.srv.DirectConfig()
	cfg.APIOptions = append(cfg.APIOptions, deny(operation, fits))
	return sqs.NewFromConfig(cfg)
}

// deny makes AWS deny an operation: what a client makes of its answer.
func deny(operation string, fits func(input any) bool) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("deny", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if middleware.GetOperationName(ctx) == operation && fits(in.Parameters) {
				return middleware.InitializeOutput{}, middleware.Metadata{}, &smithy.GenericAPIError{
					Code: "AccessDenied", Message: "User: arn:aws:iam::000000000000:user/night is not authorized to perform this", Fault: smithy.FaultClient,
				}
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	}
}

// any input
func always(any) bool { return true }

// reading is the input of GetQueueAttributes of a queue.
func reading(queue string) func(input any) bool {
	return func(input any) bool {
		in, ok := input.(*sqs.GetQueueAttributesInput)
		return ok && strings.HasSuffix(*in.QueueUrl, "/"+queue)
	}
}
