package dlqtest

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ShortPoll is an option of ReceiveMessage that makes it a short poll: it returns at
// once, whatever the queue's ReceiveMessageWaitTimeSeconds is. The SDK cannot say that by
// itself, for it leaves out a WaitTimeSeconds of 0.
//
//	client.ReceiveMessage(ctx, input, dlqtest.ShortPoll)
func ShortPoll(o *sqs.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("ExplicitShortPoll", explicitShortPoll), middleware.Before)
	})
}

func explicitShortPoll(ctx context.Context, b middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	req, ok := b.Request.(*smithyhttp.Request)
	if !ok {
		return next.HandleBuild(ctx, b)
	}
	content, err := io.ReadAll(req.GetStream())
	if err != nil {
		return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("reading a request's body: %w", err)
	}
	content = append([]byte(`{"WaitTimeSeconds":0,`), bytes.TrimPrefix(content, []byte("{"))...)
	if req, err = req.SetStream(bytes.NewReader(content)); err != nil {
		return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("setting a request's body: %w", err)
	}
	b.Request = req
	return next.HandleBuild(ctx, b)
}
