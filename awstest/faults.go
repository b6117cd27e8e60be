package awstest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// FaultKind is a way in which a call can go wrong.
type FaultKind string

// The kinds of faults.
const (
	// Throttle refuses the call with the service's throttling error; it has no effect.
	Throttle FaultKind = "throttle"
	// Unavailable answers 503 ServiceUnavailable; the call has no effect.
	Unavailable FaultKind = "unavailable"
	// InternalError answers 500; the call has no effect.
	InternalError FaultKind = "internal error"
	// Latency delays the call by Fault.Delay of real time.
	Latency FaultKind = "latency"
	// DropRequest cuts the connection before the call takes effect.
	DropRequest FaultKind = "drop request"
	// DropResponse cuts the connection after the call took effect: the caller doesn't
	// learn what became of it.
	DropResponse FaultKind = "drop response"
	// TruncateResponse carries the call out and cuts its answer off half-way.
	TruncateResponse FaultKind = "truncate response"
)

// Fault makes some calls fail.
type Fault struct {
	Kind FaultKind
	// Service and Operation select calls, e.g. "sqs" and "DeleteMessage"; empty = all.
	Service, Operation string
	// Queue selects calls about the queue (or topic, alarm, bucket) of that name; empty = all.
	Queue string
	// Share is the share of the selected calls that fail, between 0 and 1; 0 means all.
	Share float64
	// Seed makes the choice of that share repeatable.
	Seed uint64
	// Skip lets that many of the selected calls pass first.
	Skip int
	// Times ends the fault after that many calls have failed; 0 = it stays.
	Times int
	// Delay is how long a Latency fault takes.
	Delay time.Duration
}

// String says what the fault does.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	if f.Kind == Latency {
		fmt.Fprintf(&b, " of %v", f.Delay)
	}
	b.WriteString(" on ")
	b.WriteString(or(f.Service, "any service"))
	b.WriteString(":")
	b.WriteString(or(f.Operation, "*"))
	if f.Queue != "" {
		b.WriteString(" of " + f.Queue)
	}
	if f.Share > 0 && f.Share < 1 {
		fmt.Fprintf(&b, ", %g%% of calls (seed %d)", f.Share*100, f.Seed)
	}
	if f.Skip > 0 {
		fmt.Fprintf(&b, ", after %d calls", f.Skip)
	}
	if f.Times > 0 {
		fmt.Fprintf(&b, ", %d times", f.Times)
	}
	return b.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Inject makes calls fail from now on, until remove is called or the fault has
// happened f.Times times. Of several faults that fit a call, the first injected
// meets it.
func (s *Server) Inject(f Fault) (remove func()) {
	a := &activeFault{Fault: f, random: rand.New(rand.NewPCG(f.Seed, 0))}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = append(s.faults.active, a)
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.active = slices.DeleteFunc(s.faults.active, func(x *activeFault) bool { return x == a })
	}
}

type activeFault struct {
	Fault
	random  *rand.Rand
	skipped int
	met     int
}

type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

// pick returns the fault that meets the call.
func (fs *faults) pick(c *wire.Call) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if !a.selects(c) || a.Times > 0 && a.met >= a.Times {
			continue
		}
		if a.skipped < a.Skip {
			a.skipped++
			continue
		}
		if a.Share > 0 && a.random.Float64() >= a.Share {
			continue
		}
		a.met++
		return a.Fault, true
	}
	return Fault{}, false
}

func (f Fault) selects(c *wire.Call) bool {
	return (f.Service == "" || f.Service == c.Service) &&
		(f.Operation == "" || f.Operation == c.Operation) &&
		(f.Queue == "" || f.Queue == resourceName(c.Resource))
}

// resourceName is the last part of a queue URL or an ARN.
func resourceName(resource string) string {
	if i := strings.LastIndexAny(resource, "/:"); i >= 0 {
		return resource[i+1:]
	}
	return resource
}

// meet carries the call out, or lets the fault happen that meets it.
func (fs *faults) meet(c *wire.Call, next func() wire.Response) (resp wire.Response, fault string) {
	f, ok := fs.pick(c)
	if !ok {
		return next(), ""
	}
	switch f.Kind {
	case Latency:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.HTTP.Context().Done():
		}
		resp = next()
	case DropRequest:
		resp = wire.Response{Drop: true}
	case DropResponse:
		resp = next()
		resp.Drop = true
	case TruncateResponse:
		resp = next()
		half := len(resp.Body) / 2
		resp.Abort = &half
	default:
		resp = c.Fail(f.Kind.error(c.Service))
	}
	return resp, f.String()
}

// error is the service's error for the kind of fault.
func (k FaultKind) error(service string) *wire.Error {
	switch k {
	case Throttle:
		switch service {
		case "s3":
			return &wire.Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable, Receiver: true}
		case "sqs": // RequestThrottled in the service's model; SDKs retry it
			return &wire.Error{Code: "RequestThrottled", Message: "The request was denied due to request throttling."}
		case "lambda":
			return &wire.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: http.StatusTooManyRequests}
		case "dynamodb":
			return &wire.Error{Code: "ThrottlingException", Message: "Rate of requests exceeds the allowed throughput."}
		case "logs":
			return &wire.Error{Code: "ThrottlingException", Message: "Rate exceeded"}
		case "scheduler":
			return &wire.Error{Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusTooManyRequests}
		default: // SNS too: its model has Throttled, which not every SDK repeats, but this is what it sends
			return &wire.Error{Code: "Throttling", Message: "Rate exceeded"}
		}
	case Unavailable:
		return &wire.Error{Code: "ServiceUnavailable", Message: "The request has failed due to a temporary failure of the server.", Status: http.StatusServiceUnavailable, Receiver: true}
	default:
		return &wire.Error{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error, exception or failure.", Status: http.StatusInternalServerError, Receiver: true}
	}
}
