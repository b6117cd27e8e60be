package lambda

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The states of a mapping. Every transition ends at once, by the clock.
const (
	creating  = "Creating"
	enabled   = "Enabled"
	enabling  = "Enabling"
	updating  = "Updating"
	disabling = "Disabling"
	disabled  = "Disabled"
	deleting  = "Deleting"
)

// mapping is an event source mapping: a queue whose messages a function gets.
type mapping struct {
	place    place
	uuid     string
	queueARN string
	function functionKey
	spec     mappingSpec
	filters  filters // of spec.Filters
	state    string
	reason   string
	modified time.Time
	tags     map[string]string
	// problem is what went wrong when the queue was read last, empty if nothing did
	problem string

	stop    func()       // ends the watch on the queue; nil while it isn't watched
	due     *clock.Event // the next poll, at dueAt
	dueAt   time.Time
	atWork  int       // invocations under way
	batch   batch     // what has been received and not been handed to the function
	scaling time.Time // since when there has been more to do; zero if there isn't
	refused int       // receives, one after the other
}

// mappingSpec is what a mapping can be configured to be.
type mappingSpec struct {
	Enabled        bool
	BatchSize      int
	Window         int // seconds
	Partial        bool
	MaxConcurrency int // 0 = no limit of its own
	Filters        []string
}

func (m *mapping) arn() string { return m.place.arnOf("event-source-mapping:" + m.uuid) }

type scalingConfig struct {
	MaximumConcurrency *int `json:",omitempty"`
}

type filterShape struct{ Pattern string }

type filterCriteria struct{ Filters []filterShape }

type metricsConfig struct{ Metrics []string }

type mappingShape struct {
	UUID                           string
	EventSourceArn                 string
	EventSourceMappingArn          string
	FunctionArn                    string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	FunctionResponseTypes          []string
	FilterCriteria                 *filterCriteria `json:",omitempty"`
	ScalingConfig                  *scalingConfig  `json:",omitempty"`
	State                          string
	StateTransitionReason          string
	LastProcessingResult           string `json:",omitempty"`
	LastModified                   wire.Time

	status int
}

// HTTPStatus is 202 for what has been set in motion.
func (m *mappingShape) HTTPStatus() int { return m.status }

// describe describes the mapping. It is called with s.mu held.
func (m *mapping) describe(status int) *mappingShape {
	out := &mappingShape{
		UUID: m.uuid, EventSourceArn: m.queueARN, EventSourceMappingArn: m.arn(), FunctionArn: m.function.arn(),
		BatchSize: m.spec.BatchSize, MaximumBatchingWindowInSeconds: m.spec.Window, FunctionResponseTypes: []string{},
		State: m.state, StateTransitionReason: m.reason, LastProcessingResult: m.problem, LastModified: wire.At(m.modified), status: status,
	}
	if m.spec.Partial {
		out.FunctionResponseTypes = []string{reportFailures}
	}
	if len(m.spec.Filters) > 0 {
		out.FilterCriteria = &filterCriteria{}
		for _, f := range m.spec.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, filterShape{f})
		}
	}
	if m.spec.MaxConcurrency > 0 {
		out.ScalingConfig = &scalingConfig{new(m.spec.MaxConcurrency)}
	}
	return out
}

const reportFailures = "ReportBatchItemFailures"

// mappingInput is what CreateEventSourceMapping and UpdateEventSourceMapping take alike.
type mappingInput struct {
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FunctionResponseTypes          *[]string
	ScalingConfig                  *scalingConfig
	FilterCriteria                 *filterCriteria
	KMSKeyArn                      string
	ProvisionedPollerConfig        *struct{ MinimumPollers, MaximumPollers *int }
	MetricsConfig                  *metricsConfig
	// of streams and other sources
	MaximumRetryAttempts       *int
	MaximumRecordAgeInSeconds  *int
	BisectBatchOnFunctionError *bool
	ParallelizationFactor      *int
	TumblingWindowInSeconds    *int
}

