package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxTags is how many tags a resource may have.
const maxTags = 50

func validateTags(tags []Tag) error {
	var v constraints
	seen := map[string]bool{}
	for _, t := range tags {
		v.required(t.Key != "", "tags.member.key")
		v.length(t.Key, "tags.member.key", 128)
		v.length(t.Value, "tags.member.value", 256)
		if seen[t.Key] {
			return invalidValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		v.add(len(tags), "tags", "Member must have length less than or equal to 50")
	}
	return v.err()
}

// TagResourceInput is the input of TagResource.
type TagResourceInput struct {
	ResourceARN string `json:"ResourceARN"`
	Tags        []Tag  `json:"Tags"`
}

// UntagResourceInput is the input of UntagResource.
type UntagResourceInput struct {
	ResourceARN string   `json:"ResourceARN"`
	TagKeys     []string `json:"TagKeys"`
}

// ListTagsForResourceInput is the input of ListTagsForResource.
type ListTagsForResourceInput struct {
	ResourceARN string `json:"ResourceARN"`
}

// ListTagsForResourceOutput is the output of ListTagsForResource.
type ListTagsForResourceOutput struct {
	Tags []Tag `json:"Tags"`
}

// tagged finds the alarm of an ARN; nil if there is none. s.mu is held.
func (s *Service) tagged(c *wire.Call, arn string) (*alarm, error) {
	if arn == "" {
		return nil, missingParameter("The parameter ResourceARN is required.")
	}
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "cloudwatch" {
		return nil, invalidValue("Invalid value for parameter ResourceARN: %.200s", arn)
	}
	if parts[3] != c.Region || parts[4] != c.Account || parts[5] != "alarm" {
		return nil, nil
	}
	return s.of(c).alarms[parts[6]], nil
}

// result is an output without members that has a Result element in XML nevertheless, which
// clients of the Query protocol look for; its blank field makes it differ from wire.Empty,
// which has none.
type result struct{ _ struct{} }

func (s *Service) tagResource(_ context.Context, c *wire.Call, in *TagResourceInput) (*result, error) {
	if err := validateTags(in.Tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, resourceNotFound(in.ResourceARN)
	}
	all := maps.Clone(a.tags)
	for _, t := range in.Tags {
		all[t.Key] = t.Value
	}
	if len(all) > maxTags {
		return nil, invalidValue("A resource can have at most %d tags.", maxTags)
	}
	a.tags = all
	return &result{}, nil
}

func (s *Service) untagResource(_ context.Context, c *wire.Call, in *UntagResourceInput) (*result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, resourceNotFound(in.ResourceARN)
	}
	for _, k := range in.TagKeys {
		delete(a.tags, k)
	}
	return &result{}, nil
}

// listTagsForResource has no tags, rather than an error, for an alarm that is gone.
func (s *Service) listTagsForResource(_ context.Context, c *wire.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.tagged(c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	if a != nil {
		for _, k := range slices.Sorted(maps.Keys(a.tags)) {
			out.Tags = append(out.Tags, Tag{Key: k, Value: a.tags[k]})
		}
	}
	return out, nil
}
