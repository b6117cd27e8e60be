package awstest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// dial opens a connection to the endpoint.
func (k *kit) dial() net.Conn {
	k.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(k.srv.URL, "http://"))
	require.NoError(k, err)
	k.Cleanup(func() { _ = c.Close() })
	require.NoError(k, c.SetDeadline(time.Now().Add(30*time.Second)))
	return c
}

// exchange writes raw bytes to the endpoint and returns all that it answers until it
// closes the connection.
func (k *kit) exchange(request string) string {
	k.Helper()
	c := k.dial()
	go func() {
		_, _ = io.WriteString(c, request) // the endpoint may not read all of it
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	answer, err := io.ReadAll(c)
	if err != nil { // cut off, with something unread
		var timeout net.Error
		require.False(k, errors.As(err, &timeout) && timeout.Timeout(), "the connection stays open: %v", err)
	}
	return string(answer)
}

// lives shows that the endpoint still works.
func (k *kit) lives() {
	k.Helper()
	url := k.queue("alive")
	k.send(url, "body")
	require.NotEmpty(k, k.receive(url))
}

const jsonCall = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nContent-Type: application/x-amz-json-1.0\r\n"

const formCall = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"

const signed = "Authorization: AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00\r\n"

// with ends a request with a body.
func with(head, body string) string {
	return fmt.Sprintf("%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

func zipped(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.CopyN(w, zeros{}, int64(n))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestHostileRequestsGetAnErrorAsAWSGivesIt(t *testing.T) {
	k := start(t)
	bomb := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">` + strings.Repeat(`<!ENTITY b "&a;&a;&a;&a;&a;&a;">`, 100) + `]><l>&b;</l>`
	deep := strings.Repeat("[", 1<<20)
	var manyHeaders strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&manyHeaders, "X-Header-%d: %s\r\n", i, strings.Repeat("v", 20))
	}
	for _, test := range []struct {
		name    string
		request string
		status  string // what the status line begins with
		want    string // in the body
	}{
		{"a body that is no JSON", with(jsonCall, `{"QueueUrl":`), "HTTP/1.1 400", "SerializationException"},
		{"a body that is other JSON", with(jsonCall, `[1,2]`), "HTTP/1.1 400", "SerializationException"},
		{"a member of another type", with(jsonCall, `{"QueueUrl":{"a":1}}`), "HTTP/1.1 400", "SerializationException"},
		{"JSON nested deeply", with(jsonCall, `{"QueueUrl":`+deep+`}`), "HTTP/1.1 400", "SerializationException"},
		{"a number beyond all numbers", with(jsonCall, `{"QueueUrl":"q","MessageBody":"b","DelaySeconds":`+strings.Repeat("9", 1000)+`}`), "HTTP/1.1 400", "SerializationException"},
		{"bytes that are no text", with(jsonCall, "{\"QueueUrl\":\"\xff\xfe\"}"), "HTTP/1.1 400", "SerializationException"},
		{"an XML bomb", with(jsonCall, bomb), "HTTP/1.1 400", "SerializationException"},
		{"an XML bomb in a form", with(formCall+signed, bomb), "HTTP/1.1 4", ""},
		{"an XML bomb as a message", with(jsonCall, fmt.Sprintf(`{"QueueUrl":"http://x/000000000000/none","MessageBody":%q}`, bomb)), "HTTP/1.1 400", "NonExistentQueue"},
		{"a body that is too large", with(jsonCall, `{"MessageBody":"`+strings.Repeat("x", 9<<20)+`"}`), "HTTP/1.1 413", "RequestEntityTooLarge"},
		{"a form that is too large", with(formCall+signed, "Action=SendMessage&MessageBody="+strings.Repeat("x", 9<<20)), "HTTP/1.1 413", "RequestEntityTooLarge"},
		{"a zip bomb", with(jsonCall+"Content-Encoding: gzip\r\n", zipped(t, 16<<20)), "HTTP/1.1 413", "RequestEntityTooLarge"},
		{"gzip that is none", with(jsonCall+"Content-Encoding: gzip\r\n", "plain"), "HTTP/1.1 400", "SerializationException"},
		{"gzip that ends early", with(jsonCall+"Content-Encoding: gzip\r\n", zipped(t, 1<<20)[:20]), "HTTP/1.1 400", "SerializationException"},
		{"a form that is wrongly encoded", with(formCall+signed, "Action=%zz"), "HTTP/1.1 4", ""},
		{"a form with an index beyond all", with(formCall+signed, "Action=TagQueue&Version=2012-11-05&QueueUrl=q&Tag.999999999999.Key=k"), "HTTP/1.1 400", ""},
		{"a form with a thousand layers", with(formCall+signed, "Action=SendMessage&Version=2012-11-05&QueueUrl=q"+strings.Repeat(".a", 1000)+"=x"), "HTTP/1.1 400", ""},
		{"no operation", with("POST / HTTP/1.1\r\nHost: x\r\n", ""), "HTTP/1.1 40", ""},
		{"an operation that nobody knows", with("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS."+strings.Repeat("A", 10_000)+"\r\n", "{}"), "HTTP/1.1 400", "UnknownOperationException"},
		{"a service that nobody knows", with("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Nothing.At.All\r\n", "{}"), "HTTP/1.1 40", "UnknownOperationException"},
		{"a signature that is none", with(jsonCall+"Authorization: Credential=////////, \r\n", `{"QueueUrl":"q"}`), "HTTP/1.1 400", ""},
		{"a signature that is a book", with(jsonCall+"Authorization: "+strings.Repeat("Credential=", 5_000)+"\r\n", `{"QueueUrl":"q","MessageBody":"b"}`), "HTTP/1.1 400", ""},
		{"two thousand headers", with(jsonCall+manyHeaders.String(), `{"QueueUrl":"q","MessageBody":"b"}`), "HTTP/1.1 400", "NonExistentQueue"},
		{"a header that is too large", with(jsonCall+"X-Large: "+strings.Repeat("x", 2<<20)+"\r\n", "{}"), "HTTP/1.1 431", ""},
		{"a path that is too long", "GET /" + strings.Repeat("x", 2<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431", ""},
		{"a path that leads out", with("POST /../../etc/passwd HTTP/1.1\r\nHost: x\r\n", "Action=ListQueues"), "HTTP/1.1 4", ""},
		{"a path that is wrongly encoded", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400", ""},
		{"a method that is none", with("BREW / HTTP/1.1\r\nHost: x\r\n", ""), "HTTP/1.1 4", ""},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500), "", ""},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "", ""},
		{"two lengths", jsonCall + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "HTTP/1.1 400", ""},
		{"a length and chunks", jsonCall + "Connection: close\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 4", ""},
		{"a length that is negative", jsonCall + "Content-Length: -2\r\n\r\n{}", "HTTP/1.1 400", ""},
		{"a length that is a lie", jsonCall + "Content-Length: 1000000\r\n\r\n{}", "HTTP/1.1 4", ""},
		{"chunks that are none", jsonCall + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 4", ""},
		{"nothing", "", "", ""},
		{"a line that doesn't end", "POST / HTTP/1.1", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := k.exchange(test.request)
			if test.status != "" {
				require.True(t, strings.HasPrefix(answer, test.status), "%.300s", answer)
			}
			require.Contains(t, answer, test.want)
			require.NotContains(t, answer, "goroutine ", "a stack trace")
			require.Less(t, len(answer), 64<<10)
		})
	}
	k.lives()
}

// What was sent in one go is answered one after the other; garbage ends the connection.
func TestPipelinedRequestsAreAnsweredUntilTheFirstThatIsNone(t *testing.T) {
	k := start(t)
	call := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}")
	answer := k.exchange(call + call + call + "\x00garbage\r\n\r\n" + call)
	require.Equal(t, 3, strings.Count(answer, "HTTP/1.1 200 OK"))
	require.Equal(t, 1, strings.Count(answer, "HTTP/1.1 400 Bad Request"))
	require.Equal(t, 3, k.srv.Count("sqs", "ListQueues"))
	k.lives()
}

func TestSlowAndIdleClientsAreGivenUpAndHoldNobodyUp(t *testing.T) {
	const limit = 300 * time.Millisecond
	k := start(t, awstest.Timeouts(limit, limit, limit))
	byBytes := func(c net.Conn, text string) {
		for i := range len(text) {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond) // that is what makes it slow
		}
	}
	ended := make(chan string, 1000)
	watch := func(name string, c net.Conn) {
		_, err := io.Copy(io.Discard, c)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			ended <- name + " stays"
			return
		}
		ended <- ""
	}
	clients := 0
	for range 20 {
		header, body, idle, after := k.dial(), k.dial(), k.dial(), k.dial()
		clients += 4
		go byBytes(header, with(jsonCall+strings.Repeat("X-Slow: 1\r\n", 100), "{}"))
		_, err := io.WriteString(body, jsonCall+"Content-Length: 1000000\r\n\r\n")
		require.NoError(t, err)
		go byBytes(body, strings.Repeat(" ", 1000))
		_, err = io.WriteString(after, "GET /_clock HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		go watch("a header byte by byte", header)
		go watch("a body byte by byte", body)
		go watch("an idle connection", idle)
		go watch("a connection that is idle after a request", after)
	}
	k.lives() // meanwhile
	for range clients {
		require.Empty(t, <-ended)
	}
	k.lives()
}

