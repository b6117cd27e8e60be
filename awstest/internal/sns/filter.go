package sns

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// filter is a subscription's filter policy; nil accepts everything. [SNS developer
// guide, "Message filtering"]
type filter struct {
	body bool // it is about the message's body, else about its attributes
	root *group
}

// group is an object of a policy: all its fields must match, and one of the
// alternatives of each $or.
type group struct {
	fields       map[string]*field
	alternatives [][]*group
}

// field is a key of a policy: it has either rules, one of which must match, or an
// object of further keys.
type field struct {
	rules  []rule
	nested *group
}

// accepts reports whether a message passes.
func (f *filter) accepts(m *message) bool {
	if f == nil {
		return true
	}
	if !f.body {
		return f.root.matches(attributeValues(m.attributes), true)
	}
	var body map[string]any
	if json.Unmarshal([]byte(m.text()), &body) != nil || body == nil {
		return false // what isn't a JSON object is not accepted
	}
	return f.root.matches(body, false)
}

// opaque is a value that exists and equals nothing: a binary attribute.
type opaque struct{}

// attributeValues makes JSON values of message attributes.
func attributeValues(attributes map[string]fabric.Attribute) map[string]any {
	out := make(map[string]any, len(attributes))
	for name, a := range attributes {
		base, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case base == "Binary":
			out[name] = opaque{}
		case base == "Number":
			n, _ := strconv.ParseFloat(a.StringValue, 64) // it was checked when it was published
			out[name] = n
		case a.DataType == "String.Array":
			var array []any
			if json.Unmarshal([]byte(a.StringValue), &array) != nil {
				out[name] = opaque{}
				continue
			}
			out[name] = array
		default:
			out[name] = a.StringValue
		}
	}
	return out
}

// matches evaluates the policy's object on one of the message. attributes says that
// they are the message's attributes, of which an absent one is null to a rule.
func (g *group) matches(object map[string]any, attributes bool) bool {
	for key, f := range g.fields {
		value, present := object[key]
		if !f.matches(value, present, attributes) {
			return false
		}
	}
	for _, or := range g.alternatives {
		matched := false
		for _, alternative := range or {
			if alternative.matches(object, attributes) {
				matched = true
				break
			}
		}
		if !matched {
			return false
		}
	}
	return true
}

func (f *field) matches(value any, present, attributes bool) bool {
	if f.nested != nil {
		return f.nested.matchesIn(value, attributes)
	}
	var leaves []any
	if present {
		leaves = appendLeaves(nil, value)
	}
	for _, r := range f.rules {
		if r.matches(leaves, attributes && !present) {
			return true
		}
	}
	return false
}

// matchesIn evaluates the object on a value: on each object of an array, so that what
// matches belongs together, and on none as on an empty one.
func (g *group) matchesIn(value any, attributes bool) bool {
	switch value := value.(type) {
	case map[string]any:
		return g.matches(value, attributes)
	case []any:
		for _, element := range value {
			if g.matchesIn(element, attributes) {
				return true
			}
		}
		return false
	default:
		return g.matches(nil, attributes)
	}
}

// appendLeaves appends the scalars of a value; those of arrays count one by one.
func appendLeaves(leaves []any, value any) []any {
	switch value := value.(type) {
	case map[string]any:
	case []any:
		for _, element := range value {
			leaves = appendLeaves(leaves, element)
		}
	default:
		leaves = append(leaves, value)
	}
	return leaves
}
