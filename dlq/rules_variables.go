package dlq

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Variable is something that the conditions of rules know of a message.
type Variable struct{ Name, Type, Meaning string }

// Variables are what the conditions of rules know of a message.
func Variables() []Variable {
	return []Variable{
		{"body", "JSON", "the body if it is JSON, else null; body.order.id reads a field, has(body.order) asks for it"},
		{"is_json", "bool", "whether the body is JSON"},
		{"text", "string", "the body as it is"},
		{"size", "int", "size of body and attributes in bytes"},
		{"attributes", "map", `message attributes by name: a String is a string, a Number an int or a double, a Binary bytes; has(attributes.error) asks for one, attributes["x-error"] reads one`},
		{"message_id", "string", "the MessageId"},
		{"source", "string", "name of the queue that it was dead-lettered from, empty if it was sent to the dead-letter queue"},
		{"source_arn", "string", "ARN of that queue"},
		{"group", "string", "the MessageGroupId, empty if it has none"},
		{"sent", "timestamp", "SentTimestamp: in a standard queue when it was sent first, in a FIFO queue when it was dead-lettered"},
		{"age", "duration", "time since sent"},
		{"receive_count", "int", "ApproximateReceiveCount, which goes on counting in the dead-letter queue: this look at it counts too"},
		{"redrive_count", "int", "how often it was redriven selectively: its attribute RedriveCount, 0 if it has none"},
	}
}

// variables are a message's, for one evaluation of the rules. The body is read as JSON
// when a condition first asks for it.
type variables struct {
	message *DeadLetter
	now     time.Time
	read    bool
	body    any
	isJSON  bool
}

// ResolveName returns the value of a variable.
func (v *variables) ResolveName(name string) (any, bool) {
	m := v.message
	switch name {
	case "body":
		v.readBody()
		return v.body, true
	case "is_json":
		v.readBody()
		return v.isJSON, true
	case "text":
		return m.Body, true
	case "size":
		return m.size(), true
	case "attributes":
		return v.attributes(), true
	case "message_id":
		return m.ID, true
	case "source":
		q, _ := queueFromARN(m.Source) // without one: the empty name
		return q.Name, true
	case "source_arn":
		return m.Source, true
	case "group":
		return m.GroupID, true
	case "sent":
		return m.Sent, true
	case "age":
		return v.now.Sub(m.Sent), true
	case "receive_count":
		return m.ReceiveCount, true
	case "redrive_count":
		return m.RedriveCount, true
	}
	return nil, false
}

func (v *variables) attributes() map[string]any {
	all := make(map[string]any, len(v.message.Attributes))
	for name, a := range v.message.Attributes {
		kind, _, _ := strings.Cut(stringOf(a.DataType), ".")
		switch kind {
		case "Binary":
			all[name] = a.BinaryValue
		case "Number":
			all[name] = number(stringOf(a.StringValue))
		default:
			all[name] = stringOf(a.StringValue)
		}
	}
	return all
}

func (v *variables) readBody() {
	if v.read {
		return
	}
	v.read = true
	decoder := json.NewDecoder(strings.NewReader(v.message.Body))
	decoder.UseNumber()
	var body any
	if decoder.Decode(&body) != nil || decoder.More() {
		return
	}
	v.body, v.isJSON = numbers(body), true
}

// numbers makes CEL's numbers of JSON's.
func numbers(value any) any {
	switch x := value.(type) {
	case json.Number:
		return number(x.String())
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = numbers(x[k])
		}
	}
	return value
}

// number is an int if the text is one that fits, else a double, else the text itself.
func number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text
}
