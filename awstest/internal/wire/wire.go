// Package wire speaks the protocols of AWS: it finds out which service and
// operation a request is for, decodes its input, calls the operation and encodes
// what it returns, in the protocol that the caller used. A service states its
// operations once, as functions on plain structs:
//
//	svc := &wire.Service{Name: "sqs", JSONTarget: "AmazonSQS", ...}
//	svc.Operations = map[string]wire.Operation{
//		"GetQueueUrl": wire.Op(func(ctx context.Context, c *wire.Call, in *GetQueueUrlInput) (*GetQueueUrlOutput, error) { ... }),
//	}
//
// Inputs and outputs name their members as AWS does, by `json` tags (which JSON
// and CBOR both use) and, where the Query protocol differs, by `query` tags; see
// decodeQuery for these.
package wire

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"time"
)

// Protocol is one of the wire protocols that AWS services speak.
type Protocol string

// The protocols served.
const (
	JSON  Protocol = "json"  // awsJson 1.0 and 1.1
	Query Protocol = "query" // awsQuery: form in, XML out
	CBOR  Protocol = "cbor"  // Smithy RPC v2 CBOR
	REST  Protocol = "rest"  // restJson1
	XML   Protocol = "xml"   // restXml, which S3 speaks
)

// Service is what wire needs to know of an AWS service.
type Service struct {
	// Name is the service's name in a signature's credential scope, e.g. "sqs".
	Name string
	// JSONTarget is the prefix of X-Amz-Target, e.g. "AmazonSQS"; empty if the
	// service doesn't speak JSON.
	JSONTarget string
	// Shapes is the namespace of error shapes in JSON and CBOR, e.g. "com.amazonaws.sqs".
	Shapes string
	// CBORName is the service's name in RPC v2 paths, empty if it doesn't speak CBOR.
	CBORName string
	// XMLNamespace is the namespace of Query responses, empty if it doesn't speak Query.
	XMLNamespace string
	// Version is the API version that a Query request states, e.g. "2012-11-05".
	Version string
	// Complete says that every operation of the service is served, so that another
	// one doesn't exist, rather than isn't implemented.
	Complete bool
	// Operations by name.
	Operations map[string]Operation
	// Routes are the operations of a REST service.
	Routes []Route
	// MaxBody bounds a request's body, in bytes; MaxBody of the package if zero.
	MaxBody int
	// OperationOf names the operation that a request is for, empty if it is for none. It
	// makes the service one that speaks REST-XML: its inputs are Readers, its outputs
	// *Response.
	OperationOf func(r *http.Request) string
}

// Operation is one API operation of a service.
type Operation struct {
	newInput func() any
	call     func(ctx context.Context, c *Call, in any) (any, error)
	resource [][]int // the input's fields that may say what a call is about
}

// Op makes an operation of a function. A returned error that is no *Error is
// reported as an internal failure (500).
func Op[In, Out any](fn func(ctx context.Context, c *Call, in *In) (*Out, error)) Operation {
	return Operation{
		newInput: func() any { return new(In) },
		call: func(ctx context.Context, c *Call, in any) (any, error) {
			out, err := fn(ctx, c, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
		resource: resourceFields(reflect.TypeFor[In]()),
	}
}

// carryOut calls the operation. A panic in it is that call's internal failure, not the
// end of the endpoint.
func (op Operation) carryOut(ctx context.Context, c *Call, in any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(c, p)
		}
	}()
	return op.call(ctx, c, in)
}

// resourceFields finds the fields that name a queue, topic, alarm, bucket, function or table.
func resourceFields(input reflect.Type) [][]int {
	var fields [][]int
	for _, name := range []string{"QueueUrl", "SourceArn", "TopicArn", "QueueName", "AlarmName", "Bucket", "Name", "FunctionName", "TableName"} {
		f, ok := input.FieldByName(name)
		if !ok {
			continue
		}
		if k := f.Type.Kind(); k == reflect.String || k == reflect.Pointer && f.Type.Elem().Kind() == reflect.String {
			fields = append(fields, f.Index)
		}
	}
	return fields
}

// resourceOf returns what an input is about: its queue, topic, alarm or bucket.
func (op Operation) resourceOf(in any) string {
	v := reflect.ValueOf(in).Elem()
	for _, i := range op.resource {
		f := reflect.Indirect(v.FieldByIndex(i))
		if f.IsValid() && f.String() != "" {
			return f.String()
		}
	}
	return ""
}

// Invoke carries out the call's operation on a JSON input, as a service does on
// another's behalf.
func (s *Service) Invoke(ctx context.Context, c *Call, input []byte) (any, error) {
	op, ok := s.Operations[c.Operation]
	if !ok || s.OperationOf != nil { // inputs of REST-XML are requests, not JSON
		return nil, &Error{Code: "NotImplemented", Message: "The operation " + s.Name + ":" + c.Operation + " is not served here.", Status: http.StatusNotImplemented}
	}
	in := op.newInput()
	var decoder jsonDecoder
	if err := decoder.decode(bytes.Clone(input), in); err != nil {
		return nil, unreadable("", err)
	}
	c.Input = in
	return op.carryOut(ctx, c, in)
}

// Route binds a REST operation to a method and a path pattern in the form of
// net/http's ServeMux, e.g. {"POST", "/schedules/{Name}", "CreateSchedule"}. Members
// tagged `path:"Name"` come from the path, those tagged `qs:"groupName"` from the
// query string, all others from the JSON body. An input that is a Reader reads the body
// itself; an output that is a *Response is the answer, and one with a method HTTPStatus
// has that status.
type Route struct {
	Method, Pattern, Operation string
}

// Call is one request as a service sees it.
type Call struct {
	// Time is when the call arrived, by the endpoint's clock.
	Time      time.Time
	Service   string
	Operation string
	Protocol  Protocol
	// Region and Account are those of the caller's signature.
	Region, Account string
	// AccessKey is the caller's access key id; empty on unsigned requests.
	AccessKey string
	// BaseURL is the endpoint as the caller addressed it, e.g. "http://127.0.0.1:4566".
	BaseURL   string
	RequestID string
	// Resource is the queue URL, topic ARN or name that the input is about, if any.
	Resource string
	// Size is that of the request's body, unzipped, in bytes.
	Size int
	// Input is the decoded input, a pointer to the operation's input struct.
	Input any
	// HTTP is the request; its body has been read.
	HTTP *http.Request

	fail func(error) Response
}

// Fail encodes an error as the answer to the call.
func (c *Call) Fail(e *Error) Response { return c.fail(e) }

// Empty is the output of operations that return nothing.
type Empty struct{}
