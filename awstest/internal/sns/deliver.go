package sns

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxRawAttributes is how many attributes a raw message can carry to SQS; one with
// more is not delivered. [SNS developer guide, "Raw message delivery"]
const maxRawAttributes = 10

// deliver hands a message to the topic's subscriptions. That one of them fails is no
// matter of the publisher's.
func (s *Service) deliver(t *topic, m *message) {
	if slices.Contains(s.defects, DeliveryDropped) {
		return
	}
	for _, sub := range t.subscriptions {
		if sub.pending || sub.protocol != "sqs" || !sub.filter.accepts(m) {
			continue
		}
		s.attempt(&delivery{sub: sub, message: sub.wrap(m, s.clk.Now())}, 0)
	}
}

// delivery is a message on its way to a queue.
type delivery struct {
	sub     *subscription
	message fabric.QueueMessage
}

// attempt is the n-th retry of a delivery, 0 the first attempt. A refusal by the queue
// is final; a fault of SQS is not.
func (s *Service) attempt(d *delivery, n int) {
	err := s.put(d.sub, d.sub.endpoint, d.message)
	if err == nil {
		return
	}
	if delay, again := retryDelay(n); again && !isRefusal(err) {
		s.clk.After(delay, func(time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.subscriptions[d.sub.arn] == d.sub {
				s.attempt(d, n+1)
			}
		})
		return
	}
	if d.sub.deadLetter == "" {
		return
	}
	// the message as it would have been delivered, with nothing added [recorded]; what
	// the DLQ refuses is lost
	_ = s.put(d.sub, d.sub.deadLetter, d.message)
}

func (s *Service) put(sub *subscription, queueARN string, m fabric.QueueMessage) error {
	if len(m.Attributes) > maxRawAttributes {
		return invalid("more than %d message attributes", maxRawAttributes)
	}
	if !isFIFO(queueARN) {
		m.DeduplicationID = ""
	}
	from := fabric.Principal{Service: Principal, SourceARN: sub.topic.arn, SourceAccount: sub.topic.account}
	return s.queues.Deliver(from, queueARN, m)
}

func isFIFO(queueARN string) bool { return len(queueARN) > 5 && queueARN[len(queueARN)-5:] == ".fifo" }

// isRefusal reports whether an error is the client's: the queue is gone, or doesn't let
// the topic send.
func isRefusal(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && !e.Receiver && e.Status < 500
}

// retryDelay returns how long to wait before retrying a delivery to SQS once more, and
// whether to do so: 3 times at once, 2 times 1 s apart, 10 times with backoff from 1 to
// 20 s, then 100,000 times 20 s apart. [SNS developer guide, "Message delivery retries"]
func retryDelay(n int) (time.Duration, bool) {
	switch {
	case n < 3:
		return 0, true
	case n < 5:
		return time.Second, true
	case n < 15:
		return min(time.Second<<(n-5), 20*time.Second), true
	default:
		return 20 * time.Second, n < 100_015
	}
}

// wrap makes the message that a queue gets.
func (sub *subscription) wrap(m *message, now time.Time) fabric.QueueMessage {
	out := fabric.QueueMessage{GroupID: m.groupID, DeduplicationID: m.deduplicationID, TraceHeader: m.trace}
	if sub.attributes["RawMessageDelivery"] == "true" {
		out.Body = m.text()
		out.Attributes = maps.Clone(m.attributes)
		return out
	}
	out.Body = sub.envelope(m, now)
	return out
}

// text is the message for SQS.
func (m *message) text() string {
	if !m.structured {
		return m.body
	}
	var texts map[string]any
	_ = json.Unmarshal([]byte(m.body), &texts) // it was checked when it was published
	for _, protocol := range []string{"sqs", "default"} {
		if text, ok := texts[protocol].(string); ok {
			return text
		}
	}
	return m.body
}

