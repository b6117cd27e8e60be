// Package scheduler is the endpoint's EventBridge Scheduler: schedules that call
// targets at their instants on the virtual clock.
//
//	svc := scheduler.New(clk, scheduler.Options{Queues: sqs, Operations: endpoint})
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Two kinds of targets are served: queues (the templated SendMessage), and operations
// (universal targets, "arn:aws:scheduler:::aws-sdk:sqs:startMessageMoveTask"). They are
// called as the schedule's role, if it trusts the scheduler, and may do what it is for.
package scheduler

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxSchedules and maxGroups bound what an account has in a region. [EventBridge
// Scheduler quotas: 1,000,000 schedules and 500 groups]
const (
	maxSchedules = 100_000
	maxGroups    = 500
)

// Options are what the scheduler needs of others.
type Options struct {
	// Queues takes the messages of templated targets and for dead-letter queues.
	Queues fabric.Queues
	// Operations carries out universal targets.
	Operations fabric.Operations
	// Roles says what the roles of schedules may do. If it is nil, they may do what their
	// account may.
	Roles Roles
	// Needs says which permissions a call with a JSON input needs. None are needed if it is
	// nil.
	Needs func(account, region, service, operation string, input []byte) []fabric.Permission
	// Metric, if not nil, is told of each sample of the metrics in AWS/Scheduler, all
	// of them counts, with the dimension ScheduleGroup.
	Metric func(account, region, group, metric string, at time.Time)
}

// Service is EventBridge Scheduler in all accounts and regions. It is safe for
// concurrent use.
type Service struct {
	clk  *clock.Clock
	opts Options

	mu      sync.Mutex
	places  map[place]*groups
	waiting map[*task]time.Time // calls of targets that are to be made, by their instants
}

// place is an account in a region.
type place struct{ account, region string }

// groups are the schedule groups of a place, by name.
type groups struct {
	byName    map[string]*group
	schedules int
}

// New returns a scheduler with the default group only.
func New(clk *clock.Clock, opts Options) *Service {
	return &Service{clk: clk, opts: opts, places: map[place]*groups{}, waiting: map[*task]time.Time{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:     "scheduler",
		Complete: true,
		Operations: map[string]wire.Operation{
			"CreateSchedule":      wire.Op(s.createSchedule),
			"GetSchedule":         wire.Op(s.getSchedule),
			"UpdateSchedule":      wire.Op(s.updateSchedule),
			"DeleteSchedule":      wire.Op(s.deleteSchedule),
			"ListSchedules":       wire.Op(s.listSchedules),
			"CreateScheduleGroup": wire.Op(s.createScheduleGroup),
			"GetScheduleGroup":    wire.Op(s.getScheduleGroup),
			"DeleteScheduleGroup": wire.Op(s.deleteScheduleGroup),
			"ListScheduleGroups":  wire.Op(s.listScheduleGroups),
			"TagResource":         wire.Op(s.tagResource),
			"UntagResource":       wire.Op(s.untagResource),
			"ListTagsForResource": wire.Op(s.listTagsForResource),
		},
		Routes: []wire.Route{
			{Method: "POST", Pattern: "/schedules/{Name}", Operation: "CreateSchedule"},
			{Method: "GET", Pattern: "/schedules/{Name}", Operation: "GetSchedule"},
			{Method: "PUT", Pattern: "/schedules/{Name}", Operation: "UpdateSchedule"},
			{Method: "DELETE", Pattern: "/schedules/{Name}", Operation: "DeleteSchedule"},
			{Method: "GET", Pattern: "/schedules", Operation: "ListSchedules"},
			{Method: "POST", Pattern: "/schedule-groups/{Name}", Operation: "CreateScheduleGroup"},
			{Method: "GET", Pattern: "/schedule-groups/{Name}", Operation: "GetScheduleGroup"},
			{Method: "DELETE", Pattern: "/schedule-groups/{Name}", Operation: "DeleteScheduleGroup"},
			{Method: "GET", Pattern: "/schedule-groups", Operation: "ListScheduleGroups"},
			{Method: "POST", Pattern: "/tags/{ResourceArn}", Operation: "TagResource"},
			{Method: "DELETE", Pattern: "/tags/{ResourceArn}", Operation: "UntagResource"},
			{Method: "GET", Pattern: "/tags/{ResourceArn}", Operation: "ListTagsForResource"},
		},
	}
}

// at returns the groups of the caller's place. It is called with s.mu held.
func (s *Service) at(c *wire.Call) *groups {
	p := place{c.Account, c.Region}
	g := s.places[p]
	if g == nil {
		g = &groups{byName: map[string]*group{}}
		s.places[p] = g
		g.byName[defaultGroup] = newGroup(p, defaultGroup, s.clk.Now())
	}
	return g
}

// arnOf returns the ARN of a resource of the place.
func (p place) arnOf(resource string) string {
	return "arn:" + wire.Partition(p.region) + ":scheduler:" + p.region + ":" + p.account + ":" + resource
}

func (s *Service) count(t task, metric string, at time.Time) {
	if s.opts.Metric != nil {
		s.opts.Metric(t.place.account, t.place.region, t.group, metric, at)
	}
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// constraint is the error of a member whose value is not allowed.
func constraint(value any, member, rule string) *wire.Error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func missing(member string) *wire.Error {
	return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", member)
}

func notFound(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound}
}

func conflict(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ConflictException", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}

func quota(what string) *wire.Error {
	return &wire.Error{Code: "ServiceQuotaExceededException", Message: "The maximum number of " + what + " has been reached.", Status: http.StatusPaymentRequired}
}
