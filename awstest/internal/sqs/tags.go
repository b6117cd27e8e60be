package sqs

import (
	"context"
	"maps"
	"unicode/utf8"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalidParameter("Too many tags added for queue: the maximum is %d.", maxTags)
	}
	for k, v := range tags {
		if n := utf8.RuneCountInString(k); n == 0 || n > maxTagKey {
			return invalidValue(k, "Tag.Key", "Tag keys must be between 1 and 128 characters in length.")
		}
		if utf8.RuneCountInString(v) > maxTagValue {
			return invalidValue(v, "Tag.Value", "Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

// retag replaces a queue's tags by what change makes of them.
func (s *Service) retag(q *queue, change func(tags map[string]string)) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	set := *q.settings.Load()
	if set.tags = maps.Clone(set.tags); set.tags == nil {
		set.tags = map[string]string{}
	}
	change(set.tags)
	if err := checkTags(set.tags); err != nil {
		return err
	}
	q.settings.Store(&set)
	return nil
}

// tagQueue implements TagQueue.
func (s *Service) tagQueue(_ context.Context, c *wire.Call, in *tagQueueInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missingParameter("Tags")
	}
	if err := s.retag(q, func(tags map[string]string) { maps.Copy(tags, in.Tags) }); err != nil {
		return nil, err
	}
	return &wire.Empty{}, nil
}

// untagQueue implements UntagQueue.
func (s *Service) untagQueue(_ context.Context, c *wire.Call, in *untagQueueInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, missingParameter("TagKeys")
	}
	err = s.retag(q, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, nil
}

// listQueueTags implements ListQueueTags.
func (s *Service) listQueueTags(_ context.Context, c *wire.Call, in *listQueueTagsInput) (*listQueueTagsOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &listQueueTagsOutput{Tags: q.settings.Load().tags}, nil
}
