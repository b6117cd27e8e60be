package scheduler

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func itoa(n int) string { return strconv.Itoa(n) }

// schedule is one schedule.
type schedule struct {
	name, arn         string
	created, modified time.Time
	token             string // of the call that created it
	spec              spec
	plan              plan
	next              *clock.Event // its next occurrence, nil if there is none
}

// spec is what callers set of a schedule; an update replaces all of it.
type spec struct {
	ActionAfterCompletion      string
	Description                string     `json:",omitempty"`
	EndDate                    *wire.Time `json:",omitempty"`
	FlexibleTimeWindow         *window
	KmsKeyArn                  string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	StartDate                  *wire.Time `json:",omitempty"`
	State                      string
	Target                     *target
}

// window is how much later than planned, in minutes, a schedule may call its target.
type window struct {
	Mode                   string
	MaximumWindowInMinutes *int `json:",omitempty"`
}

type target struct {
	Arn              string
	RoleArn          string
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	Input            *string           `json:",omitempty"`
	RetryPolicy      *retryPolicy      `json:",omitempty"`
	SqsParameters    *sqsParameters    `json:",omitempty"`

	// of templated targets that are kept and not carried out
	EcsParameters               json.RawMessage `json:",omitempty"`
	EventBridgeParameters       json.RawMessage `json:",omitempty"`
	KinesisParameters           json.RawMessage `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage `json:",omitempty"`
}

type deadLetterConfig struct {
	Arn string `json:",omitempty"`
}

type retryPolicy struct {
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
}

type sqsParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"`
}

type scheduleInput struct {
	Name        string `path:"Name"`
	GroupName   string
	ClientToken string
	spec
}

type scheduleOutput struct{ ScheduleArn string }

func (s *Service) createSchedule(_ context.Context, c *wire.Call, in *scheduleInput) (*scheduleOutput, error) {
	if err := checkName("name", in.Name); err != nil {
		return nil, err
	}
	planned, err := in.spec.complete()
	if err != nil {
		return nil, err
	}
	if err := s.checkRole(c, in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(c)
	g, err := at.group(in.GroupName)
	if err != nil {
		return nil, err
	}
	if existing := g.schedules[in.Name]; existing != nil {
		if in.ClientToken != "" && in.ClientToken == existing.token {
			return &scheduleOutput{existing.arn}, nil // the same call, retried
		}
		return nil, conflict("Schedule %s already exists.", in.Name)
	}
	if at.schedules >= maxSchedules {
		return nil, quota("schedules")
	}
	now := s.clk.Now()
	sched := &schedule{
		name: in.Name, arn: g.place.arnOf("schedule/" + g.name + "/" + in.Name), created: now, modified: now,
		token: in.ClientToken, spec: in.spec, plan: planned,
	}
	sched.plan.anchor = now
	g.schedules[sched.name] = sched
	at.schedules++
	s.arm(g, sched, now.Add(-time.Nanosecond))
	return &scheduleOutput{sched.arn}, nil
}

// updateSchedule replaces what is set of a schedule. A rate keeps its beat if the
// schedule goes on as it was.
func (s *Service) updateSchedule(_ context.Context, c *wire.Call, in *scheduleInput) (*scheduleOutput, error) {
	planned, err := in.spec.complete()
	if err != nil {
		return nil, err
	}
	if err := s.checkRole(c, in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, sched, err := s.find(c, in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	now := s.clk.Now()
	after := now.Add(-time.Nanosecond)
	planned.anchor = now
	if planned.sameAs(sched.plan) && in.State == sched.spec.State {
		planned.anchor, after = sched.plan.anchor, now
	}
	sched.spec, sched.plan, sched.modified = in.spec, planned, now
	s.arm(g, sched, after)
	return &scheduleOutput{sched.arn}, nil
}

// find returns a schedule of the caller's.
func (s *Service) find(c *wire.Call, groupName, name string) (*group, *schedule, error) {
	g, err := s.at(c).group(groupName)
	if err != nil {
		return nil, nil, err
	}
	if sched := g.schedules[name]; sched != nil {
		return g, sched, nil
	}
	return nil, nil, notFound("Schedule %s does not exist.", name)
}

type scheduleKey struct {
	Name      string `path:"Name"`
	GroupName string `qs:"groupName"`
}

type getScheduleOutput struct {
	Arn                  string
	Name                 string
	GroupName            string
	CreationDate         wire.Time
	LastModificationDate wire.Time
	spec
}

func (s *Service) getSchedule(_ context.Context, c *wire.Call, in *scheduleKey) (*getScheduleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, sched, err := s.find(c, in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	return &getScheduleOutput{
		Arn: sched.arn, Name: sched.name, GroupName: g.name,
		CreationDate: wire.At(sched.created), LastModificationDate: wire.At(sched.modified), spec: sched.spec,
	}, nil
}

func (s *Service) deleteSchedule(_ context.Context, c *wire.Call, in *scheduleKey) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, sched, err := s.find(c, in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	s.drop(g, sched)
	return &wire.Empty{}, nil
}

// drop deletes a schedule. What it has begun goes on.
func (s *Service) drop(g *group, sched *schedule) {
	if sched.next != nil {
		sched.next.Stop()
		sched.next = nil
	}
	delete(g.schedules, sched.name)
	s.places[g.place].schedules--
}

type listSchedulesInput struct {
	GroupName  string `qs:"ScheduleGroup"`
	MaxResults *int   `qs:"MaxResults"`
	NamePrefix string `qs:"NamePrefix"`
	NextToken  string `qs:"NextToken"`
	State      string `qs:"State"`
}

type scheduleSummary struct {
	Arn                  string
	Name                 string
	GroupName            string
	State                string
	CreationDate         wire.Time
	LastModificationDate wire.Time
	Target               struct{ Arn string }
}

type listSchedulesOutput struct {
	Schedules []scheduleSummary
	NextToken string `json:",omitempty"`
}

// listSchedules lists the schedules of a group, or of all of them.
func (s *Service) listSchedules(_ context.Context, c *wire.Call, in *listSchedulesInput) (*listSchedulesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.at(c).byName
	if in.GroupName != "" {
		g, err := s.at(c).group(in.GroupName)
		if err != nil {
			return nil, err
		}
		all = map[string]*group{g.name: g}
	}
	summaries := map[string]scheduleSummary{} // by name, then group
	for _, g := range all {
		for _, sched := range g.schedules {
			if in.State != "" && in.State != sched.spec.State {
				continue
			}
			summary := scheduleSummary{
				Arn: sched.arn, Name: sched.name, GroupName: g.name, State: sched.spec.State,
				CreationDate: wire.At(sched.created), LastModificationDate: wire.At(sched.modified),
			}
			summary.Target.Arn = sched.spec.Target.Arn
			summaries[sched.name+"/"+g.name] = summary
		}
	}
	keys, next, err := paginate(slices.Collect(maps.Keys(summaries)), in.NamePrefix, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listSchedulesOutput{Schedules: []scheduleSummary{}, NextToken: next}
	for _, key := range keys {
		out.Schedules = append(out.Schedules, summaries[key])
	}
	return out, nil
}
