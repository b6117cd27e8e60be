package lambda

import (
	"encoding/json"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/pattern"
)

const (
	// maxFilters is how many filters a mapping has. [Lambda developer guide: five, or up to
	// ten by a request to raise the quota]
	maxFilters = 10
	// maxPattern bounds a filter's pattern, in characters. [Filter, API reference]
	maxPattern = 4096
)

// filters are those of a mapping: a message that one of them matches goes to the function,
// any other is deleted. Without filters all messages go.
type filters []filter

type filter struct {
	pattern *pattern.Pattern
	body    bodyKind
}

// bodyKind is what a filter takes the body for.
type bodyKind int

const (
	anyBody   bodyKind = iota // the pattern doesn't look at it
	plainBody                 // a string that is no JSON
	jsonBody                  // an object
)

// compile reads patterns.
func compile(patterns []string) (filters, error) {
	var out filters
	for _, text := range patterns {
		var object map[string]any
		if len(text) > maxPattern || json.Unmarshal([]byte(text), &object) != nil || object == nil {
			return nil, invalid("Invalid filter pattern definition.")
		}
		p, err := pattern.Parse(object)
		if err != nil {
			return nil, invalid("Invalid filter pattern definition.")
		}
		f := filter{pattern: p}
		switch object["body"].(type) {
		case nil:
		case map[string]any:
			f.body = jsonBody
		default:
			f.body = plainBody
		}
		out = append(out, f)
	}
	return out, nil
}

// sort tells messages that go to the function from the receipt handles of those that don't.
func (fs filters) sort(m *mapping, messages []fabric.SourceMessage) (kept []fabric.SourceMessage, dropped []string) {
	if len(fs) == 0 {
		return messages, nil
	}
	for _, message := range messages {
		if fs.match(m, &message) {
			kept = append(kept, message)
		} else {
			dropped = append(dropped, message.ReceiptHandle)
		}
	}
	return kept, dropped
}

// match evaluates the filters. A body of another kind than a pattern is for doesn't match.
// [Lambda developer guide, "Properly filtering Amazon SQS messages"]
func (fs filters) match(m *mapping, message *fabric.SourceMessage) bool {
	text, err := m.record(message)
	if err != nil {
		return false
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return false
	}
	var body map[string]any
	isObject := json.Unmarshal([]byte(message.Body), &body) == nil && body != nil
	for _, f := range fs {
		switch {
		case f.body == jsonBody && isObject:
			object["body"] = body
		case f.body == jsonBody, f.body == plainBody && isObject:
			continue
		default:
			object["body"] = message.Body
		}
		if f.pattern.Matches(object) {
			return true
		}
	}
	return false
}
