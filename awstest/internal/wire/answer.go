package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

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

func (x *exchange) header(contentType string) http.Header {
	return http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {x.call.RequestID}}
}

func (x *exchange) cborHeader() http.Header {
	h := x.header("application/cbor")
	h.Set("Smithy-Protocol", "rpc-v2-cbor")
	return h
}

func (x *exchange) jsonType() string {
	if x.call.Protocol == REST {
		return "application/json"
	}
	return "application/x-amz-json-1.0"
}

// succeed encodes an operation's output.
func (x *exchange) succeed(out any) Response {
	if x.call.Protocol == XML {
		return x.succeedXML(out)
	}
	if raw, ok := out.(*Response); ok {
		return x.succeedRaw(raw)
	}
	resp := Response{Status: http.StatusOK}
	if s, ok := out.(interface{ HTTPStatus() int }); ok {
		resp.Status = s.HTTPStatus()
	}
	var err error
	switch x.call.Protocol {
	case Query:
		if asksForJSON(x.call.HTTP) {
			resp.Header = x.header("application/json")
			resp.Body, err = encodeQueryJSON(&x.rt.fields, x.call.Operation, x.call.RequestID, out)
			break
		}
		resp.Header = x.header("text/xml")
		resp.Body = encodeQuery(&x.rt.fields, x.call.Operation, x.svc.XMLNamespace, x.call.RequestID, out)
	case CBOR:
		resp.Header = x.cborHeader()
		resp.Body, err = x.rt.encode.Marshal(out)
	default:
		resp.Header = x.header(x.jsonType())
		resp.Body, err = EncodeJSON(out)
	}
	if err != nil {
		return x.fail(fmt.Errorf("encoding the output of %s: %w", x.call.Operation, err))
	}
	return resp
}

// succeedRaw adds what all answers have to one that an operation has made itself.
func (x *exchange) succeedRaw(out *Response) Response {
	resp := *out
	header := x.header(x.jsonType())
	for name, values := range resp.Header {
		header[name] = values
	}
	resp.Header = header
	return resp
}

// fail encodes an error.
func (x *exchange) fail(err error) Response {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: "InternalFailure", Message: err.Error(), Receiver: true}
		if errors.Is(err, context.Canceled) {
			return Response{Status: 499, Err: e, Drop: true} // the client has gone
		}
	}
	if x.call.Protocol == XML {
		return x.failXML(e)
	}
	resp := Response{Status: e.status(), Err: e}
	switch x.call.Protocol {
	case Query:
		resp.Header = x.header("text/xml")
		resp.Body = encodeQueryError(x.errorNamespace(), x.call.RequestID, e)
		switch {
		case x.svc != nil && e.Code == unknownOperation:
			resp.Body = []byte("<UnknownOperationException/>") // all that AWS says, in XML always
		case asksForJSON(x.call.HTTP):
			resp.Header = x.header("application/json")
			resp.Body, _ = encodeQueryErrorJSON(x.call.RequestID, e)
		}
	case CBOR:
		resp.Header = x.cborHeader()
		resp.Body, _ = x.rt.encode.Marshal(map[string]string{"__type": x.shapeOf(e), "message": e.Message})
	case REST:
		resp.Header = x.header(x.jsonType())
		resp.Header.Set("X-Amzn-Errortype", e.shape())
		body := map[string]any{"Message": e.Message}
		for _, d := range e.Detail {
			body[d.Name] = d.Value
		}
		resp.Body, _ = EncodeJSON(body)
	default:
		resp.Header = x.header(x.jsonType())
		if e.Body != nil {
			resp.Body = e.Body
			break
		}
		resp.Body, _ = EncodeJSON(map[string]string{"__type": x.shapeOf(e), "message": e.Message})
	}
	if x.svc != nil && x.svc.XMLNamespace != "" && !e.framework && (x.call.Protocol == JSON || x.call.Protocol == CBOR) {
		// services that once spoke Query tell its error codes to those who know them
		resp.Header.Set("X-Amzn-Query-Error", e.Code+";"+e.fault())
	}
	return resp
}

// unknownOperation is the code of requests that are for no operation.
const unknownOperation = "UnknownOperationException"

// shapeOf is the error's absolute shape name.
func (x *exchange) shapeOf(e *Error) string {
	switch {
	case e.framework:
		return "com.amazon.coral.service#" + e.shape()
	case x.svc != nil && x.svc.Shapes != "":
		return x.svc.Shapes + "#" + e.shape()
	default:
		return e.shape()
	}
}

func (x *exchange) errorNamespace() string {
	if x.svc != nil && x.svc.XMLNamespace != "" {
		return x.svc.XMLNamespace
	}
	return "http://webservices.amazon.com/AWSFault/2005-15-09"
}
