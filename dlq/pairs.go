package dlq

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// scan is one reading of a fleet.
type scan struct {
	Fleet
	pace      *pace
	selection Selection
	began     time.Time

	progress    sync.Mutex
	done, total int

	byARN map[string]*record // queues that were read
	dlqs  map[string]*DLQ    // by ARN

	unknown  sync.Mutex // guards problems
	problems []problem
}

// record is a queue that was read.
type record struct {
	Queue
	selected  bool
	messages  Messages
	retention int64 // seconds
	policy    *redrivePolicy
	byQueue   bool // a redrive-allow policy names its sources: it is meant to be a DLQ
	tags      map[string]string
	age       *int64 // of the oldest message, in seconds
}

// redrivePolicy is a source queue's.
type redrivePolicy struct {
	Target          string
	MaxReceiveCount int
}

type problem struct {
	what  Unknown
	queue string
	err   error
}

// missed notes what could not be learned.
func (s *scan) missed(p ...problem) {
	s.unknown.Lock()
	defer s.unknown.Unlock()
	s.problems = append(s.problems, p...)
}

// more says that n calls will be made.
func (s *scan) more(n int) {
	s.progress.Lock()
	defer s.progress.Unlock()
	s.total += n
}

// count says that n calls were made.
func (s *scan) count(n int) {
	s.progress.Lock()
	defer s.progress.Unlock()
	s.done += n
	s.Progress(s.done, s.total)
}

// selected reads the queues of the selection.
func (s *scan) selected(ctx context.Context) error {
	if refs := s.selection.Queues; len(refs) > 0 {
		found := make([]*record, len(refs))
		s.more(len(refs))
		err := s.pace.each(ctx, len(refs), func(ctx context.Context, i int) error {
			q, attributes, err := find(ctx, s.SQS, refs[i])
			found[i] = newRecord(q, attributes)
			return err
		})
		s.add(found, true)
		return err
	}
	urls, err := s.list(ctx)
	if err != nil {
		return err
	}
	tags := make([]map[string]string, len(urls))
	if len(s.selection.Tags) > 0 {
		if urls, tags, err = s.tagged(ctx, urls); err != nil {
			return err
		}
	}
	records, failed, err := s.read(ctx, urls)
	if err != nil {
		return err
	}
	if len(failed) > 0 && len(failed) == len(urls) {
		return fmt.Errorf("reading queue %s: %w", nameOf(urls[0]), failed[0].err)
	}
	s.missed(failed...)
	for i, r := range records {
		if r != nil {
			r.tags = tags[i]
		}
	}
	s.add(records, true)
	return nil
}

// tagged returns the queues that have the tags of the selection, and all their tags.
func (s *scan) tagged(ctx context.Context, urls []string) (tagged []string, tags []map[string]string, err error) {
	all := make([]map[string]string, len(urls))
	s.more(len(urls))
	err = s.pace.each(ctx, len(urls), func(ctx context.Context, i int) error {
		out, err := s.SQS.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &urls[i]})
		switch {
		case isGone(err):
			return nil
		case err != nil:
			// not a problem to tell and go on with: nobody would know what is left out
			return fmt.Errorf("reading the tags of queue %s: %w", nameOf(urls[i]), err)
		}
		all[i] = out.Tags
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for i, has := range all {
		fits := true
		for k, v := range s.selection.Tags {
			got, ok := has[k]
			fits = fits && ok && got == v
		}
		if fits && has != nil {
			tagged, tags = append(tagged, urls[i]), append(tags, has)
		}
	}
	return tagged, tags, nil
}

// read reads queues by their URLs. A queue that is gone has no record; what else failed
// is told.
func (s *scan) read(ctx context.Context, urls []string) (records []*record, failed []problem, err error) {
	records = make([]*record, len(urls))
	var mu sync.Mutex
	s.more(len(urls))
	err = s.pace.each(ctx, len(urls), func(ctx context.Context, i int) error {
		attributes, err := attributesOf(ctx, s.SQS, urls[i])
		switch {
		case err == nil:
			records[i] = newRecord(Queue{Name: nameOf(urls[i]), ARN: attributes["QueueArn"], URL: urls[i]}, attributes)
		case ctx.Err() != nil || isThrottled(err):
			return err
		case !isGone(err):
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, problem{UnknownQueues, nameOf(urls[i]), err})
		}
		return nil
	})
	return records, failed, err
}

