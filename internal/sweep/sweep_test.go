package sweep_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/internal/sweep"
)

// account is an account to make things in.
type account struct {
	*testing.T
	srv        *awstest.Server
	sqs        *sqs.Client
	sns        *sns.Client
	cloudwatch *cloudwatch.Client
}

func newAccount(t *testing.T) account {
	srv := awstest.Start(t)
	cfg := srv.DirectConfig()
	return account{t, srv, sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)}
}

// tagsOf are the tags of a run that began so long ago.
func tagsOf(run string, ago time.Duration) map[string]string {
	return map[string]string{"dlq_proof": run, "dlq_proof_started": time.Now().Add(-ago).UTC().Format("20060102T150405Z")}
}

func (a account) queue(name, dlq string, tags map[string]string) string {
	a.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Tags: tags, Attributes: map[string]string{}}
	if dlq != "" {
		in.Attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":3}`, dlq)
	}
	out, err := a.sqs.CreateQueue(a.Context(), in)
	require.NoError(a, err)
	return *out.QueueUrl
}

func (a account) topic(name string, tags map[string]string) string {
	a.Helper()
	in := &sns.CreateTopicInput{Name: &name}
	for k, v := range tags {
		in.Tags = append(in.Tags, snstypes.Tag{Key: &k, Value: &v})
	}
	out, err := a.sns.CreateTopic(a.Context(), in)
	require.NoError(a, err)
	return *out.TopicArn
}

func (a account) subscribe(topic, queue string) {
	a.Helper()
	_, err := a.sns.Subscribe(a.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:" + queue),
	})
	require.NoError(a, err)
}

func (a account) alarm(name string, tags map[string]string) {
	a.Helper()
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
		Statistic: cwtypes.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	}
	for k, v := range tags {
		in.Tags = append(in.Tags, cwtypes.Tag{Key: &k, Value: &v})
	}
	_, err := a.cloudwatch.PutMetricAlarm(a.Context(), in)
	require.NoError(a, err)
}

func (a account) compositeAlarm(name, rule string, tags map[string]string) {
	a.Helper()
	in := &cloudwatch.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: &rule}
	for k, v := range tags {
		in.Tags = append(in.Tags, cwtypes.Tag{Key: &k, Value: &v})
	}
	_, err := a.cloudwatch.PutCompositeAlarm(a.Context(), in)
	require.NoError(a, err)
}

// everything that is in the account, by name.
func (a account) everything() []string {
	a.Helper()
	var all []string
	queues, err := a.sqs.ListQueues(a.Context(), &sqs.ListQueuesInput{})
	require.NoError(a, err)
	for _, url := range queues.QueueUrls {
		all = append(all, "queue "+url[strings.LastIndex(url, "/")+1:])
	}
	topics, err := a.sns.ListTopics(a.Context(), &sns.ListTopicsInput{})
	require.NoError(a, err)
	for _, t := range topics.Topics {
		all = append(all, "topic "+(*t.TopicArn)[strings.LastIndex(*t.TopicArn, ":")+1:])
	}
	subscriptions, err := a.sns.ListSubscriptions(a.Context(), &sns.ListSubscriptionsInput{})
	require.NoError(a, err)
	for _, s := range subscriptions.Subscriptions {
		all = append(all, "subscription to "+(*s.Endpoint)[strings.LastIndex(*s.Endpoint, ":")+1:])
	}
	alarms, err := a.cloudwatch.DescribeAlarms(a.Context(), &cloudwatch.DescribeAlarmsInput{AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeCompositeAlarm, cwtypes.AlarmTypeMetricAlarm}})
	require.NoError(a, err)
	for _, m := range alarms.MetricAlarms {
		all = append(all, "alarm "+*m.AlarmName)
	}
	for _, m := range alarms.CompositeAlarms {
		all = append(all, "alarm "+*m.AlarmName)
	}
	slices.Sort(all)
	return all
}

// stack makes what a proof of that run deploys.
func (a account) stack(name, run string, ago time.Duration) {
	a.Helper()
	tags := tagsOf(run, ago)
	a.queue(name+"-dlq", "", tags)
	a.queue(name, name+"-dlq", tags)
	a.queue(name+"-ops", "", tags)
	a.subscribe(a.topic(name+"-alarms", tags), name+"-ops")
	a.alarm(name+"-not-empty", tags)
	a.compositeAlarm(name+"-any", "ALARM("+name+"-not-empty)", tags)
}

// others makes what is none of a proof's.
func (a account) others() {
	a.Helper()
	a.queue("theirs-dlq", "", nil)
	a.queue("theirs", "theirs-dlq", map[string]string{"team": "orders"})
	a.queue("half-tagged", "", map[string]string{"dlq_proof": "a"})
	a.queue("tagged-by-hand", "", map[string]string{"dlq_proof": "a", "dlq_proof_started": "yesterday"})
	a.subscribe(a.topic("theirs", nil), "theirs")
	a.alarm("theirs", map[string]string{"dlq_proof_started": "20200101T000000Z"})
}

func names(resources []sweep.Resource) []string {
	var out []string
	for _, r := range resources {
		out = append(out, fmt.Sprintf("%s %s of %s", r.Kind, r.Name, r.Run))
	}
	return out
}

