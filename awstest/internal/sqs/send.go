package sqs

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxBatch      = 10
	maxBatchBytes = 1_048_576
	maxDelay      = 900 // seconds
)

// sendMessage implements SendMessage.
func (s *Service) sendMessage(_ context.Context, c *wire.Call, in *sendMessageInput) (*sendMessageOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	set := q.settings.Load()
	e := sendMessageEntry{
		MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds,
		MessageAttributes: in.MessageAttributes, MessageSystemAttributes: in.MessageSystemAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	}
	o, err := s.compose(c, q, set, &e)
	if err != nil {
		return nil, err
	}
	if o.size > set.maxSize {
		return nil, invalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", set.maxSize)
	}
	if err := s.useKey(q, set, fabric.Principal{SourceAccount: c.Account}, sending()); err != nil {
		return nil, err
	}
	sent, err := q.send(o)
	if err != nil {
		return nil, err
	}
	return &sendMessageOutput{
		MD5OfMessageBody:             sent.bodyMD5,
		MD5OfMessageAttributes:       sent.attributesMD5,
		MD5OfMessageSystemAttributes: sent.systemMD5,
		MessageId:                    sent.id,
		SequenceNumber:               sent.sequence,
	}, nil
}

// sendMessageBatch implements SendMessageBatch.
func (s *Service) sendMessageBatch(_ context.Context, c *wire.Call, in *sendMessageBatchInput) (*sendMessageBatchOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "SendMessageBatchRequestEntry", func(e *sendMessageEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	set := q.settings.Load()
	total := 0
	for i := range in.Entries {
		e := &in.Entries[i]
		total += messageSize(e.MessageBody, e.MessageAttributes)
		// what a FIFO queue can't do without fails the whole batch
		if err := q.checkFIFO(set, e); err != nil {
			var w *wire.Error
			if errors.As(err, &w) && w.Code == "MissingParameter" {
				return nil, invalidParameter("%s", w.Message)
			}
			return nil, err
		}
	}
	if total > maxBatchBytes {
		return nil, ownError("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)
	}
	if err := s.useKey(q, set, fabric.Principal{SourceAccount: c.Account}, sending()); err != nil {
		return nil, err
	}
	out := &sendMessageBatchOutput{}
	for i := range in.Entries {
		e := &in.Entries[i]
		o, err := s.compose(c, q, set, e)
		if err == nil && o.size > set.maxSize {
			err = invalidParameter("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", set.maxSize)
		}
		var r sent
		if err == nil {
			if r, err = q.send(o); err != nil {
				return nil, err // the queue is gone
			}
		}
		if err != nil {
			out.Failed = append(out.Failed, failure(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, sendMessageResult{
			Id: e.Id, MessageId: r.id, MD5OfMessageBody: r.bodyMD5, MD5OfMessageAttributes: r.attributesMD5,
			MD5OfMessageSystemAttributes: r.systemMD5, SequenceNumber: r.sequence,
		})
	}
	return out, nil
}

// checkBatch checks what all batches have in common: how many entries, and their ids.
func checkBatch[E any](entries []E, name string, id func(*E) string) error {
	if len(entries) == 0 {
		return ownError("EmptyBatchRequest", "There should be at least one %s in the request.", name)
	}
	if len(entries) > maxBatch {
		return ownError("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	for i := range entries {
		if !isBatchID(id(&entries[i])) {
			return ownError("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		for j := range i {
			if id(&entries[i]) == id(&entries[j]) {
				return ownError("BatchEntryIdsNotDistinct", "Id %s repeated.", id(&entries[i]))
			}
		}
	}
	return nil
}

// outgoing is a message on its way into a queue.
type outgoing struct {
	message       *message
	size          int
	delay         int64 // nanoseconds, -1 = the queue's
	attributesMD5 string
	systemMD5     string
}

// sent is what the sender is told.
type sent struct {
	id, sequence                      string
	bodyMD5, attributesMD5, systemMD5 string
}

// compose checks an entry and makes a message of it. Its size is not checked.
func (s *Service) compose(c *wire.Call, q *queue, set *settings, e *sendMessageEntry) (*outgoing, error) {
	if e.MessageBody == "" {
		return nil, missingParameter("MessageBody")
	}
	if !validCharacters(e.MessageBody) {
		return nil, &wire.Error{Code: "InvalidMessageContents", Message: "Invalid characters found. Valid unicode characters are " + characters}
	}
	if err := q.checkFIFO(set, e); err != nil {
		return nil, err
	}
	o := &outgoing{delay: -1}
	if n := e.DelaySeconds; n != nil {
		switch {
		case *n < 0 || *n > maxDelay:
			return nil, invalidValue(*n, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		case q.fifo && *n != 0:
			return nil, invalidValue(*n, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
		case !q.fifo: // in a FIFO queue, 0 means the queue's delay
			o.delay = int64(*n) * int64(time.Second)
		}
	}
	if err := checkAttributes(e.MessageAttributes); err != nil {
		return nil, err
	}
	trace, err := traceOf(c, e.MessageSystemAttributes)
	if err != nil {
		return nil, err
	}
	o.size = messageSize(e.MessageBody, e.MessageAttributes)
	if c.Protocol == wire.Query {
		detach(e) // a form's values share memory with the whole form
	}
	o.message = &message{id: newUUID(), body: e.MessageBody, md5: md5.Sum([]byte(e.MessageBody)), sender: q.senderOf(c.Account)}
	x := extra{traceHeader: trace}
	if len(e.MessageAttributes) > 0 {
		x.attributes = e.MessageAttributes
		o.attributesMD5 = attributesMD5(e.MessageAttributes)
	}
	if len(e.MessageSystemAttributes) > 0 {
		o.systemMD5 = attributesMD5(e.MessageSystemAttributes)
	}
	if e.MessageGroupId != nil {
		x.groupID = *e.MessageGroupId
	}
	if q.fifo {
		if e.MessageDeduplicationId != nil {
			x.deduplicationID = *e.MessageDeduplicationId
		} else {
			x.deduplicationID = contentID(e.MessageBody)
		}
	}
	if x.attributes != nil || x.traceHeader != "" || x.groupID != "" {
		o.message.extra = &x
	}
	return o, nil
}

// senderOf is the SenderId of an account; messages share the string.
func (q *queue) senderOf(account string) string {
	if account == q.key.account {
		return q.key.account
	}
	return strings.Clone(account)
}

// detach copies an entry's strings.
func detach(e *sendMessageEntry) {
	e.MessageBody = strings.Clone(e.MessageBody)
	for _, p := range []*string{e.MessageGroupId, e.MessageDeduplicationId} {
		if p != nil {
			*p = strings.Clone(*p)
		}
	}
	attributes := make(map[string]AttributeValue, len(e.MessageAttributes))
	for name, a := range e.MessageAttributes {
		a.DataType = strings.Clone(a.DataType)
		if a.StringValue != nil {
			v := strings.Clone(*a.StringValue)
			a.StringValue = &v
		}
		attributes[strings.Clone(name)] = a
	}
	e.MessageAttributes = attributes
}

// traceOf is the trace header of a message: its system attribute, else the request's.
func traceOf(c *wire.Call, system map[string]AttributeValue) (string, error) {
	for name, a := range system {
		if name != "AWSTraceHeader" {
			return "", invalidParameter("Message system attribute name '%s' is invalid.", name)
		}
		if a.DataType != "String" || a.StringValue == nil || *a.StringValue == "" {
			return "", invalidParameter("Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
		}
		return strings.Clone(*a.StringValue), nil
	}
	if c.HTTP == nil {
		return "", nil
	}
	return strings.Clone(c.HTTP.Header.Get("X-Amzn-Trace-Id")), nil
}

// checkFIFO checks group and deduplication ids.
func (q *queue) checkFIFO(set *settings, e *sendMessageEntry) error {
	const group, dedup = "MessageGroupId", "MessageDeduplicationId"
	if g := e.MessageGroupId; g != nil && !isID(*g) {
		return invalidID(*g, group)
	}
	if !q.fifo {
		if d := e.MessageDeduplicationId; d != nil {
			return invalidValue(*d, dedup, "The request include parameter that is not valid for this queue type.")
		}
		return nil
	}
	if e.MessageGroupId == nil {
		return missingParameter(group)
	}
	if d := e.MessageDeduplicationId; d != nil {
		if !isID(*d) {
			return invalidID(*d, dedup)
		}
	} else if !set.contentDedup {
		return invalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// send puts a message into the queue, unless it is a duplicate of one.
func (q *queue) send(o *outgoing) (sent, error) {
	m := o.message
	r := sent{
		id: m.id.String(), bodyMD5: hex.EncodeToString(m.md5[:]),
		attributesMD5: o.attributesMD5, systemMD5: o.systemMD5,
	}
	now := q.lock()
	defer q.unlock()
	if q.closed {
		return r, queueDoesNotExist()
	}
	if q.fifo {
		key := q.dedupKey(m.extra)
		if a, ok := q.dedup.find(key, now); ok {
			q.minute.deduplicated++
			r.id, r.sequence = a.id.String(), formatSequence(a.sequence)
			return r, nil
		}
		m.extra.sequence = q.svc.nextSequence()
		r.sequence = formatSequence(m.extra.sequence)
		q.dedup.add(accepted{key: key, id: m.id, sequence: m.extra.sequence, until: now + int64(dedupWindow)})
	}
	delay := o.delay
	if delay < 0 {
		delay = q.settings.Load().delay
	}
	m.arrived, m.links[age].key = now, now
	q.insert(m, now+q.defective.delayed(q, delay), now)
	q.minute.sent++
	q.minute.size(o.size)
	q.serve(now)
	return r, nil
}
