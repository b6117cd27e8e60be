package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxSync and maxAsync bound the payloads of invocations, in bytes. [Lambda quotas]
	maxSync  = 6291456
	maxAsync = 1 << 20
	// maxTail is how much of its log an invocation returns, in bytes. [Invoke API reference]
	maxTail = 4 << 10
	// maxPending bounds the asynchronous invocations that wait.
	maxPending = 100_000
)

type invokeInput struct {
	FunctionName string `path:"FunctionName"`
	Qualifier    string `qs:"Qualifier"`
	Kind         string // InvocationType
	LogType      string
	Payload      []byte
}

// ReadRequest implements wire.Reader.
func (in *invokeInput) ReadRequest(r *http.Request, body []byte) error {
	in.Kind, in.LogType = r.Header.Get("X-Amz-Invocation-Type"), r.Header.Get("X-Amz-Log-Type")
	in.Payload = bytes.Clone(body)
	return nil
}

func (s *Service) invoke(ctx context.Context, c *wire.Call, in *invokeInput) (*wire.Response, error) {
	kind := in.Kind
	if kind == "" {
		kind = "RequestResponse"
	}
	limit := maxSync
	switch kind {
	case "RequestResponse", "DryRun":
	case "Event":
		limit = maxAsync
	default:
		return nil, constraint(kind, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	payload := in.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if len(payload) > limit {
		return nil, lambdaError(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), kind, limit)
	}
	if !json.Valid(payload) {
		return nil, lambdaError(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: the payload is not valid JSON")
	}
	var f *function
	var j *job
	err := s.edit(c, in.FunctionName, in.Qualifier, func(found *function) (err error) {
		f = found
		if kind == "RequestResponse" {
			j, err = s.begin(f, payload)
		}
		return err
	})
	if err != nil {
		if f != nil {
			s.countThrottle(f.key, err)
		}
		return nil, err
	}
	switch kind {
	case "DryRun":
		return &wire.Response{Status: http.StatusNoContent}, nil
	case "Event":
		if err := s.enqueue(f, payload); err != nil {
			return nil, err
		}
		return &wire.Response{Status: http.StatusAccepted}, nil
	}
	defer s.finish(j)
	out := s.carryOut(ctx, j, &presence{clk: s.clk})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	header := http.Header{"X-Amz-Executed-Version": {latest}, "X-Amzn-Requestid": {j.id}}
	if out.failed != "" {
		header.Set("X-Amz-Function-Error", out.failed)
	}
	if in.LogType == "Tail" {
		text := strings.Join(out.output, "\n") + "\n"
		header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(text[max(0, len(text)-maxTail):])))
	}
	return &wire.Response{Status: http.StatusOK, Header: header, Body: out.payload}, nil
}

func (s *Service) countThrottle(key functionKey, err error) {
	var e *wire.Error
	if errors.As(err, &e) && e.Code == "TooManyRequestsException" {
		s.measure(key, "Throttles", "Count", 1, s.clk.Now())
	}
}

// asyncEvent is an asynchronous invocation that has not been dealt with.
type asyncEvent struct {
	key     functionKey
	payload []byte
	id      string
	since   time.Time
	tried   int
}

// Of asynchronous invocations: how often they are tried again, and when. [Lambda developer
// guide, "How Lambda handles errors and retries with asynchronous invocation": twice, with
// one and two minutes between; throttled ones for up to six hours, with up to five minutes]
const (
	asyncRetries = 2
	asyncAge     = 6 * time.Hour
)

// enqueue has the function invoked at once, by the clock.
func (s *Service) enqueue(f *function, payload []byte) error {
	e := &asyncEvent{key: f.key, payload: payload, id: wire.NewUUID(), since: s.clk.Now()}
	s.mu.Lock()
	full := len(s.pending) >= maxPending
	s.mu.Unlock()
	if full {
		return throttled("ConcurrentInvocationLimitExceeded")
	}
	s.later(e, e.since)
	return nil
}

func (s *Service) later(e *asyncEvent, at time.Time) {
	s.mu.Lock()
	s.pending[e] = at
	s.mu.Unlock()
	s.clk.At(at, func(now time.Time) { s.attempt(e, now) })
}

// attempt is an event of the clock: it starts an asynchronous invocation.
func (s *Service) attempt(e *asyncEvent, now time.Time) {
	s.mu.Lock()
	f := s.functions[e.key]
	if f == nil {
		delete(s.pending, e)
		s.mu.Unlock()
		return
	}
	j, err := s.begin(f, e.payload)
	s.mu.Unlock()
	if err != nil {
		s.countThrottle(e.key, err)
		if now.Sub(e.since) > asyncAge || !isThrottle(err) {
			s.drop(e, failure("Lambda", "%v", err), "")
			return
		}
		s.later(e, now.Add(min(time.Second<<min(e.tried, 8), 5*time.Minute)))
		return
	}
	j.id = e.id
	p := hold(s.clk)
	go func() {
		defer p.leave()
		out := s.carryOut(s.lifetime, j, p)
		s.finish(j)
		switch {
		case out.failed == "":
			s.mu.Lock()
			delete(s.pending, e)
			s.mu.Unlock()
		case e.tried >= asyncRetries:
			s.drop(e, out, j.spec.DeadLetterARN)
		default:
			e.tried++
			s.later(e, s.clk.Now().Add(time.Duration(e.tried)*time.Minute))
		}
	}()
}

func isThrottle(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "TooManyRequestsException"
}

// drop gives an asynchronous invocation up: its event goes to the function's dead-letter
// queue, if it has one.
func (s *Service) drop(e *asyncEvent, out outcome, queueARN string) {
	s.mu.Lock()
	delete(s.pending, e)
	s.mu.Unlock()
	if queueARN == "" || s.opts.DeadLetters == nil {
		return
	}
	var reason struct{ ErrorMessage string }
	_ = json.Unmarshal(out.payload, &reason) // what isn't one has no message
	text := func(kind, value string) fabric.Attribute { return fabric.Attribute{DataType: kind, StringValue: value} }
	m := fabric.QueueMessage{Body: string(e.payload), Attributes: map[string]fabric.Attribute{
		"RequestID": text("String", e.id), "ErrorCode": text("Number", "200"),
	}}
	if reason.ErrorMessage != "" {
		m.Attributes["ErrorMessage"] = text("String", reason.ErrorMessage[:min(len(reason.ErrorMessage), 1024)])
	}
	// as the function's role, an identity of its account
	from := fabric.Principal{SourceAccount: e.key.account, SourceARN: e.key.arn()}
	if err := s.opts.DeadLetters.Deliver(from, queueARN, m); err != nil {
		s.measure(e.key, "DeadLetterErrors", "Count", 1, s.clk.Now())
	}
}
