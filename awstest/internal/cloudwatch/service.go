// Package cloudwatch is the endpoint's CloudWatch: metrics, alarms that are evaluated
// on them, metric math, composite alarms and dashboards.
//
//	cw := cloudwatch.New(clk, topics)
//	router := wire.NewRouter(clk.Now, nil, cw.API())
//	// each minute, once the metrics of the minute that has just ended are in:
//	cw.PutQueue(account, region, "orders-dlq", now.Add(-time.Minute), values)
//	cw.Tick(now)
//
// An alarm that changes its state performs its actions: SNS topics are notified
// through fabric.Topics; actions of other kinds are recorded in the alarm's history as
// not performed.
package cloudwatch

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Service is CloudWatch, for all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk    *clock.Clock
	topics fabric.Topics

	// publishing serialises notifications, so that they leave in the order of the
	// transitions that caused them. It is taken before mu, never under it; topics may
	// call back while it is held, though not what makes alarms change their state.
	publishing sync.Mutex

	mu      sync.Mutex
	places  map[place]*space
	alarms  []*alarm           // all metric alarms in order of creation, which is the order of evaluation
	queues  map[queueKey]*feed // what SQS reports, ready for the next minute
	outbox  []notification     // transitions whose actions are yet to be performed
	seconds int                // how many alarms have a period of less than a minute
	pruned  int64              // the minute in which old data was last dropped
	defects map[Defect]bool    // nil unless a test has planted some
	changed []*alarm           // alarms whose state has changed and whose parents are yet to be evaluated
	fresh   []*alarm           // composite alarms yet to be evaluated for the first time, or again after an update
}

// place is where resources live.
type place struct{ account, region string }

// space holds the resources of one account in one region.
type space struct {
	place
	metrics    map[string]*metric // by metricKey.String
	alarms     map[string]*alarm  // by name: metric alarms and composite alarms share one namespace
	composites []*alarm           // in order of creation
	history    map[string][]historyItem
	dashboards map[string]*dashboard
}

// New returns a CloudWatch without metrics and alarms. topics takes the notifications;
// with nil every notification is recorded as failed.
func New(clk *clock.Clock, topics fabric.Topics) *Service {
	return &Service{
		clk:    clk,
		topics: topics,
		places: map[place]*space{},
		queues: map[queueKey]*feed{},
	}
}

// space returns the resources of the caller's account and region; s.mu is held.
func (s *Service) space(account, region string) *space {
	p := place{account, region}
	sp := s.places[p]
	if sp == nil {
		sp = &space{
			place: p, metrics: map[string]*metric{}, alarms: map[string]*alarm{},
			history: map[string][]historyItem{}, dashboards: map[string]*dashboard{},
		}
		s.places[p] = sp
	}
	return sp
}

// of is space for the caller of an operation.
func (s *Service) of(c *wire.Call) *space { return s.space(c.Account, c.Region) }

// names returns the space's alarm names in order.
func (sp *space) names() []string { return slices.Sorted(maps.Keys(sp.alarms)) }

func (p place) alarmARN(name string) string {
	return "arn:" + wire.Partition(p.region) + ":cloudwatch:" + p.region + ":" + p.account + ":alarm:" + name
}

// minuteOf is the number of the minute that t lies in, counted from 1970.
func minuteOf(t time.Time) int64 { return floorDiv(t.Unix(), 60) }

// floorDiv divides rounding down, also for times before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
