// Package lambda is AWS Lambda on a clock that can be moved: functions that run from their
// zip as processes of this machine, or as Go functions, and event source mappings that
// have them consume queues.
//
//	svc := lambda.New(clk, lambda.Options{Queues: sqs, Endpoint: url, Processes: true})
//	defer svc.Close()
//	http.ListenAndServe(addr, wire.NewRouter(clk.Now, nil, svc.API()))
//
// A process speaks the Lambda Runtime API with the endpoint, and with the endpoint's other
// services like any AWS SDK client. While a function works, an Advance of the clock waits
// for it (see clock.Hold): what a function does happens at the instant at which it was
// invoked. Time that passes by itself goes on meanwhile, and a Go function can have some
// pass, by Work.
//
// Functions start where they are, without a sandbox: memory sizes, layers, networks and
// architectures are kept, and don't count. Not served are versions and aliases other than
// $LATEST, container images, layers, destinations and function URLs.
package lambda

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxFunctions and maxMappings bound what the service holds.
	maxFunctions = 1000
	maxMappings  = 1000
	// maxConcurrent is how many invocations an account has at a time. [Lambda quotas]
	maxConcurrent = 1000
	// maxRequest bounds a request, in bytes: a zip of 50 MB in base64. [recorded: "Request
	// must be smaller than 70167211 bytes for the CreateFunction operation"]
	maxRequest = 70167211
)

// Options are what Lambda needs of others. What is nil is done without.
type Options struct {
	// Queues are read by event source mappings.
	Queues fabric.QueueSource
	// DeadLetters takes the events of asynchronous invocations that fail.
	DeadLetters fabric.Queues
	// Roles says what functions may do; they may do everything if it is nil.
	Roles fabric.Roles
	// Metrics takes the metrics in AWS/Lambda.
	Metrics fabric.ServiceMetrics
	// Logs takes what functions print.
	Logs fabric.Logs
	// Endpoint is the URL at which functions find the endpoint.
	Endpoint string
	// Processes says that functions may run from their zips, as processes of this machine.
	Processes bool
}

// Service is Lambda in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk  *clock.Clock
	opts Options

	// mu guards what follows, and the functions and mappings themselves. No other service
	// is called under it, but the clock and the metrics.
	mu        sync.Mutex
	functions map[functionKey]*function
	handlers  map[functionKey]Handler // Go functions, whether what they stand in for exists or not
	mappings  map[string]*mapping     // by UUID
	pending   map[*asyncEvent]time.Time
	running   map[string]int // invocations by account
	restored  []func()       // what Resume sets going
	dir       string         // where zips are unpacked, empty until the first is
	closed    bool
	processes processes

	// lifetime is that of the invocations that nobody waits for
	lifetime context.Context
	end      context.CancelFunc
}

// place is an account in a region.
type place struct{ account, region string }

// arnOf returns the ARN of a resource of the place.
func (p place) arnOf(resource string) string {
	return "arn:" + wire.Partition(p.region) + ":lambda:" + p.region + ":" + p.account + ":" + resource
}

// New returns a service without functions. The caller closes it.
func New(clk *clock.Clock, opts Options) *Service {
	s := &Service{
		clk: clk, opts: opts,
		functions: map[functionKey]*function{}, handlers: map[functionKey]Handler{}, mappings: map[string]*mapping{}, pending: map[*asyncEvent]time.Time{}, running: map[string]int{},
	}
	s.processes.init()
	s.lifetime, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends all functions that run, and removes what was unpacked. Nothing can be invoked
// afterwards.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	dir := s.dir
	s.mu.Unlock()
	s.end()
	s.processes.close()
	if dir == "" {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the code of functions: %w", err)
	}
	return nil
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	api := &wire.Service{Name: "lambda", MaxBody: maxRequest, Operations: map[string]wire.Operation{}}
	for _, o := range []struct {
		operation, method, path string
		op                      wire.Operation
	}{
		{"CreateFunction", "POST", "/2015-03-31/functions", wire.Op(s.createFunction)},
		{"GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", wire.Op(s.getFunction)},
		{"DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", wire.Op(s.deleteFunction)},
		{"ListFunctions", "GET", "/2015-03-31/functions", wire.Op(s.listFunctions)},
		{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", wire.Op(s.getFunctionConfiguration)},
		{"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", wire.Op(s.updateFunctionConfiguration)},
		{"UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", wire.Op(s.updateFunctionCode)},
		{"GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", wire.Op(s.getFunctionCodeSigningConfig)},
		{"ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", wire.Op(s.listVersionsByFunction)},
		{"AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", wire.Op(s.addPermission)},
		{"RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", wire.Op(s.removePermission)},
		{"GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", wire.Op(s.getPolicy)},
		{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", wire.Op(s.putFunctionConcurrency)},
		{"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", wire.Op(s.getFunctionConcurrency)},
		{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", wire.Op(s.deleteFunctionConcurrency)},
		{"ListTags", "GET", "/2017-03-31/tags/{Resource}", wire.Op(s.listTags)},
		{"TagResource", "POST", "/2017-03-31/tags/{Resource}", wire.Op(s.tagResource)},
		{"UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", wire.Op(s.untagResource)},
		{"Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", wire.Op(s.invoke)},
		{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", wire.Op(s.createEventSourceMapping)},
		{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", wire.Op(s.getEventSourceMapping)},
		{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", wire.Op(s.updateEventSourceMapping)},
		{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", wire.Op(s.deleteEventSourceMapping)},
		{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", wire.Op(s.listEventSourceMappings)},
	} {
		api.Operations[o.operation] = o.op
		// SDKs of some languages end paths with a slash
		api.Routes = append(api.Routes,
			wire.Route{Method: o.method, Pattern: o.path, Operation: o.operation},
			wire.Route{Method: o.method, Pattern: o.path + "/{$}", Operation: o.operation})
	}
	return api
}

// lambdaError is an error as Lambda reports it: whose fault it is, is told in Type.
func lambdaError(status int, code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...), Detail: []wire.Detail{{Name: "Type", Value: "User"}}}
}

func invalid(format string, args ...any) *wire.Error {
	return lambdaError(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

// constraint is the error of a member whose value is not allowed.
func constraint(value any, member, rule string) *wire.Error {
	return lambdaError(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func notFound(format string, args ...any) *wire.Error {
	return lambdaError(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

func conflict(format string, args ...any) *wire.Error {
	return lambdaError(http.StatusConflict, "ResourceConflictException", format, args...)
}

// notServed is the error of what AWS has and this endpoint hasn't.
func notServed(what string) *wire.Error {
	return lambdaError(http.StatusNotImplemented, "NotImplemented", "%s not served here.", what)
}

// stamp is a time as Lambda's functions have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }
