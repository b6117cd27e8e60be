package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/pattern"
)

// Bounds of a filter policy. [SNS developer guide, "Filter policy constraints"]
const (
	maxFilterBytes        = 256 << 10
	maxFilterKeys         = 5
	maxFilterCombinations = 150
)

// filter is a subscription's filter policy; nil accepts everything. [SNS developer
// guide, "Message filtering"]
type filter struct {
	body    bool // it is about the message's body, else about its attributes
	pattern *pattern.Pattern
}

// parseFilter reads a filter policy; an empty one is nil. Errors begin with
// "FilterPolicy: " where AWS's do, and lack the position in the text that AWS's end with.
func parseFilter(doc string, body bool) (*filter, error) {
	if doc == "" {
		return nil, nil
	}
	var object map[string]any
	if len(doc) > maxFilterBytes {
		return nil, errors.New("FilterPolicy: Filter policy is too long")
	}
	if json.Unmarshal([]byte(doc), &object) != nil || object == nil {
		return nil, errors.New("FilterPolicy: failed to parse JSON.")
	}
	if len(object) == 0 {
		return nil, nil
	}
	parsed, err := pattern.Parse(object)
	if err != nil {
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	}
	if parsed.Keys() > maxFilterKeys {
		return nil, fmt.Errorf("FilterPolicy: Filter policy can not have more than %d keys", maxFilterKeys)
	}
	if parsed.Combinations(maxFilterCombinations) > maxFilterCombinations {
		return nil, errors.New("FilterPolicy: Filter policy is too complex")
	}
	if !body && parsed.IsNested() {
		return nil, errors.New("Filter policy scope MessageAttributes does not support nested filter policy")
	}
	return &filter{body: body, pattern: parsed}, nil
}

// accepts reports whether a message passes.
func (f *filter) accepts(m *message) bool {
	if f == nil {
		return true
	}
	if !f.body {
		return f.pattern.MatchesAttributes(attributeValues(m.attributes))
	}
	var body map[string]any
	if json.Unmarshal([]byte(m.text()), &body) != nil || body == nil {
		return false // what isn't a JSON object is not accepted
	}
	return f.pattern.Matches(body)
}

// attributeValues makes JSON values of message attributes.
func attributeValues(attributes map[string]fabric.Attribute) map[string]any {
	out := make(map[string]any, len(attributes))
	for name, a := range attributes {
		base, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case base == "Binary":
			out[name] = pattern.Opaque{}
		case base == "Number":
			n, _ := strconv.ParseFloat(a.StringValue, 64) // it was checked when it was published
			out[name] = n
		case a.DataType == "String.Array":
			var array []any
			if json.Unmarshal([]byte(a.StringValue), &array) != nil {
				out[name] = pattern.Opaque{}
				continue
			}
			out[name] = array
		default:
			out[name] = a.StringValue
		}
	}
	return out
}