func (s *scan) add(records []*record, selected bool) {
	for _, r := range records {
		if r != nil && s.byARN[r.ARN] == nil {
			r.selected = selected
			s.byARN[r.ARN] = r
		}
	}
}

func newRecord(q Queue, attributes map[string]string) *record {
	if attributes == nil {
		return nil
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(attributes[name], 10, 64) // SQS sends numbers
		return n
	}
	r := &record{Queue: q, retention: number("MessageRetentionPeriod"), messages: Messages{
		Visible: number("ApproximateNumberOfMessages"), InFlight: number("ApproximateNumberOfMessagesNotVisible"), Delayed: number("ApproximateNumberOfMessagesDelayed"),
	}}
	r.policy = parseRedrivePolicy(attributes["RedrivePolicy"])
	var allow struct{ RedrivePermission string }
	if json.Unmarshal([]byte(attributes["RedriveAllowPolicy"]), &allow) == nil {
		r.byQueue = allow.RedrivePermission == "byQueue"
	}
	return r
}

// parseRedrivePolicy reads a redrive policy, whose count SQS gives back as it was set, a
// number or a string. It returns nil for a queue without one.
func parseRedrivePolicy(text string) *redrivePolicy {
	var p struct {
		DeadLetterTargetArn string
		MaxReceiveCount     json.RawMessage
	}
	if text == "" || json.Unmarshal([]byte(text), &p) != nil || p.DeadLetterTargetArn == "" {
		return nil
	}
	count := string(p.MaxReceiveCount)
	if unquoted, err := strconv.Unquote(count); err == nil {
		count = unquoted
	}
	n, _ := strconv.Atoi(count) // SQS accepts nothing else
	return &redrivePolicy{Target: p.DeadLetterTargetArn, MaxReceiveCount: n}
}

// pairs finds which queue is the DLQ of which.
func (s *scan) pairs(ctx context.Context) error {
	s.dlqs = map[string]*DLQ{}
	if err := s.targets(ctx, slices.Collect(maps.Values(s.byARN))); err != nil {
		return err
	}
	if err := s.sources(ctx); err != nil {
		return err
	}
	for _, r := range s.byARN {
		if r.policy == nil {
			continue
		}
		if d := s.dlqs[r.policy.Target]; d != nil {
			d.Sources = append(d.Sources, Source{
				Queue: r.Queue, MaxReceiveCount: r.policy.MaxReceiveCount, Messages: &r.messages, RetentionSeconds: &r.retention, Tags: r.tags,
			})
		}
	}
	return nil
}

// targets makes the DLQs that the selected sources name, and reads those that weren't.
func (s *scan) targets(ctx context.Context, records []*record) error {
	var unread []*DLQ
	for _, r := range records {
		if r.policy == nil || s.dlqs[r.policy.Target] != nil {
			continue
		}
		d := &DLQ{Queue: Queue{Name: r.policy.Target, ARN: r.policy.Target}}
		s.dlqs[r.policy.Target] = d
		if target := s.byARN[r.policy.Target]; target != nil {
			d.found(target)
			continue
		}
		q, err := queueFromARN(r.policy.Target)
		if err != nil {
			d.State = Missing // no such queue can be
			continue
		}
		d.Queue = q
		if elsewhere(q.ARN, r.ARN) {
			d.State = Elsewhere
			continue
		}
		unread = append(unread, d)
	}
	records = make([]*record, len(unread))
	s.more(len(unread))
	err := s.pace.each(ctx, len(unread), func(ctx context.Context, i int) error {
		d := unread[i]
		q, err := locate(ctx, s.SQS, d.Queue)
		var attributes map[string]string
		if err == nil {
			d.Queue = q
			attributes, err = attributesOf(ctx, s.SQS, q.URL)
		}
		switch {
		case err == nil:
			records[i] = newRecord(q, attributes)
			d.found(records[i])
		case isGone(err):
			d.State, d.URL = Missing, ""
		case ctx.Err() != nil || isThrottled(err):
			return err
		default:
			d.State = Unreadable
			d.Reasons = append(d.Reasons, Reason{DLQUnreadable, "it could not be read: " + advice(err)})
			if isTransient(err) {
				s.missed(problem{UnknownQueues, d.Name, err})
			}
		}
		return nil
	})
	s.add(records, false)
	return err
}

