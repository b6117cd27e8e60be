package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

const (
	// MaxBody bounds a request's body, in bytes, also once unzipped. The largest that
	// AWS takes is a batch of 1 MiB, which JSON escapes and form encoding can make
	// up to six times as long.
	MaxBody = 8 << 20
	// DefaultAccount owns what callers whose access key is no account id create.
	DefaultAccount = "000000000000"
	// DefaultRegion is the region of unsigned requests.
	DefaultRegion = "us-east-1"
)

// Router serves the API of several services on one address.
type Router struct {
	services []*Service
	now      func() time.Time
	around   func(*Call, func() Response) Response
	fields   fieldCache
	decode   cbor.DecMode
	encode   cbor.EncMode
	rest     map[*Service]*http.ServeMux
}

// Response is an encoded answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Err is the error that the answer reports, nil if it is none.
	Err *Error
	// Abort cuts the connection after that many bytes of the body were sent; nothing
	// at all is sent if Drop is set.
	Abort *int
	Drop  bool
}

// NewRouter returns a router for the services. now is the endpoint's clock; around,
// if not nil, is called with each request once it is decoded, and may count it,
// call next to carry it out, and answer otherwise.
func NewRouter(now func() time.Time, around func(c *Call, next func() Response) Response, services ...*Service) *Router {
	dec, err := cbor.DecOptions{
		MaxNestedLevels: 32, MaxArrayElements: 1 << 17, MaxMapPairs: 1 << 17,
		DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorNone,
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
	rt := &Router{services: services, now: now, around: around, decode: dec, encode: enc, rest: map[*Service]*http.ServeMux{}}
	for _, s := range services {
		if len(s.Routes) > 0 {
			mux := http.NewServeMux()
			for _, r := range s.Routes {
				mux.Handle(r.Method+" "+r.Pattern, restTarget{r.Operation})
			}
			rt.rest[s] = mux
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
	w.Header().Set("Content-Length", strconv.Itoa(len(resp.Body)))
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
	body []byte
	form url.Values
}

func (rt *Router) serve(w http.ResponseWriter, r *http.Request) Response {
	x := &exchange{rt: rt, call: &Call{
		Time: rt.now(), Protocol: JSON, Region: DefaultRegion, Account: DefaultAccount,
		BaseURL: "http://" + r.Host, RequestID: newRequestID(), HTTP: r,
	}}
	x.call.fail = x.fail
	scope := x.readSignature()
	if err := x.readBody(w, r); err != nil {
		return x.fail(err)
	}
	// the read deadline guards against slow senders; a long poll may outlast it
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if err := x.resolve(r, scope); err != nil {
		return x.fail(err)
	}
	op, ok := x.svc.Operations[x.call.Operation]
	if !ok {
		return rt.around(x.call, func() Response { return x.fail(x.unknownOperation()) })
	}
	in := op.newInput()
	x.call.Input = in
	if err := x.decodeInput(in); err != nil {
		return rt.around(x.call, func() Response { return x.fail(err) })
	}
	x.call.Resource = resourceOf(in)
	return rt.around(x.call, func() Response {
		out, err := x.carryOut(r.Context(), op, in)
		if err != nil {
			return x.fail(err)
		}
		return x.succeed(out)
	})
}

// carryOut calls the operation. A panic in it is that request's internal failure, not
// the end of the endpoint.
func (x *exchange) carryOut(ctx context.Context, op Operation, in any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v\n%s", x.call.Operation, p, debug.Stack())
		}
	}()
	return op.call(ctx, x.call, in)
}

// readSignature takes region and account from the Authorization header, or from the
// query string of a presigned URL, and returns the service that the scope names.
func (x *exchange) readSignature() (service string) {
	var credential string
	if _, rest, ok := strings.Cut(x.call.HTTP.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	} else {
		credential = x.call.HTTP.URL.Query().Get("X-Amz-Credential")
	}
	scope := strings.Split(strings.TrimSpace(credential), "/")
	if len(scope) < 5 {
		return ""
	}
	x.call.AccessKey = scope[0]
	if isAccountID(scope[0]) {
		x.call.Account = scope[0]
	}
	if scope[2] != "" {
		x.call.Region = scope[2]
	}
	return scope[3]
}

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (x *exchange) readBody(w http.ResponseWriter, r *http.Request) error {
	tooLarge := &Error{Code: "RequestEntityTooLarge", Message: fmt.Sprintf("Request body is larger than %d bytes.", MaxBody), Status: http.StatusRequestEntityTooLarge}
	raw := http.MaxBytesReader(w, r.Body, MaxBody)
	var in io.Reader = raw
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		zipped, err := gzip.NewReader(raw)
		if err != nil {
			return &Error{Code: "SerializationException", Message: "The body is not gzip: " + err.Error()}
		}
		in = zipped
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= MaxBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(in, MaxBody+1))
	var maxBytes *http.MaxBytesError
	switch {
	case errors.As(err, &maxBytes), n > MaxBody:
		return tooLarge
	case err != nil:
		return &Error{Code: "SerializationException", Message: "The body could not be read: " + err.Error()}
	}
	x.body = buf.Bytes()
	return nil
}

