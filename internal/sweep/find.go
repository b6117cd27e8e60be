package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// Sweeper sweeps one region of one account.
type Sweeper struct {
	sqs        *sqs.Client
	sns        *sns.Client
	cloudwatch *cloudwatch.Client
	// Progress, if not nil, is told what is being done, a line at a time, one call at a time.
	Progress func(line string)

	mu sync.Mutex // guards Progress
}

// atOnce is how many requests are made side by side: the services allow few a second for
// what is listed and deleted here.
const atOnce = 10

// New returns a sweeper of the account and the region that cfg is for.
func New(cfg aws.Config) *Sweeper {
	cfg.RetryMode = aws.RetryModeAdaptive
	if cfg.RetryMaxAttempts == 0 {
		cfg.RetryMaxAttempts = 10 // large accounts are throttled
	}
	return &Sweeper{sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), cloudwatch: cloudwatch.NewFromConfig(cfg)}
}

func (s *Sweeper) say(format string, args ...any) {
	if s.Progress != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.Progress(fmt.Sprintf(format, args...))
	}
}

// Find returns the proofs' resources that the filter wants, in the order of deletion. What
// could not be looked at is told in the error.
func (s *Sweeper) Find(ctx context.Context, f Filter) ([]Resource, error) {
	var found []Resource
	var errs []error
	for _, search := range []struct {
		what string
		list func(context.Context) ([]Resource, error)
		look func(context.Context, *Resource) (map[string]string, error)
	}{
		{"alarms", s.listAlarms, s.lookAtAlarm},
		{"topics", s.listTopics, s.lookAtTopic},
		{"queues", s.listQueues, s.lookAtQueue},
	} {
		all, err := search.list(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("listing %s: %w", search.what, err))
		}
		s.say("%s: reading the tags of %d", search.what, len(all))
		wanted := make([]bool, len(all))
		errs = append(errs, each(ctx, len(all), func(i int) error {
			tags, err := search.look(ctx, &all[i])
			if gone(err) {
				return nil // meanwhile, or the list is out of date
			}
			if err != nil {
				return fmt.Errorf("reading the tags of %s %s: %w", all[i].Kind, all[i].Name, err)
			}
			wanted[i] = f.take(&all[i], tags)
			return nil
		})...)
		for i, r := range all {
			if wanted[i] {
				found = append(found, r)
			}
		}
	}
	errs = append(errs, each(ctx, len(found), func(i int) error {
		if found[i].Kind != Queue {
			return nil
		}
		return s.describeQueue(ctx, &found[i])
	})...)
	subscriptions, err := s.subscriptionsOf(ctx, found)
	if err != nil {
		errs = append(errs, fmt.Errorf("listing subscriptions: %w", err))
	}
	found = append(found, subscriptions...)
	arrange(found)
	return found, errors.Join(errs...)
}

// each calls do for 0 to n-1, some at a time, and returns the errors.
func each(ctx context.Context, n int, do func(i int) error) []error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	_ = group.Wait() // all errors are wanted, not the first
	if ctx.Err() != nil {
		return []error{ctx.Err()}
	}
	return errs
}

// gone says whether the error is that the resource doesn't exist.
func gone(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException":
		return true
	}
	return false
}

func (s *Sweeper) listAlarms(ctx context.Context) (all []Resource, err error) {
	pages := cloudwatch.NewDescribeAlarmsPaginator(s.cloudwatch, &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
		MaxRecords: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		for _, a := range page.MetricAlarms {
			all = append(all, Resource{Kind: Alarm, Name: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn)})
		}
		for _, a := range page.CompositeAlarms {
			all = append(all, Resource{Kind: CompositeAlarm, Name: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn)})
		}
	}
	return all, nil
}

func (s *Sweeper) lookAtAlarm(ctx context.Context, r *Resource) (map[string]string, error) {
	out, err := s.cloudwatch.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &r.ARN})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

func (s *Sweeper) listTopics(ctx context.Context) (all []Resource, err error) {
	pages := sns.NewListTopicsPaginator(s.sns, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		for _, t := range page.Topics {
			arn := aws.ToString(t.TopicArn)
			all = append(all, Resource{Kind: Topic, Name: last(arn, ":"), ARN: arn})
		}
	}
	return all, nil
}

func (s *Sweeper) lookAtTopic(ctx context.Context, r *Resource) (map[string]string, error) {
	out, err := s.sns.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &r.ARN})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// subscriptionsOf returns the subscriptions of the topics found, and those that deliver
// to a queue found. They have no tags of their own. One that was never confirmed cannot
// be deleted; it goes with its topic, or by itself after two days.
func (s *Sweeper) subscriptionsOf(ctx context.Context, found []Resource) (all []Resource, err error) {
	owner := map[string]Resource{}
	for _, r := range found {
		if r.Kind == Topic || r.Kind == Queue {
			owner[r.ARN] = r
		}
	}
	if len(owner) == 0 {
		return nil, nil
	}
	pages := sns.NewListSubscriptionsPaginator(s.sns, &sns.ListSubscriptionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		for _, sub := range page.Subscriptions {
			of, ok := owner[aws.ToString(sub.TopicArn)]
			if !ok {
				of, ok = owner[aws.ToString(sub.Endpoint)]
			}
			arn := aws.ToString(sub.SubscriptionArn)
			if !ok || !strings.HasPrefix(arn, "arn:") {
				continue // another's, or "PendingConfirmation"
			}
			name := last(aws.ToString(sub.TopicArn), ":") + " to " + last(aws.ToString(sub.Endpoint), ":")
			all = append(all, Resource{Kind: Subscription, Name: name, ARN: arn, Run: of.Run, Started: of.Started})
		}
	}
	return all, nil
}

func (s *Sweeper) listQueues(ctx context.Context) (all []Resource, err error) {
	// without MaxResults SQS returns the first thousand and no token
	pages := sqs.NewListQueuesPaginator(s.sqs, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		for _, url := range page.QueueUrls {
			all = append(all, Resource{Kind: Queue, Name: last(url, "/"), URL: url})
		}
	}
	return all, nil
}

func (s *Sweeper) lookAtQueue(ctx context.Context, r *Resource) (map[string]string, error) {
	out, err := s.sqs.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &r.URL})
	if err != nil {
		return nil, err
	}
	return out.Tags, nil
}

// describeQueue fills in the queue's ARN, its DLQ and how many messages it holds.
func (s *Sweeper) describeQueue(ctx context.Context, r *Resource) error {
	out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &r.URL, AttributeNames: []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameQueueArn, sqstypes.QueueAttributeNameRedrivePolicy,
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the attributes of queue %s: %w", r.Name, err)
	}
	r.ARN = out.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]
	for name, value := range out.Attributes {
		if n, err := strconv.Atoi(value); err == nil && strings.HasPrefix(name, "ApproximateNumberOfMessages") {
			r.Messages += n
		}
	}
	var policy struct{ DeadLetterTargetArn string }
	if json.Unmarshal([]byte(out.Attributes[string(sqstypes.QueueAttributeNameRedrivePolicy)]), &policy) == nil {
		r.dlq = policy.DeadLetterTargetArn
	}
	return nil
}

// last is what follows the last separator.
func last(s, separator string) string { return s[strings.LastIndex(s, separator)+1:] }
