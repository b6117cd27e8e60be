package kms

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxTags is how many tags a key can have. [TagResource API reference]
const maxTags = 50

type tag struct{ TagKey, TagValue string }

// merge returns tags with others added.
func merge(tags map[string]string, more []tag) (map[string]string, error) {
	merged := map[string]string{}
	maps.Copy(merged, tags)
	for _, t := range more {
		if n := len([]rune(t.TagKey)); n < 1 || n > 128 || len([]rune(t.TagValue)) > 256 || strings.HasPrefix(t.TagKey, "aws:") {
			return nil, &wire.Error{Code: "TagException", Message: "A tag's key must have 1 to 128 characters and not begin with aws:, its value at most 256."}
		}
		merged[t.TagKey] = t.TagValue
	}
	if len(merged) > maxTags {
		return nil, limitExceeded("A key can have at most %d tags.", maxTags)
	}
	return merged, nil
}

type tagInput struct {
	keyInput
	Tags []tag
}

// tagResource implements TagResource.
func (s *Service) tagResource(_ context.Context, c *wire.Call, in *tagInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, in.KeyID, "kms:TagResource")
	if err != nil {
		return nil, err
	}
	tags, err := merge(k.tags, in.Tags)
	if err != nil {
		return nil, err
	}
	k.tags = tags
	return &wire.Empty{}, nil
}

type untagInput struct {
	keyInput
	TagKeys []string
}

// untagResource implements UntagResource.
func (s *Service) untagResource(_ context.Context, c *wire.Call, in *untagInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, in.KeyID, "kms:UntagResource")
	if err != nil {
		return nil, err
	}
	for _, name := range in.TagKeys {
		delete(k.tags, name)
	}
	return &wire.Empty{}, nil
}

type tagsOutput struct {
	NextMarker string `json:",omitempty"`
	Tags       []tag
	Truncated  bool
}

// listResourceTags implements ListResourceTags.
func (s *Service) listResourceTags(_ context.Context, c *wire.Call, in *listInput) (*tagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.lookup(c, in.KeyID, "kms:ListResourceTags", false)
	if err != nil {
		return nil, err
	}
	names, next, err := paginate(slices.Collect(maps.Keys(k.tags)), in.Limit, in.Marker, maxTags)
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{Tags: []tag{}, NextMarker: next, Truncated: next != ""}
	for _, name := range names {
		out.Tags = append(out.Tags, tag{name, k.tags[name]})
	}
	return out, nil
}
