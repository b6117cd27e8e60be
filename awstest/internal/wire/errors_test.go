package wire_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestErrorsInEachProtocol(t *testing.T) {
	r := newRig(t)

	got := r.json(t, "Fail", `{}`)
	require.Equal(t, 400, got.StatusCode)
	require.JSONEq(t, `{"__type":"com.amazonaws.toy#ToyDoesNotExist","message":"no <toy> & \"such\""}`, got.body)
	require.Equal(t, "AWS.Toy.NonExistentToy;Sender", got.Header.Get("X-Amzn-Query-Error"))
	require.NotEmpty(t, got.Header.Get("X-Amzn-RequestId"))

	got = r.cbor(t, "Fail", nil)
	require.Equal(t, 400, got.StatusCode)
	require.Equal(t, "application/cbor", got.Header.Get("Content-Type"))
	require.Equal(t, "rpc-v2-cbor", got.Header.Get("Smithy-Protocol"))
	require.Equal(t, "AWS.Toy.NonExistentToy;Sender", got.Header.Get("X-Amzn-Query-Error"))
	var body map[string]string
	require.NoError(t, cbor.Unmarshal([]byte(got.body), &body))
	require.Equal(t, map[string]string{"__type": "com.amazonaws.toy#ToyDoesNotExist", "message": `no <toy> & "such"`}, body)

	got = r.query(t, "Action=Fail")
	require.Equal(t, 400, got.StatusCode)
	require.Equal(t, `<?xml version="1.0"?><ErrorResponse xmlns="http://toy.amazonaws.com/doc/2026-01-01/"><Error><Type>Sender</Type><Code>AWS.Toy.NonExistentToy</Code><Message>no such toy</Message><Detail/></Error><RequestId>`+
		got.Header.Get("X-Amzn-RequestId")+`</RequestId></ErrorResponse>`, got.body)

	got = r.do(t, r.request(t, "GET", "/things/missing", "", "Authorization", signed("test/20261124/us-east-1/resttoy/aws4_request")))
	require.Equal(t, 404, got.StatusCode)
	require.Equal(t, "ResourceNotFoundException", got.Header.Get("X-Amzn-ErrorType"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.JSONEq(t, `{"Message":"no thing"}`, got.body)
}

func TestFailuresOfTheService(t *testing.T) {
	r := newRig(t)
	got := r.json(t, "Fail", `{"How":"receiver"}`)
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, "ServiceUnavailable;Receiver", got.Header.Get("X-Amzn-Query-Error"))

	got = r.json(t, "Fail", `{"How":"plain"}`)
	require.Equal(t, 500, got.StatusCode)
	require.JSONEq(t, `{"__type":"com.amazonaws.toy#InternalFailure","message":"no *Error"}`, got.body)

	for range 3 { // and the endpoint lives
		got = r.json(t, "Fail", `{"How":"panic"}`)
		require.Equal(t, 500, got.StatusCode)
		require.Contains(t, got.body, "com.amazonaws.toy#InternalFailure")
		require.Contains(t, got.body, "Fail panicked: of the operation")
		got = r.query(t, "Action=Fail&How=panic")
		require.Equal(t, 500, got.StatusCode)
		require.Contains(t, got.body, "<Type>Receiver</Type><Code>InternalFailure</Code>")
	}
}

func TestWhatIsNotServed(t *testing.T) {
	r := newRig(t)
	toyScope := signed("test/20261124/us-east-1/toy/aws4_request")
	otherScope := signed("test/20261124/us-east-1/othertoy/aws4_request")
	restScope := signed("test/20261124/us-east-1/resttoy/aws4_request")
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string
	}{
		{"an operation in JSON", "POST", "/", "{}", []string{"X-Amz-Target", "ToyService.Fly"}, 501,
			`{"__type":"com.amazon.coral.service#NotImplemented","message":"The operation toy:Fly is not served here."}`},
		{"a service in JSON", "POST", "/", "{}", []string{"X-Amz-Target", "DynamoDB_20120810.ListTables"}, 404,
			`No service with the target prefix \"DynamoDB_20120810\" is served here.`},
		{"a target that is no target", "POST", "/", "{}", []string{"X-Amz-Target", "ToyService"}, 501, "NotImplemented"},
		{"an operation in Query", "POST", "/", "Action=Fly", []string{"Authorization", toyScope}, 501,
			`<Code>NotImplemented</Code><Message>The operation toy:Fly is not served here.</Message>`},
		{"an operation that doesn't exist", "POST", "/", "Action=Fly", []string{"Authorization", otherScope}, 400,
			`<Code>InvalidAction</Code><Message>The action Fly is not valid for this endpoint.</Message>`},
		{"a service in Query", "POST", "/", "Action=DescribeInstances", []string{"Authorization", signed("test/20261124/us-east-1/ec2/aws4_request")}, 501,
			`The service &quot;ec2&quot; is not served here.`},
		{"an unsigned operation of no service", "POST", "/", "Action=Fly", nil, 404, `<Code>UnknownOperationException</Code>`},
		{"no Action", "POST", "/queue", "", []string{"Authorization", toyScope}, 404, `<UnknownOperationException/>`},
		{"nothing at all", "GET", "/", "", nil, 404, `The request names no service and operation that is served here.`},
		{"an operation in CBOR", "POST", "/service/ToyService/operation/Fly", "", []string{"Smithy-Protocol", "rpc-v2-cbor"}, 501, `NotImplemented`},
		{"a service in CBOR", "POST", "/service/Granite/operation/Fly", "", []string{"Smithy-Protocol", "rpc-v2-cbor"}, 404, `UnknownOperationException`},
		{"RPC in JSON", "POST", "/service/ToyService/operation/Echo", "", []string{"Smithy-Protocol", "rpc-v2-json"}, 404, `rpc-v2-cbor is served`},
		{"a path in CBOR", "POST", "/service/ToyService", "", []string{"Smithy-Protocol", "rpc-v2-cbor"}, 501, `NotImplemented`},
		{"a path in REST", "GET", "/others", "", []string{"Authorization", restScope}, 404, `GET \"/others\" is no operation of resttoy`},
		{"a method in REST", "PUT", "/things/a", "", []string{"Authorization", restScope}, 404, `UnknownOperationException`},
		{"a path in REST that is not clean", "GET", "/things//a", "", []string{"Authorization", restScope}, 404, `is no operation of resttoy`},
		{"an operation in REST", "DELETE", "/things/a", "", []string{"Authorization", restScope}, 400, `The action NotThere is not valid for this endpoint.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.do(t, r.request(t, c.method, c.path, c.body, c.headers...))
			require.Equal(t, c.status, got.StatusCode, got.body)
			if got.Header.Get("X-Amzn-ErrorType") != "" {
				got.body += got.Header.Get("X-Amzn-ErrorType")
			}
			require.Contains(t, got.body, c.want)
			require.Empty(t, got.Header.Get("X-Amzn-Query-Error"))
		})
	}
}

// What is around calls may drop them, cut them off, or answer them.
func TestAround(t *testing.T) {
	last := &seen{}
	var mu sync.Mutex // a cut connection's call and the next one's may overlap
	var calls []wire.Call
	around := func(c *wire.Call, next func() wire.Response) wire.Response {
		mu.Lock()
		calls = append(calls, *c)
		mu.Unlock()
		switch c.Input.(*everything).Text {
		case "drop":
			return wire.Response{Drop: true}
		case "cut":
			resp := next()
			half := len(resp.Body) / 2
			resp.Abort = &half
			return resp
		case "refuse":
			return c.Fail(&wire.Error{Code: "Throttling", Message: "Rate exceeded"})
		case "panic":
			panic("around")
		}
		return next()
	}
	srv := httptest.NewServer(wire.NewRouter(func() time.Time { return now }, around, toy(last)))
	defer srv.Close()
	r := &rig{srv, last}

	require.Equal(t, 200, r.json(t, "Echo", `{"Text":"pass"}`).StatusCode)
	require.Equal(t, 500, r.json(t, "Echo", `{"Text":"panic"}`).StatusCode)
	got := r.json(t, "Echo", `{"Text":"refuse"}`)
	require.Equal(t, "Throttling;Sender", got.Header.Get("X-Amzn-Query-Error"))
	for _, text := range []string{"drop", "cut"} {
		req := r.request(t, "POST", "/", `{"Text":"`+text+`"}`, "X-Amz-Target", "ToyService.Echo")
		resp, err := r.Client().Do(req)
		if err == nil { // the header may have arrived
			require.Equal(t, "cut", text)
			_, err = resp.Body.Read(make([]byte, 1<<10))
			for err == nil {
				_, err = resp.Body.Read(make([]byte, 1<<10))
			}
			require.ErrorContains(t, err, "unexpected EOF")
		}
		require.Error(t, err)
	}
	require.Equal(t, 400, r.json(t, "Echo", `{"Text":1}`).StatusCode, "what can't be read is seen, too")
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, calls, 6)
	require.Equal(t, "Echo", calls[5].Operation)
	require.Equal(t, now, calls[0].Time)
	require.Equal(t, srv.URL, calls[0].BaseURL)
}

func TestAClientThatLeaves(t *testing.T) {
	responses := make(chan wire.Response, 1)
	started := make(chan struct{})
	around := func(c *wire.Call, next func() wire.Response) wire.Response {
		close(started)
		resp := next()
		responses <- resp
		return resp
	}
	srv := httptest.NewServer(wire.NewRouter(func() time.Time { return now }, around, toy(&seen{})))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	_, err = conn.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Fail\r\nContent-Length: 14\r\n\r\n" + `{"How":"wait"}`))
	require.NoError(t, err)
	<-started
	require.NoError(t, conn.Close())
	resp := <-responses
	require.True(t, resp.Drop)
	require.Equal(t, 499, resp.Status)
	require.NotNil(t, resp.Err)
}

func TestRequestsThatNoServerMade(t *testing.T) {
	rt := wire.NewRouter(func() time.Time { return now }, nil, toy(&seen{}))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/?Action=Echo&Text=t", nil)
	r.Body = nil
	rt.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), "<Text>t</Text>")
}
