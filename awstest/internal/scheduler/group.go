package scheduler

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/page"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// defaultGroup is the group that every account has in every region.
const defaultGroup = "default"

// group is a schedule group.
type group struct {
	place             place
	name, arn         string
	created, modified time.Time
	token             string // of the call that created it
	tags              map[string]string
	schedules         map[string]*schedule
}

func newGroup(p place, name string, now time.Time) *group {
	return &group{
		place: p, name: name, arn: p.arnOf("schedule-group/" + name), created: now, modified: now,
		tags: map[string]string{}, schedules: map[string]*schedule{},
	}
}

var namePattern = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)

func checkName(member, name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	if len(name) > 64 {
		return constraint(name, member, "Member must have length less than or equal to 64")
	}
	return constraint(name, member, "Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$")
}

// group returns the group with the name; the default one if it is empty.
func (g *groups) group(name string) (*group, error) {
	if name == "" {
		name = defaultGroup
	}
	if found := g.byName[name]; found != nil {
		return found, nil
	}
	return nil, notFound("Schedule group %s does not exist.", name)
}

type tag struct{ Key, Value string }

type createGroupInput struct {
	Name        string `path:"Name"`
	ClientToken string
	Tags        []tag
}

type createGroupOutput struct{ ScheduleGroupArn string }

func (s *Service) createScheduleGroup(_ context.Context, c *wire.Call, in *createGroupInput) (*createGroupOutput, error) {
	if err := checkName("name", in.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(c)
	if existing := at.byName[in.Name]; existing != nil {
		if in.ClientToken != "" && in.ClientToken == existing.token {
			return &createGroupOutput{existing.arn}, nil // the same call, retried
		}
		return nil, conflict("Schedule group %s already exists.", in.Name)
	}
	if len(at.byName) >= maxGroups {
		return nil, quota("schedule groups")
	}
	created := newGroup(place{c.Account, c.Region}, in.Name, s.clk.Now())
	created.token = in.ClientToken
	if err := created.tag(in.Tags); err != nil {
		return nil, err
	}
	at.byName[in.Name] = created
	return &createGroupOutput{created.arn}, nil
}

type groupInput struct {
	Name string `path:"Name"`
}

type groupOutput struct {
	Arn                  string
	Name                 string
	State                string
	CreationDate         wire.Time
	LastModificationDate wire.Time
}

func (g *group) describe() groupOutput {
	return groupOutput{Arn: g.arn, Name: g.name, State: "ACTIVE", CreationDate: wire.At(g.created), LastModificationDate: wire.At(g.modified)}
}

func (s *Service) getScheduleGroup(_ context.Context, c *wire.Call, in *groupInput) (*groupOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.at(c).group(in.Name)
	if err != nil {
		return nil, err
	}
	out := g.describe()
	return &out, nil
}

// deleteScheduleGroup deletes a group with all its schedules.
func (s *Service) deleteScheduleGroup(_ context.Context, c *wire.Call, in *groupInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(c)
	g, err := at.group(in.Name)
	if err != nil {
		return nil, err
	}
	if g.name == defaultGroup {
		return nil, invalid("The default schedule group cannot be deleted.")
	}
	for _, sched := range g.schedules {
		s.drop(g, sched)
	}
	delete(at.byName, g.name)
	return &wire.Empty{}, nil
}

type listGroupsInput struct {
	MaxResults *int   `qs:"MaxResults"`
	NamePrefix string `qs:"NamePrefix"`
	NextToken  string `qs:"NextToken"`
}

type listGroupsOutput struct {
	ScheduleGroups []groupOutput
	NextToken      string `json:",omitempty"`
}

func (s *Service) listScheduleGroups(_ context.Context, c *wire.Call, in *listGroupsInput) (*listGroupsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &listGroupsOutput{ScheduleGroups: []groupOutput{}}
	byName := s.at(c).byName
	names, next, err := paginate(slices.Collect(maps.Keys(byName)), in.NamePrefix, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		out.ScheduleGroups = append(out.ScheduleGroups, byName[name].describe())
	}
	out.NextToken = next
	return out, nil
}

// paginate returns those of the keys with the prefix that follow the token, in order.
func paginate(keys []string, prefix string, size *int, token string) (some []string, next string, err error) {
	limit := 100
	if size != nil {
		limit = *size
		if limit < 1 || limit > 100 {
			return nil, "", constraint(limit, "maxResults", "Member must have value between 1 and 100")
		}
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
	if keys, next, err = page.After(keys, token, limit); err != nil {
		return nil, "", invalid("Invalid NextToken.")
	}
	return keys, next, nil
}

// tag adds tags to the group. [TagResource API reference: at most 200]
func (g *group) tag(tags []tag) error {
	merged := maps.Clone(g.tags)
	for i, t := range tags {
		if n := len([]rune(t.Key)); n < 1 || n > 128 {
			return constraint(t.Key, "tags."+itoa(i+1)+".member.key", "Member must have length between 1 and 128")
		}
		if len([]rune(t.Value)) > 256 {
			return constraint(t.Value, "tags."+itoa(i+1)+".member.value", "Member must have length less than or equal to 256")
		}
		merged[t.Key] = t.Value
	}
	if len(merged) > 200 {
		return invalid("The number of tags exceeds 200.")
	}
	g.tags = merged
	return nil
}

// tagged returns the group with the ARN: schedules themselves have no tags.
func (s *Service) tagged(c *wire.Call, arn string) (*group, error) {
	for _, g := range s.at(c).byName {
		if g.arn == arn {
			return g, nil
		}
	}
	return nil, notFound("Resource %s does not exist.", arn)
}

type tagResourceInput struct {
	ResourceArn string `path:"ResourceArn"`
	Tags        []tag
}

func (s *Service) tagResource(_ context.Context, c *wire.Call, in *tagResourceInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, g.tag(in.Tags)
}

type untagResourceInput struct {
	ResourceArn string `path:"ResourceArn"`
	TagKeys     []string
}

func (s *Service) untagResource(_ context.Context, c *wire.Call, in *untagResourceInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	keys := in.TagKeys
	if c.HTTP != nil && c.HTTP.URL != nil {
		keys = c.HTTP.URL.Query()["TagKeys"] // given once for each key
	}
	for _, key := range keys {
		delete(g.tags, key)
	}
	return &wire.Empty{}, nil
}

type resourceInput struct {
	ResourceArn string `path:"ResourceArn"`
}

type tagsOutput struct{ Tags []tag }

func (s *Service) listTagsForResource(_ context.Context, c *wire.Call, in *resourceInput) (*tagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{Tags: []tag{}}
	for _, key := range slices.Sorted(maps.Keys(g.tags)) {
		out.Tags = append(out.Tags, tag{key, g.tags[key]})
	}
	return out, nil
}
