// Package logs is the part of CloudWatch Logs that functions and Terraform need: groups,
// streams and their events, and metrics in the embedded metric format.
//
//	svc := logs.New(clk, logs.Options{Metrics: cloudwatch})
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Filter patterns are terms, quoted or not, that an event must all contain, "?terms" of
// which it must contain one, and "-terms" that it must not; patterns of other kinds are
// refused. Not served are metric and subscription filters, queries, exports and deliveries.
package logs

import (
	"fmt"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxGroups = 10_000
	// maxStreams and maxBytes bound what a group holds: the oldest goes first.
	maxStreams = 10_000
	maxBytes   = 16 << 20
)

// Options are what Logs needs of others.
type Options struct {
	// Metrics, if not nil, takes the metrics that events in the embedded metric format have.
	Metrics fabric.ServiceMetrics
}

// Service is CloudWatch Logs in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk  *clock.Clock
	opts Options

	mu     sync.Mutex
	groups map[groupKey]*group
}

type groupKey struct{ account, region, name string }

func (k groupKey) arn() string {
	return "arn:" + wire.Partition(k.region) + ":logs:" + k.region + ":" + k.account + ":log-group:" + k.name
}

// group is a log group.
type group struct {
	key       groupKey
	created   time.Time
	retention int // days, 0 = for ever
	class     string
	kmsKey    string
	protected bool
	tags      map[string]string
	streams   map[string]*stream
	bytes     int // of all events
	next      uint64
}

// stream is a log stream, its events in order of their time.
type stream struct {
	name    string
	created time.Time
	last    time.Time // when something was written last
	events  []event
}

type event struct {
	id       uint64
	at       int64 // milliseconds since 1970
	ingested int64
	message  string
}

// overhead is what an event takes besides its message. [PutLogEvents API reference]
const overhead = 26

// New returns a service without groups.
func New(clk *clock.Clock, opts Options) *Service {
	return &Service{clk: clk, opts: opts, groups: map[groupKey]*group{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name: "logs", JSONTarget: "Logs_20140328", Shapes: "com.amazonaws.cloudwatchlogs",
		Operations: map[string]wire.Operation{
			"CreateLogGroup":        wire.Op(s.createLogGroup),
			"DeleteLogGroup":        wire.Op(s.deleteLogGroup),
			"DescribeLogGroups":     wire.Op(s.describeLogGroups),
			"PutRetentionPolicy":    wire.Op(s.putRetentionPolicy),
			"DeleteRetentionPolicy": wire.Op(s.deleteRetentionPolicy),
			"AssociateKmsKey":       wire.Op(s.associateKmsKey),
			"DisassociateKmsKey":    wire.Op(s.disassociateKmsKey),
			"CreateLogStream":       wire.Op(s.createLogStream),
			"DeleteLogStream":       wire.Op(s.deleteLogStream),
			"DescribeLogStreams":    wire.Op(s.describeLogStreams),
			"PutLogEvents":          wire.Op(s.putLogEvents),
			"GetLogEvents":          wire.Op(s.getLogEvents),
			"FilterLogEvents":       wire.Op(s.filterLogEvents),
			"ListTagsForResource":   wire.Op(s.listTagsForResource),
			"TagResource":           wire.Op(s.tagResource),
			"UntagResource":         wire.Op(s.untagResource),
			"ListTagsLogGroup":      wire.Op(s.listTagsLogGroup),
			"TagLogGroup":           wire.Op(s.tagLogGroup),
			"UntagLogGroup":         wire.Op(s.untagLogGroup),
		},
	}
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameterException", Message: fmt.Sprintf(format, args...)}
}

func notFound(what string) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: "The specified " + what + " does not exist."}
}

func exists(what string) *wire.Error {
	return &wire.Error{Code: "ResourceAlreadyExistsException", Message: "The specified " + what + " already exists"}
}

func limitExceeded() *wire.Error {
	return &wire.Error{Code: "LimitExceededException", Message: "Resource limit exceeded."}
}
