package events

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxTags is how many tags a rule or bus can have.
const maxTags = 50

type tag struct{ Key, Value string }

// merge returns tags with others added.
func merge(tags map[string]string, more []tag) (map[string]string, error) {
	merged := map[string]string{}
	maps.Copy(merged, tags)
	for _, t := range more {
		if n := len([]rune(t.Key)); n < 1 || n > 128 || len([]rune(t.Value)) > 256 {
			return nil, constraint(t.Key, "tags", "Member must have a key of 1 to 128 characters and a value of at most 256")
		}
		merged[t.Key] = t.Value
	}
	if len(merged) > maxTags {
		return nil, limitExceeded()
	}
	return merged, nil
}

// tagged finds the tags of a rule or bus by its ARN. It is called with s.mu held.
func (s *Service) tagged(c *wire.Call, arn string) (*map[string]string, error) {
	prefix := placeOf(c).arnOf("")
	resource, ok := strings.CutPrefix(arn, prefix)
	if !ok {
		return nil, notFound("%.300s does not exist.", arn)
	}
	if name, ok := strings.CutPrefix(resource, "event-bus/"); ok {
		b, err := s.bus(c, name)
		if err != nil {
			return nil, err
		}
		return &b.tags, nil
	}
	name, ok := strings.CutPrefix(resource, "rule/")
	if !ok {
		return nil, notFound("%.300s does not exist.", arn)
	}
	busName, ruleName, custom := strings.Cut(name, "/")
	if !custom {
		busName, ruleName = defaultBus, name
	}
	_, r, err := s.rule(c, busName, ruleName)
	if err != nil {
		return nil, err
	}
	return &r.tags, nil
}

type tagInput struct {
	ResourceARN string
	Tags        []tag
}

// tagResource implements TagResource.
func (s *Service) tagResource(_ context.Context, c *wire.Call, in *tagInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	merged, err := merge(*tags, in.Tags)
	if err != nil {
		return nil, err
	}
	*tags = merged
	return &wire.Empty{}, nil
}

type untagInput struct {
	ResourceARN string
	TagKeys     []string
}

// untagResource implements UntagResource.
func (s *Service) untagResource(_ context.Context, c *wire.Call, in *untagInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(*tags, key)
	}
	return &wire.Empty{}, nil
}

type resourceInput struct{ ResourceARN string }

type tagsOutput struct{ Tags []tag }

// listTagsForResource implements ListTagsForResource.
func (s *Service) listTagsForResource(_ context.Context, c *wire.Call, in *resourceInput) (*tagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{Tags: []tag{}}
	for _, key := range slices.Sorted(maps.Keys(*tags)) {
		out.Tags = append(out.Tags, tag{key, (*tags)[key]})
	}
	return out, nil
}
