package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxMessage is the largest message, and the largest batch, with attributes, in bytes.
// [Publish API reference]
const maxMessage = 262_144

// message is something published, as it is delivered.
type message struct {
	id, subject, body string
	// structure says that body is JSON with a text for each protocol
	structured               bool
	attributes               map[string]fabric.Attribute
	groupID, deduplicationID string
	sequence                 string
	trace                    string
}

type publishInput struct {
	TopicArn               string
	TargetArn              string
	PhoneNumber            string
	Message                string
	Subject                *string
	MessageStructure       string
	MessageAttributes      map[string]attributeInput `query:"MessageAttributes,map,Name,Value"`
	MessageGroupID         string                    `query:"MessageGroupId"`
	MessageDeduplicationID string                    `query:"MessageDeduplicationId"`
}

type publishOutput struct {
	MessageID      string `query:"MessageId"`
	SequenceNumber string `json:",omitempty"`
}

func (s *Service) publish(_ context.Context, c *wire.Call, in *publishInput) (*publishOutput, error) {
	target := in.TopicArn
	switch {
	case in.PhoneNumber != "":
		return nil, notServed("Publish to a phone number")
	case target == "" && in.TargetArn != "":
		target = in.TargetArn
		if a, elements := parseARN(target); elements == 6 && strings.Contains(a.resource, "/") {
			return nil, invalid("TargetArn Reason: No endpoint found for the target arn specified")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, target, "SNS:Publish")
	if err != nil {
		return nil, err
	}
	m, err := t.newMessage(&entry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure,
		MessageAttributes: in.MessageAttributes, MessageGroupID: in.MessageGroupID, MessageDeduplicationID: in.MessageDeduplicationID,
	}, "messageAttributes")
	if err != nil {
		return nil, err
	}
	if m.size() > maxMessage {
		return nil, invalid("Message too long")
	}
	m.trace = traceOf(c)
	r := s.send(t, m)
	return &publishOutput{MessageID: r.messageID, SequenceNumber: r.sequence}, nil
}

// traceOf returns the caller's X-Ray trace header, which travels with the message.
func traceOf(c *wire.Call) string {
	if c.HTTP == nil {
		return ""
	}
	return c.HTTP.Header.Get("X-Amzn-Trace-Id")
}

// entry is a message of PublishBatch.
type entry struct {
	ID                     string `query:"Id"`
	Message                string
	Subject                *string
	MessageStructure       string
	MessageAttributes      map[string]attributeInput `query:"MessageAttributes,map,Name,Value"`
	MessageGroupID         string                    `query:"MessageGroupId"`
	MessageDeduplicationID string                    `query:"MessageDeduplicationId"`
}

type publishBatchInput struct {
	TopicArn                   string
	PublishBatchRequestEntries []entry
}

type batchResult struct {
	ID             string `query:"Id"`
	MessageID      string `query:"MessageId"`
	SequenceNumber string `json:",omitempty"`
}

