package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// KeptMessage is a message in a file of what was discarded or put into quarantine, one
// JSON object a line: all that is needed to send it again.
type KeptMessage struct {
	// Time is when it was kept, DLQ the ARN of the dead-letter queue that it was in.
	Time time.Time `json:"time"`
	DLQ  string    `json:"dlq"`
	// Action is discard or quarantine; Rule the rule that said so, empty if none did.
	Action    Action `json:"action"`
	Rule      string `json:"rule,omitempty"`
	OverLimit bool   `json:"over_limit,omitempty"`

	MessageID    string                   `json:"message_id"`
	Body         string                   `json:"body"`
	Attributes   map[string]KeptAttribute `json:"attributes,omitempty"`
	Source       string                   `json:"source,omitempty"` // ARN
	Sent         time.Time                `json:"sent"`             // SentTimestamp, to the millisecond
	ReceiveCount int                      `json:"receive_count"`
	RedriveCount int                      `json:"redrive_count"`
	GroupID      string                   `json:"group_id,omitempty"`
	TraceHeader  string                   `json:"trace_header,omitempty"`
}

// KeptAttribute is a message attribute; the value of a binary one is in base64.
type KeptAttribute struct {
	DataType string `json:"data_type"`
	String   string `json:"string,omitempty"`
	Binary   []byte `json:"binary,omitempty"`
}

// AttributeValues returns the attributes in the SDK's form.
func (k KeptMessage) AttributeValues() map[string]types.MessageAttributeValue {
	all := map[string]types.MessageAttributeValue{}
	for name, a := range k.Attributes {
		v := types.MessageAttributeValue{DataType: aws.String(a.DataType)}
		if strings.HasPrefix(a.DataType, "Binary") {
			v.BinaryValue = a.Binary
		} else {
			v.StringValue = aws.String(a.String)
		}
		all[name] = v
	}
	return all
}

// ReadKept reads a file of kept messages, one after the other. A message may be there
// twice, with the same MessageID, if a redrive was killed.
func ReadKept(r io.Reader, each func(KeptMessage) error) error {
	return eachLine(r, func(number int, text []byte) error {
		var k KeptMessage
		if err := json.Unmarshal(text, &k); err != nil || k.MessageID == "" {
			return fmt.Errorf("line %d is no kept message", number)
		}
		return each(k)
	})
}

// keptFile is a file that messages are added to.
type keptFile struct {
	mu   sync.Mutex
	name string
	file *os.File
}

// openKept opens a file to add messages to, and creates it if need be. A file that holds
// something else is refused.
func openKept(name string) (*keptFile, error) {
	f, err := openLines(name)
	if err != nil {
		return nil, fmt.Errorf("opening the file for messages: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no regular file, so that nothing would be kept in it: choose another", name), err, f.Close())
	}
	first := json.NewDecoder(f)
	var k KeptMessage
	if err := first.Decode(&k); err != io.EOF && (err != nil || k.MessageID == "") {
		_ = f.Close()
		return nil, fmt.Errorf("%s holds something other than kept messages: choose another file", name)
	}
	return &keptFile{name: name, file: f}, nil
}

// keep writes messages and returns when they are on the disk.
func (k *keptFile) keep(messages []KeptMessage) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, m := range messages {
		if err := encoder.Encode(m); err != nil {
			return fmt.Errorf("writing to %s: %w", k.name, err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.file.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing to %s: %w", k.name, err)
	}
	if err := k.file.Sync(); err != nil {
		return fmt.Errorf("writing to %s: %w", k.name, err)
	}
	return nil
}

func (k *keptFile) close() error { return k.file.Close() }

// kept is the message as it is kept.
func (l *DeadLetter) kept(dlqARN string, now time.Time, d Decision) KeptMessage {
	k := KeptMessage{
		Time: now.UTC(), DLQ: dlqARN, Action: d.Action, Rule: d.Rule, OverLimit: d.OverLimit,
		MessageID: l.ID, Body: l.Body, Source: l.Source, Sent: l.Sent.UTC(), ReceiveCount: l.ReceiveCount,
		RedriveCount: l.RedriveCount, GroupID: l.GroupID, TraceHeader: l.TraceHeader,
	}
	if len(l.Attributes) > 0 {
		k.Attributes = map[string]KeptAttribute{}
		for name, a := range l.Attributes {
			k.Attributes[name] = KeptAttribute{DataType: stringOf(a.DataType), String: stringOf(a.StringValue), Binary: a.BinaryValue}
		}
	}
	return k
}
