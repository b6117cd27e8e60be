// Package s3 is the endpoint's Simple Storage Service: buckets with the configuration
// that Terraform manages, small objects in memory, and the events that these cause.
//
//	svc := s3.New(clk, s3.Options{Queues: sqs, Topics: sns})
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// A bucket's notification configuration is validated as S3 does it, by sending a test
// event to each destination; from then on an object that is created or removed is an
// event in the queue at once. Buckets without a setting answer as S3's do. Uploads in
// parts, copies, access control lists, lifecycles and the rest are not served.
package s3

import (
	"context"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxBuckets bounds the buckets of all accounts. [S3 quotas: 10,000 an account]
	maxBuckets = 10_000
	// maxHeld bounds what all objects take, in bytes of content, keys and metadata, with
	// versionCost for each.
	maxHeld     = 128 << 20
	versionCost = 512
	// maxKey is the longest key, maxMetadata the most user metadata, in bytes. [S3 user
	// guide, "Naming Amazon S3 objects", "Working with object metadata"]
	maxKey      = 1024
	maxMetadata = 2 << 10
	// maxPage is how many entries a listing has, and how many objects one call deletes.
	maxPage = 1000
)

// Options are what S3 needs of others.
type Options struct {
	// Queues and Topics take the events of buckets.
	Queues fabric.Queues
	Topics fabric.Topics
	// Events takes those of buckets that send them to EventBridge.
	Events fabric.Events
}

// Service is S3 in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk  *clock.Clock
	opts Options

	mu        sync.Mutex
	buckets   map[string]*bucket // by name, which is unique in all accounts
	held      int                // bytes, of maxHeld
	sequencer int64              // of the latest event
}

// bucket is a bucket with its objects.
type bucket struct {
	name, account, region string
	created               time.Time
	config                config
	objects               objects
}

// New returns an S3 without buckets.
func New(clk *clock.Clock, opts Options) *Service {
	return &Service{clk: clk, opts: opts, buckets: map[string]*bucket{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	served := map[string]wire.Operation{
		"CreateBucket":      wire.Op(s.createBucket),
		"ListBuckets":       wire.Op(s.listBuckets),
		"HeadBucket":        s.onBucket(headBucket),
		"DeleteBucket":      s.onBucket(s.deleteBucket),
		"GetBucketLocation": s.onBucket(getBucketLocation),

		"PutObject":          s.onBucket(s.putObject),
		"GetObject":          s.onBucket(s.getObject),
		"HeadObject":         s.onBucket(s.getObject),
		"DeleteObject":       s.onBucket(s.deleteObject),
		"DeleteObjects":      s.onBucket(s.deleteObjects),
		"ListObjects":        s.onBucket(listObjects),
		"ListObjectsV2":      s.onBucket(listObjectsV2),
		"ListObjectVersions": s.onBucket(listObjectVersions),

		"PutBucketNotificationConfiguration": s.onBucket(s.putNotification),
		"GetBucketNotificationConfiguration": s.onBucket(getNotification),
	}
	for name, op := range settings() {
		served[name] = s.onBucket(op)
	}
	return &wire.Service{Name: "s3", OperationOf: operationOf, Operations: served}
}

// operation is an operation on a bucket. It is called with s.mu held.
type operation func(c *wire.Call, b *bucket, in *request) (*wire.Response, error)

// onBucket makes an operation of one on a bucket that exists and is the caller's to use.
func (s *Service) onBucket(op operation) wire.Operation {
	return wire.Op(func(_ context.Context, c *wire.Call, in *request) (*wire.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		b, err := s.find(c, in)
		if err != nil {
			return nil, err
		}
		return op(c, b, in)
	})
}
