package cloudwatch

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The errors of CloudWatch carry the code that its Query protocol has always used; in
// JSON and CBOR the shape has a name of its own and the code travels in a header
// (aws-sdk-go-v2/service/cloudwatch/types/errors.go).

func validationError(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ValidationError", Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameterValue", Type: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

func invalidCombination(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameterCombination", Type: "InvalidParameterCombinationException", Message: fmt.Sprintf(format, args...)}
}

func missingParameter(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "MissingParameter", Type: "MissingRequiredParameterException", Message: fmt.Sprintf(format, args...)}
}

func invalidNextToken() *wire.Error {
	return &wire.Error{Code: "InvalidNextToken", Message: "The next token specified is invalid."}
}

// alarmNotFound has no message on AWS.
func alarmNotFound() *wire.Error {
	return &wire.Error{Code: "ResourceNotFound", Status: http.StatusNotFound}
}

func resourceNotFound(arn string) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Unknown resource: " + arn}
}

func notServed(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Status: http.StatusNotImplemented, Message: fmt.Sprintf(format, args...)}
}

// constraints collects violations of an operation's model, which AWS reports together:
// "2 validation errors detected: Value ... ; Value ...".
type constraints []string

func (c *constraints) add(value any, member, rule string) {
	v := "null"
	if value != nil {
		v = fmt.Sprintf("'%v'", value)
	}
	*c = append(*c, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", v, member, rule))
}

// required says that member must be there.
func (c *constraints) required(ok bool, member string) {
	if !ok {
		c.add(nil, member, "Member must not be null")
	}
}

// oneOf holds an optional enumeration to its values.
func (c *constraints) oneOf(value, member string, allowed []string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	c.add(value, member, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// length holds a string to 1..limit characters; the empty one counts as absent.
func (c *constraints) length(value, member string, limit int) {
	if len([]rune(value)) > limit {
		c.add(value, member, fmt.Sprintf("Member must have length less than or equal to %d", limit))
	}
}

// between holds an optional number to a range.
func (c *constraints) between(value *int32, member string, low, high int32) {
	switch {
	case value == nil:
	case *value < low:
		c.add(*value, member, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case *value > high:
		c.add(*value, member, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
}

func (c constraints) err() error {
	switch len(c) {
	case 0:
		return nil
	case 1:
		return validationError("1 validation error detected: %s", c[0])
	default:
		return validationError("%d validation errors detected: %s", len(c), strings.Join(c, "; "))
	}
}
