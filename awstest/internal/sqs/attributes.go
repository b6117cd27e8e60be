package sqs

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The names of queue attributes.
const (
	attrPolicy             = "Policy"
	attrVisibilityTimeout  = "VisibilityTimeout"
	attrMaximumMessageSize = "MaximumMessageSize"
	attrRetention          = "MessageRetentionPeriod"
	attrMessages           = "ApproximateNumberOfMessages"
	attrNotVisible         = "ApproximateNumberOfMessagesNotVisible"
	attrDelayed            = "ApproximateNumberOfMessagesDelayed"
	attrCreated            = "CreatedTimestamp"
	attrModified           = "LastModifiedTimestamp"
	attrQueueArn           = "QueueArn"
	attrDelaySeconds       = "DelaySeconds"
	attrWait               = "ReceiveMessageWaitTimeSeconds"
	attrRedrivePolicy      = "RedrivePolicy"
	attrRedriveAllowPolicy = "RedriveAllowPolicy"
	attrFifoQueue          = "FifoQueue"
	attrContentDedup       = "ContentBasedDeduplication"
	attrKMSKey             = "KmsMasterKeyId"
	attrKMSReuse           = "KmsDataKeyReusePeriodSeconds"
	attrSSE                = "SqsManagedSseEnabled"
	attrDedupScope         = "DeduplicationScope"
	attrThroughputLimit    = "FifoThroughputLimit"
)

const (
	scopeQueue      = "queue"
	scopeGroup      = "messageGroup"
	limitPerQueue   = "perQueue"
	limitPerGroup   = "perMessageGroupId"
	defaultKMSReuse = 300 // seconds
)

// settings are the attributes of a queue that its owner sets. Policies are kept word
// for word.
type settings struct {
	fifo, contentDedup         bool
	dedupScope, throughput     string
	visibility, retention      int64 // nanoseconds
	delay, wait                int64 // nanoseconds
	maxSize                    int   // bytes
	policy                     string
	redrivePolicy, allowPolicy string
	redrive                    *redrive // what redrivePolicy says
	allow                      *allow   // what allowPolicy says
	kmsKey                     string
	kmsReuse                   int // seconds, 0 = not given
	managedSSE                 bool
	modified                   time.Time
	tags                       map[string]string
}

func defaultSettings(now time.Time) settings {
	return settings{
		dedupScope: scopeQueue, throughput: limitPerQueue,
		visibility: int64(30 * time.Second), retention: int64(4 * 24 * time.Hour),
		maxSize: 1 << 20, managedSSE: true, modified: now,
	}
}

