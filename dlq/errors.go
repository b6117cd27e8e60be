package dlq

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// MissingAction returns the IAM action that was denied, e.g. "sqs:ListQueues", if err
// says that access was denied, else "".
func MissingAction(err error) string {
	if !slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}, ErrorCode(err)) {
		return ""
	}
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return ""
	}
	// a batch needs the permission of what it is a batch of
	return strings.ToLower(op.Service()) + ":" + strings.TrimSuffix(op.Operation(), "Batch")
}

// ErrorCode returns the code of an error that AWS answered with, e.g. "ExpiredToken", ""
// for any other error.
func ErrorCode(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// isThrottled says that AWS wants to be called less often.
func isThrottled(err error) bool {
	return isThrottleCode(ErrorCode(err))
}

func isThrottleCode(code string) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	return throttled
}

// isTransient says whether the same call may succeed a little later.
func isTransient(err error) bool {
	var api smithy.APIError
	return !errors.As(err, &api) || isThrottled(err) || api.ErrorFault() == smithy.FaultServer
}

// isGone says that a queue doesn't exist, or no longer.
func isGone(err error) bool {
	var missing *types.QueueDoesNotExist
	return errors.As(err, &missing) || ErrorCode(err) == "AWS.SimpleQueueService.NonExistentQueue"
}

// advice says what AWS answered, and which permission is missing if that is it.
func advice(err error) string {
	text := err.Error()
	if api := smithy.APIError(nil); errors.As(err, &api) {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if action := MissingAction(err); action != "" {
		return "access denied, allow " + action + "; AWS said " + text
	}
	return text
}
