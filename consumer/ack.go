package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// callTimeout bounds calls to SQS, the SDK's repetitions included, so that a connection
// that hangs can't hold up a drain.
const callTimeout = 20 * time.Second

// ack is a finished message that is to be deleted.
type ack struct {
	message Message
	done    chan<- error // told how that went, if not nil
}

var errAbandoned = errors.New("the worker has stopped")

// ack deletes a finished message: soon, in a standard queue; in a FIFO queue before it
// returns, so that nothing of a group is begun while what came before it could come back.
func (s *shift) ack(m Message) error {
	a := ack{message: m}
	var done chan error
	if isFIFO(s.queue) {
		done = make(chan error, 1)
		a.done = done
	}
	select {
	case <-s.noMoreAcks: // looked at first: there may be room for it as well
		return errAbandoned
	default:
	}
	select {
	case s.acks <- a:
	case <-s.noMoreAcks:
		return errAbandoned
	}
	if done == nil {
		return nil
	}
	select {
	case err := <-done:
		return err
	case <-s.deleted:
		return errAbandoned
	}
}

// deleteAll deletes what is finished, until there is no more. One call goes out at once,
// and while it is under way others gather: so few messages don't wait, and many go ten a
// call.
func (s *shift) deleteAll() {
	defer close(s.deleted)
	noMore := s.noMoreAcks
	returned := make(chan struct{})
	underway := 0
	var batch []ack
	for noMore != nil || len(batch) > 0 || len(s.acks) > 0 || underway > 0 {
		full := len(batch) == most
		if full && underway < s.pollers() || len(batch) > 0 && len(s.acks) == 0 && underway == 0 {
			underway++
			go func(batch []ack) {
				s.delete(batch)
				returned <- struct{}{}
			}(batch)
			batch = nil
			continue
		}
		acks := s.acks
		if full {
			acks = nil
		}
		select {
		case a := <-acks:
			batch = append(batch, a)
		case <-returned:
			underway--
		case <-noMore:
			noMore = nil
		}
	}
}

// delete deletes the messages, ten at most. SQS may refuse single ones for reasons of its
// own; these are tried again.
func (s *shift) delete(batch []ack) {
	ctx, cancel := context.WithTimeout(s.keep, callTimeout)
	defer cancel()
	for try := 1; len(batch) > 0; try++ {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &s.url, Entries: make([]types.DeleteMessageBatchRequestEntry, len(batch))}
		for i := range batch {
			id := strconv.Itoa(i)
			in.Entries[i] = types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: &batch[i].message.ReceiptHandle}
		}
		out, err := s.client.DeleteMessageBatch(ctx, in)
		if err != nil {
			for _, a := range batch {
				s.tell(a, err)
			}
			return
		}
		failed := map[string]types.BatchResultErrorEntry{}
		for _, f := range out.Failed {
			failed[deref(f.Id)] = f
		}
		var again []ack
		for i, a := range batch {
			switch f, refused := failed[strconv.Itoa(i)]; {
			case !refused:
				s.tell(a, nil)
			case f.SenderFault || try == 3:
				s.tell(a, fmt.Errorf("%s: %s", deref(f.Code), deref(f.Message)))
			default:
				again = append(again, a)
			}
		}
		batch = again
	}
}

// tell says how deleting a message went.
func (s *shift) tell(a ack, err error) {
	if err != nil {
		s.logger.ErrorContext(s.keep, "deleting a finished message: it will come again", s.about(a.message, err)...)
	}
	if a.done != nil {
		a.done <- err
	}
}