// apply returns the spec with what the input changes. [CreateEventSourceMapping API
// reference; Lambda developer guide, "Creating and configuring an Amazon SQS event source
// mapping"]
func (in *mappingInput) apply(old mappingSpec, fifo bool) (mappingSpec, error) {
	out := old
	if in.Enabled != nil {
		out.Enabled = *in.Enabled
	}
	if in.BatchSize != nil {
		if out.BatchSize = *in.BatchSize; out.BatchSize < 1 || out.BatchSize > 10_000 {
			return out, constraint(out.BatchSize, "batchSize", "Member must have value between 1 and 10000")
		}
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		if out.Window = *in.MaximumBatchingWindowInSeconds; out.Window < 0 || out.Window > 300 {
			return out, constraint(out.Window, "maximumBatchingWindowInSeconds", "Member must have value between 0 and 300")
		}
	}
	if in.FunctionResponseTypes != nil {
		out.Partial = false
		for _, t := range *in.FunctionResponseTypes {
			if t != reportFailures || len(*in.FunctionResponseTypes) > 1 {
				return out, constraint("["+strings.Join(*in.FunctionResponseTypes, ", ")+"]", "functionResponseTypes", "Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]")
			}
			out.Partial = true
		}
	}
	if in.ScalingConfig != nil {
		out.MaxConcurrency = 0
		if n := in.ScalingConfig.MaximumConcurrency; n != nil {
			if out.MaxConcurrency = *n; *n < 2 || *n > 1000 {
				return out, constraint(*n, "scalingConfig.maximumConcurrency", "Member must have value between 2 and 1000")
			}
		}
	}
	if in.FilterCriteria != nil {
		out.Filters = nil
		for _, f := range in.FilterCriteria.Filters {
			out.Filters = append(out.Filters, f.Pattern)
		}
		if len(out.Filters) > maxFilters {
			return out, invalid("Invalid filter criteria: the number of filters must be at most %d.", maxFilters)
		}
	}
	switch {
	case fifo && out.BatchSize > 10:
		return out, invalid("BatchSize must be at most 10 for FIFO queues.")
	case fifo && out.Window > 0:
		return out, invalid("Batching window is not supported for FIFO queues.")
	case out.BatchSize > 10 && out.Window < 1:
		return out, invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case in.ProvisionedPollerConfig != nil && (in.ProvisionedPollerConfig.MinimumPollers != nil || in.ProvisionedPollerConfig.MaximumPollers != nil):
		return out, notServed("Provisioned pollers are")
	case in.KMSKeyArn != "":
		return out, notServed("Encrypted filter criteria are")
	case in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0:
		return out, notServed("Metrics of event source mappings are")
	}
	for name, given := range map[string]bool{
		"MaximumRetryAttempts": in.MaximumRetryAttempts != nil, "MaximumRecordAgeInSeconds": in.MaximumRecordAgeInSeconds != nil,
		"BisectBatchOnFunctionError": in.BisectBatchOnFunctionError != nil, "ParallelizationFactor": in.ParallelizationFactor != nil,
		"TumblingWindowInSeconds": in.TumblingWindowInSeconds != nil,
	} {
		if given {
			return out, invalid("%s is not valid for SQS event sources.", name)
		}
	}
	return out, nil
}

type createMappingInput struct {
	mappingInput
	EventSourceArn    string
	StartingPosition  string
	Tags              map[string]string
	DestinationConfig *struct{ OnFailure *deadLetterDestination }
}

type deadLetterDestination struct{ Destination string }

func isQueue(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sqs"
}

