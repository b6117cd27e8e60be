package sqs

import (
	"context"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// changeMessageVisibility implements ChangeMessageVisibility.
func (s *Service) changeMessageVisibility(_ context.Context, c *wire.Call, in *changeMessageVisibilityInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.changeVisibility(in.ReceiptHandle, in.VisibilityTimeout); err != nil {
		return nil, err
	}
	return &wire.Empty{}, nil
}

// changeMessageVisibilityBatch implements ChangeMessageVisibilityBatch.
func (s *Service) changeMessageVisibilityBatch(_ context.Context, c *wire.Call, in *changeMessageVisibilityBatchInput) (*changeMessageVisibilityBatchOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "ChangeMessageVisibilityBatchRequestEntry", func(e *changeMessageVisibilityEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	out := &changeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if err := q.changeVisibility(e.ReceiptHandle, e.VisibilityTimeout); err != nil {
			out.Failed = append(out.Failed, failure(e.Id, err))
		} else {
			out.Successful = append(out.Successful, batchResult{e.Id})
		}
	}
	return out, nil
}

// changeVisibility hides the message of a receipt handle for so many seconds from now,
// or shows it if they are 0. In a standard queue any handle of the message will do, and
// the visibility timeout may have passed; in a FIFO queue it must not.
func (q *queue) changeVisibility(handle string, seconds *int32) error {
	if seconds == nil {
		return missingParameter("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > maxHidden {
		return invalidValue(*seconds, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
	}
	id, nonce, err := q.readHandle(handle)
	if err != nil {
		return err
	}
	now := q.lock()
	defer q.unlock()
	m := q.known[id]
	if m == nil {
		return invalidValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	if q.fifo && (m.nonce != nonce || m.state != inFlight) {
		return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
	}
	until := now + int64(*seconds)*int64(time.Second)
	if q.defective.unchanged(q, *seconds) {
		return nil
	}
	switch {
	case *seconds == 0:
		if m.state == inFlight {
			q.show(m)
			q.serve(now)
		}
	case until > m.received+maxHidden*int64(time.Second):
		return invalidValue(*seconds, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	default:
		q.hide(m, q.defective.extended(q, now, until))
	}
	return nil
}