// envelope is the JSON that a queue gets of a message without raw delivery. FIFO topics
// don't sign. [recorded; SNS developer guide, "Parsing message formats"]
func (sub *subscription) envelope(m *message, now time.Time) string {
	t := sub.topic
	timestamp := now.UTC().Format("2006-01-02T15:04:05.000Z")
	var o object
	o.add("Type", "Notification")
	o.add("MessageId", m.id)
	if t.fifo {
		o.add("SequenceNumber", m.sequence)
	}
	o.add("TopicArn", t.arn)
	if m.subject != "" {
		o.add("Subject", m.subject)
	}
	o.add("Message", m.text())
	o.add("Timestamp", timestamp)
	if !t.fifo {
		version := t.attributes["SignatureVersion"]
		if version == "" {
			version = "1"
		}
		o.add("SignatureVersion", version)
		o.add("Signature", sign(t, m.text(), m.id, m.subject, timestamp))
		o.add("SigningCertURL", certificateURL(t.region))
	}
	o.add("UnsubscribeURL", endpointURL(t.region)+"/?Action=Unsubscribe&SubscriptionArn="+sub.arn)
	if len(m.attributes) > 0 {
		var attributes object
		attributes.indent = "  "
		for _, name := range slices.Sorted(maps.Keys(m.attributes)) {
			a := m.attributes[name]
			value := a.StringValue
			if a.BinaryValue != nil {
				value = base64.StdEncoding.EncodeToString(a.BinaryValue)
			}
			attributes.raw(name, `{"Type":`+quote(a.DataType)+`,"Value":`+quote(value)+`}`)
		}
		o.raw("MessageAttributes", attributes.String())
	}
	return o.String()
}

// sendConfirmation asks the owner of a queue in another account to confirm.
func (s *Service) sendConfirmation(sub *subscription) {
	t := sub.topic
	timestamp := s.clk.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	text := "You have chosen to subscribe to the topic " + t.arn + ".\nTo confirm the subscription, visit the SubscribeURL included in this message."
	id := wire.NewUUID()
	var o object
	o.add("Type", "SubscriptionConfirmation")
	o.add("MessageId", id)
	o.add("Token", sub.token)
	o.add("TopicArn", t.arn)
	o.add("Message", text)
	o.add("SubscribeURL", endpointURL(t.region)+"/?Action=ConfirmSubscription&TopicArn="+t.arn+"&Token="+sub.token)
	o.add("Timestamp", timestamp)
	o.add("SignatureVersion", "1")
	o.add("Signature", sign(t, text, id, "", timestamp))
	o.add("SigningCertURL", certificateURL(t.region))
	m := fabric.QueueMessage{Body: o.String()}
	if isFIFO(sub.endpoint) {
		m.GroupID, m.DeduplicationID = id, id
	}
	_ = s.put(sub, sub.endpoint, m) // if the queue refuses, the subscription stays pending
}

func endpointURL(region string) string { return "https://sns." + region + "." + domainOf(region) }

func certificateURL(region string) string {
	sum := sha256.Sum256([]byte("signing certificate of " + region))
	return endpointURL(region) + "/SimpleNotificationService-" + hex.EncodeToString(sum[:16]) + ".pem"
}

// sign makes a signature of the form of AWS's, over the same text. It can't be verified
// with AWS's certificate, which nobody else has the key of.
func sign(t *topic, text, id, subject, timestamp string) string {
	var b bytes.Buffer
	for _, pair := range [][2]string{{"Message", text}, {"MessageId", id}, {"Subject", subject}, {"Timestamp", timestamp}, {"TopicArn", t.arn}, {"Type", "Notification"}} {
		if pair[1] != "" {
			b.WriteString(pair[0] + "\n" + pair[1] + "\n")
		}
	}
	mac := hmac.New(sha256.New, []byte(t.arn))
	mac.Write(b.Bytes())
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// object writes a JSON object in the layout that SNS gives its envelopes.
type object struct {
	buf    bytes.Buffer
	indent string
}

func (o *object) add(key, value string) { o.raw(key, quote(value)) }

func (o *object) raw(key, value string) {
	if o.buf.Len() > 0 {
		o.buf.WriteString(",\n")
	}
	o.buf.WriteString(o.indent + "  " + quote(key) + " : " + value)
}

func (o *object) String() string { return "{\n" + o.buf.String() + "\n" + o.indent + "}" }

// quote is a JSON string, without the escaping of HTML that Go would add.
func quote(s string) string {
	b, _ := wire.EncodeJSON(s) // a string can always be encoded
	return string(b)
}
