package wire

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Router serves the API of several services on one address.
type Router struct {
	services []*Service
	now      func() time.Time
	around   func(*Call, func() Response) Response
	fields   fieldCache
	json     jsonDecoder
	decode   cbor.DecMode
	encode   cbor.EncMode
	rest     map[*Service]*routes
	bodies   sync.Pool // of *bytes.Buffer
}

// NewRouter returns a router for the services. now is the endpoint's clock; around,
// if not nil, is called with each request once it is decoded, and may count it,
// call next to carry it out, and answer otherwise.
func NewRouter(now func() time.Time, around func(c *Call, next func() Response) Response, services ...*Service) *Router {
	dec, err := cbor.DecOptions{
		MaxNestedLevels: 32, MaxArrayElements: maxElements, MaxMapPairs: maxElements,
		DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorNone,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	enc, err := cbor.EncOptions{}.EncMode()
	if err != nil {
		panic(err)
	}
	if around == nil {
		around = func(_ *Call, next func() Response) Response { return next() }
	}
	rt := &Router{services: services, now: now, around: around, decode: dec, encode: enc, rest: map[*Service]*routes{}}
	for _, s := range services {
		if len(s.Routes) > 0 {
			rt.rest[s] = newRoutes(s.Routes)
		}
	}
	return rt
}

// ServeHTTP implements http.Handler.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp := rt.serve(w, r)
	if resp.Drop {
		panic(http.ErrAbortHandler) // net/http closes the connection, and says nothing
	}
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	if resp.Status != http.StatusNoContent && resp.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_") { // its clients check it, and warn where it is missing
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(resp.Body)), 10))
	}
	w.WriteHeader(resp.Status)
	if resp.Abort != nil {
		_, _ = w.Write(resp.Body[:min(*resp.Abort, len(resp.Body))])
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(resp.Body)
}

// exchange is one request on its way through the router.
type exchange struct {
	rt   *Router
	svc  *Service
	call *Call
	body *bytes.Buffer // nil if there is none
	form url.Values
}

func (rt *Router) serve(w http.ResponseWriter, r *http.Request) (resp Response) {
	x := &exchange{rt: rt, call: &Call{
		Time: rt.now(), Protocol: JSON, Region: DefaultRegion, Account: DefaultAccount,
		BaseURL: "http://" + r.Host, RequestID: newRequestID(), HTTP: r,
	}}
	x.call.fail = x.fail
	defer func() {
		if p := recover(); p != nil {
			resp = x.fail(panicked(x.call, p))
		}
	}()
	scope, err := x.readSignature(r)
	if resolveErr := x.resolve(r, scope); err == nil {
		err = resolveErr
	}
	defer x.releaseBody()
	if bodyErr := x.readBody(w, r); err == nil {
		err = bodyErr
	}
	// the read deadline guards against slow senders; a long poll may outlast it
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if err == nil && x.call.Protocol == Query {
		err = x.resolveQuery(r, scope)
	}
	if err != nil {
		return x.fail(err)
	}
	op, ok := x.svc.Operations[x.call.Operation]
	if !ok {
		return rt.around(x.call, func() Response { return x.fail(x.notServed()) })
	}
	in := op.newInput()
	x.call.Input = in
	if err := x.decodeInput(in); err != nil {
		return rt.around(x.call, func() Response { return x.fail(err) })
	}
	x.releaseBody() // a long poll must not keep it
	x.call.Resource = op.resourceOf(in)
	return rt.around(x.call, func() Response {
		out, err := op.carryOut(r.Context(), x.call, in)
		if err != nil {
			return x.fail(err)
		}
		return x.succeed(out)
	})
}

// panicked is the error that a panic is reported as.
func panicked(c *Call, p any) error {
	return fmt.Errorf("%s panicked: %v\n%s", c.Operation, p, debug.Stack())
}

