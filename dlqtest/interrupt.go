package dlqtest

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// answerLimit is how long, by the wall clock, a call that is under way when the proof is
// interrupted may take for its answer.
const answerLimit = 2 * time.Second

// awaitAnswers lets calls under way end when a proof is interrupted: cutting off a receive
// would lose its answer, and leave poison hidden in a queue that lives on, where nothing
// can take it away.
func awaitAnswers(o *sqs.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		attempt := middleware.FinalizeMiddlewareFunc("AwaitAnswer", awaitAnswer)
		return stack.Finalize.Insert(attempt, (*retry.Attempt)(nil).ID(), middleware.After)
	})
}

func awaitAnswer(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if err := ctx.Err(); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, &aws.RequestCanceledError{Err: err}
	}
	call, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	defer context.AfterFunc(ctx, func() {
		limit := time.AfterFunc(answerLimit, func() { cut(context.Cause(ctx)) })
		context.AfterFunc(call, func() { limit.Stop() })
	})()
	return next.HandleFinalize(call, in)
}
