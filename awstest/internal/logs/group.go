package logs

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

var groupPattern = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// retentions are what groups can keep events for, in days. [PutRetentionPolicy API reference]
func retentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// groupOf returns a group by its name or ARN. It is called with s.mu held.
func (s *Service) groupOf(c *wire.Call, name string) (*group, error) {
	if parts := strings.SplitN(name, ":", 7); len(parts) == 7 && parts[5] == "log-group" {
		name = strings.TrimSuffix(parts[6], ":*")
	}
	if g := s.groups[groupKey{c.Account, c.Region, name}]; g != nil {
		g.expire(s.clk.Now().UnixMilli())
		return g, nil
	}
	return nil, notFound("log group")
}

// edit calls fn with a group while s.mu is held.
func (s *Service) edit(c *wire.Call, name string, fn func(g *group) error) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupOf(c, name)
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, fn(g)
}

type createLogGroupInput struct {
	LogGroupName  string            `json:"logGroupName"`
	KmsKeyID      string            `json:"kmsKeyId"`
	LogGroupClass string            `json:"logGroupClass"`
	Tags          map[string]string `json:"tags"`
	Protected     bool              `json:"deletionProtectionEnabled"`
}

func (s *Service) createLogGroup(_ context.Context, c *wire.Call, in *createLogGroupInput) (*wire.Empty, error) {
	if !groupPattern.MatchString(in.LogGroupName) {
		return nil, invalid(`1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`, in.LogGroupName)
	}
	class := in.LogGroupClass
	switch class {
	case "":
		class = "STANDARD"
	case "STANDARD", "INFREQUENT_ACCESS", "DELIVERY":
	default:
		return nil, invalid("1 validation error detected: Value '%s' at 'logGroupClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]", class)
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := groupKey{c.Account, c.Region, in.LogGroupName}
	if s.groups[key] != nil {
		return nil, exists("log group")
	}
	g, err := s.newGroup(key)
	if err != nil {
		return nil, err
	}
	g.class, g.kmsKey, g.tags, g.protected = class, in.KmsKeyID, tags, in.Protected
	return &wire.Empty{}, nil
}

// newGroup makes a group. It is called with s.mu held.
func (s *Service) newGroup(key groupKey) (*group, error) {
	if len(s.groups) >= maxGroups {
		return nil, limitExceeded()
	}
	g := &group{key: key, created: s.clk.Now(), class: "STANDARD", streams: map[string]*stream{}}
	s.groups[key] = g
	return g, nil
}

type groupInput struct {
	LogGroupName string `json:"logGroupName"`
}

func (s *Service) deleteLogGroup(_ context.Context, c *wire.Call, in *groupInput) (*wire.Empty, error) {
	return s.edit(c, in.LogGroupName, func(g *group) error {
		if g.protected {
			return &wire.Error{Code: "ValidationException", Message: "Log group " + g.key.name + " has deletion protection enabled."}
		}
		delete(s.groups, g.key)
		return nil
	})
}

type describeLogGroupsInput struct {
	Prefix    string   `json:"logGroupNamePrefix"`
	Pattern   string   `json:"logGroupNamePattern"`
	Class     string   `json:"logGroupClass"`
	Names     []string `json:"logGroupIdentifiers"`
	NextToken string   `json:"nextToken"`
	Limit     *int     `json:"limit"`
}

type groupShape struct {
	Arn               string `json:"arn"`
	LogGroupArn       string `json:"logGroupArn"`
	LogGroupName      string `json:"logGroupName"`
	LogGroupClass     string `json:"logGroupClass"`
	CreationTime      int64  `json:"creationTime"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"`
	KmsKeyID          string `json:"kmsKeyId,omitempty"`
	MetricFilterCount int    `json:"metricFilterCount"`
	StoredBytes       int    `json:"storedBytes"`
	Protected         bool   `json:"deletionProtectionEnabled"`
}

type describeLogGroupsOutput struct {
	LogGroups []groupShape `json:"logGroups"`
	NextToken string       `json:"nextToken,omitempty"`
}

func (s *Service) describeLogGroups(_ context.Context, c *wire.Call, in *describeLogGroupsInput) (*describeLogGroupsOutput, error) {
	if in.Prefix != "" && in.Pattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for key, g := range s.groups {
		if key.account == c.Account && key.region == c.Region && strings.HasPrefix(key.name, in.Prefix) &&
			strings.Contains(strings.ToLower(key.name), strings.ToLower(in.Pattern)) && (in.Class == "" || in.Class == g.class) &&
			(len(in.Names) == 0 || slices.Contains(in.Names, key.name) || slices.Contains(in.Names, key.arn())) {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	part, next, err := cut(names, in.NextToken, in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	out := &describeLogGroupsOutput{LogGroups: []groupShape{}, NextToken: next}
	for _, name := range part {
		g := s.groups[groupKey{c.Account, c.Region, name}]
		out.LogGroups = append(out.LogGroups, groupShape{
			Arn: g.key.arn() + ":*", LogGroupArn: g.key.arn(), LogGroupName: name, LogGroupClass: g.class, CreationTime: g.created.UnixMilli(),
			RetentionInDays: g.retention, KmsKeyID: g.kmsKey, StoredBytes: g.bytes, Protected: g.protected,
		})
	}
	return out, nil
}

type putRetentionInput struct {
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays"`
}

func (s *Service) putRetentionPolicy(_ context.Context, c *wire.Call, in *putRetentionInput) (*wire.Empty, error) {
	if !slices.Contains(retentions(), in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %v", in.RetentionInDays, retentions())
	}
	return s.edit(c, in.LogGroupName, func(g *group) error {
		g.retention = in.RetentionInDays
		return nil
	})
}

func (s *Service) deleteRetentionPolicy(_ context.Context, c *wire.Call, in *groupInput) (*wire.Empty, error) {
	return s.edit(c, in.LogGroupName, func(g *group) error {
		g.retention = 0
		return nil
	})
}

type kmsInput struct {
	LogGroupName string `json:"logGroupName"`
	KmsKeyID     string `json:"kmsKeyId"`
}

func (s *Service) associateKmsKey(_ context.Context, c *wire.Call, in *kmsInput) (*wire.Empty, error) {
	return s.edit(c, in.LogGroupName, func(g *group) error {
		g.kmsKey = in.KmsKeyID
		return nil
	})
}

func (s *Service) disassociateKmsKey(_ context.Context, c *wire.Call, in *groupInput) (*wire.Empty, error) {
	return s.edit(c, in.LogGroupName, func(g *group) error {
		g.kmsKey = ""
		return nil
	})
}

const maxTags = 50

func addTags(have, more map[string]string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, have)
	for key, value := range more {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("The tag %.140q is not valid.", key)
		}
		out[key] = value
	}
	if len(out) > maxTags {
		return nil, &wire.Error{Code: "TooManyTagsException", Message: "A resource can have no more than 50 tags."}
	}
	return out, nil
}

type resourceInput struct {
	ResourceArn string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
	TagKeys     []string          `json:"tagKeys"`
}

type tagsOutput struct {
	Tags map[string]string `json:"tags"`
}

func (s *Service) tagsOf(c *wire.Call, name string) (*tagsOutput, error) {
	out := &tagsOutput{map[string]string{}}
	_, err := s.edit(c, name, func(g *group) error {
		maps.Copy(out.Tags, g.tags)
		return nil
	})
	return out, err
}

func (s *Service) tag(c *wire.Call, name string, more map[string]string) (*wire.Empty, error) {
	return s.edit(c, name, func(g *group) error {
		tags, err := addTags(g.tags, more)
		if err == nil {
			g.tags = tags
		}
		return err
	})
}

func (s *Service) untag(c *wire.Call, name string, keys []string) (*wire.Empty, error) {
	return s.edit(c, name, func(g *group) error {
		tags := maps.Clone(g.tags)
		for _, key := range keys {
			delete(tags, key)
		}
		g.tags = tags
		return nil
	})
}

func (s *Service) listTagsForResource(_ context.Context, c *wire.Call, in *resourceInput) (*tagsOutput, error) {
	return s.tagsOf(c, in.ResourceArn)
}

func (s *Service) tagResource(_ context.Context, c *wire.Call, in *resourceInput) (*wire.Empty, error) {
	return s.tag(c, in.ResourceArn, in.Tags)
}

func (s *Service) untagResource(_ context.Context, c *wire.Call, in *resourceInput) (*wire.Empty, error) {
	return s.untag(c, in.ResourceArn, in.TagKeys)
}

type groupTagsInput struct {
	LogGroupName string            `json:"logGroupName"`
	Tags         map[string]string `json:"tags"`
}

type groupUntagInput struct {
	LogGroupName string   `json:"logGroupName"`
	Tags         []string `json:"tags"`
}

func (s *Service) listTagsLogGroup(_ context.Context, c *wire.Call, in *groupInput) (*tagsOutput, error) {
	return s.tagsOf(c, in.LogGroupName)
}

func (s *Service) tagLogGroup(_ context.Context, c *wire.Call, in *groupTagsInput) (*wire.Empty, error) {
	return s.tag(c, in.LogGroupName, in.Tags)
}

func (s *Service) untagLogGroup(_ context.Context, c *wire.Call, in *groupUntagInput) (*wire.Empty, error) {
	return s.untag(c, in.LogGroupName, in.Tags)
}

// cut returns the part of a list that a caller asks for, and the token of the next one.
func cut[T any](list []T, token string, limit *int, usual, most int) (part []T, next string, err error) {
	size := usual
	if limit != nil {
		if size = *limit; size < 1 || size > most {
			return nil, "", invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", size, most)
		}
	}
	start := 0
	if token != "" {
		if start, err = strconv.Atoi(token); err != nil || start < 0 {
			return nil, "", invalid("The specified nextToken is invalid.")
		}
	}
	start = min(start, len(list))
	end := min(start+size, len(list))
	if end < len(list) {
		next = strconv.Itoa(end)
	}
	return list[start:end:end], next, nil
}