const cborPath = "/service/"

// resolve finds protocol, service and operation.
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
		return &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("No service with the target prefix %.80q is served here.", prefix), Status: http.StatusNotFound}
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, cborPath); ok && strings.HasPrefix(r.Header.Get("Smithy-Protocol"), "rpc-v2") {
		c.Protocol = CBOR
		name, op, _ := strings.Cut(rest, "/operation/")
		for _, s := range x.rt.services {
			if s.CBORName != "" && s.CBORName == name {
				x.svc, c.Service, c.Operation = s, s.Name, op
				if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
					return &Error{Code: "UnknownOperationException", Message: "Of the Smithy RPC protocols, rpc-v2-cbor is served."}
				}
				return nil
			}
		}
		return &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("No service of the name %.80q is served here.", name), Status: http.StatusNotFound}
	}
	if s := x.byName(scope); s != nil && x.rt.rest[s] != nil {
		x.svc, c.Service, c.Protocol = s, s.Name, REST
		h, _ := x.rt.rest[s].Handler(r)
		if t, ok := h.(restTarget); ok {
			// the mux fills in path values only when it serves the request itself
			x.rt.rest[s].ServeHTTP(discard{}, r)
			c.Operation = t.operation
			return nil
		}
		return &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("%s %.200s is no operation of %s that is served here.", r.Method, r.URL.Path, s.Name), Status: http.StatusNotFound}
	}
	c.Protocol = Query
	return x.resolveQuery(r, scope)
}

func (x *exchange) resolveQuery(r *http.Request, scope string) error {
	c := x.call
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &Error{Code: "MalformedQueryString", Message: "The query string could not be read: " + err.Error()}
	}
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method == http.MethodPost && (mediaType == "" || mediaType == "application/x-www-form-urlencoded") {
		posted, err := url.ParseQuery(string(x.body))
		if err != nil {
			return &Error{Code: "MalformedQueryString", Message: "The body could not be read: " + err.Error()}
		}
		for k, v := range posted {
			form[k] = v
		}
	}
	x.form = form
	c.Operation = form.Get("Action")
	x.svc = x.byName(scope)
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
		if scope != "" {
			return &Error{Code: "NotImplemented", Message: fmt.Sprintf("The service %.80q is not served here.", scope), Status: http.StatusNotImplemented}
		}
		return &Error{Code: "UnknownOperationException", Message: "The request names no service and operation that is served here.", Status: http.StatusNotFound}
	}
	c.Service = x.svc.Name
	if c.Operation == "" {
		return &Error{Code: "UnknownOperationException", Message: "The request names no Action.", Status: http.StatusNotFound}
	}
	return nil
}

