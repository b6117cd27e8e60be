package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxResponse bounds what a function returns, in bytes. [recorded: "Response payload
	// size exceeded maximum allowed payload size (6291556 bytes)."]
	maxResponse = 6291556
	// initTime is how long a process may take until it asks for its first invocation.
	// [Lambda developer guide, "Init phase"]
	initTime = 10 * time.Second
)

// job is one invocation of a function, as it was when it was invoked.
type job struct {
	f       *function
	key     functionKey
	spec    spec
	code    code
	handler Handler
	id      string // of the request
	payload []byte
}

func (j *job) timeout() time.Duration { return time.Duration(j.spec.Timeout) * time.Second }

// outcome is how an invocation ended.
type outcome struct {
	payload []byte
	// failed is empty if the function succeeded; else Unhandled, and payload is the error.
	failed string
	output []string // what it printed, lines
	took   time.Duration
}

// failure is a function error of Lambda's own making.
func failure(kind, format string, args ...any) outcome {
	text, err := wire.EncodeJSON(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, fmt.Sprintf(format, args...)})
	if err != nil {
		text = []byte("{}") // strings can always be encoded
	}
	return outcome{payload: text, failed: "Unhandled"}
}

func (j *job) timedOut() outcome {
	return failure("Sandbox.Timedout", "RequestId: %s Error: Task timed out after %d.00 seconds", j.id, j.spec.Timeout)
}

