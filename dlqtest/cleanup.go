package dlqtest

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// cleanupLimit bounds by the wall clock what comes after a proof that ended early.
const cleanupLimit = 10 * time.Second

// held is the last sight of a message of this proof, by which it can be deleted.
type held struct {
	at     end
	handle *string
}

// keep remembers a sight of one of the proof's messages.
func (p *prover) keep(at end, m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ours := p.messages[m.key]; ours {
		p.sights[m.id] = held{at, m.handle}
	}
}

// cleanUp removes the proof's messages from the queues as well as it can: in a queue that
// lives on, poison must not wait for its next consumers. It has a time of its own, for the
// proof's may have been cut short. None of it goes into the history, which is judged by
// then. Messages of others are never deleted.
func (p *prover) cleanUp(ctx context.Context, keepDLQ bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	// A redrive may still be bringing messages to the source queue, and a receive there may
	// move one to the DLQ: so the DLQ comes first, and last again.
	order, both := []end{dlq, source, dlq}, []end{source, dlq}
	if keepDLQ {
		order, both = []end{source}, []end{source}
	}
	p.target.say("removing the proof's messages from the queues")
	p.forgetProcessed()
	for _, at := range order {
		err := p.removeHeld(ctx, at)
		if err == nil {
			err = p.removeVisible(ctx, at)
		}
		if err != nil {
			p.target.say(fmt.Sprintf("removing the proof's messages from %s: %v", queueName(*p.url(at)), err))
		}
	}
	for _, at := range both {
		if q, err := p.attributes(ctx, *p.url(at)); err == nil && q.total() > 0 {
			p.target.say(fmt.Sprintf("%s still holds %s; the bodies of the proof's begin with {\"proof\":\"%s-", q.name(), count(q.total(), "message"), p.run))
		}
	}
}

// forgetProcessed forgets the sights of messages that were deleted since.
func (p *prover) forgetProcessed() {
	processed := map[string]bool{}
	for i := range p.h.Events {
		switch e := &p.h.Events[i]; {
		case e.Op == OpReceive:
			processed[e.MessageID] = false
		case e.Op == OpDelete && e.Outcome == OK && !e.Stale:
			processed[e.MessageID] = true
		}
	}
	maps.DeleteFunc(p.sights, func(id string, _ held) bool { return processed[id] })
}

// removeHeld deletes messages that may be in flight, by their last receipt handles.
func (p *prover) removeHeld(ctx context.Context, at end) error {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: p.url(at)}
	flush := func() error {
		if len(in.Entries) == 0 {
			return nil
		}
		_, err := p.sqs.DeleteMessageBatch(ctx, in) // entries that are refused are gone, or visible again
		in.Entries = nil
		return err
	}
	for id, h := range p.sights {
		if h.at != at {
			continue
		}
		delete(p.sights, id)
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(len(in.Entries))), ReceiptHandle: h.handle})
		if len(in.Entries) == maxBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// removeVisible receives until nothing comes, deletes the proof's messages and gives
// others back.
func (p *prover) removeVisible(ctx context.Context, at end) error {
	var others []*string
	defer func() {
		for _, handle := range others {
			_, _ = p.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: p.url(at), ReceiptHandle: handle}) // else it comes back by itself
		}
	}()
	for empty := 0; empty < p.emptyReceives(); {
		in := &sqs.ReceiveMessageInput{
			QueueUrl: p.url(at), MaxNumberOfMessages: maxBatch, VisibilityTimeout: int32(3 * cleanupLimit / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		}
		option := p.wait(in)
		in.WaitTimeSeconds = min(in.WaitTimeSeconds, 1)
		out, err := p.sqs.ReceiveMessage(ctx, in, option)
		if err != nil {
			return err
		}
		ours := 0
		for _, m := range out.Messages {
			if p.sight(m).Key == "" {
				others = append(others, m.ReceiptHandle)
				continue
			}
			ours++
			if _, err := p.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: p.url(at), ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
		if ours == 0 {
			empty++ // enough of a queue that is full of others' messages
		} else {
			empty = 0
		}
	}
	return nil
}
