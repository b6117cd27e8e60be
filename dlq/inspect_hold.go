package dlq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

const (
	batchSize = 10
	// pollSeconds makes a receive a long poll, which alone asks all of SQS's servers: its
	// empty answer means that nothing is there.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
	pollSeconds = 1
	// callTimeout bounds a receive, which isn't given up when the context is cancelled: its
	// messages would be hidden, and nobody could give them back.
	callTimeout = 15 * time.Second
	callTries   = 5
	// releaseTimeout bounds giving back.
	releaseTimeout  = 60 * time.Second
	releaseTries    = 8
	releaseParallel = 8
)

// holding is the messages of a queue that this process has received and not given back.
type holding struct {
	client     Receiver
	queue      Queue
	visibility time.Duration
	messages   []heldMessage  // in the order of their first receive
	index      map[string]int // of messages, by MessageId
	lost       int            // receives whose answer was lost
	began      time.Time      // by the wall clock
	until      time.Time      // by then the last has come back by itself, by the wall clock
}

type heldMessage struct{ receipt string }

func newHolding(client Receiver, q Queue, visibility time.Duration) *holding {
	return &holding{client: client, queue: q, visibility: visibility, index: map[string]int{}, began: time.Now()}
}

// receive receives until there are most messages (less than 0: no bound), and calls seen
// with each. A message that comes a second time, as standard queues may deliver one, is
// not shown again.
func (h *holding) receive(ctx context.Context, most int, seen func(types.Message) error) (Ending, error) {
	for {
		n := batchSize
		if most >= 0 {
			n = min(n, most-len(h.messages))
		}
		switch {
		case ctx.Err() != nil:
			return EndedInterrupted, context.Cause(ctx)
		case n <= 0:
			return EndedMax, nil
		case time.Since(h.began) > h.visibility*3/4:
			return EndedTime, nil
		}
		received, err := h.receiveOnce(ctx, n)
		if ErrorCode(err) == "OverLimit" {
			return EndedLimit, nil
		}
		if err != nil {
			if ctx.Err() != nil {
				return EndedInterrupted, context.Cause(ctx)
			}
			return EndedError, err
		}
		if len(received) == 0 {
			if ctx.Err() != nil {
				return EndedInterrupted, context.Cause(ctx)
			}
			return EndedEmpty, nil
		}
		var fresh []types.Message
		for _, m := range received { // all of them are held, whatever becomes of the first
			id := aws.ToString(m.MessageId)
			held := heldMessage{aws.ToString(m.ReceiptHandle)}
			if i, again := h.index[id]; again {
				h.messages[i] = held // the newest receipt handle is the one that counts
				continue
			}
			h.index[id] = len(h.messages)
			h.messages = append(h.messages, held)
			fresh = append(fresh, m)
		}
		for _, m := range fresh {
			if err := seen(m); err != nil {
				return EndedError, err
			}
		}
	}
}

// receiveOnce receives up to n messages. What can be repeated is repeated here and not by
// the SDK's client, which doesn't tell that an answer was lost.
func (h *holding) receiveOnce(ctx context.Context, n int) ([]types.Message, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &h.queue.URL, MaxNumberOfMessages: int32(n), WaitTimeSeconds: pollSeconds, VisibilityTimeout: int32(h.visibility / time.Second),
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	if h.queue.FIFO() {
		in.ReceiveRequestAttemptId = aws.String(rand.Text()) // a repetition gets the same messages
	}
	for try := 1; ; try++ {
		out, err := h.receiveNow(ctx, in)
		if err == nil {
			return out.Messages, nil
		}
		if mayHaveWorked(err) && !h.queue.FIFO() {
			h.lost++
		}
		if try == callTries || !isTransient(err) {
			return nil, err
		}
		if err := pause(ctx, 100*time.Millisecond<<try); err != nil {
			return nil, err
		}
	}
}

func (h *holding) receiveNow(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	defer func() { h.until = time.Now().Add(h.visibility) }()
	return h.client.ReceiveMessage(ctx, in, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
}

// mayHaveWorked says whether a call that failed may have had its effect: no answer came,
// or one that says that something went wrong inside.
func mayHaveWorked(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false // it was never sent
	}
	return isTransient(err) && !isThrottled(err)
}

// release gives all messages back: it makes them visible.
func (h *holding) release(ctx context.Context) Release {
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	// the last received first, so that in a FIFO queue the head of a group, which is what
	// unlocks the group, becomes visible when all that comes after it is
	order := slices.Clone(h.messages)
	slices.Reverse(order)
	batches := slices.Collect(slices.Chunk(order, batchSize))
	var out Release
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(releaseParallel)
	if h.queue.FIFO() {
		group.SetLimit(1)
	}
	for _, batch := range batches {
		group.Go(func() error {
			left, err := h.releaseBatch(ctx, batch)
			mu.Lock()
			defer mu.Unlock()
			out.Released += len(batch) - left
			out.Hidden += left
			if left > 0 && err != nil {
				out.Error = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // it has no errors
	out.Uncertain = h.lost * batchSize
	if out.Hidden+out.Uncertain > 0 {
		out.Until = aws.Time(h.until.UTC())
	}
	return out
}

// releaseBatch returns how many of at most ten messages could not be given back, and why.
func (h *holding) releaseBatch(ctx context.Context, batch []heldMessage) (left int, err error) {
	for try := 1; ; try++ {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &h.queue.URL}
		for i, m := range batch {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.receipt})
		}
		var out *sqs.ChangeMessageVisibilityBatchOutput
		if out, err = h.client.ChangeMessageVisibilityBatch(ctx, in); err == nil {
			var again []heldMessage
			for _, f := range out.Failed {
				i, convErr := strconv.Atoi(aws.ToString(f.Id))
				// at fault ourselves: the message isn't in flight any more, but visible,
				// or deleted, so that there is nothing to give back
				if f.SenderFault && !isThrottleCode(aws.ToString(f.Code)) || convErr != nil || i >= len(batch) {
					continue
				}
				again = append(again, batch[i])
				err = fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
			}
			if batch = again; len(batch) == 0 {
				return 0, nil
			}
		} else if isGone(err) {
			return 0, nil // the queue was deleted, and its messages with it
		} else if !isTransient(err) {
			return len(batch), err
		}
		if try == releaseTries {
			return len(batch), err
		}
		if pause(ctx, 100*time.Millisecond<<try) != nil {
			return len(batch), err
		}
	}
}