// A long poll is no slow client: it lasts longer than a request may take to send.
func TestALongPollOutlastsTheReadTimeout(t *testing.T) {
	const limit = 100 * time.Millisecond
	k := start(t, awstest.Timeouts(limit, limit, time.Minute))
	url := k.queue("q", "ReceiveMessageWaitTimeSeconds", "20")
	got := make(chan int, 1)
	go func() { got <- len(k.receive(url)) }()
	time.Sleep(3 * limit) // of real time, by which sockets go
	k.send(url, "body")
	require.Equal(t, 1, <-got)
	require.Equal(t, 1, k.srv.Count("sqs", "ReceiveMessage"), "it was not repeated")
}

func TestManyConnectionsCostLittleMemory(t *testing.T) {
	k := start(t)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	const n = 100
	for range n {
		c := k.dial() // idle
		_ = c
		promising := k.dial() // a large body, of which one byte comes
		_, err := io.WriteString(promising, jsonCall+"Content-Length: 8000000\r\n\r\n{")
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return goroutinesIn("http.(*conn).serve") >= 2*n }, 20*time.Second, 10*time.Millisecond)
	k.lives()
	after := heap()
	// a body gets 1 MiB on its word, more only as it comes
	require.Less(t, int64(after)-int64(before), int64(n*5/4<<20), "for %d connections", 2*n)
}

// Answers are not built for clients that have gone.
func TestClientsThatHangUpLeaveNothingBehind(t *testing.T) {
	k := start(t)
	k.queue("q")
	for range 50 {
		c := k.dial()
		_, err := io.WriteString(c, with("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Type: application/x-amz-json-1.0\r\n", `{"QueueUrl":"http://x/000000000000/q","WaitTimeSeconds":20}`))
		require.NoError(t, err)
	}
	waiting := func() int { return goroutinesIn("sqs.(*queue).receive") }
	require.Eventually(t, func() bool { return waiting() > 0 }, time.Minute, time.Millisecond)
	for range 50 {
		resp, err := http.Get(k.srv.URL + "/_health")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	k.srv.Clock.Advance(20 * time.Second)
	require.Eventually(t, func() bool { return waiting() == 0 }, time.Minute, time.Millisecond)
}
