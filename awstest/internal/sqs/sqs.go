// Package sqs is Amazon SQS on a clock that can be moved. Its smallest use, behind
// an HTTP server:
//
//	svc := sqs.New(clk, sqs.Options{})
//	http.ListenAndServe(addr, wire.NewRouter(clk.Now, nil, svc.API()))
//
// Queues lock for themselves; nothing on the way of a message locks the service as a
// whole. Time is looked at, not waited for: whoever locks a queue first lets happen
// what has fallen due (see queue.lock), and only a waiting receive or a running move
// task schedules events.
//
// Unlike AWS, it is consistent at once: attributes hold, and counts are exact, from the
// next call on. Not modelled are the throughput quotas, the order in which fair queues
// serve their groups, encryption itself, and permissions of callers; a queue's policy, and
// that of its KMS key, counts where another service delivers to it. Where AWS's behaviour isn't documented,
// the code says what was assumed:
//   - a source whose dead-letter queue has been deleted keeps and returns its messages;
//   - a move task to the messages' own sources fails on one that has none;
//   - a move task without a rate moves 500 messages a second;
//   - a redrive allow policy counts when a source names its DLQ, not afterwards.
package sqs

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Options are the choices that a Service leaves open.
type Options struct {
	// Allowed says whether a queue's policy lets another service do action on the
	// queue; everything is allowed if it is nil.
	Allowed func(policyDoc string, from fabric.Principal, action, resource string) bool
	// Keys says who may use the KMS keys of encrypted queues; everybody may if it is nil.
	Keys fabric.Keys
	// Defects are deviations from AWS, on purpose, to test what ought to notice them.
	Defects []Defect
}

// Service holds the queues of all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk     *clock.Clock
	allowed func(policyDoc string, from fabric.Principal, action, resource string) bool
	keys    fabric.Keys
	defects atomic.Uint64
	salt    [8]byte // makes this service's receipt handles its own

	sequence atomic.Uint64 // FIFO sequence numbers
	queueIDs atomic.Uint64

	// admin serialises what changes queues' settings or creates and deletes queues. It
	// comes before every other lock.
	admin sync.Mutex
	tasks map[queueKey][]*moveTask // by source, newest last; under admin
	// watchers are those who want to know when a queue has messages, whether it exists or
	// not; under admin
	watchers map[queueKey][]*watcher

	// mu guards the maps below; no queue is locked under it.
	mu      sync.RWMutex
	queues  map[queueKey]*queue
	deleted map[queueKey]time.Time // when queues were deleted whose names can't be reused yet

	all atomic.Pointer[[]*queue] // in order of creation
}

var _ fabric.Queues = (*Service)(nil)

// New returns a service without queues. It panics if a defect doesn't exist.
func New(clk *clock.Clock, opts Options) *Service {
	s := &Service{
		clk:      clk,
		allowed:  opts.Allowed,
		keys:     opts.Keys,
		tasks:    map[queueKey][]*moveTask{},
		watchers: map[queueKey][]*watcher{},
		queues:   map[queueKey]*queue{},
		deleted:  map[queueKey]time.Time{},
	}
	id := newUUID()
	copy(s.salt[:], id[:])
	s.all.Store(new([]*queue))
	if err := s.SetDefects(opts.Defects...); err != nil {
		panic(err)
	}
	return s
}

// API is the service as wire serves it.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "sqs",
		JSONTarget:   "AmazonSQS",
		Shapes:       "com.amazonaws.sqs",
		XMLNamespace: "http://queue.amazonaws.com/doc/2012-11-05/",
		Version:      "2012-11-05",
		Complete:     true,
		Operations: map[string]wire.Operation{
			"AddPermission":                wire.Op(s.addPermission),
			"CancelMessageMoveTask":        wire.Op(s.cancelMessageMoveTask),
			"ChangeMessageVisibility":      wire.Op(s.changeMessageVisibility),
			"ChangeMessageVisibilityBatch": wire.Op(s.changeMessageVisibilityBatch),
			"CreateQueue":                  wire.Op(s.createQueue),
			"DeleteMessage":                wire.Op(s.deleteMessage),
			"DeleteMessageBatch":           wire.Op(s.deleteMessageBatch),
			"DeleteQueue":                  wire.Op(s.deleteQueue),
			"GetQueueAttributes":           wire.Op(s.getQueueAttributes),
			"GetQueueUrl":                  wire.Op(s.getQueueURL),
			"ListDeadLetterSourceQueues":   wire.Op(s.listDeadLetterSourceQueues),
			"ListMessageMoveTasks":         wire.Op(s.listMessageMoveTasks),
			"ListQueueTags":                wire.Op(s.listQueueTags),
			"ListQueues":                   wire.Op(s.listQueues),
			"PurgeQueue":                   wire.Op(s.purgeQueue),
			"ReceiveMessage":               wire.Op(s.receiveMessage),
			"RemovePermission":             wire.Op(s.removePermission),
			"SendMessage":                  wire.Op(s.sendMessage),
			"SendMessageBatch":             wire.Op(s.sendMessageBatch),
			"SetQueueAttributes":           wire.Op(s.setQueueAttributes),
			"StartMessageMoveTask":         wire.Op(s.startMessageMoveTask),
			"TagQueue":                     wire.Op(s.tagQueue),
			"UntagQueue":                   wire.Op(s.untagQueue),
		},
	}
}
