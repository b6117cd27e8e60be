package iam

import (
	"maps"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type tag struct{ Key, Value string }

// addTags lays tags over others.
func addTags(tags map[string]string, added []tag) (map[string]string, error) {
	merged := maps.Clone(tags)
	if merged == nil {
		merged = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range added {
		if n := len([]rune(t.Key)); n < 1 || n > 128 {
			return nil, validation(t.Key, "tags.1.member.key", "Member must have length between 1 and 128")
		}
		if len([]rune(t.Value)) > 256 {
			return nil, validation(t.Value, "tags.1.member.value", "Member must have length less than or equal to 256")
		}
		if seen[t.Key] {
			return nil, &wire.Error{Code: "InvalidInput", Message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
		}
		seen[t.Key] = true
		merged[t.Key] = t.Value
	}
	if len(merged) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return merged, nil
}

// listTags returns tags in the order of their keys.
func listTags(tags map[string]string) []tag {
	out := []tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, tag{Key: key, Value: tags[key]})
	}
	return out
}

type tagsOutput struct {
	Tags        []tag
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

func newTagsOutput(tags map[string]string, p page) (*tagsOutput, error) {
	part, marker, err := cut(listTags(tags), p)
	if err != nil {
		return nil, err
	}
	return &tagsOutput{Tags: part, IsTruncated: marker != "", Marker: marker}, nil
}
