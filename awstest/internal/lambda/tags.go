package lambda

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const maxTags = 50

// addTags returns the tags with others added.
func addTags(have, more map[string]string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, have)
	for key, value := range more {
		switch {
		case key == "" || len(key) > 128 || len(value) > 256:
			return nil, invalid("The tag %.140q is not valid: keys have 1 to 128 characters, values up to 256.", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		out[key] = value
	}
	if len(out) > maxTags {
		return nil, invalid("Tags must have at most %d entries.", maxTags)
	}
	return out, nil
}

// tagged calls fn with the tags of a function or mapping, while s.mu is held.
func (s *Service) tagged(arn string, fn func(tags *map[string]string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.functions {
		if f.key.arn() == arn {
			return fn(&f.tags)
		}
	}
	for _, m := range s.mappings {
		if m.arn() == arn {
			return fn(&m.tags)
		}
	}
	if strings.Contains(arn, ":event-source-mapping:") {
		return notFound("The resource you requested does not exist.")
	}
	return notFound("Function not found: %s", arn)
}

type tagsInput struct {
	Resource string `path:"Resource"`
}

type tagsOutput struct{ Tags map[string]string }

func (s *Service) listTags(_ context.Context, _ *wire.Call, in *tagsInput) (out *tagsOutput, err error) {
	err = s.tagged(in.Resource, func(tags *map[string]string) error {
		out = &tagsOutput{map[string]string{}}
		maps.Copy(out.Tags, *tags)
		return nil
	})
	return out, err
}

type tagResourceInput struct {
	Resource string `path:"Resource"`
	Tags     map[string]string
}

func (s *Service) tagResource(_ context.Context, _ *wire.Call, in *tagResourceInput) (*noContent, error) {
	return &noContent{}, s.tagged(in.Resource, func(tags *map[string]string) (err error) {
		all, err := addTags(*tags, in.Tags)
		if err == nil {
			*tags = all
		}
		return err
	})
}

// untagResourceInput has its keys in the query string, as a list.
type untagResourceInput struct {
	Resource string `path:"Resource"`
	TagKeys  []string
}

// ReadRequest implements wire.Reader.
func (in *untagResourceInput) ReadRequest(r *http.Request, _ []byte) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	in.TagKeys = query["tagKeys"]
	return err
}

func (s *Service) untagResource(_ context.Context, _ *wire.Call, in *untagResourceInput) (*noContent, error) {
	return &noContent{}, s.tagged(in.Resource, func(tags *map[string]string) error {
		left := maps.Clone(*tags)
		for _, key := range in.TagKeys {
			delete(left, key)
		}
		*tags = left
		return nil
	})
}

// cut returns the part of a list that a caller asks for, and the marker of the next one.
func cut[T any](list []T, marker string, maxItems *int, usual int) (part []T, next string, err error) {
	size := usual
	if maxItems != nil {
		if size = *maxItems; size < 1 || size > 10_000 {
			return nil, "", constraint(size, "maxItems", "Member must have value between 1 and 10000")
		}
	}
	start := 0
	if marker != "" {
		if start, err = strconv.Atoi(marker); err != nil || start < 0 {
			return nil, "", invalid("Invalid marker")
		}
	}
	start = min(start, len(list))
	end := min(start+size, len(list))
	if end < len(list) {
		next = strconv.Itoa(end)
	}
	return list[start:end:end], next, nil
}
