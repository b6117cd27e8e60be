package sqs

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

var _ fabric.QueueSource = (*Service)(nil)

// watcher is somebody who is told when a queue may have messages to receive.
type watcher struct{ available func() }

// VisibilityTimeout implements fabric.QueueSource.
func (s *Service) VisibilityTimeout(queueARN string) (time.Duration, error) {
	q := s.findARN(queueARN)
	if q == nil {
		return 0, queueDoesNotExist()
	}
	return time.Duration(q.settings.Load().visibility), nil
}

// ReceiveFor implements fabric.QueueSource.
func (s *Service) ReceiveFor(from fabric.Principal, queueARN string, most int) ([]fabric.SourceMessage, error) {
	q := s.findARN(queueARN)
	if q == nil {
		return nil, queueDoesNotExist()
	}
	set := q.settings.Load()
	if err := s.useKey(q, set, from, receiving()); err != nil {
		return nil, err
	}
	q.touch(&wire.Call{})
	messages, err := q.receive(&receipt{ctx: context.Background(), max: min(most, maxReceive), hidden: set.visibility}, 0)
	if err != nil {
		return nil, err
	}
	out := make([]fabric.SourceMessage, len(messages))
	for i := range messages {
		m := &messages[i]
		out[i] = fabric.SourceMessage{
			ID: m.id.String(), ReceiptHandle: s.handle(q, m), Body: m.body, MD5OfBody: hex.EncodeToString(m.md5[:]),
			System: systemAttributes(m, q.fifo, allSystem),
		}
		if own := m.attributes(); len(own) > 0 {
			out[i].MD5OfAttributes = attributesMD5(own)
			out[i].Attributes = make(map[string]fabric.Attribute, len(own))
			for name, a := range own {
				v := fabric.Attribute{DataType: a.DataType, BinaryValue: a.BinaryValue}
				if a.StringValue != nil {
					v.StringValue = *a.StringValue
				}
				out[i].Attributes[name] = v
			}
		}
	}
	return out, nil
}

// DeleteFor implements fabric.QueueSource.
func (s *Service) DeleteFor(_ fabric.Principal, queueARN string, receiptHandles []string) error {
	q := s.findARN(queueARN)
	if q == nil {
		return queueDoesNotExist()
	}
	q.touch(&wire.Call{})
	var first error
	for _, handle := range receiptHandles {
		if err := q.delete(handle); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Watch implements fabric.QueueSource.
func (s *Service) Watch(queueARN string, available func()) (stop func()) {
	key, ok := parseARN(queueARN)
	if !ok {
		return func() {}
	}
	w := &watcher{available}
	change := func(edit func([]*watcher) []*watcher) {
		s.admin.Lock() // so that the queue isn't created or deleted meanwhile
		defer s.admin.Unlock()
		// replaced, never changed: queues share the list
		list := edit(slices.Clone(s.watchers[key]))
		s.watchers[key] = list
		if len(list) == 0 {
			delete(s.watchers, key)
		}
		if q := s.find(key); q != nil {
			q.lock()
			q.watchers = list
			q.unlock()
		}
	}
	change(func(list []*watcher) []*watcher { return append(list, w) })
	return func() {
		change(func(list []*watcher) []*watcher {
			return slices.DeleteFunc(list, func(x *watcher) bool { return x == w })
		})
	}
}
