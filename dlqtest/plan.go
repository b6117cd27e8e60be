package dlqtest

import (
	"encoding/json"
	"strings"
)

// Message is a message that a proof sends.
type Message struct {
	// Fault is how its consumers fail.
	Fault Fault
	// Group is its message group. FIFO queues need one; on standard queues it is that of a
	// fair queue.
	Group string
}

// DefaultPlan is what Prove sends: healthy messages, slow ones, poison ones of each kind,
// and flaky ones up to the boundary, which succeed on the very last receive that is allowed. On
// a FIFO queue poison stands at the head of its group, with healthy messages behind it
// and groups without any beside it.
func DefaultPlan(q Queue) []Message {
	n := q.MaxReceiveCount
	if q.FIFO() {
		return []Message{
			{Crash(), "poisoned-crash"}, {Healthy(), "poisoned-crash"}, {Healthy(), "poisoned-crash"},
			{Nack(), "poisoned-nack"}, {Healthy(), "poisoned-nack"}, {Crash(), "poisoned-nack"}, {Healthy(), "poisoned-nack"},
			{Flaky(n-1, Leave), "flaky"}, {Healthy(), "flaky"},
			{Healthy(), "healthy"}, {SlowHeartbeat(), "healthy"}, {Healthy(), "healthy"},
			{Stale(), "overrun"}, {Healthy(), "overrun"},
		}
	}
	var plan []Message
	for _, f := range []Fault{Healthy(), Crash(), Healthy(), Nack(), Flaky(n-1, Leave), Flaky(n-1, Return), Flaky(n/2, Leave), SlowHeartbeat(), Stale(), Duplicate(), Crash(), Nack(), Healthy()} {
		plan = append(plan, Message{Fault: f})
	}
	return plan
}

// DefaultText is what the bodies of a proof's messages say: characters that are easily broken.
const DefaultText = `größer, 大きい, "quoted" <&> 🧪`

// body is the message's body. It carries the key that tells the message from all others,
// also after a redrive has given it a new MessageId.
func body(key, text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct { // two strings can be encoded
		Proof string `json:"proof"`
		Text  string `json:"text"`
	}{key, text})
	return strings.TrimSuffix(b.String(), "\n")
}
