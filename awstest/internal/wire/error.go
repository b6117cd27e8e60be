package wire

import "net/http"

// Error is an error as AWS reports it.
type Error struct {
	// Code is the code of the Query protocol, e.g. "AWS.SimpleQueueService.NonExistentQueue".
	Code string
	// Type is the name of the error's shape in JSON and CBOR, e.g. "QueueDoesNotExist";
	// Code if empty.
	Type string
	// Message is for people.
	Message string
	// Status is the HTTP status; 400 if zero.
	Status int
	// Receiver says that the fault is the service's, not the sender's.
	Receiver bool
	// QueryMessage is the message of the Query protocol, where it differs.
	QueryMessage string
	// Detail is what else REST and REST-XML tell of the error, e.g. the BucketName.
	Detail []Detail
	// Body, if not nil, is the error in JSON, for those with members of their own.
	Body []byte
	// Header is what REST-XML adds to the header of the answer.
	Header http.Header

	// framework says that the error comes from what AWS's services are built on, not from
	// the service: its shape is in another namespace, and it has no code of its own in
	// the Query protocol that JSON and CBOR would tell.
	framework bool
}

// Detail is a named detail of an error.
type Detail struct{ Name, Value string }

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// shape is the error's name in JSON and CBOR.
func (e *Error) shape() string {
	if e.Type != "" {
		return e.Type
	}
	return e.Code
}

func (e *Error) status() int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Receiver:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

func (e *Error) fault() string {
	if e.Receiver {
		return "Receiver"
	}
	return "Sender"
}

func (e *Error) queryMessage() string {
	if e.QueryMessage != "" {
		return e.QueryMessage
	}
	return e.Message
}
