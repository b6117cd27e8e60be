package dlq_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// hooked is a client that tells of calls, or answers in SQS's place.
type hooked struct {
	dlq.RedriveClient
	sent    func()
	receive func(next func() (*sqs.ReceiveMessageOutput, error)) (*sqs.ReceiveMessageOutput, error)
	send    func(in *sqs.SendMessageBatchInput, next func() (*sqs.SendMessageBatchOutput, error)) (*sqs.SendMessageBatchOutput, error)
	remove  func(in *sqs.DeleteMessageBatchInput, next func() (*sqs.DeleteMessageBatchOutput, error)) (*sqs.DeleteMessageBatchOutput, error)
}

func (h *hooked) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	next := func() (*sqs.ReceiveMessageOutput, error) { return h.RedriveClient.ReceiveMessage(ctx, in, opts...) }
	if h.receive != nil {
		return h.receive(next)
	}
	return next()
}

func (h *hooked) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	next := func() (*sqs.SendMessageBatchOutput, error) {
		out, err := h.RedriveClient.SendMessageBatch(ctx, in, opts...)
		if h.sent != nil {
			h.sent()
		}
		return out, err
	}
	if h.send != nil {
		return h.send(in, next)
	}
	return next()
}

func (h *hooked) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	next := func() (*sqs.DeleteMessageBatchOutput, error) {
		return h.RedriveClient.DeleteMessageBatch(ctx, in, opts...)
	}
	if h.remove != nil {
		return h.remove(in, next)
	}
	return next()
}
