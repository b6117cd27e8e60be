package sns

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxTags is how many tags a topic can have. [TagResource API reference]
const maxTags = 50

type tagPair struct{ Key, Value string }

// newTags makes a map of tags, which may not name a key twice.
func newTags(pairs []tagPair) (map[string]string, error) {
	tags := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if _, ok := tags[p.Key]; ok {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		if n := len([]rune(p.Key)); n < 1 || n > 128 || len([]rune(p.Value)) > 256 {
			return nil, invalid("Tags")
		}
		tags[p.Key] = p.Value
	}
	if len(tags) > maxTags {
		return nil, tooManyTags()
	}
	return tags, nil
}

func tooManyTags() *wire.Error {
	return &wire.Error{Code: "TagLimitExceeded", Message: "Could not complete request: tag quota of per resource exceeded", Status: http.StatusBadRequest}
}

// emptyResult is an output without members that has a Result element nevertheless: its
// blank field makes it differ from wire.Empty, which has none.
type emptyResult struct{ _ struct{} }

type tagResourceInput struct {
	ResourceArn string
	Tags        []tagPair
}

func (s *Service) tagResource(_ context.Context, c *wire.Call, in *tagResourceInput) (*emptyResult, error) {
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.taggable(c, in.ResourceArn, "SNS:TagResource")
	if err != nil {
		return nil, err
	}
	merged := maps.Clone(t.tags)
	maps.Copy(merged, tags)
	if len(merged) > maxTags {
		return nil, tooManyTags()
	}
	t.tags = merged
	return &emptyResult{}, nil
}

type untagResourceInput struct {
	ResourceArn string
	TagKeys     []string
}

func (s *Service) untagResource(_ context.Context, c *wire.Call, in *untagResourceInput) (*emptyResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.taggable(c, in.ResourceArn, "SNS:UntagResource")
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(t.tags, key)
	}
	return &emptyResult{}, nil
}

type resourceInput struct{ ResourceArn string }

type tagsOutput struct{ Tags []tagPair }

func (s *Service) listTagsForResource(_ context.Context, c *wire.Call, in *resourceInput) (*tagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.taggable(c, in.ResourceArn, "SNS:ListTagsForResource")
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{Tags: []tagPair{}}
	for _, key := range slices.Sorted(maps.Keys(t.tags)) {
		out.Tags = append(out.Tags, tagPair{Key: key, Value: t.tags[key]})
	}
	return out, nil
}

// taggable finds a topic for the tagging operations, which have an error of their own.
func (s *Service) taggable(c *wire.Call, resourceARN, action string) (*topic, error) {
	t, err := s.find(c, resourceARN, action)
	if e, ok := err.(*wire.Error); ok && e.Code == "NotFound" {
		return nil, noResource()
	}
	return t, err
}
