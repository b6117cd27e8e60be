// Package events is the endpoint's EventBridge: event buses and rules that send what
// matches them, or falls due, to queues.
//
//	svc := events.New(clk, sqs)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Targets are queues of SQS; others are refused. A rule delivers as the service principal
// events.amazonaws.com, or as its target's role, which is taken to be allowed what its
// account is.
package events

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Principal is the service principal by which rules deliver.
const Principal = "events.amazonaws.com"

// Quotas. [EventBridge user guide, "Amazon EventBridge quotas"]
const (
	maxBuses   = 100 // of an account in a region
	maxRules   = 300 // of a bus
	maxTargets = 5   // of a rule
	// maxWaiting bounds the deliveries that are to be tried again; AWS has no such bound.
	maxWaiting = 10_000
)

// Service is EventBridge in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk    *clock.Clock
	queues fabric.Queues

	mu      sync.Mutex
	places  map[place]map[string]*bus // buses by name
	waiting map[*delivery]time.Time   // deliveries to be tried again, by their instants
}

// place is an account in a region.
type place struct{ account, region string }

// New returns a service with the default bus only, whose rules deliver to queues.
func New(clk *clock.Clock, queues fabric.Queues) *Service {
	return &Service{clk: clk, queues: queues, places: map[place]map[string]*bus{}, waiting: map[*delivery]time.Time{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:       "events",
		JSONTarget: "AWSEvents",
		Operations: map[string]wire.Operation{
			"CreateEventBus":        wire.Op(s.createEventBus),
			"DeleteEventBus":        wire.Op(s.deleteEventBus),
			"DeleteRule":            wire.Op(s.deleteRule),
			"DescribeEventBus":      wire.Op(s.describeEventBus),
			"DescribeRule":          wire.Op(s.describeRule),
			"DisableRule":           wire.Op(s.disableRule),
			"EnableRule":            wire.Op(s.enableRule),
			"ListEventBuses":        wire.Op(s.listEventBuses),
			"ListRuleNamesByTarget": wire.Op(s.listRuleNamesByTarget),
			"ListRules":             wire.Op(s.listRules),
			"ListTagsForResource":   wire.Op(s.listTagsForResource),
			"ListTargetsByRule":     wire.Op(s.listTargetsByRule),
			"PutEvents":             wire.Op(s.putEvents),
			"PutRule":               wire.Op(s.putRule),
			"PutTargets":            wire.Op(s.putTargets),
			"RemoveTargets":         wire.Op(s.removeTargets),
			"TagResource":           wire.Op(s.tagResource),
			"TestEventPattern":      wire.Op(s.testEventPattern),
			"UntagResource":         wire.Op(s.untagResource),
			"UpdateEventBus":        wire.Op(s.updateEventBus),
		},
	}
}

// at returns the buses of a place. It is called with s.mu held.
func (s *Service) at(p place) map[string]*bus {
	buses := s.places[p]
	if buses == nil {
		buses = map[string]*bus{defaultBus: newBus(p, defaultBus, s.clk.Now())}
		s.places[p] = buses
	}
	return buses
}

func placeOf(c *wire.Call) place { return place{c.Account, c.Region} }

// arnOf returns the ARN of a resource of the place.
func (p place) arnOf(resource string) string {
	return "arn:" + wire.Partition(p.region) + ":events:" + p.region + ":" + p.account + ":" + resource
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// constraint is the error of a member whose value is not allowed.
func constraint(value any, member, rule string) *wire.Error {
	return invalid("1 validation error detected: Value '%.300v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func missing(member string) *wire.Error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

func notFound(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func limitExceeded() *wire.Error {
	return &wire.Error{Code: "LimitExceededException", Message: "The requested resource exceeds the maximum number allowed."}
}

func notServed(what string) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Message: what + " are not served here.", Status: http.StatusNotImplemented}
}
