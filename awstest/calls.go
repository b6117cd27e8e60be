package awstest

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxCalls bounds the calls that are kept for inspection; counts cover all of them.
const maxCalls = 100_000

// Call is one API call that the endpoint answered.
type Call struct {
	// Time is when the call arrived, by the endpoint's clock.
	Time time.Time
	// Service is the service's name in signatures ("sqs", "monitoring", "sns", "sts"),
	// Operation that of the operation, e.g. "ReceiveMessage".
	Service, Operation string
	// Protocol is json, query, cbor or rest.
	Protocol string
	// Account and Region are those of the caller's signature.
	Account, Region string
	// Resource is the queue URL, ARN or name that the call is about, if any.
	Resource string
	// Status is the HTTP status of the answer, 0 if the connection was dropped instead.
	Status int
	// Error is the error code of the answer, empty if it is none.
	Error string
	// Fault is the injected fault that met the call, as it prints; empty if none did.
	Fault string

	input any
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
// first; of more than 100,000 the last 100,000.
func (s *Server) Calls() []Call { return s.calls.list() }

// Count returns how many calls of an operation were answered since the start or the last
// ResetCalls; of all operations if operation is empty, of all services if service is too.
func (s *Server) Count(service, operation string) int { return s.calls.count(service, operation) }

// ResetCalls forgets the calls answered so far.
func (s *Server) ResetCalls() { s.calls.reset() }

// callLog is a ring of the latest calls, with counts of all.
type callLog struct {
	mu     sync.Mutex
	ring   []Call
	next   int // where the ring is written next, once it is full
	counts map[[2]string]int
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[[2]string]int{}
	}
	l.counts[[2]string{c.Service, c.Operation}]++
	if len(l.ring) < maxCalls {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % maxCalls
}

func (l *callLog) list() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Call, 0, len(l.ring))
	return append(append(out, l.ring[l.next:]...), l.ring[:l.next]...)
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
	l.ring, l.next, l.counts = nil, 0, nil
}

// around is called with each request: it makes injected faults happen and logs the call.
func (s *Server) around(c *wire.Call, next func() wire.Response) wire.Response {
	entry := Call{
		Time: c.Time, Service: c.Service, Operation: c.Operation, Protocol: string(c.Protocol),
		Account: c.Account, Region: c.Region, Resource: c.Resource, input: c.Input,
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
	return resp
}
