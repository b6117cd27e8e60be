package sqs

import (
	"fmt"
	"net/http"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// prefix is what the codes of most errors of SQS's own begin with; their shapes lack it.
const prefix = "AWS.SimpleQueueService."

func ownError(shape, format string, args ...any) *wire.Error {
	return &wire.Error{Code: prefix + shape, Type: shape, Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameterValue", Type: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

// invalidValue is the form that most complaints about a parameter take.
func invalidValue(value any, parameter, reason string) *wire.Error {
	return invalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missingParameter(name string) *wire.Error {
	return &wire.Error{Code: "MissingParameter", Type: "MissingRequiredParameterException", Message: "The request must contain the parameter " + name + "."}
}

func invalidAttributeName(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidAttributeName", Message: fmt.Sprintf(format, args...)}
}

func unknownAttribute(name string) *wire.Error {
	return invalidAttributeName("Unknown Attribute %s.", name)
}

func invalidAttributeValue(name, reason string) *wire.Error {
	m := "Invalid value for the parameter " + name + "."
	if reason != "" {
		m += " Reason: " + reason
	}
	return &wire.Error{Code: "InvalidAttributeValue", Message: m}
}

func queueDoesNotExist() *wire.Error {
	return &wire.Error{
		Code: prefix + "NonExistentQueue", Type: "QueueDoesNotExist",
		Message:      "The specified queue does not exist.",
		QueryMessage: "The specified queue does not exist for this wsdl version.",
	}
}

func queueExists(attribute string) *wire.Error {
	return &wire.Error{
		Code: "QueueAlreadyExists", Type: "QueueNameExists",
		Message: "A queue already exists with the same name and a different value for attribute " + attribute,
	}
}

func resourceNotFound(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound}
}

func noSuchResource(parameter string) *wire.Error {
	return resourceNotFound("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

func receiptHandleIsInvalid(handle string) *wire.Error {
	return &wire.Error{Code: "ReceiptHandleIsInvalid", Message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle)}
}

func overLimit() *wire.Error {
	return &wire.Error{
		Code: "OverLimit", Status: http.StatusForbidden,
		Message: "Too many messages in flight: you have reached the limit of 120000 messages.",
	}
}

// failure is an entry of a batch that failed with err.
func failure(id string, err error) batchError {
	e, ok := err.(*wire.Error)
	if !ok {
		return batchError{Id: id, Code: "InternalError", Message: err.Error()}
	}
	return batchError{Id: id, SenderFault: !e.Receiver, Code: e.Code, Message: e.Message}
}