// with returns the settings with the attributes changed. creating says that the queue is
// yet to be.
func (s settings) with(attributes map[string]string, creating bool) (*settings, error) {
	if fifo, ok := attributes[attrFifoQueue]; ok {
		on, valid := parseBool(fifo)
		switch {
		case creating && on && valid:
			s.fifo = true
		case !s.fifo:
			return nil, unknownAttribute(attrFifoQueue)
		case !valid || !on:
			return nil, invalidAttributeValue(attrFifoQueue, "Modifying queue type is not supported.")
		}
	}
	if attributes[attrKMSKey] != "" {
		if sse, _ := parseBool(attributes[attrSSE]); sse {
			return nil, invalidAttributeName("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		}
	}
	// in a set order, so that of several mistakes the same is reported each time
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := s.set(name, attributes[name]); err != nil {
			return nil, err
		}
	}
	if s.throughput == limitPerGroup && s.dedupScope != scopeGroup {
		return nil, invalidAttributeValue(attrThroughputLimit, "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return &s, nil
}

// set sets one attribute, or removes it if the value is empty and the attribute can be.
func (s *settings) set(name, value string) error {
	var err error
	switch name {
	case attrFifoQueue: // with has seen to it
	case attrVisibilityTimeout:
		err = setSeconds(&s.visibility, name, value, 0, maxHidden)
	case attrRetention:
		err = setSeconds(&s.retention, name, value, 60, 1_209_600)
	case attrDelaySeconds:
		err = setSeconds(&s.delay, name, value, 0, maxDelay)
	case attrWait:
		err = setSeconds(&s.wait, name, value, 0, maxWait)
	case attrMaximumMessageSize:
		s.maxSize, err = parseRange(name, value, 1024, 1<<20)
	case attrPolicy:
		s.policy, err = value, checkPolicy(value)
	case attrRedrivePolicy:
		s.redrivePolicy = value
		s.redrive, err = parseRedrive(value)
	case attrRedriveAllowPolicy:
		s.allowPolicy = value
		s.allow, err = parseAllow(value)
	case attrKMSKey:
		s.kmsKey = value
		if value != "" {
			s.managedSSE = false
		}
	case attrKMSReuse:
		s.kmsReuse, err = parseRange(name, value, 60, 86400)
	case attrSSE:
		on, ok := parseBool(value)
		if !ok {
			return invalidAttributeValue(name, "")
		}
		s.managedSSE = on
	case attrContentDedup, attrDedupScope, attrThroughputLimit:
		err = s.setFIFO(name, value)
	default:
		return unknownAttribute(name)
	}
	return err
}

func (s *settings) setFIFO(name, value string) error {
	if !s.fifo {
		if name == attrContentDedup {
			return unknownAttribute(name)
		}
		return invalidAttributeName("You can specify the %s only when FifoQueue is set to true.", name)
	}
	switch name {
	case attrContentDedup:
		on, ok := parseBool(value)
		if !ok {
			return invalidAttributeValue(name, "")
		}
		s.contentDedup = on
	case attrDedupScope:
		if value != scopeQueue && value != scopeGroup {
			return invalidAttributeValue(name, "")
		}
		s.dedupScope = value
	case attrThroughputLimit:
		if value != limitPerQueue && value != limitPerGroup {
			return invalidAttributeValue(name, "")
		}
		s.throughput = value
	}
	return nil
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func parseRange(name, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, invalidAttributeValue(name, "")
	}
	return n, nil
}

func setSeconds(p *int64, name, value string, least, most int) error {
	n, err := parseRange(name, value, least, most)
	*p = int64(n) * int64(time.Second)
	return err
}

// attributeNames are all queue attributes, in the order in which CreateQueue compares.
var attributeNames = [...]string{
	attrQueueArn, attrMessages, attrNotVisible, attrDelayed, attrCreated, attrModified, attrVisibilityTimeout,
	attrMaximumMessageSize, attrRetention, attrDelaySeconds, attrWait, attrPolicy, attrRedrivePolicy,
	attrRedriveAllowPolicy, attrFifoQueue, attrContentDedup, attrDedupScope, attrThroughputLimit,
	attrKMSKey, attrKMSReuse, attrSSE,
}

// get is the value of an attribute that is set, empty if it isn't there.
func (s *settings) get(name string) string {
	seconds := func(n int64) string { return strconv.FormatInt(n/int64(time.Second), 10) }
	switch name {
	case attrVisibilityTimeout:
		return seconds(s.visibility)
	case attrMaximumMessageSize:
		return strconv.Itoa(s.maxSize)
	case attrRetention:
		return seconds(s.retention)
	case attrDelaySeconds:
		return seconds(s.delay)
	case attrWait:
		return seconds(s.wait)
	case attrPolicy:
		return s.policy
	case attrRedrivePolicy:
		return s.redrivePolicy
	case attrRedriveAllowPolicy:
		return s.allowPolicy
	case attrKMSKey:
		return s.kmsKey
	case attrKMSReuse:
		switch {
		case s.kmsReuse == 0 && s.kmsKey != "":
			return strconv.Itoa(defaultKMSReuse)
		case s.kmsKey == "" && (s.kmsReuse == 0 || s.kmsReuse == defaultKMSReuse):
			return ""
		}
		return strconv.Itoa(s.kmsReuse)
	case attrSSE:
		return strconv.FormatBool(s.managedSSE)
	}
	if !s.fifo {
		return ""
	}
	switch name {
	case attrFifoQueue:
		return "true"
	case attrContentDedup:
		return strconv.FormatBool(s.contentDedup)
	case attrDedupScope:
		return s.dedupScope
	case attrThroughputLimit:
		return s.throughput
	}
	return ""
}

// getQueueAttributes implements GetQueueAttributes.
func (s *Service) getQueueAttributes(_ context.Context, c *wire.Call, in *getQueueAttributesInput) (*getQueueAttributesOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	names := in.AttributeNames
	for _, name := range names {
		if name != "All" && !slices.Contains(attributeNames[:], name) {
			return nil, unknownAttribute(name)
		}
	}
	if slices.Contains(names, "All") {
		names = attributeNames[:]
	}
	q.lock()
	count := q.count
	q.unlock()
	set := q.settings.Load()
	out := &getQueueAttributesOutput{Attributes: map[string]string{}}
	for _, name := range names {
		var v string
		switch name {
		case attrQueueArn:
			v = q.arn
		case attrMessages:
			v = strconv.Itoa(count[ready])
		case attrNotVisible:
			v = strconv.Itoa(count[inFlight])
		case attrDelayed:
			v = strconv.Itoa(count[delayed])
		case attrCreated:
			v = strconv.FormatInt(q.created.Unix(), 10)
		case attrModified:
			v = strconv.FormatInt(set.modified.Unix(), 10)
		default:
			v = set.get(name)
		}
		if v != "" {
			out.Attributes[name] = v
		}
	}
	return out, nil
}

// setQueueAttributes implements SetQueueAttributes.
func (s *Service) setQueueAttributes(_ context.Context, c *wire.Call, in *setQueueAttributesInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missingParameter("Attribute.Name")
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	old := q.settings.Load()
	set, err := old.with(in.Attributes, false)
	if err != nil {
		return nil, err
	}
	if _, ok := in.Attributes[attrRedrivePolicy]; ok {
		if err := s.checkRedrive(q.key, set); err != nil {
			return nil, err
		}
	}
	set.modified = c.Time
	now := q.lock()
	q.settings.Store(set)
	if q.fifo && set.delay != old.delay {
		q.redelay(set.delay)
	}
	q.settle(now) // by the new settings
	q.serve(now)
	q.unlock()
	return &wire.Empty{}, nil
}

// redelay gives the delayed messages another delay, as AWS says of FIFO queues; in
// standard queues a new delay is for new messages.
func (q *queue) redelay(delay int64) {
	var waiting []*message
	q.waiting.each(func(m *message) {
		if m.state == delayed {
			waiting = append(waiting, m)
		}
	})
	for _, m := range waiting {
		q.waiting.remove(m)
		q.waiting.add(m, m.arrived+delay)
	}
}
