package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// Lean speaks just enough HTTP/1.1 and JSON for a cycle, on one connection a worker.
type Lean struct {
	host string
	url  string // of the queue, as a JSON string
}

// NewLean creates a queue and returns a lean client for it.
func NewLean(ctx context.Context, endpoint, queue string) (*Lean, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("reading the endpoint's address: %w", err)
	}
	c := &Lean{host: u.Host}
	w := c.worker()
	defer w.Close()
	answer, err := w.call(ctx, "CreateQueue", `{"QueueName":`+quote(queue)+`}`)
	if err != nil {
		return nil, fmt.Errorf("creating queue %s: %w", queue, err)
	}
	var out struct{ QueueUrl string }
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("creating queue %s: %w", queue, err)
	}
	c.url = quote(out.QueueUrl)
	return c, nil
}

// Worker implements Client.
func (c *Lean) Worker() Worker { return c.worker() }

func (c *Lean) worker() *leanWorker { return &leanWorker{Lean: c} }

// Close implements Client.
func (c *Lean) Close(ctx context.Context) error {
	w := c.worker()
	defer w.Close()
	_, err := w.call(ctx, "DeleteQueue", `{"QueueUrl":`+c.url+`}`)
	return err
}

// SendBatch sends up to ten messages with one body, as one of the workers does it.
func (c *Lean) SendBatch(ctx context.Context, w Worker, body string, n int) error {
	var entries strings.Builder
	for i := range n {
		if i > 0 {
			entries.WriteByte(',')
		}
		fmt.Fprintf(&entries, `{"Id":"%d","MessageBody":%s}`, i, quote(body))
	}
	answer, err := w.(*leanWorker).call(ctx, "SendMessageBatch", `{"QueueUrl":`+c.url+`,"Entries":[`+entries.String()+`]}`)
	if err != nil {
		return err
	}
	if bytes.Contains(answer, []byte(`"Failed"`)) {
		return fmt.Errorf("SendMessageBatch: %s", answer)
	}
	return nil
}

func quote(s string) string {
	b, _ := json.Marshal(s) // strings always can be
	return string(b)
}

// leanWorker is one connection.
type leanWorker struct {
	*Lean
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte
}

func (w *leanWorker) Send(ctx context.Context, body string) error {
	_, err := w.call(ctx, "SendMessage", `{"QueueUrl":`+w.url+`,"MessageBody":`+quote(body)+`}`)
	return err
}

func (w *leanWorker) Receive(ctx context.Context) (string, error) {
	answer, err := w.call(ctx, "ReceiveMessage", `{"QueueUrl":`+w.url+`}`)
	if err != nil {
		return "", err
	}
	return receiptHandle(answer)
}

func (w *leanWorker) Delete(ctx context.Context, handle string) error {
	_, err := w.call(ctx, "DeleteMessage", `{"QueueUrl":`+w.url+`,"ReceiptHandle":"`+handle+`"}`)
	return err
}

// receiptHandle finds the receipt handle in the answer to a receive, as it stands there.
func receiptHandle(answer []byte) (string, error) {
	_, rest, ok := bytes.Cut(answer, []byte(`"ReceiptHandle":`))
	if !ok {
		return "", nil
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	handle, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed || bytes.IndexByte(handle, '\\') >= 0 {
		return "", fmt.Errorf("no receipt handle can be found in %s", answer)
	}
	return string(handle), nil
}

// call makes an API call. What it returns is good until the next one.
func (w *leanWorker) call(ctx context.Context, operation, input string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w.conn == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.host)
		if err != nil {
			return nil, err
		}
		w.conn, w.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	defer context.AfterFunc(ctx, interrupt(w.conn))()

	b := append(w.out[:0], "POST / HTTP/1.1\r\nHost: "...)
	b = append(b, w.host...)
	b = append(b, "\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS."...)
	b = append(b, operation...)
	b = append(b, "\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(input)), 10)
	b = append(b, "\r\n\r\n"...)
	w.out = append(b, input...)
	if _, err := w.conn.Write(w.out); err != nil {
		w.Close()
		return nil, err
	}
	status, closing, err := w.read()
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("reading the answer to %s: %w", operation, err)
	}
	if closing {
		w.Close()
	}
	if status != 200 {
		return nil, fmt.Errorf("%s: status %d: %s", operation, status, w.body)
	}
	return w.body, nil
}

// interrupt returns a function that ends what goes on on the connection.
func interrupt(conn net.Conn) func() { return func() { _ = conn.Close() } }

// Close implements Worker.
func (w *leanWorker) Close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// read reads an answer's body into w.body.
func (w *leanWorker) read() (status int, closing bool, err error) {
	line, err := w.line()
	if err != nil {
		return 0, false, err
	}
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, false, fmt.Errorf("no HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("no HTTP status: %q", line)
	}
	length := -1
	for {
		line, err := w.line()
		if err != nil {
			return 0, false, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = textproto.TrimBytes(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, fmt.Errorf("content length %q", value)
			}
		case bytes.EqualFold(name, []byte("Connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 || length > 64<<20 {
		return 0, false, errors.New("an answer without a usable Content-Length")
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	_, err = io.ReadFull(w.in, w.body)
	return status, closing, err
}

// line reads a line of a header.
func (w *leanWorker) line() ([]byte, error) {
	line, err := w.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