func (s *Service) createEventSourceMapping(_ context.Context, c *wire.Call, in *createMappingInput) (*mappingShape, error) {
	switch {
	case in.EventSourceArn == "":
		return nil, invalid("Unrecognized event source.")
	case !isQueue(in.EventSourceArn):
		return nil, notServed("Event sources other than SQS queues are")
	case in.StartingPosition != "":
		return nil, invalid("StartingPosition is not valid for SQS event sources.")
	case in.DestinationConfig != nil && in.DestinationConfig.OnFailure != nil && in.DestinationConfig.OnFailure.Destination != "":
		return nil, invalid("DestinationConfig is not valid for SQS event sources.")
	}
	fifo := strings.HasSuffix(in.EventSourceArn, ".fifo")
	conf, err := in.apply(mappingSpec{Enabled: true, BatchSize: 10}, fifo)
	if err != nil {
		return nil, err
	}
	compiled, err := compile(conf.Filters)
	if err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	var key functionKey
	var fn spec
	if err := s.edit(c, in.FunctionName, "", func(f *function) error {
		key, fn = f.key, f.spec
		return nil
	}); err != nil {
		return nil, err
	}
	if err := s.checkSource(in.EventSourceArn, fn); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for _, m := range s.mappings {
		if m.queueARN == in.EventSourceArn && m.function == key {
			s.mu.Unlock()
			return nil, conflict(`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`, m.queueARN, key.name, m.uuid)
		}
	}
	if len(s.mappings) >= maxMappings {
		s.mu.Unlock()
		return nil, lambdaError(http.StatusBadRequest, "ServiceQuotaExceededException", "This endpoint holds %d event source mappings at most.", maxMappings)
	}
	m := &mapping{
		place: place{c.Account, c.Region}, uuid: wire.NewUUID(), queueARN: in.EventSourceArn, function: key, spec: conf, filters: compiled,
		state: creating, reason: "USER_INITIATED", modified: s.clk.Now(), tags: tags,
	}
	s.mappings[m.uuid] = m
	out := m.describe(http.StatusAccepted)
	s.mu.Unlock()
	s.settleLater(m)
	return out, nil
}

// checkSource checks that a function can consume a queue. No lock is held.
func (s *Service) checkSource(queueARN string, fn spec) error {
	visibility, err := s.opts.Queues.VisibilityTimeout(queueARN)
	if err != nil {
		var e *wire.Error
		if errors.As(err, &e) {
			return invalid("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", e.Code, e.Message)
		}
		return err
	}
	if seconds := int(visibility / time.Second); seconds < fn.Timeout {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", seconds, fn.Timeout)
	}
	if s.opts.Roles != nil && fn.Role != "" {
		for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
			if !s.opts.Roles.Permits(fn.Role, "sqs:"+action, queueARN) {
				return invalid("The function execution role does not have permissions to call %s on SQS", action)
			}
		}
	}
	return nil
}

// settleLater lets a transition end, by the clock.
func (s *Service) settleLater(m *mapping) {
	s.clk.After(0, func(time.Time) { s.settle(m) })
}

// settle ends a mapping's transition, and makes it watch its queue or not. It is an event of
// the clock, so that two don't overlap.
func (s *Service) settle(m *mapping) {
	s.mu.Lock()
	switch {
	case m.state == deleting:
		delete(s.mappings, m.uuid)
	case m.spec.Enabled:
		m.state = enabled
	default:
		m.state = disabled
	}
	watch := m.state == enabled && m.stop == nil
	var stop func()
	if m.state != enabled {
		stop, m.stop = m.stop, nil
		m.batch = batch{} // those messages come back by themselves
	}
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	if watch {
		stop := s.opts.Queues.Watch(m.queueARN, func() { s.pollSoon(m) })
		s.mu.Lock()
		m.stop = stop
		s.mu.Unlock()
	}
}

type mappingIDInput struct {
	UUID string `path:"UUID"`
}

// mappingOf returns a mapping. It is called with s.mu held.
func (s *Service) mappingOf(c *wire.Call, uuid string) (*mapping, error) {
	if m := s.mappings[uuid]; m != nil && m.place == (place{c.Account, c.Region}) {
		return m, nil
	}
	return nil, notFound("The resource you requested does not exist.")
}

