package wire_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func zip(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// zeros is a body of n bytes that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	rt := wire.NewRouter(func() time.Time { return now }, nil, toy(&seen{}), restToy())
	bomb := bytes.Repeat(zip(t, make([]byte, 1<<20)), 512) // a gzip file may have many members
	for _, c := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"JSON", []string{"X-Amz-Target", "ToyService.Echo"}, `"com.amazon.coral.service#RequestEntityTooLarge"`},
		{"CBOR", []string{"Smithy-Protocol", "rpc-v2-cbor"}, "com.amazon.coral.service#RequestEntityTooLarge"},
		{"Query", []string{"Authorization", signed("test/20261124/us-east-1/toy/aws4_request")}, "<Code>RequestEntityTooLarge</Code>"},
		{"REST", []string{"Authorization", signed("test/20261124/us-east-1/resttoy/aws4_request")}, "Request body is larger than 8388608 bytes."},
	} {
		for kind, body := range map[string]func() io.Reader{
			"of a stated length": func() io.Reader { return bytes.NewReader(make([]byte, wire.MaxBody+1)) },
			"of no length":       func() io.Reader { return zeros(1 << 40) },
			"a gzip bomb":        func() io.Reader { return bytes.NewReader(bomb) },
		} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				path := "/things/a"
				if c.name == "CBOR" {
					path = "/service/ToyService/operation/Echo"
				}
				r := httptest.NewRequest("POST", path, body())
				for i := 0; i < len(c.headers); i += 2 {
					r.Header.Set(c.headers[i], c.headers[i+1])
				}
				if kind == "a gzip bomb" {
					r.Header.Set("Content-Encoding", "gzip")
				}
				w := httptest.NewRecorder()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				rt.ServeHTTP(w, r)
				runtime.ReadMemStats(&after)
				require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
				require.Contains(t, w.Body.String(), c.want)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*wire.MaxBody), "memory is bounded")
			})
		}
	}
}

func TestTheLargestBody(t *testing.T) {
	r := newRig(t)
	frame := len(`{"Text":"","Always":[]}`)
	text := strings.Repeat("x", wire.MaxBody-frame)
	got := r.json(t, "Echo", `{"Text":"`+text+`","Always":[]}`)
	require.Equal(t, 200, got.StatusCode)
	require.Len(t, got.body, wire.MaxBody)
	require.Equal(t, 413, r.json(t, "Echo", `{"Text":"`+text+`","Always":[] }`).StatusCode)
}

// What is small in a body must not be huge in memory.
func TestBodiesThatUnfold(t *testing.T) {
	rt := wire.NewRouter(func() time.Time { return now }, nil, toy(&seen{}))
	params := strings.Builder{}
	for i := range 9_000 {
		params.WriteString("&p")
		params.WriteString(strings.Repeat(string(rune('a'+i%26)), 1+i%9))
		params.WriteString(strings.Repeat("."+string(rune('a'+i%23)), 14))
	}
	for _, c := range []struct{ name, body string }{
		{"many empty structs", `{"Structs":[` + strings.Repeat(`{},`, 2<<20) + `{}]}`},
		{"many empty lists", `{"Lists":[` + strings.Repeat(`[],`, 2<<20) + `[]]}`},
		{"lists that open", `{"Lists":` + strings.Repeat(`[`, 4<<20)},
		{"escaped quotes", `{"Text":"` + strings.Repeat(`\"`, 2<<20)},
		{"backslashes", `{"` + strings.Repeat(`\\`, 2<<20) + `":1}`},
		{"deep parameters", "Action=Echo" + params.String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			if c.body[0] == '{' {
				r.Header.Set("X-Amz-Target", "ToyService.Echo")
			}
			w := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			rt.ServeHTTP(w, r)
			runtime.ReadMemStats(&after)
			require.Contains(t, []int{200, 400}, w.Code)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(128<<20))
			require.Less(t, time.Since(begin), time.Minute) // with a square of the length in it: hours
		})
	}
}

// What is no proper HTTP, net/http answers; the endpoint lives.
func TestWildRequests(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, request, status string }{
		{"a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
		{"a length that is no number", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", "400"},
		{"no host", "POST / HTTP/1.1\r\n\r\n", "400"},
		{"HTTP/1.0", "POST / HTTP/1.0\r\nX-Amz-Target: ToyService.Nothing\r\n\r\n", "200"},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "200"}, // net/http's own
		{"an asterisk in REST", "GET * HTTP/1.1\r\nHost: x\r\nAuthorization: " + signed("a/b/us-east-1/resttoy/d") + "\r\n\r\n", "404"},
		{"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\nAuthorization: " + signed("a/b/us-east-1/resttoy/d") + "\r\n\r\n", "404"},
		{"an absolute URL", "POST http://elsewhere/ HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Nothing\r\nContent-Length: 0\r\n\r\n", "200"},
		{"bytes in a header", "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: \xff\xfe.\x80\r\nContent-Length: 0\r\n\r\n", "404"},
		{"a long header", "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Nothing\r\nAuthorization: " + strings.Repeat("Credential=/", 1<<15) + "\r\nContent-Length: 0\r\n\r\n", "403"},
		{"a longer header", "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", "431"},
		{"chunks", "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Echo\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "200"},
		{"no proper chunks", "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Echo\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
		{"a method of its own", "SING /things/a HTTP/1.1\r\nHost: x\r\nAuthorization: " + signed("a/b/us-east-1/resttoy/d") + "\r\n\r\n", "404"},
		{"two targets", "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: ToyService.Nothing\r\nX-Amz-Target: ToyService.Fly\r\nContent-Length: 0\r\n\r\n", "200"},
		{"an upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", r.Listener.Addr().String())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			go func() { _, _ = io.WriteString(conn, c.request) }() // the server may not read it all
			status, err := bufio.NewReader(conn).ReadString('\n')
			require.NoError(t, err)
			require.Contains(t, status, " "+c.status+" ")
		})
	}
	require.Equal(t, 200, r.json(t, "Nothing", "").StatusCode)
}
