package sqs

import (
	"context"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// deleteMessage implements DeleteMessage.
func (s *Service) deleteMessage(_ context.Context, c *wire.Call, in *deleteMessageInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.delete(in.ReceiptHandle); err != nil {
		return nil, err
	}
	return &wire.Empty{}, nil
}

// deleteMessageBatch implements DeleteMessageBatch.
func (s *Service) deleteMessageBatch(_ context.Context, c *wire.Call, in *deleteMessageBatchInput) (*deleteMessageBatchOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "DeleteMessageBatchRequestEntry", func(e *deleteMessageEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	out := &deleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if err := q.delete(e.ReceiptHandle); err != nil {
			out.Failed = append(out.Failed, failure(e.Id, err))
		} else {
			out.Successful = append(out.Successful, batchResult{e.Id})
		}
	}
	return out, nil
}

// delete deletes the message of a receipt handle. A message that is gone already was
// deleted well. A standard queue also accepts a handle after which the message was
// received once more, but keeps the message; a FIFO queue refuses it, and any handle
// whose visibility timeout has passed.
func (q *queue) delete(handle string) error {
	id, nonce, err := q.readHandle(handle)
	if err != nil {
		return err
	}
	defer q.defective.reach(q, id)
	now := q.lock()
	defer q.unlock()
	q.minute.deleted++
	m := q.known[id]
	if m == nil {
		return nil
	}
	current := m.nonce == nonce
	if q.fifo && (!current || m.state != inFlight) {
		q.minute.deleted--
		return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
	}
	if !current || q.defective.undeleted(q, m) {
		return nil
	}
	q.drop(m)
	q.defective.bury(q, m)
	q.serve(now) // the next of its group, if it is a FIFO queue
	return nil
}
