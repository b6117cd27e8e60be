// Package sns is the endpoint's Simple Notification Service: topics, subscriptions
// and the delivery of what is published to them.
//
//	svc := sns.New(clk, queues)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Deliveries to SQS go through fabric.Queues as the principal sns.amazonaws.com, so
// that the queue's policy decides, and happen before Publish returns, so that order
// is kept. Nothing leaves the endpoint: subscriptions of people and web servers stay
// pending; text messages, functions, delivery streams and apps are sent nothing.
package sns

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Principal is SNS's service principal.
const Principal = "sns.amazonaws.com"

const (
	// maxTopics and maxSubscriptions bound an account's topics and a topic's
	// subscriptions; AWS's own quotas are 100,000 and 12.5 million.
	maxTopics        = 100_000
	maxSubscriptions = 100_000
	// deduplicationWindow is how long a FIFO topic remembers a deduplication id. [SNS
	// developer guide, "FIFO topics message deduplication"]
	deduplicationWindow = 5 * time.Minute
)

// Service is SNS in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk    *clock.Clock
	queues fabric.Queues

	// mu is held while messages are delivered too: publishing is in one order
	mu            sync.Mutex
	topics        map[string]*topic        // by ARN
	subscriptions map[string]*subscription // by ARN
	sequence      uint64
	defects       []Defect
}

var _ fabric.Topics = (*Service)(nil)

// New returns an SNS without topics that delivers to queues.
func New(clk *clock.Clock, queues fabric.Queues) *Service {
	return &Service{clk: clk, queues: queues, topics: map[string]*topic{}, subscriptions: map[string]*subscription{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "sns",
		XMLNamespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Version:      "2010-03-31",
		Operations: map[string]wire.Operation{
			"CreateTopic":               wire.Op(s.createTopic),
			"DeleteTopic":               wire.Op(s.deleteTopic),
			"GetTopicAttributes":        wire.Op(s.getTopicAttributes),
			"SetTopicAttributes":        wire.Op(s.setTopicAttributes),
			"ListTopics":                wire.Op(s.listTopics),
			"AddPermission":             wire.Op(s.addPermission),
			"RemovePermission":          wire.Op(s.removePermission),
			"Subscribe":                 wire.Op(s.subscribe),
			"ConfirmSubscription":       wire.Op(s.confirmSubscription),
			"Unsubscribe":               wire.Op(s.unsubscribe),
			"GetSubscriptionAttributes": wire.Op(s.getSubscriptionAttributes),
			"SetSubscriptionAttributes": wire.Op(s.setSubscriptionAttributes),
			"ListSubscriptions":         wire.Op(s.listSubscriptions),
			"ListSubscriptionsByTopic":  wire.Op(s.listSubscriptionsByTopic),
			"Publish":                   wire.Op(s.publish),
			"PublishBatch":              wire.Op(s.publishBatch),
			"TagResource":               wire.Op(s.tagResource),
			"UntagResource":             wire.Op(s.untagResource),
			"ListTagsForResource":       wire.Op(s.listTagsForResource),
		},
	}
}

// arn is a parsed ARN.
type arn struct{ partition, service, region, account, resource string }

// parseARN splits an ARN; elements is how many parts it has.
func parseARN(s string) (a arn, elements int) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return arn{}, len(parts)
	}
	return arn{parts[1], parts[2], parts[3], parts[4], parts[5]}, 6
}

// domainOf returns the DNS suffix of the region's endpoints.
func domainOf(region string) string {
	if wire.Partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// nextSequence returns the next sequence number of FIFO topics: 20 digits,
// increasing.
func (s *Service) nextSequence() string {
	s.sequence++
	return strconv.FormatUint(10_000_000_000_000_000_000+s.sequence<<8, 10)
}