func (d *DLQ) found(r *record) {
	d.Queue, d.State, d.Messages, d.RetentionSeconds, d.Tags = r.Queue, Found, &r.messages, &r.retention, r.tags
}

// elsewhere says whether two ARNs are of different accounts or regions.
func elsewhere(a, b string) bool {
	x, errX := arn.Parse(a)
	y, errY := arn.Parse(b)
	return errX == nil && errY == nil && (x.AccountID != y.AccountID || x.Region != y.Region)
}

// sources finds sources that the selection left out, and DLQs whose sources are gone.
// Where everything was read, SQS is asked only of queues that are meant to be DLQs by
// their redrive-allow policy and that nobody names.
func (s *scan) sources(ctx context.Context) error {
	var ask []*record
	for arn, r := range s.byARN {
		isTarget := s.dlqs[arn] != nil
		switch {
		case s.selection.all():
			if r.byQueue && !isTarget {
				ask = append(ask, r)
			}
		case isTarget, r.selected && (r.policy == nil || len(s.selection.Queues) > 0):
			ask = append(ask, r)
		}
	}
	urls := make([][]string, len(ask))
	s.more(len(ask))
	err := s.pace.each(ctx, len(ask), func(ctx context.Context, i int) (err error) {
		urls[i], err = s.sourcesOf(ctx, ask[i].URL)
		if isGone(err) || err == nil {
			return nil
		}
		if ctx.Err() != nil || isThrottled(err) {
			return err
		}
		s.missed(problem{UnknownSources, ask[i].Name, err})
		return nil
	})
	if err != nil {
		return err
	}
	var unread []string
	known := map[string]bool{}
	for _, r := range s.byARN {
		known[r.URL] = true
	}
	for i, r := range ask {
		if s.dlqs[r.ARN] == nil && (len(urls[i]) > 0 || r.byQueue) {
			d := &DLQ{}
			d.found(r)
			s.dlqs[r.ARN] = d
		}
		for _, url := range urls[i] {
			if !known[url] {
				known[url] = true
				unread = append(unread, url)
			}
		}
	}
	records, failed, err := s.read(ctx, unread)
	s.missed(failed...)
	s.add(records, false)
	return err
}

// sourcesOf returns the URLs of a DLQ's source queues, as SQS has them.
func (s *scan) sourcesOf(ctx context.Context, url string) ([]string, error) {
	var urls []string
	in := &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &url, MaxResults: aws.Int32(1000)}
	for {
		out, err := s.SQS.ListDeadLetterSourceQueues(ctx, in)
		if err != nil {
			return nil, err
		}
		urls = append(urls, out.QueueUrls...)
		if aws.ToString(out.NextToken) == "" {
			return urls, nil
		}
		in.NextToken = out.NextToken
	}
}

// moveTasks reads the DLQs' last redrives.
func (s *scan) moveTasks(ctx context.Context) error {
	var dlqs []*DLQ
	for _, d := range s.dlqs {
		if d.State == Found {
			dlqs = append(dlqs, d)
		}
	}
	s.more(len(dlqs))
	return s.pace.each(ctx, len(dlqs), func(ctx context.Context, i int) error {
		d := dlqs[i]
		// the last one is enough: a second can't be started while one is running
		out, err := s.SQS.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &d.ARN, MaxResults: aws.Int32(1)})
		switch {
		case err != nil && (ctx.Err() != nil || isThrottled(err)):
			return err
		case err != nil && (isGone(err) || ErrorCode(err) == "ResourceNotFoundException"):
			return nil
		case err != nil && len(d.Sources) == 0 && ErrorCode(err) == "InvalidParameterValue":
			return nil // it isn't a DLQ any more
		case err != nil:
			s.missed(problem{UnknownTasks, d.Name, err})
			return nil
		}
		for _, t := range out.Results {
			d.MoveTask = &MoveTask{
				Status: aws.ToString(t.Status), Started: time.UnixMilli(t.StartedTimestamp).UTC(), Destination: aws.ToString(t.DestinationArn),
				Moved: t.ApproximateNumberOfMessagesMoved, ToMove: t.ApproximateNumberOfMessagesToMove, MaxPerSecond: t.MaxNumberOfMessagesPerSecond,
				FailureReason: aws.ToString(t.FailureReason),
			}
		}
		return nil
	})
}
