// Package dynamodb is Amazon DynamoDB on a clock that can be moved: tables with their
// secondary indexes, items, expressions, transactions and expiry.
//
//	svc := dynamodb.New(clk)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Unlike AWS, every read is consistent, tables and indexes are ready at once, throughput is
// kept and doesn't count, and items that have expired are gone at that instant, for which
// AWS takes up to a few days. Not served are streams, backups, global tables, PartiQL, and
// the parameters that expressions have replaced (Expected, KeyConditions,
// QueryFilter, ScanFilter, AttributesToGet), but for AttributeUpdates.
package dynamodb

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxTables bounds the tables of an account in a region. [DynamoDB quotas]
	maxTables = 2500
	// maxStored bounds what all tables hold, in bytes.
	maxStored = 512 << 20
	// maxItem bounds an item, in bytes. [DynamoDB limits]
	maxItem = 400 << 10
	// maxPage bounds what a query or scan reads at a time, in bytes. [DynamoDB limits]
	maxPage = 1 << 20
	// maxRequest bounds a request, in bytes. [BatchWriteItem: 16 MB]
	maxRequest = 16 << 20
)

// Service is DynamoDB in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk *clock.Clock

	mu     sync.Mutex
	tables map[tableKey]*table
	bytes  int                   // of all items
	tokens map[tokenKey]*request // of transactions, within the last ten minutes
}

type tableKey struct{ account, region, name string }

func (k tableKey) arn() string {
	return "arn:" + wire.Partition(k.region) + ":dynamodb:" + k.region + ":" + k.account + ":table/" + k.name
}

// New returns a service without tables.
func New(clk *clock.Clock) *Service {
	return &Service{clk: clk, tables: map[tableKey]*table{}, tokens: map[tokenKey]*request{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name: "dynamodb", JSONTarget: "DynamoDB_20120810", Shapes: "com.amazonaws.dynamodb.v20120810", MaxBody: maxRequest + 1<<20,
		Operations: map[string]wire.Operation{
			"CreateTable":               wire.Op(s.createTable),
			"DescribeTable":             wire.Op(s.describeTable),
			"UpdateTable":               wire.Op(s.updateTable),
			"DeleteTable":               wire.Op(s.deleteTable),
			"ListTables":                wire.Op(s.listTables),
			"PutItem":                   wire.Op(s.putItem),
			"GetItem":                   wire.Op(s.getItem),
			"UpdateItem":                wire.Op(s.updateItem),
			"DeleteItem":                wire.Op(s.deleteItem),
			"Query":                     wire.Op(s.query),
			"Scan":                      wire.Op(s.scan),
			"BatchGetItem":              wire.Op(s.batchGetItem),
			"BatchWriteItem":            wire.Op(s.batchWriteItem),
			"TransactGetItems":          wire.Op(s.transactGetItems),
			"TransactWriteItems":        wire.Op(s.transactWriteItems),
			"DescribeTimeToLive":        wire.Op(s.describeTimeToLive),
			"UpdateTimeToLive":          wire.Op(s.updateTimeToLive),
			"DescribeContinuousBackups": wire.Op(s.describeContinuousBackups),
			"UpdateContinuousBackups":   wire.Op(s.updateContinuousBackups),
			"ListTagsOfResource":        wire.Op(s.listTagsOfResource),
			"TagResource":               wire.Op(s.tagResource),
			"UntagResource":             wire.Op(s.untagResource),
		},
	}
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ResourceInUseException", Message: fmt.Sprintf(format, args...)}
}

func notServed(what string) *wire.Error {
	return &wire.Error{Code: "NotImplemented", Message: what + " not served here.", Status: http.StatusNotImplemented}
}

// record is an item in its table.
type record struct {
	key  string // of the table
	it   item
	size int
}

// expires is when an item does, by the attribute of that name. [DynamoDB developer guide,
// "Using time to live": a number of seconds since 1970, and not more than five years ago]
func (r *record) expires(attribute string) (time.Time, bool) {
	v := r.it[attribute]
	if attribute == "" || v.kind != kindN {
		return time.Time{}, false
	}
	n := rational(v.text)
	if !n.IsInt() || !n.Num().IsInt64() || n.Num().Int64() > 253402300799 {
		return time.Time{}, false
	}
	return time.Unix(n.Num().Int64(), 0), true
}

// maxOverdue is how long an item's time may have passed for it still to be dropped.
const maxOverdue = 5 * 365 * 24 * time.Hour