func TestWhatARunLeftIsFoundInTheOrderOfDeletion(t *testing.T) {
	a := newAccount(t)
	a.others()
	a.stack("old", "a", 3*time.Hour)
	a.stack("older", "b", 30*time.Hour)
	a.stack("new", "c", time.Hour)
	_, err := a.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(a.srv.URL + "/000000000000/old-dlq"), MessageBody: aws.String("left")})
	require.NoError(t, err)
	all := []string{
		"composite alarm old-any of a", "alarm old-not-empty of a", "subscription old-alarms to old-ops of a", "topic old-alarms of a",
		"queue old of a", "queue old-ops of a", "DLQ old-dlq of a",
	}

	found, err := sweep.New(a.srv.Config()).Find(t.Context(), sweep.Filter{OlderThan: 2 * time.Hour, Run: "a"})
	require.NoError(t, err)
	require.Equal(t, all, names(found))
	require.Equal(t, 1, found[6].Messages)
	require.Zero(t, found[4].Messages)
	require.WithinDuration(t, time.Now().Add(-3*time.Hour), found[0].Started, time.Minute)

	for _, tt := range []struct {
		name   string
		filter sweep.Filter
		runs   []string
	}{
		{"older than two hours", sweep.Filter{OlderThan: 2 * time.Hour}, []string{"a", "b"}},
		{"of any age", sweep.Filter{}, []string{"a", "b", "c"}},
		{"older than a week", sweep.Filter{OlderThan: 7 * 24 * time.Hour}, nil},
		{"of a run that is too young", sweep.Filter{OlderThan: 2 * time.Hour, Run: "c"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := sweep.New(a.srv.Config()).Find(t.Context(), tt.filter)
			require.NoError(t, err)
			var runs []string
			for _, r := range found {
				runs = append(runs, r.Run)
			}
			slices.Sort(runs)
			require.Equal(t, tt.runs, slices.Compact(runs))
			require.Len(t, found, 7*len(tt.runs))
		})
	}
}

func TestOnlyWhatIsAProofsIsDeleted(t *testing.T) {
	a := newAccount(t)
	a.others()
	before := a.everything()
	a.stack("old", "a", 3*time.Hour)
	// a subscription of our queue to their topic is ours
	a.subscribe(a.topic("theirs", nil), "old-ops")
	s := sweep.New(a.srv.Config())
	found, err := s.Find(t.Context(), sweep.Filter{})
	require.NoError(t, err)
	require.Len(t, found, 8)
	deleted, err := s.Delete(t.Context(), found)
	require.NoError(t, err)
	require.Equal(t, found, deleted)
	require.Equal(t, before, a.everything())

	again, err := s.Delete(t.Context(), found)
	require.NoError(t, err, "what is gone is gone")
	require.Equal(t, found, again)
}

func TestAllPagesAreRead(t *testing.T) {
	a := newAccount(t)
	const many = 1100
	for i := range many {
		var tags map[string]string
		if i%100 == 99 {
			tags = tagsOf("a", time.Hour)
		}
		name := fmt.Sprintf("n%04d", i)
		a.queue(name, "", tags)
		if i < 250 {
			a.topic(name, tags)
			a.alarm(name, tags)
		}
	}
	found, err := sweep.New(a.srv.Config()).Find(t.Context(), sweep.Filter{})
	require.NoError(t, err)
	require.Len(t, found, 11+2+2)
}

func TestTheRestIsSweptWhenSomethingFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault awstest.Fault
		found int
		want  []string // what is left of the run
		err   string
	}{
		{"alarms cannot be listed", awstest.Fault{Service: "monitoring", Operation: "DescribeAlarms"}, 5, []string{"alarm old-any", "alarm old-not-empty"}, "listing alarms"},
		{"a queue's tags cannot be read", awstest.Fault{Service: "sqs", Operation: "ListQueueTags", Queue: "old-ops"}, 6, []string{"queue old-ops"}, "reading the tags of queue old-ops"},
		{"a queue cannot be deleted", awstest.Fault{Service: "sqs", Operation: "DeleteQueue", Queue: "old"}, 7, []string{"queue old"}, "deleting queue old"},
		{"a topic cannot be deleted", awstest.Fault{Service: "sns", Operation: "DeleteTopic"}, 7, []string{"topic old-alarms"}, "deleting topic old-alarms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			a.stack("old", "a", 3*time.Hour)
			tt.fault.Kind = awstest.InternalError
			remove := a.srv.Inject(tt.fault)
			cfg := a.srv.Config()
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			s := sweep.New(cfg)
			found, findErr := s.Find(t.Context(), sweep.Filter{})
			require.Len(t, found, tt.found)
			deleted, deleteErr := s.Delete(t.Context(), found)
			err := findErr
			if err == nil {
				err = deleteErr
				require.Len(t, deleted, tt.found-1)
			} else {
				require.NoError(t, deleteErr)
			}
			require.ErrorContains(t, err, tt.err)
			remove()
			require.Equal(t, tt.want, a.everything())
		})
	}
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, which -short leaves out")
	}
	a := newAccount(t)
	a.stack("old", "a", 3*time.Hour)
	a.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Operation: "ListQueueTags", Times: 2})
	s := sweep.New(a.srv.Config())
	found, err := s.Find(t.Context(), sweep.Filter{})
	require.NoError(t, err)
	_, err = s.Delete(t.Context(), found)
	require.NoError(t, err)
	require.Empty(t, a.everything())
}

func TestAnInterruptEndsTheSweep(t *testing.T) {
	a := newAccount(t)
	a.stack("old", "a", 3*time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	s := sweep.New(a.srv.Config())
	found, err := s.Find(ctx, sweep.Filter{})
	require.NoError(t, err)
	before := a.everything()
	cancel()
	_, err = s.Delete(ctx, found)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, a.everything())
}
