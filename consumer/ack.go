package consumer

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ack is a finished message that is to be deleted.
type ack struct {
	message Message
	done    chan<- error // told how that went, if not nil
}

var errAbandoned = errors.New("the worker has stopped")

// ack deletes a finished message: soon, in a standard queue; in a FIFO queue before it
// returns, so that nothing of a group is begun while what came before it could come back.
func (s *shift) ack(h *holding) error {
	a := ack{message: h.message}
	var done chan error
	if isFIFO(s.queue) {
		done = make(chan error, 1)
		a.done = done
	}
	select {
	case <-s.abandoned:
		return errAbandoned
	default:
	}
	select {
	case s.acks <- a:
	case <-s.abandoned:
		return errAbandoned
	}
	if done == nil {
		return nil
	}
	select {
	case err := <-done:
		return err
	case <-s.abandoned:
		return errAbandoned
	}
}

// deleteAll deletes what is finished. One call goes out at once, and while it is under way
// others gather: so few messages don't wait, and many go ten a call.
func (s *shift) deleteAll() {
	acks := s.acks
	returned := make(chan struct{})
	underway := 0
	var batch []ack
	for {
		for gathering := acks != nil; gathering && len(batch) < most; {
			select {
			case a, open := <-acks:
				if !open {
					acks, gathering = nil, false
					break
				}
				batch = append(batch, a)
			default:
				gathering = false
			}
		}
		if len(batch) == most && underway < s.pollers() || len(batch) > 0 && underway == 0 {
			underway++
			go func(batch []ack) {
				s.delete(batch)
				returned <- struct{}{}
			}(batch)
			batch = nil
			continue
		}
		if acks == nil && len(batch) == 0 && underway == 0 {
			return
		}
		next := acks
		if len(batch) == most {
			next = nil
		}
		select {
		case a, open := <-next:
			if !open {
				acks = nil
				break
			}
			batch = append(batch, a)
		case <-returned:
			underway--
		case <-s.abandonedWith(acks):
			acks = nil
		}
	}
}

// abandonedWith is closed when no more acks are to be waited for; nil once that is known.
func (s *shift) abandonedWith(acks chan ack) chan struct{} {
	if acks == nil {
		return nil
	}
	return s.abandoned
}

// delete deletes the messages, ten at most. SQS may refuse single ones for reasons of its
// own; these are tried again.
func (s *shift) delete(batch []ack) {
	for try := 1; ; try++ {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &s.url, Entries: make([]types.DeleteMessageBatchRequestEntry, len(batch))}
		for i := range batch {
			in.Entries[i] = types.DeleteMessageBatchRequestEntry{Id: &ids[i], ReceiptHandle: &batch[i].message.ReceiptHandle}
		}
		out, err := s.client.DeleteMessageBatch(s.keep, in)
		if err != nil {
			for _, a := range batch {
				s.deleted(a, err)
			}
			return
		}
		failed := map[int]types.BatchResultErrorEntry{}
		for _, f := range out.Failed {
			if i, err := strconv.Atoi(deref(f.Id)); err == nil {
				failed[i] = f
			}
		}
		var again []ack
		for i, a := range batch {
			switch f, refused := failed[i]; {
			case !refused:
				s.deleted(a, nil)
			case f.SenderFault || try == 3:
				s.deleted(a, fmt.Errorf("%s: %s", deref(f.Code), deref(f.Message)))
			default:
				again = append(again, a)
			}
		}
		if batch = again; len(batch) == 0 {
			return
		}
	}
}

// deleted tells how deleting a message went.
func (s *shift) deleted(a ack, err error) {
	if err != nil {
		s.logger.ErrorContext(s.keep, "deleting a finished message: it will come again", s.about(a.message, err)...)
	}
	if a.done != nil {
		a.done <- err
	}
}

// ids are the ids of a batch's entries.
var ids = [most]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
