package sns

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// attributeInput is a message attribute as callers give it.
type attributeInput struct {
	DataType    string
	StringValue *string
	BinaryValue []byte
}

func itoa(n int) string { return strconv.Itoa(n) }

// checkAttributes checks message attributes. The messages are recorded from AWS.
func checkAttributes(in map[string]attributeInput, path string) (map[string]fabric.Attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make(map[string]fabric.Attribute, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a := in[name]
		if err := checkAttributeName(name); err != nil {
			return nil, err
		}
		if a.DataType == "" {
			return nil, &wire.Error{Code: "ValidationError", Message: fmt.Sprintf("1 validation error detected: Value null at '%s.%s.member.dataType' failed to satisfy constraint: Member must not be null", path, name)}
		}
		if err := a.check(name); err != nil {
			return nil, err
		}
		attribute := fabric.Attribute{DataType: a.DataType, BinaryValue: a.BinaryValue}
		if a.StringValue != nil {
			attribute.StringValue = *a.StringValue
		}
		out[name] = attribute
	}
	return out, nil
}

func badAttribute(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ParameterValueInvalid", Message: fmt.Sprintf(format, args...)}
}

func checkAttributeName(name string) error {
	if len(name) > 256 {
		return badAttribute("Length of message attribute name must be less than 256 bytes.")
	}
	for _, r := range name {
		if !(r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return badAttribute("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
	}
	switch {
	case strings.HasPrefix(name, "."):
		return badAttribute("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return badAttribute("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return badAttribute("Message attribute name can not have successive '.' character.")
	}
	return nil
}

func (a attributeInput) check(name string) error {
	base, _, _ := strings.Cut(a.DataType, ".")
	field := "String"
	switch base {
	case "String", "Number":
	case "Binary":
		field = "Binary"
	default:
		return badAttribute("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	text := a.StringValue != nil && *a.StringValue != ""
	if field == "String" && len(a.BinaryValue) > 0 || field == "Binary" && text {
		return badAttribute("The message attribute '%s' with type '%s' must use field '%s'.", name, a.DataType, field)
	}
	if field == "String" && !text || field == "Binary" && len(a.BinaryValue) == 0 {
		return badAttribute("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
	}
	if base == "Number" {
		if _, err := strconv.ParseFloat(*a.StringValue, 64); err != nil {
			return badAttribute("Could not cast message attribute '%s' value to number.", name)
		}
	}
	return nil
}
