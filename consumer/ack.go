package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/semaphore"
)

// callTimeout bounds calls to SQS, the SDK's repetitions included, so that a connection
// that hangs can't hold up a drain.
const callTimeout = 20 * time.Second

// ack is a finished message that is to be deleted.
type ack struct {
	message Message
	done    chan<- error // told how that went, if not nil
}

// acks are the finished messages. One call goes out at once, and while it is under way
// others gather: so few messages don't wait, and many go ten a call.
type acks struct {
	room *semaphore.Weighted // how many may wait for their deletion

	mu       sync.Mutex
	waiting  []ack
	underway int  // calls
	closed   bool // nothing more is acknowledged
	calls    sync.WaitGroup
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
	if err := s.acks.room.Acquire(s.keep, 1); err != nil {
		return errAbandoned
	}
	s.acks.mu.Lock()
	if s.acks.closed {
		s.acks.mu.Unlock()
		return errAbandoned
	}
	s.acks.waiting = append(s.acks.waiting, a)
	s.deleteWaiting()
	s.acks.mu.Unlock()
	if done == nil {
		return nil
	}
	return <-done
}

// deleteWaiting begins a call if there is one to make. acks.mu is locked.
func (s *shift) deleteWaiting() {
	q := &s.acks
	if len(q.waiting) >= most && q.underway < s.pollers() || len(q.waiting) > 0 && q.underway == 0 {
		q.underway++
		q.calls.Go(s.deleteWhileWaiting)
	}
}

// deleteWhileWaiting makes calls as long as there are messages for full ones, or no other
// call is under way.
func (s *shift) deleteWhileWaiting() {
	runtime.Gosched() // handlers that are quick have finished more by then
	q := &s.acks
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) >= most || len(q.waiting) > 0 && q.underway == 1 {
		n := min(len(q.waiting), most)
		batch := slices.Clone(q.waiting[:n])
		q.waiting = slices.Delete(q.waiting, 0, n)
		q.mu.Unlock()
		s.delete(batch)
		q.room.Release(int64(n))
		q.mu.Lock()
	}
	q.underway--
}

// endAcks ends the acknowledging, and returns when all that was finished is dealt with.
func (s *shift) endAcks() {
	s.acks.mu.Lock()
	s.acks.closed = true
	s.acks.mu.Unlock()
	s.acks.calls.Wait()
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
