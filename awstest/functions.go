package awstest

import (
	"context"
	"net/http"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/lambda"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// RunFunctions lets Lambda functions run from the zips that callers upload: as processes of
// this machine, with the rights of this one. Without it, functions can be created, and
// invoking them is an error, unless HandleFunction has given them a Go function.
func RunFunctions() Option { return func(o *options) { o.functions = true } }

// FunctionHandler is a Go function that works as a Lambda function. ctx has the
// lambdacontext.LambdaContext of the invocation and the deadline of its timeout. An error or
// a panic is a function error.
type FunctionHandler = func(ctx context.Context, payload []byte) ([]byte, error)

// HandleFunction makes h stand in for the code of the Lambda function of that name, in the
// account and region of the server, from now on: whether it exists, so that what Terraform
// deploys runs the test's code, or not, in which case there is one now, with a timeout of
// 3 s, that event source mappings can name. A nil h lets the function's own code run again.
//
// An Advance of the clock waits for functions that event source mappings, or asynchronous
// invocations, have started, and is never to be called by one: a function passes time by
// Work.
func (s *Server) HandleFunction(name string, h FunctionHandler) {
	s.services.lambda.Handle(s.Account, s.Region, name, h)
}

// Work passes d of the endpoint's time in a FunctionHandler, as a function does that takes
// that long: whoever advances the clock by d lets it go on. It returns an error if the
// function's timeout passes first, or ctx is done.
func Work(ctx context.Context, d time.Duration) error { return lambda.Work(ctx, d) }

// FunctionOutput returns what the Lambda function of that name, in the account and region
// of the server, has printed, line by line, with the lines that Lambda adds; the latest
// 16 MiB of it.
func (s *Server) FunctionOutput(name string) []string {
	return s.services.logs.Lines(s.Account, s.Region, s.services.lambda.LogGroup(s.Account, s.Region, name))
}

// guard refuses what web pages send to Lambda, whose functions are programs: a browser on
// this machine would let any page run some.
func guard(c *wire.Call, next func() wire.Response) func() wire.Response {
	refusal := refuse(c.HTTP)
	if refusal == "" {
		return next
	}
	return func() wire.Response {
		return c.Fail(&wire.Error{Code: "AccessDeniedException", Message: refusal, Status: http.StatusForbidden})
	}
}