type batchError struct {
	ID          string `query:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

type publishBatchOutput struct {
	Successful []batchResult
	Failed     []batchError
}

// batchIDPattern is what an entry's id consists of.
var batchIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// publishBatch publishes up to ten messages. Bad input fails all of them. [recorded]
func (s *Service) publishBatch(_ context.Context, c *wire.Call, in *publishBatchInput) (*publishBatchOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:Publish")
	if err != nil {
		return nil, err
	}
	entries := in.PublishBatchRequestEntries
	switch {
	case len(entries) == 0:
		return nil, batchFault("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > 10:
		return nil, batchFault("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	messages := make([]*message, len(entries))
	size := 0
	for i := range entries {
		e := &entries[i]
		if !batchIDPattern.MatchString(e.ID) {
			return nil, batchFault("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[e.ID] {
			return nil, batchFault("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[e.ID] = true
		m, err := t.newMessage(e, "publishBatchRequestEntries."+itoa(i+1)+".member.messageAttributes")
		if err != nil {
			return nil, err
		}
		m.trace = traceOf(c)
		messages[i] = m
		size += m.size()
	}
	if size > maxMessage {
		return nil, batchFault("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	out := &publishBatchOutput{Successful: []batchResult{}, Failed: []batchError{}}
	for i, m := range messages {
		r := s.send(t, m)
		out.Successful = append(out.Successful, batchResult{ID: entries[i].ID, MessageID: r.messageID, SequenceNumber: r.sequence})
	}
	return out, nil
}

func batchFault(code, text string) *wire.Error { return &wire.Error{Code: code, Message: text} }

// newMessage checks what is to be published. path names the attributes in errors.
func (t *topic) newMessage(e *entry, path string) (*message, error) {
	m := &message{id: wire.NewUUID(), body: e.Message, groupID: e.MessageGroupID, deduplicationID: e.MessageDeduplicationID}
	if e.Message == "" {
		return nil, invalid("Empty message")
	}
	if e.Subject != nil {
		if !validSubject(*e.Subject) {
			return nil, invalid("Subject")
		}
		m.subject = *e.Subject
	}
	if err := t.checkFIFO(m); err != nil {
		return nil, err
	}
	switch e.MessageStructure {
	case "":
	case "json":
		var texts map[string]any
		if json.Unmarshal([]byte(e.Message), &texts) != nil {
			return nil, invalid("Message Structure - JSON message body failed to parse")
		}
		if _, ok := texts["default"].(string); !ok {
			return nil, invalid("Message Structure - No default entry in JSON message body")
		}
		m.structured = true
	default:
		return nil, invalid("MessageStructure")
	}
	attributes, err := checkAttributes(e.MessageAttributes, path)
	m.attributes = attributes
	return m, err
}

// validSubject reports whether a text is a subject: up to 100 printable ASCII
// characters, not beginning with a space. [Publish API reference]
func validSubject(s string) bool {
	if s == "" || len(s) > 100 || s[0] == ' ' {
		return false
	}
	for _, b := range []byte(s) {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return true
}

// checkFIFO checks group and deduplication ids. Standard topics take a group id too,
// for fair queues.
func (t *topic) checkFIFO(m *message) error {
	if !t.fifo {
		if m.deduplicationID != "" {
			return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
		}
		return nil
	}
	if m.groupID == "" {
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	if m.deduplicationID == "" {
		if t.attributes["ContentBasedDeduplication"] != "true" {
			return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.body))
		m.deduplicationID = hex.EncodeToString(sum[:])
	}
	return nil
}

// size is what counts against maxMessage.
func (m *message) size() int {
	n := len(m.body)
	for name, a := range m.attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// send delivers a message, unless a FIFO topic has had it already.
func (s *Service) send(t *topic, m *message) receipt {
	if !t.fifo {
		s.deliver(t, m)
		return receipt{messageID: m.id}
	}
	now := s.clk.Now()
	key := m.deduplicationID
	if t.attributes["FifoThroughputScope"] == "MessageGroup" {
		key = m.groupID + "\x00" + key
	}
	t.forget(now)
	if r, ok := t.recent[key]; ok {
		return r
	}
	m.sequence = s.nextSequence()
	r := receipt{at: now, messageID: m.id, sequence: m.sequence}
	t.recent[key] = r
	t.order = append(t.order, key)
	s.deliver(t, m)
	return r
}

// forget drops the deduplication ids whose window has passed.
func (t *topic) forget(now time.Time) {
	if t.recent == nil {
		t.recent = map[string]receipt{}
	}
	for len(t.order) > 0 && now.Sub(t.recent[t.order[0]].at) >= deduplicationWindow {
		delete(t.recent, t.order[0])
		t.order = t.order[1:]
	}
}

// Publish implements fabric.Topics: a service publishes, if the topic's policy lets it.
func (s *Service) Publish(from fabric.Principal, topicARN, subject, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return noTopic()
	}
	if err := t.admit(from); err != nil {
		return err
	}
	if text == "" {
		return invalid("Empty message")
	}
	if len(text) > maxMessage {
		return &wire.Error{Code: "InvalidParameter", Message: "Invalid parameter: Message too long", Status: http.StatusBadRequest}
	}
	m := &message{id: wire.NewUUID(), subject: subject, body: text}
	if t.fifo {
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	s.send(t, m)
	return nil
}
