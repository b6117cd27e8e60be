package awstest

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The log keeps that many calls at most, with requests of that many bytes in all; counts
// cover all calls.
const (
	maxCalls     = 100_000
	maxCallBytes = 128 << 20
)

// WithoutCallLog makes the endpoint neither keep nor count the calls that it answers, for
// one that runs for long: Calls returns none, and Count 0.
func WithoutCallLog() Option { return func(o *options) { o.noCallLog = true } }

// Call is one API call that the endpoint answered.
type Call struct {
	// Time is when the call arrived, by the endpoint's clock.
	Time time.Time
	// Service is the service's name in signatures ("sqs", "monitoring", "sns", "sts"),
	// Operation that of the operation, e.g. "ReceiveMessage".
	Service, Operation string
	// Protocol is json, query, cbor, rest or xml (REST-XML).
	Protocol string
	// Account and Region are those of the caller's signature.
	Account, Region string
	// Resource is the queue URL, ARN or name, or the bucket, that the call is about, if any.
	Resource string
	// Status is the HTTP status of the answer, 0 if the connection was dropped instead.
	Status int
	// Error is the error code of the answer, empty if it is none.
	Error string
	// Fault is the injected fault that met the call, as it prints; empty if none did.
	Fault string

	input any
	size  int // of the request's body, bytes
}

// Input returns the call's input as JSON, null if it could not be read.
func (c Call) Input() json.RawMessage {
	b, err := json.Marshal(c.input)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

// Calls returns the calls answered since the start or the last ResetCalls, oldest
// first; of more than 100,000, or of requests of more than 128 MiB, the latest.
func (s *Server) Calls() []Call { return s.calls.list() }

// Count returns how many calls of an operation were answered since the start or the last
// ResetCalls; of all operations if operation is empty, of all services if service is too.
func (s *Server) Count(service, operation string) int { return s.calls.count(service, operation) }

// ResetCalls forgets the calls answered so far.
func (s *Server) ResetCalls() { s.calls.reset() }

// callLog keeps the latest calls, and counts all.
type callLog struct {
	off    bool // neither kept nor counted
	mu     sync.Mutex
	calls  []Call // those before first are forgotten
	first  int
	bytes  int // the requests' of those that are kept
	counts map[[2]string]int
}

func (l *callLog) add(c Call) {
	if l.off {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[[2]string]int{}
	}
	l.counts[[2]string{c.Service, c.Operation}]++
	if len(l.calls) == cap(l.calls) && l.first > len(l.calls)/2 {
		// the room of the forgotten does for more than it costs to move the others
		n := copy(l.calls, l.calls[l.first:])
		clear(l.calls[n:])
		l.calls, l.first = l.calls[:n], 0
	}
	l.calls = append(l.calls, c)
	l.bytes += c.size
	for len(l.calls)-l.first > maxCalls || l.bytes > maxCallBytes {
		l.bytes -= l.calls[l.first].size
		l.calls[l.first] = Call{}
		l.first++
	}
}

func (l *callLog) list() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Call{}, l.calls[l.first:]...)
}

func (l *callLog) count(service, operation string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for k, v := range l.counts {
		if (service == "" || k[0] == service) && (operation == "" || k[1] == operation) {
			n += v
		}
	}
	return n
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.first, l.bytes, l.counts = nil, 0, 0, nil
}

// around is called with each request: it makes injected faults happen and logs the call.
func (s *Server) around(c *wire.Call, next func() wire.Response) wire.Response {
	entry := Call{
		Time: c.Time, Service: c.Service, Operation: c.Operation, Protocol: string(c.Protocol),
		Account: c.Account, Region: c.Region, Resource: c.Resource, input: c.Input, size: c.Size,
	}
	if c.Service == "lambda" {
		next = guard(c, next)
	}
	resp, fault := s.faults.meet(c, next)
	entry.Fault = fault
	if !resp.Drop {
		entry.Status = resp.Status
	}
	if resp.Err != nil {
		entry.Error = resp.Err.Code
	}
	s.calls.add(entry)
	s.changed(c.Operation)
	return resp
}
