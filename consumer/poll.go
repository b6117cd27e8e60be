package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// most is how many messages SQS returns, deletes or hides in a call.
const most = 10

// pollers is how many receives may be under way at a time.
func (s *shift) pollers() int { return (s.capacity + most - 1) / most }

// poll receives until the shift ends. The first poller always does; the others wait until
// a receive came back full, and until they find nothing.
func (s *shift) poll(first bool) {
	ctx, cancel := context.WithCancel(s.keep)
	defer cancel()
	defer context.AfterFunc(s.stop, func() {
		_ = s.clock.Sleep(ctx, pollGrace) // ends early when polling has ended
		cancel()
	})()
	for failures := 0; s.stop.Err() == nil; {
		wait := s.pollWait
		if !first {
			select {
			case <-s.more:
			case <-s.stop.Done():
				return
			}
			wait = min(wait, time.Second)
		}
		for {
			n := s.take()
			if n == 0 {
				return
			}
			got, err := s.receive(ctx, n, wait)
			s.release(n - got)
			if err != nil && s.stop.Err() == nil {
				failures++
				s.cope(err, failures)
				break
			}
			failures = 0
			if got == n {
				select {
				case s.more <- struct{}{}:
				default: // another is about to join
				}
			}
			if first || got == 0 || s.stop.Err() != nil {
				break
			}
		}
	}
}

// take waits for room for as many messages as a receive returns, and returns how many
// that is, or 0 if the shift ends. It waits for ten where prefetched messages keep the
// handlers busy meanwhile: a call costs the same for one message as for ten.
func (s *shift) take() int {
	n := min(max(s.prefetch, 1), most)
	if s.room.Acquire(s.stop, int64(n)) != nil {
		return 0
	}
	for n < most && s.room.TryAcquire(1) {
		n++
	}
	return n
}

// receive takes up to n messages and brings them to the handlers.
func (s *shift) receive(ctx context.Context, n int, wait time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTimeout)
	defer cancel()
	out, err := s.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &s.url, MaxNumberOfMessages: int32(n), WaitTimeSeconds: int32(wait / time.Second),
		VisibilityTimeout:           int32(s.visibility / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return 0, fmt.Errorf("receiving: %w", err)
	}
	if len(out.Messages) == 0 {
		return 0, nil
	}
	now := s.clock.Now()
	messages := make([]Message, len(out.Messages))
	for i := range out.Messages {
		messages[i] = s.prepare(received(&out.Messages[i], s.queue))
	}
	for _, lane := range lanes(s.queue, messages) {
		unit := make([]*holding, len(lane))
		for i, at := range lane {
			unit[i] = s.hold(messages[at], now)
		}
		s.units <- unit // there is room for each message
	}
	return len(messages), nil
}

// cope waits after a receive that failed, longer each time, or ends the shift if trying
// again is no use.
func (s *shift) cope(err error, failures int) {
	var gone *types.QueueDoesNotExist
	if errors.As(err, &gone) {
		s.stopPoll(fatalError{err})
		return
	}
	wait := min(time.Second<<min(failures-1, 5), 30*time.Second)
	wait = wait/2 + rand.N(wait/2)
	s.logger.ErrorContext(s.stop, "receiving, will be tried again", "queue", s.queue, "error", err, "after", wait)
	_ = s.clock.Sleep(s.stop, wait) // the loop looks whether it is to stop
}