func (x *exchange) byName(name string) *Service {
	for _, s := range x.rt.services {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (x *exchange) unknownOperation() *Error {
	if x.svc.Complete {
		return &Error{Code: "InvalidAction", Type: "UnknownOperationException", Message: fmt.Sprintf("The action %.80s is not valid for this endpoint.", x.call.Operation)}
	}
	return &Error{Code: "NotImplemented", Message: fmt.Sprintf("The operation %s:%.80s is not served here.", x.svc.Name, x.call.Operation), Status: http.StatusNotImplemented}
}

func (x *exchange) decodeInput(in any) error {
	malformed := func(err error) error {
		return &Error{Code: "MalformedInput", Type: "SerializationException", Message: "The request could not be read: " + err.Error()}
	}
	switch x.call.Protocol {
	case Query:
		if err := decodeQuery(&x.rt.fields, x.form, in); err != nil {
			return malformed(err)
		}
	case CBOR:
		if len(x.body) > 0 {
			if err := x.rt.decode.Unmarshal(x.body, in); err != nil {
				return malformed(err)
			}
		}
	default:
		if len(bytes.TrimSpace(x.body)) > 0 {
			if err := json.Unmarshal(x.body, in); err != nil {
				return malformed(err)
			}
		}
		if x.call.Protocol == REST {
			if err := decodeREST(x.call.HTTP, in); err != nil {
				return malformed(err)
			}
		}
	}
	return nil
}

func (x *exchange) header(contentType string) http.Header {
	return http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {x.call.RequestID}}
}

func (x *exchange) succeed(out any) Response {
	resp := Response{Status: http.StatusOK}
	var err error
	switch x.call.Protocol {
	case Query:
		resp.Header = x.header("text/xml")
		resp.Body = encodeQuery(&x.rt.fields, x.call.Operation, x.svc.XMLNamespace, x.call.RequestID, out)
	case CBOR:
		resp.Header = x.header("application/cbor")
		resp.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		resp.Body, err = x.rt.encode.Marshal(out)
	default:
		resp.Header = x.header(x.jsonType())
		resp.Body, err = encodeJSON(out)
	}
	if err != nil {
		return x.fail(fmt.Errorf("encoding the output of %s: %w", x.call.Operation, err))
	}
	return resp
}

// encodeJSON is json.Marshal without the escaping of HTML, which AWS doesn't do.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

func (x *exchange) jsonType() string {
	if x.call.Protocol == REST {
		return "application/json"
	}
	return "application/x-amz-json-1.0"
}

func (x *exchange) fail(err error) Response {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: "InternalFailure", Message: err.Error(), Receiver: true}
		if errors.Is(err, context.Canceled) {
			return Response{Status: 499, Err: e, Drop: true} // the client has gone
		}
	}
	resp := Response{Status: e.status(), Err: e}
	namespace, shapes := "http://webservices.amazon.com/AWSFault/2005-15-09", ""
	if x.svc != nil {
		shapes = x.svc.Shapes
		if x.svc.XMLNamespace != "" {
			namespace = x.svc.XMLNamespace
		}
	}
	shape := e.shape()
	if shapes != "" {
		shape = shapes + "#" + shape
	}
	body := map[string]string{"__type": shape, "message": e.Message}
	switch x.call.Protocol {
	case Query:
		resp.Header = x.header("text/xml")
		resp.Body = encodeQueryError(namespace, x.call.RequestID, e)
	case CBOR:
		resp.Header = x.header("application/cbor")
		resp.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		resp.Body, _ = x.rt.encode.Marshal(body)
	case REST:
		resp.Header = x.header(x.jsonType())
		resp.Header.Set("X-Amzn-Errortype", e.shape())
		resp.Body, _ = encodeJSON(map[string]string{"Message": e.Message})
	default:
		resp.Header = x.header(x.jsonType())
		resp.Body, _ = encodeJSON(body)
	}
	if x.call.Protocol == JSON || x.call.Protocol == CBOR {
		resp.Header.Set("X-Amzn-Query-Error", e.Code+";"+e.fault())
	}
	return resp
}

// resourceOf finds what an input is about: its queue, topic or alarm.
func resourceOf(in any) string {
	v := reflect.ValueOf(in).Elem()
	for _, name := range []string{"QueueUrl", "SourceArn", "TopicArn", "QueueName", "AlarmName", "Name"} {
		f := v.FieldByName(name)
		if f.IsValid() && f.Kind() == reflect.Pointer && !f.IsNil() {
			f = f.Elem()
		}
		if f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			return f.String()
		}
	}
	return ""
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
