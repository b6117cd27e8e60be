package s3

import (
	"net/http"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// bucketError is an error about a bucket.
func bucketError(status int, b, code, message string) *wire.Error {
	return &wire.Error{Code: code, Message: message, Status: status, Detail: []wire.Detail{{Name: "BucketName", Value: b}}}
}

func noSuchBucket(name string) *wire.Error {
	return bucketError(http.StatusNotFound, name, "NoSuchBucket", "The specified bucket does not exist")
}

func invalidArgument(message, argument, value string) *wire.Error {
	e := &wire.Error{Code: "InvalidArgument", Message: message}
	if argument != "" {
		e.Detail = []wire.Detail{{Name: "ArgumentName", Value: argument}, {Name: "ArgumentValue", Value: value}}
	}
	return e
}

func malformedXML() *wire.Error {
	return &wire.Error{Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
}

func accessDenied(message string) *wire.Error {
	return &wire.Error{Code: "AccessDenied", Message: message, Status: http.StatusForbidden}
}

// notImplemented is the error of a header that asks for something not served here.
func notImplemented(header string) *wire.Error {
	return &wire.Error{
		Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented here: " + header,
		Status: http.StatusNotImplemented, Detail: []wire.Detail{{Name: "Header", Value: header}},
	}
}

func noSuchKey(key string) *wire.Error {
	return &wire.Error{
		Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound,
		Detail: []wire.Detail{{Name: "Key", Value: key}},
	}
}

func preconditionFailed(header string) *wire.Error {
	return &wire.Error{
		Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold", Status: http.StatusPreconditionFailed,
		Detail: []wire.Detail{{Name: "Condition", Value: header}},
	}
}