// resolve finds the protocol and, but for Query, which needs the body, service and
// operation.
func (x *exchange) resolve(r *http.Request, scope string) error {
	c := x.call
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		prefix, op, _ := strings.Cut(target, ".")
		for _, s := range x.rt.services {
			if s.JSONTarget == prefix {
				x.svc, c.Service, c.Operation, c.Protocol = s, s.Name, op, JSON
				return nil
			}
		}
		return notFound("No service with the target prefix %.80q is served here.", prefix)
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/service/"); ok && strings.HasPrefix(r.Header.Get("Smithy-Protocol"), "rpc-v2") {
		c.Protocol = CBOR
		name, op, _ := strings.Cut(rest, "/operation/")
		for _, s := range x.rt.services {
			if s.CBORName != "" && s.CBORName == name {
				x.svc, c.Service, c.Operation = s, s.Name, op
				if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
					return notFound("Of the Smithy RPC protocols, rpc-v2-cbor is served.")
				}
				return nil
			}
		}
		return notFound("No service of the name %.80q is served here.", name)
	}
	if s := x.byName(scope); s != nil && x.rt.rest[s] != nil {
		x.svc, c.Service, c.Protocol = s, s.Name, REST
		if c.Operation = x.rt.rest[s].operation(r); c.Operation == "" {
			return notFound("%.20s %.200q is no operation of %s that is served here.", r.Method, r.URL.Path, s.Name)
		}
		return nil
	}
	if s := x.byName(scope); s != nil && s.OperationOf != nil {
		x.svc, c.Service, c.Protocol = s, s.Name, XML
		if c.Operation = s.OperationOf(r); c.Operation == "" {
			return notFound("%.20s %.200q is no operation of %s.", r.Method, r.URL.Path, s.Name)
		}
		return nil
	}
	c.Protocol = Query
	x.svc = x.byName(scope)
	return nil
}

func (x *exchange) resolveQuery(r *http.Request, scope string) error {
	c := x.call
	form, err := parseForm(r, x.body)
	if err != nil {
		return &Error{Code: "MalformedQueryString", Message: "The parameters could not be read: " + err.Error(), framework: true}
	}
	x.form = form
	c.Operation = form.Get("Action")
	if x.svc == nil && scope != "" {
		return &Error{Code: "NotImplemented", Message: fmt.Sprintf("The service %.80q is not served here.", scope), Status: http.StatusNotImplemented, framework: true}
	}
	if x.svc == nil {
		// unsigned: the API version tells the services apart; else the one with such an operation
		for _, s := range x.rt.services {
			if _, ok := s.Operations[c.Operation]; ok && s.XMLNamespace != "" && (form.Get("Version") == "" || form.Get("Version") == s.Version) {
				x.svc = s
				break
			}
		}
	}
	if x.svc == nil {
		return notFound("The request names no service and operation that is served here.")
	}
	c.Service = x.svc.Name
	if c.Operation == "" {
		return notFound("The request names no Action.")
	}
	return nil
}

// notFound is the error that a request isn't for any operation.
func notFound(format string, args ...any) *Error {
	return &Error{Code: unknownOperation, Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound, framework: true}
}

func (x *exchange) byName(name string) *Service {
	name = strings.TrimSuffix(name, "_query") // so LocalStack's clients sign for SQS over Query
	for _, s := range x.rt.services {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// notServed is the error that the service has no such operation.
func (x *exchange) notServed() *Error {
	if x.svc.Complete {
		return &Error{Code: "InvalidAction", Type: unknownOperation, Message: fmt.Sprintf("The action %.80s is not valid for this endpoint.", x.call.Operation), framework: true}
	}
	return &Error{Code: "NotImplemented", Message: fmt.Sprintf("The operation %s:%.80s is not served here.", x.svc.Name, x.call.Operation), Status: http.StatusNotImplemented, framework: true}
}

func (x *exchange) decodeInput(in any) error {
	var body []byte
	if x.body != nil {
		body = x.body.Bytes()
	}
	var err error
	switch x.call.Protocol {
	case Query:
		err = decodeQuery(&x.rt.fields, x.form, in)
	case CBOR:
		if len(body) > 0 {
			err = x.rt.decode.Unmarshal(body, in)
		}
	case JSON:
		err = x.rt.json.decode(body, in)
	case XML:
		return in.(Reader).ReadRequest(x.call.HTTP, body)
	case REST:
		if reader, ok := in.(Reader); ok {
			err = reader.ReadRequest(x.call.HTTP, body)
		} else {
			err = x.rt.json.decode(body, in)
		}
		if err == nil {
			err = decodeREST(&x.rt.fields, x.call.HTTP, in)
		}
	}
	var own *Error
	switch {
	case errors.As(err, &own): // of a value that reads itself
		return own
	case err != nil:
		return unreadable("", err)
	}
	return nil
}

func newRequestID() string {
	const hex = "0123456789abcdef"
	var b [36]byte
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range b {
		switch i {
		case 8, 13, 18, 23:
			b[i] = '-'
			continue
		}
		if i < 18 {
			b[i] = hex[hi&15]
			hi >>= 4
		} else {
			b[i] = hex[lo&15]
			lo >>= 4
		}
	}
	b[14] = '4'
	return string(b[:])
}
