package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Fleet is the queues of an account in a region.
//
// Status needs sqs:ListQueues, sqs:GetQueueAttributes, sqs:GetQueueUrl,
// sqs:ListDeadLetterSourceQueues and sqs:ListMessageMoveTasks, sqs:ListQueueTags to select
// by tags, and cloudwatch:GetMetricData for the ages. It calls AWS about once for each
// queue and once more for each DLQ, and asks CloudWatch for a metric of each queue that
// holds messages and is a DLQ or has one.
type Fleet struct {
	SQS Reader
	// Metrics tells ages; without it they are unknown.
	Metrics MetricReader
	// CallsPerSecond bounds the calls; 0 means 2000. It slows down by itself where AWS
	// throttles. At most 32 calls are under way at a time.
	CallsPerSecond int
	// Progress, if not nil, is told how many calls are made and how many there will be,
	// as far as that is known yet. It must be safe for concurrent use.
	Progress func(done, total int)
	// Now tells the time by which CloudWatch is asked; nil means time.Now.
	Now func() time.Time
}

// Selection says which queues to look at. The zero value is all queues of the account in
// the region. A DLQ belongs to it if it is selected itself or any of its sources is, and
// comes with all of its sources.
type Selection struct {
	// Prefix is how the queue's name begins.
	Prefix string
	// Tags are tags that the queue must have, all of them.
	Tags map[string]string
	// Queues are the queues, by URL, ARN or name, instead of Prefix and Tags.
	Queues []string
}

func (s Selection) check() error {
	if len(s.Queues) > 0 && (s.Prefix != "" || len(s.Tags) > 0) {
		return errors.New("queues are selected either by what they are named or by prefix and tags, not by both")
	}
	return nil
}

// all says that nothing is left out.
func (s Selection) all() bool { return s.Prefix == "" && len(s.Tags) == 0 && len(s.Queues) == 0 }

// Status reads how the selected queues are. A queue that is deleted meanwhile is left out.
// What could not be read is in the status, as problems and as reasons; an error is
// returned only if nothing could be learned, or a queue that the selection names doesn't
// exist.
func (f Fleet) Status(ctx context.Context, sel Selection) (*Status, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	now := f.Now
	if now == nil {
		now = time.Now
	}
	s := &scan{Fleet: f, pace: newPace(f.CallsPerSecond), selection: sel, began: now(), byARN: map[string]*record{}}
	if f.Progress != nil {
		s.pace.done = s.count
	}
	if err := s.selected(ctx); err != nil {
		return nil, err
	}
	if err := s.pairs(ctx); err != nil {
		return nil, err
	}
	if err := s.moveTasks(ctx); err != nil {
		return nil, err
	}
	if err := s.ages(ctx); err != nil {
		return nil, err
	}
	return s.status(), nil
}

// list returns the URLs of all queues of the account in the region whose name begins with
// the prefix.
func (s *scan) list(ctx context.Context) ([]string, error) {
	in := &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)} // without it there is one page only
	if s.selection.Prefix != "" {
		in.QueueNamePrefix = &s.selection.Prefix
	}
	var urls []string
	for {
		var out *sqs.ListQueuesOutput
		err := s.pace.call(ctx, func() (err error) {
			out, err = s.SQS.ListQueues(ctx, in)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing queues: %w", err)
		}
		urls = append(urls, out.QueueUrls...)
		if aws.ToString(out.NextToken) == "" {
			slices.Sort(urls)
			return slices.Compact(urls), nil // a queue created meanwhile may shift the pages
		}
		in.NextToken = out.NextToken
	}
}
