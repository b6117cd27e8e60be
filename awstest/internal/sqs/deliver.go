package sqs

import (
	"net/http"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Deliver implements fabric.Queues. Besides what its contract says, it refuses messages
// that SendMessage would refuse, and those for a queue whose KMS key the principal may not
// use.
func (s *Service) Deliver(from fabric.Principal, queueARN string, in fabric.QueueMessage) error {
	q := s.findARN(queueARN)
	if q == nil {
		return queueDoesNotExist()
	}
	set := q.settings.Load()
	if s.allowed != nil && !s.allowed(set.policy, from, "sqs:SendMessage", q.arn) {
		return &wire.Error{
			Code: "AccessDenied", Type: "AccessDeniedException", Status: http.StatusForbidden,
			Message: "User: " + from.Service + " is not authorized to perform: sqs:sendmessage on resource: " + q.arn +
				" because no resource-based policy allows the sqs:sendmessage action",
		}
	}
	e := sendMessageEntry{MessageBody: in.Body}
	if in.GroupID != "" {
		e.MessageGroupId = &in.GroupID
	}
	if in.DeduplicationID != "" {
		e.MessageDeduplicationId = &in.DeduplicationID
	}
	if len(in.Attributes) > 0 {
		e.MessageAttributes = make(map[string]AttributeValue, len(in.Attributes))
		for name, a := range in.Attributes {
			v := AttributeValue{DataType: a.DataType, BinaryValue: a.BinaryValue}
			if !strings.HasPrefix(a.DataType, "Binary") {
				v.StringValue = &a.StringValue
			}
			e.MessageAttributes[name] = v
		}
	}
	o, err := s.compose(&wire.Call{Account: q.key.account}, q, set, &e)
	if err != nil {
		return err
	}
	if o.size > set.maxSize {
		return invalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", set.maxSize)
	}
	if err := s.useKey(q, set, from, sending()); err != nil {
		return err
	}
	o.message.sender = from.Service
	if in.TraceHeader != "" {
		if o.message.extra == nil {
			o.message.extra = &extra{}
		}
		o.message.extra.traceHeader = in.TraceHeader
	}
	q.touch(&wire.Call{})
	_, err = q.send(o)
	return err
}
