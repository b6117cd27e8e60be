package wire

import (
	"encoding/base64"
	"net/http"
)

// Reader is an input of a REST-XML service, or one of a REST service whose body is no JSON.
type Reader interface {
	// ReadRequest fills the input from the request, whose body is given and not kept. An
	// error is the call's.
	ReadRequest(r *http.Request, body []byte) error
}

// HostID is the second id of the call, which S3 gives along with the request id.
func (c *Call) HostID() string { return base64.StdEncoding.EncodeToString([]byte(c.RequestID)) }

// succeedXML makes an answer of an output, which is one but for what all answers have.
func (x *exchange) succeedXML(out any) Response {
	resp := *out.(*Response)
	if resp.Status == 0 {
		resp.Status = http.StatusOK
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	if len(resp.Body) > 0 && resp.Header.Get("Content-Type") == "" {
		resp.Header.Set("Content-Type", "application/xml")
	}
	x.identify(resp.Header)
	return resp
}

// failXML encodes an error as S3 does: without an envelope. [S3 API reference, "REST error
// responses"]
func (x *exchange) failXML(e *Error) Response {
	w := &xmlWriter{buf: make([]byte, 0, 512)}
	w.buf = append(w.buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"...)
	w.open("Error")
	w.element("Code", e.Code)
	w.element("Message", e.Message)
	header := http.Header{"Content-Type": {"application/xml"}}
	for name, values := range e.Header {
		header[name] = values
	}
	for _, d := range e.Detail {
		w.element(d.Name, d.Value)
	}
	w.element("RequestId", x.call.RequestID)
	w.element("HostId", x.call.HostID())
	w.close("Error")
	x.identify(header)
	return Response{Status: e.status(), Header: header, Body: w.buf, Err: e}
}

func (x *exchange) identify(h http.Header) {
	h.Set("X-Amz-Request-Id", x.call.RequestID)
	h.Set("X-Amz-Id-2", x.call.HostID())
}
