package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	fifoSuffix = ".fifo"
	maxName    = 80
	maxResults = 1000
	// nameRest is how long a queue's name can't be used again after its deletion.
	nameRest = 60 * time.Second
	// purgeRest is how long a queue can't be purged again.
	purgeRest = 60 * time.Second
)

// createQueue implements CreateQueue.
func (s *Service) createQueue(_ context.Context, c *wire.Call, in *createQueueInput) (*queueURLOutput, error) {
	if err := onQueuePath(c); err != nil {
		return nil, err
	}
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	key := queueKey{strings.Clone(c.Account), strings.Clone(c.Region), strings.Clone(in.QueueName)}
	if err := checkName(key.name, in.Attributes); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	if q := s.find(key); q != nil {
		if err := q.same(in.Attributes); err != nil {
			return nil, err
		}
		return &queueURLOutput{queueURL(c, key)}, nil
	}
	now := s.clk.Now()
	s.mu.RLock()
	deletedAt, deleted := s.deleted[key]
	s.mu.RUnlock()
	if deleted && now.Before(deletedAt.Add(nameRest)) {
		return nil, ownError("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	set, err := defaultSettings(now).with(in.Attributes, true)
	if err != nil {
		return nil, err
	}
	if err := s.checkRedrive(key, set); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		set.tags = maps.Clone(in.Tags)
	}
	q := s.newQueue(key, set, now)
	s.mu.Lock()
	for k, at := range s.deleted {
		if !now.Before(at.Add(nameRest)) {
			delete(s.deleted, k)
		}
	}
	s.queues[key] = q
	s.mu.Unlock()
	s.all.Store(new(append(slices.Clone(*s.all.Load()), q)))
	return &queueURLOutput{queueURL(c, key)}, nil
}

// onQueuePath refuses operations that aren't about a queue but are sent to one's URL.
func onQueuePath(c *wire.Call) error {
	if c.Protocol == wire.Query && c.HTTP != nil && strings.Count(strings.Trim(c.HTTP.URL.Path, "/"), "/") > 0 {
		return &wire.Error{Code: "InvalidAction", Message: "The action " + c.Operation + " is not valid for this endpoint."}
	}
	return nil
}

// checkName checks a queue's name against the type that its attributes ask for.
func checkName(name string, attributes map[string]string) error {
	fifo, _ := parseBool(attributes[attrFifoQueue])
	bare, suffixed := strings.CutSuffix(name, fifoSuffix)
	switch {
	case fifo && (!suffixed || len(name) > maxName || !isNameLike(bare)):
		return invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && (len(name) > maxName || !isNameLike(name)):
		return invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// same asks whether the attributes, as far as they are given, are what the queue has.
func (q *queue) same(attributes map[string]string) error {
	set := q.settings.Load()
	if _, err := set.with(attributes, true); err != nil {
		return err
	}
	for _, name := range attributeNames {
		want, given := attributes[name]
		if given && !sameValue(name, want, set.get(name)) {
			return queueExists(name)
		}
	}
	return nil
}

func sameValue(name, a, b string) bool {
	switch name {
	case attrPolicy, attrRedrivePolicy, attrRedriveAllowPolicy:
		var x, y any
		if json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil {
			return reflect.DeepEqual(x, y)
		}
	case attrFifoQueue, attrContentDedup, attrSSE:
		return strings.EqualFold(a, b)
	}
	return a == b
}

// deleteQueue implements DeleteQueue.
func (s *Service) deleteQueue(_ context.Context, c *wire.Call, in *deleteQueueInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	if s.queues[q.key] != q {
		s.mu.Unlock()
		return nil, queueDoesNotExist()
	}
	delete(s.queues, q.key)
	s.deleted[q.key] = s.clk.Now()
	s.mu.Unlock()
	s.all.Store(new(slices.DeleteFunc(slices.Clone(*s.all.Load()), func(other *queue) bool { return other == q })))
	q.close()
	s.dropTasks(q)
	return &wire.Empty{}, nil
}

// purgeQueue implements PurgeQueue.
func (s *Service) purgeQueue(_ context.Context, c *wire.Call, in *purgeQueueInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := q.lock()
	defer q.unlock()
	if q.purged != 0 && now < q.purged+int64(purgeRest) {
		e := ownError("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.key.name)
		e.Status = 403
		return nil, e
	}
	q.purged = now
	q.empty()
	return &wire.Empty{}, nil
}

// getQueueURL implements GetQueueUrl.
func (s *Service) getQueueURL(_ context.Context, c *wire.Call, in *getQueueURLInput) (*queueURLOutput, error) {
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	account := in.QueueOwnerAWSAccountId
	if account == "" {
		account = c.Account
	}
	q := s.find(queueKey{account, c.Region, in.QueueName})
	if q == nil {
		return nil, queueDoesNotExist()
	}
	q.touch(c)
	return &queueURLOutput{queueURL(c, q.key)}, nil
}

// listQueues implements ListQueues.
func (s *Service) listQueues(_ context.Context, c *wire.Call, in *listQueuesInput) (*listQueuesOutput, error) {
	if err := onQueuePath(c); err != nil {
		return nil, err
	}
	queues := slices.DeleteFunc(s.inRegion(c.Account, c.Region), func(q *queue) bool {
		return !strings.HasPrefix(q.key.name, in.QueueNamePrefix)
	})
	page, next, err := paginate(queues, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listQueuesOutput{NextToken: next}
	for _, q := range page {
		out.QueueUrls = append(out.QueueUrls, queueURL(c, q.key))
	}
	return out, nil
}

// paginate is the page of queues, which are in order of names, after the token. Without
// MaxResults there is one page, of at most 1000.
func paginate(queues []*queue, most *int32, token string) (page []*queue, next string, err error) {
	limit := maxResults
	if most != nil {
		if *most < 1 || *most > maxResults {
			return nil, "", invalidValue(*most, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
		limit = int(*most)
	}
	if token != "" {
		after, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalidValue(token, "NextToken", "NextToken is not valid.")
		}
		i := slices.IndexFunc(queues, func(q *queue) bool { return q.key.name > string(after) })
		if i < 0 {
			i = len(queues)
		}
		queues = queues[i:]
	}
	if len(queues) <= limit {
		return queues, "", nil
	}
	if most != nil {
		next = base64.StdEncoding.EncodeToString([]byte(queues[limit-1].key.name))
	}
	return queues[:limit], next, nil
}
