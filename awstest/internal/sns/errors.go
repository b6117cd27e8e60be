package sns

import (
	"fmt"
	"net/http"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// invalid is the error for bad input; AWS puts "Invalid parameter: " before nearly
// every message.
func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameter", Message: "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

func noTopic() *wire.Error {
	return &wire.Error{Code: "NotFound", Message: "Topic does not exist", Status: http.StatusNotFound}
}

func noSubscription() *wire.Error {
	return &wire.Error{Code: "NotFound", Message: "Subscription does not exist", Status: http.StatusNotFound}
}

func noResource() *wire.Error {
	return &wire.Error{Code: "ResourceNotFound", Message: "Resource does not exist", Status: http.StatusNotFound}
}

func notServed(what string) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Message: what + " is not served here.", Status: http.StatusNotImplemented}
}

// unauthorized says why who may not do action, in AWS's words.
func unauthorized(who, action, resource string, denied bool) *wire.Error {
	why := "because no resource-based policy allows the " + action + " action"
	if denied {
		why = "with an explicit deny in a resource-based policy"
	}
	return &wire.Error{
		Code:    "AuthorizationError",
		Message: fmt.Sprintf("%s is not authorized to perform: %s on resource: %s %s", who, action, resource, why),
		Status:  http.StatusForbidden,
	}
}
