package sqs

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	characters    = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
	maxAttributes = 10
	maxNameLength = 256
)

// validCharacters reports whether XML 1.0 can carry s, which is what SQS asks of bodies
// and attributes.
func validCharacters(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0xFFFE || r == 0xFFFF {
			return false
		}
		i += n
	}
	return true
}

// messageSize is what counts towards the size limits, in bytes.
func messageSize(body string, attributes map[string]AttributeValue) int {
	n := len(body)
	for name, a := range attributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func checkAttributes(attributes map[string]AttributeValue) error {
	if len(attributes) > maxAttributes {
		return invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes)
	}
	for name, a := range attributes {
		if err := checkAttribute(name, a); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(name string, a AttributeValue) error {
	if !isAttributeName(name) {
		return invalidParameter("Invalid message attribute name '%.256s': it can hold 1 to 256 letters, digits, underscores, hyphens and periods, must not start with AWS., Amazon. or a period, nor end with one.", name)
	}
	if len(a.StringListValues) > 0 || len(a.BinaryListValues) > 0 {
		return ownError("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
	}
	base, _, _ := strings.Cut(a.DataType, ".")
	empty := invalidParameter("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, base)
	switch {
	case a.DataType == "":
		return invalidParameter("The message (user) attribute '%s' must contain a non-empty message attribute type.", name)
	case len(a.DataType) > maxNameLength:
		return invalidParameter("Invalid message attribute type of '%s': it can be at most 256 bytes long.", name)
	case base == "Binary":
		if len(a.BinaryValue) == 0 {
			return empty
		}
	case base == "String", base == "Number":
		if a.StringValue == nil || *a.StringValue == "" {
			return empty
		}
		if !validCharacters(*a.StringValue) {
			return invalidParameter("Invalid characters were found in the message attribute '%s' value, the set of allowed characters is %s", name, characters)
		}
		if base == "Number" {
			if _, err := strconv.ParseFloat(*a.StringValue, 64); err != nil {
				return invalidParameter("Can't cast the value of message (user) attribute '%s' to a number.", name)
			}
		}
	default:
		return invalidParameter("The message (user) attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	return nil
}

func isAttributeName(name string) bool {
	if name == "" || len(name) > maxNameLength || name[0] == '.' || name[len(name)-1] == '.' {
		return false
	}
	if lower := strings.ToLower(name); strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return false
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.' {
			return false
		}
	}
	return true
}

// isID reports whether s can be a group, deduplication or attempt id.
func isID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func invalidID(value, parameter string) error {
	return invalidValue(value, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
}

func isBatchID(s string) bool { return len(s) <= 80 && isNameLike(s) }

// isNameLike reports whether s is made of letters, digits, hyphens and underscores.
func isNameLike(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// attributeFilter chooses the message attributes that a receive returns.
type attributeFilter struct {
	all      bool
	names    []string
	prefixes []string
}

// newAttributeFilter reads MessageAttributeNames; it is nil if there are none.
func newAttributeFilter(names []string) *attributeFilter {
	if len(names) == 0 {
		return nil
	}
	f := &attributeFilter{}
	for _, name := range names {
		if name == "All" || name == "*" || name == ".*" {
			return &attributeFilter{all: true}
		}
		if prefix, ok := strings.CutSuffix(name, ".*"); ok {
			f.prefixes = append(f.prefixes, prefix)
		} else {
			f.names = append(f.names, name)
		}
	}
	return f
}

func (f *attributeFilter) apply(attributes map[string]AttributeValue) map[string]AttributeValue {
	if f.all || len(attributes) == 0 {
		return attributes
	}
	out := map[string]AttributeValue{}
	for _, name := range f.names {
		if a, ok := attributes[name]; ok {
			out[name] = a
		}
	}
	for _, prefix := range f.prefixes {
		for name, a := range attributes {
			if strings.HasPrefix(name, prefix) {
				out[name] = a
			}
		}
	}
	return out
}