func (j *job) tooLarge() outcome {
	return failure("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse)
}

// begin takes room for an invocation, which finish gives back. It is called with s.mu held.
func (s *Service) begin(f *function, payload []byte) (*job, error) {
	switch {
	case s.closed:
		return nil, lambdaError(http.StatusInternalServerError, "ServiceException", "The endpoint is closing.")
	case f.handler == nil && !s.opts.Processes:
		return nil, lambdaError(http.StatusNotImplemented, "NotImplemented", "The function %s has code that this endpoint was not told to run: start it with awstest.RunFunctions() or dlq serve --run-functions, or give it a Go function.", f.key.name)
	case f.reserved != nil && f.running >= *f.reserved:
		return nil, throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	case s.running[f.key.account] >= maxConcurrent:
		return nil, throttled("ConcurrentInvocationLimitExceeded")
	}
	f.running++
	s.running[f.key.account]++
	return &job{f: f, key: f.key, spec: f.spec, code: f.code, handler: f.handler, id: wire.NewUUID(), payload: payload}, nil
}

func throttled(reason string) *wire.Error {
	e := lambdaError(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	e.Detail = append(e.Detail, wire.Detail{Name: "Reason", Value: reason})
	return e
}

// finish gives back the room of an invocation.
func (s *Service) finish(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.f.running--
	s.running[j.key.account]--
}

// carryOut runs the function to its end, and records what it did. No lock is held: the
// function may call all of the endpoint.
func (s *Service) carryOut(ctx context.Context, j *job, p *presence) outcome {
	began, wall := s.clk.Now(), time.Now()
	var out outcome
	if j.handler != nil {
		out = s.runHandler(ctx, j, p)
	} else {
		out = s.processes.run(ctx, s, j)
	}
	ended := s.clk.Now()
	if out.took = ended.Sub(began); out.took == 0 { // the clock stood still
		out.took = time.Since(wall)
	}
	s.record(j, &out, began, ended)
	return out
}

// record puts down what is known of an invocation in metrics and logs.
func (s *Service) record(j *job, out *outcome, began, ended time.Time) {
	ms := float64(out.took.Microseconds()) / 1000
	s.measure(j.key, "Invocations", "Count", 1, began)
	errors := 0.0
	if out.failed != "" {
		errors = 1
	}
	s.measure(j.key, "Errors", "Count", errors, began)
	s.measure(j.key, "Duration", "Milliseconds", ms, began)
	lines := append([]string{"START RequestId: " + j.id + " Version: " + latest}, out.output...)
	if out.failed != "" {
		var e struct{ ErrorType, ErrorMessage string }
		if json.Unmarshal(out.payload, &e) == nil && (strings.HasPrefix(e.ErrorType, "Sandbox.") || strings.HasPrefix(e.ErrorType, "Runtime.")) {
			lines = append(lines, e.ErrorMessage)
		}
	}
	out.output = append(lines, "END RequestId: "+j.id, fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		j.id, ms, int(ms)+1, j.spec.MemorySize, min(j.spec.MemorySize, 64)))
	if s.opts.Logs == nil {
		return
	}
	group := j.spec.Logging.LogGroup
	arn := "arn:" + wire.Partition(j.key.region) + ":logs:" + j.key.region + ":" + j.key.account + ":log-group:" + group + ":log-stream:x"
	if j.spec.Role != "" && s.opts.Roles != nil && !s.opts.Roles.Permits(j.spec.Role, "logs:PutLogEvents", arn) {
		return // as on AWS, where nobody tells
	}
	stream := began.UTC().Format("2006/01/02") + "/[" + latest + "]" + j.f.stream
	s.opts.Logs.Write(j.key.account, j.key.region, group, stream, ended, out.output)
}

func (s *Service) measure(key functionKey, metric, unit string, value float64, at time.Time) {
	if s.opts.Metrics != nil {
		s.opts.Metrics.Put(key.account, key.region, "AWS/Lambda", at, [][2]string{{"FunctionName", key.name}}, fabric.Value{
			Metric: metric, Unit: unit, Sum: value, Min: value, Max: value, Count: 1,
		})
	}
}

// runHandler runs a Go function. One that doesn't return although its time is up is left
// behind.
func (s *Service) runHandler(ctx context.Context, j *job, p *presence) outcome {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// by the wall clock, for handlers that take real time, and by the endpoint's
	wall := time.AfterFunc(j.timeout(), func() { cancel(ErrTimedOut) })
	defer wall.Stop()
	virtual := s.clk.After(j.timeout(), func(time.Time) {
		p.stay()
		cancel(ErrTimedOut)
	})
	defer virtual.Stop()
	ctx = deadline{ctx, time.Now().Add(j.timeout())}
	ctx = context.WithValue(ctx, presenceKey{}, p)
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: j.id, InvokedFunctionArn: j.key.arn()})
	done := make(chan outcome, 1)
	go func() {
		var out outcome
		returned := false
		defer func() {
			if !returned { // also by runtime.Goexit, as a failing test does
				cause := recover()
				out = failure("Runtime.ExitError", "RequestId: %s Error: Runtime exited with error: %v", j.id, cause)
				out.output = strings.Split(string(debug.Stack()), "\n")
			}
			done <- out
		}()
		payload, err := j.handler(ctx, j.payload)
		switch {
		case err != nil:
			out = failure(errorType(err), "%s", err)
		case len(payload) > maxResponse:
			out = j.tooLarge()
		default:
			out.payload = payload
		}
		returned = true
	}()
	var out outcome
	select {
	case out = <-done:
	case <-ctx.Done():
		select {
		case out = <-done:
		case <-time.After(grace): // for handlers that heed the context
		}
	}
	p.stay()
	switch cause := context.Cause(ctx); {
	case cause == ErrTimedOut:
		late := j.timedOut()
		late.output = out.output
		return late
	case cause != nil:
		return failure("Runtime.ExitError", "RequestId: %s Error: Runtime exited with error: %v", j.id, cause)
	}
	return out
}

// grace is how long a handler may take to return after its time is up, so that it does
// nothing more while the clock goes on.
const grace = 100 * time.Millisecond

// deadline is a context that tells a deadline, and leaves it to its parent to be done then.
type deadline struct {
	context.Context
	at time.Time
}

// Deadline implements context.Context.
func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

// errorType names an error as Lambda's Go runtime does: by its type, without the package.
func errorType(err error) string {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