func (s *Service) getEventSourceMapping(_ context.Context, c *wire.Call, in *mappingIDInput) (*mappingShape, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.mappingOf(c, in.UUID)
	if err != nil {
		return nil, err
	}
	return m.describe(http.StatusOK), nil
}

type updateMappingInput struct {
	mappingInput
	UUID string `path:"UUID"`
}

func (s *Service) updateEventSourceMapping(_ context.Context, c *wire.Call, in *updateMappingInput) (*mappingShape, error) {
	s.mu.Lock()
	m, err := s.mappingOf(c, in.UUID)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	old, key := m.spec, m.function
	s.mu.Unlock()
	conf, err := in.apply(old, strings.HasSuffix(m.queueARN, ".fifo"))
	if err != nil {
		return nil, err
	}
	compiled, err := compile(conf.Filters)
	if err != nil {
		return nil, err
	}
	if in.FunctionName != "" {
		var fn spec
		if err := s.edit(c, in.FunctionName, "", func(f *function) error {
			key, fn = f.key, f.spec
			return nil
		}); err != nil {
			return nil, err
		}
		if err := s.checkSource(m.queueARN, fn); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// other transitions, during which AWS refuses, are over as soon as they have begun
	if m.state == deleting {
		return nil, lambdaError(http.StatusBadRequest, "ResourceInUseException", "Cannot update the event source mapping with UUID %s because it is being deleted.", m.uuid)
	}
	m.state = updating
	if old.Enabled != conf.Enabled {
		m.state = map[bool]string{true: enabling, false: disabling}[conf.Enabled]
	}
	m.spec, m.filters, m.function, m.modified = conf, compiled, key, s.clk.Now()
	s.settleLater(m)
	return m.describe(http.StatusAccepted), nil
}

func (s *Service) deleteEventSourceMapping(_ context.Context, c *wire.Call, in *mappingIDInput) (*mappingShape, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.mappingOf(c, in.UUID)
	if err != nil {
		return nil, err
	}
	if m.state == deleting {
		return nil, lambdaError(http.StatusBadRequest, "ResourceInUseException", "Cannot delete the event source mapping with UUID %s because it is being deleted.", m.uuid)
	}
	m.state = deleting
	s.settleLater(m)
	return m.describe(http.StatusAccepted), nil
}

type listMappingsInput struct {
	EventSourceArn string `qs:"EventSourceArn"`
	FunctionName   string `qs:"FunctionName"`
	Marker         string `qs:"Marker"`
	MaxItems       *int   `qs:"MaxItems"`
}

type listMappingsOutput struct {
	EventSourceMappings []*mappingShape
	NextMarker          string `json:",omitempty"`
}

func (s *Service) listEventSourceMappings(_ context.Context, c *wire.Call, in *listMappingsInput) (*listMappingsOutput, error) {
	var key functionKey
	if in.FunctionName != "" {
		var err error
		if key, err = parseName(c, in.FunctionName, ""); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*mapping
	for _, uuid := range slices.Sorted(maps.Keys(s.mappings)) {
		m := s.mappings[uuid]
		if m.place == (place{c.Account, c.Region}) && (in.EventSourceArn == "" || m.queueARN == in.EventSourceArn) &&
			(in.FunctionName == "" || m.function == key) {
			all = append(all, m)
		}
	}
	part, next, err := cut(all, in.Marker, in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	out := &listMappingsOutput{EventSourceMappings: []*mappingShape{}, NextMarker: next}
	for _, m := range part {
		out.EventSourceMappings = append(out.EventSourceMappings, m.describe(http.StatusOK))
	}
	return out, nil
}

// principal is who reads the queue: the function's role, an identity of its account.
func (m *mapping) principal(role string) fabric.Principal {
	return fabric.Principal{SourceAccount: m.place.account, SourceARN: role}
}
