package dlq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestPairsAreReadFromRedrivePolicies(t *testing.T) {
	g := newGround(t)
	g.queue("graveyard")
	g.queue("looks-like-a-dlq") // nobody names it
	g.source("orders", "graveyard")
	g.queue("refunds", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:graveyard","maxReceiveCount":7}`)
	s := g.status(dlq.Selection{})

	require.Equal(t, []string{"graveyard"}, names(s.DLQs))
	require.Equal(t, []string{"orders", "refunds"}, sourceNames(s.DLQs[0]), "both share it")
	require.Equal(t, 1, s.DLQs[0].Sources[0].MaxReceiveCount, "written as a string")
	require.Equal(t, 7, s.DLQs[0].Sources[1].MaxReceiveCount, "written as a number")
	require.Equal(t, dlq.Queue{Name: "graveyard", ARN: "arn:aws:sqs:us-east-1:000000000000:graveyard", URL: g.url("graveyard")}, s.DLQs[0].Queue)
	require.Equal(t, dlq.Summary{Queues: 4, Pairs: 2, DLQs: 1, WithoutDLQ: 1}, s.Summary)
	require.Equal(t, dlq.Healthy, s.Health)
	require.Equal(t, "000000000000", s.Account)
	require.Equal(t, "us-east-1", s.Region)
}

func TestADLQOfADLQIsAPairOfItsOwn(t *testing.T) {
	g := newGround(t)
	g.queue("last")
	g.source("first", "last")
	g.source("orders", "first")
	s := g.status(dlq.Selection{})
	require.Equal(t, []string{"first", "last"}, names(s.DLQs))
	require.Equal(t, []string{"orders"}, sourceNames(s.DLQs[0]))
	require.Equal(t, []string{"first"}, sourceNames(s.DLQs[1]))
}

func TestADLQThatHoldsAMessageNeedsAttentionAlsoWhenItIsInFlight(t *testing.T) {
	g := newGround(t)
	dead := g.queue("dead")
	orders := g.source("orders", "dead")
	require.Equal(t, dlq.Healthy, g.status(dlq.Selection{}).DLQs[0].Health)

	g.deadLetter(orders, "a", "b", "c")
	s := g.status(dlq.Selection{})
	require.Equal(t, dlq.Degraded, s.Health)
	require.Equal(t, dlq.NeedsAttention, s.DLQs[0].Health)
	require.Equal(t, &dlq.Messages{Visible: 3}, s.DLQs[0].Messages)
	require.Equal(t, []dlq.Reason{{Code: "messages", Text: "3 messages"}}, s.DLQs[0].Reasons)
	require.Equal(t, int64(3), s.Summary.Messages)
	require.Equal(t, 1, s.Summary.NeedAttention)

	g.drain(dead) // somebody looks at them
	s = g.status(dlq.Selection{})
	require.Equal(t, &dlq.Messages{InFlight: 3}, s.DLQs[0].Messages)
	require.Equal(t, dlq.NeedsAttention, s.DLQs[0].Health)
	require.Equal(t, "3 messages, 3 of them in flight", s.DLQs[0].Reasons[0].Text)
}

func TestAMissingDLQIsSaid(t *testing.T) {
	g := newGround(t)
	dead := g.queue("dead")
	g.source("orders", "dead")
	g.source("refunds", "dead")
	_, err := g.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &dead})
	require.NoError(t, err)
	s := g.status(dlq.Selection{})
	require.Len(t, s.DLQs, 1)
	d := s.DLQs[0]
	require.Equal(t, dlq.Missing, d.State)
	require.Equal(t, dlq.Queue{Name: "dead", ARN: arnOf("dead")}, d.Queue)
	require.Nil(t, d.Messages)
	require.Equal(t, []dlq.Reason{{Code: "dlq_missing", Text: "it does not exist, though orders and refunds name it: create it, or correct the redrive policy"}}, d.Reasons)
	require.Equal(t, dlq.Degraded, s.Health)
}

// altered is a client that is told other attributes of a queue.
type altered struct {
	dlq.Reader
	queue, name, value string
}

func (a altered) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, opts ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	out, err := a.Reader.GetQueueAttributes(ctx, in, opts...)
	if err == nil && reading(a.queue)(in) {
		out.Attributes[a.name] = a.value
	}
	return out, err
}

// SQS takes no such policy; other endpoints do.
func TestADLQInAnotherAccountOrRegionIsSaidAndNotLookedAt(t *testing.T) {
	for _, arn := range []string{"arn:aws:sqs:us-east-1:111122223333:theirs", "arn:aws:sqs:eu-west-1:000000000000:theirs"} {
		g := newGround(t)
		g.queue("orders")
		f := g.fleet()
		f.SQS = altered{g.sqs, "orders", "RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":3}`}
		s, err := f.Status(t.Context(), dlq.Selection{})
		require.NoError(t, err)
		require.Equal(t, []string{"theirs"}, names(s.DLQs))
		require.Equal(t, dlq.Elsewhere, s.DLQs[0].State)
		require.Equal(t, dlq.Code("dlq_elsewhere"), s.DLQs[0].Reasons[0].Code)
		require.Contains(t, s.DLQs[0].Reasons[0].Text, "another account or region than orders")
		require.Equal(t, dlq.Degraded, s.Health)
		require.Zero(t, g.srv.Count("sqs", "GetQueueUrl"))
	}
}

func TestADLQWhoseSourcesAreGoneIsShownIfItIsMeantToBeOne(t *testing.T) {
	g := newGround(t)
	left := g.queue("left", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:gone"]}`)
	gone := g.source("gone", "left")
	g.deadLetter(gone, "a")
	_, err := g.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &gone})
	require.NoError(t, err)
	g.queue("plain")
	s := g.status(dlq.Selection{})
	require.Equal(t, []string{"left"}, names(s.DLQs))
	require.Empty(t, s.DLQs[0].Sources)
	require.Equal(t, dlq.NeedsAttention, s.DLQs[0].Health, "there is a message in it")
	require.Equal(t, []dlq.Reason{{Code: "no_sources", Text: "no queue names it as its DLQ any more: a redrive needs a destination"}}, s.DLQs[0].Warnings)
	require.Equal(t, 1, g.srv.Count("sqs", "ListDeadLetterSourceQueues"), "only of what may be one")
	require.Equal(t, 1, s.Summary.WithoutDLQ)

	g.drain(left)
	g.srv.Clock.Advance(15 * 24 * time.Hour)
	require.Equal(t, dlq.Healthy, g.status(dlq.Selection{}).DLQs[0].Health, "a warning is no reason for attention")
}

func TestSelections(t *testing.T) {
	g := newGround(t)
	g.queue("shop-dlq")
	g.source("shop-orders", "shop-dlq")
	g.source("refunds", "shop-dlq")
	g.queue("other-dlq")
	g.source("other", "other-dlq")
	tag := func(queue string, tags map[string]string) {
		url := g.url(queue)
		_, err := g.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &url, Tags: tags})
		require.NoError(t, err)
	}
	tag("refunds", map[string]string{"team": "money", "env": "prod"})
	tag("other", map[string]string{"team": "money", "env": "test"})
	both := []string{"refunds", "shop-orders"}
	for _, tt := range []struct {
		name    string
		sel     dlq.Selection
		want    []string
		sources []string
	}{
		{"nothing said", dlq.Selection{}, []string{"other-dlq", "shop-dlq"}, []string{"other"}},
		{"a prefix of a source brings the DLQ and its other sources", dlq.Selection{Prefix: "refunds"}, []string{"shop-dlq"}, both},
		{"a prefix of a DLQ brings its sources", dlq.Selection{Prefix: "shop-dlq"}, []string{"shop-dlq"}, both},
		{"a prefix of nothing", dlq.Selection{Prefix: "nothing"}, []string{}, nil},
		{"a tag", dlq.Selection{Tags: map[string]string{"team": "money"}}, []string{"other-dlq", "shop-dlq"}, []string{"other"}},
		{"all of several tags", dlq.Selection{Tags: map[string]string{"team": "money", "env": "prod"}}, []string{"shop-dlq"}, both},
		{"a prefix and a tag", dlq.Selection{Prefix: "o", Tags: map[string]string{"team": "money"}}, []string{"other-dlq"}, []string{"other"}},
		{"a DLQ by its name", dlq.Selection{Queues: []string{"shop-dlq"}}, []string{"shop-dlq"}, both},
		{"a source by its ARN", dlq.Selection{Queues: []string{arnOf("refunds")}}, []string{"shop-dlq"}, both},
		{"queues by their URLs", dlq.Selection{Queues: []string{g.url("refunds"), g.url("other-dlq")}}, []string{"other-dlq", "shop-dlq"}, []string{"other"}},
		{"a queue named twice", dlq.Selection{Queues: []string{"shop-dlq", arnOf("shop-dlq")}}, []string{"shop-dlq"}, both},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.srv.ResetCalls()
			s := g.status(tt.sel)
			require.Equal(t, tt.want, names(s.DLQs))
			if len(tt.want) > 0 {
				require.Equal(t, tt.sources, sourceNames(s.DLQs[0]))
			}
			if len(tt.sel.Tags) == 0 {
				require.Zero(t, g.srv.Count("sqs", "ListQueueTags"), "tags are read only if they are asked for")
			}
		})
	}
	s := g.status(dlq.Selection{Tags: map[string]string{"env": "prod"}})
	require.Equal(t, map[string]string{"team": "money", "env": "prod"}, s.DLQs[0].Sources[0].Tags)
}

func TestSelectionsThatCannotBeMetAreErrors(t *testing.T) {
	g := newGround(t)
	_, err := g.fleet().Status(t.Context(), dlq.Selection{Queues: []string{"nope"}})
	var missing *types.QueueDoesNotExist
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, "finding queue nope")
	_, err = g.fleet().Status(t.Context(), dlq.Selection{Queues: []string{"arn:aws:sns:us-east-1:000000000000:topic"}})
	require.ErrorContains(t, err, "is not the ARN of a queue")
	_, err = g.fleet().Status(t.Context(), dlq.Selection{Queues: []string{"q"}, Prefix: "p"})
	require.ErrorContains(t, err, "not by both")
}

func TestMoreThanAThousandQueuesAreReadPageByPage(t *testing.T) {
	g := newGround(t)
	const pairs = 502
	for i := range pairs {
		name := fmt.Sprintf("q%03d", i)
		g.queue(name + "-dlq")
		g.source(name, name+"-dlq")
	}
	g.srv.ResetCalls()
	f := g.fleet()
	f.CallsPerSecond = 100_000
	var last [2]int
	f.Progress = func(done, total int) {
		require.LessOrEqual(t, done, total)
		last = [2]int{done, total}
	}
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Equal(t, dlq.Summary{Queues: 1004, Pairs: 502, DLQs: 502}, s.Summary)
	require.Equal(t, 2, g.srv.Count("sqs", "ListQueues"))
	require.Equal(t, 1004, g.srv.Count("sqs", "GetQueueAttributes"))
	require.Equal(t, 502, g.srv.Count("sqs", "ListMessageMoveTasks"))
	require.Zero(t, g.srv.Count("monitoring", "GetMetricData"), "an empty queue has no oldest message")
	require.Equal(t, [2]int{1506, 1506}, last)
}

// late is a client before whose first look at the queues some of them are deleted.
type late struct {
	dlq.Reader
	delete func()
}

func (l late) ListQueues(ctx context.Context, in *sqs.ListQueuesInput, opts ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out, err := l.Reader.ListQueues(ctx, in, opts...)
	l.delete()
	return out, err
}

func TestAQueueThatIsDeletedMeanwhileIsLeftOut(t *testing.T) {
	g := newGround(t)
	g.queue("dead")
	orders := g.source("orders", "dead")
	g.source("refunds", "dead")
	f := g.fleet()
	f.SQS = late{g.sqs, func() {
		_, err := g.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &orders})
		require.NoError(t, err)
	}}
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Equal(t, []string{"refunds"}, sourceNames(s.DLQs[0]))
	require.Empty(t, s.Problems)
	require.Equal(t, dlq.Healthy, s.Health)
}

// quick is a client that gives up what is throttled at once, so that the pace deals with it.
func (g *ground) quick() *sqs.Client {
	cfg := g.srv.DirectConfig()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return sqs.NewFromConfig(cfg)
}

func TestThrottlingSlowsItDownAndLosesNothing(t *testing.T) {
	g := newGround(t)
	for i := range 30 {
		name := fmt.Sprintf("q%d", i)
		g.queue(name + "-dlq")
		g.source(name, name+"-dlq")
	}
	g.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: "sqs", Share: 0.3, Seed: 1})
	f := g.fleet()
	f.SQS = g.quick()
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Equal(t, dlq.Summary{Queues: 60, Pairs: 30, DLQs: 30}, s.Summary)
	require.Empty(t, s.Problems)
	require.Equal(t, dlq.Healthy, s.Health)
}

func TestAnswersThatGetLostAreAskedForAgain(t *testing.T) {
	g := newGround(t)
	g.queue("dead")
	g.source("orders", "dead")
	cfg := g.srv.Config() // with a connection, which can be cut
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 10, time.Millisecond })
	}
	g.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Service: "sqs", Share: 0.4, Seed: 2})
	f := dlq.Fleet{SQS: sqs.NewFromConfig(cfg)}
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Equal(t, dlq.Summary{Queues: 2, Pairs: 1, DLQs: 1}, s.Summary)
}

func TestReadingEndsWithItsContext(t *testing.T) {
	g := newGround(t)
	g.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: "sqs"})
	f := g.fleet()
	f.SQS = g.quick()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := f.Status(ctx, dlq.Selection{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "listing queues")
}

// The pace knows beforehand that a turn will come too late.
func TestReadingThatCannotBeInTimeIsAnError(t *testing.T) {
	g := newGround(t)
	for i := range 40 {
		g.queue(fmt.Sprintf("q%d", i))
	}
	f := g.fleet()
	f.CallsPerSecond = 1 // after the first 32
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := f.Status(ctx, dlq.Selection{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestWhatIsDeniedIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, operation string
		fits            func(any) bool
		health          dlq.Health
		problems        []dlq.Problem
	}{
		{"a source's attributes", "GetQueueAttributes", reading("orders"), dlq.Degraded, []dlq.Problem{{
			What: "queues", Action: "sqs:GetQueueAttributes", Queues: 1,
			Text: "orders: access denied, allow sqs:GetQueueAttributes; AWS said AccessDenied: User: arn:aws:iam::000000000000:user/night is not authorized to perform this",
		}}},
		{"move tasks", "ListMessageMoveTasks", always, dlq.Healthy, []dlq.Problem{{
			What: "move_tasks", Action: "sqs:ListMessageMoveTasks", Queues: 2,
			Text: "dead: access denied, allow sqs:ListMessageMoveTasks; AWS said AccessDenied: User: arn:aws:iam::000000000000:user/night is not authorized to perform this",
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGround(t)
			g.queue("dead")
			g.queue("dead-2")
			g.source("orders", "dead")
			g.source("refunds", "dead")
			g.source("other", "dead-2")
			f := g.fleet()
			f.SQS = g.denying(tt.operation, tt.fits)
			s, err := f.Status(t.Context(), dlq.Selection{})
			require.NoError(t, err)
			require.Equal(t, tt.problems, s.Problems)
			require.Equal(t, tt.health, s.Health)
			require.Equal(t, []string{"dead", "dead-2"}, names(s.DLQs))
		})
	}
}

func TestADLQThatCannotBeReadNeedsAttention(t *testing.T) {
	g := newGround(t)
	g.queue("dead")
	g.source("orders", "dead")
	f := g.fleet()
	f.SQS = g.denying("GetQueueAttributes", reading("dead"))
	s, err := f.Status(t.Context(), dlq.Selection{Queues: []string{"orders"}})
	require.NoError(t, err)
	d := s.DLQs[0]
	require.Equal(t, dlq.Unreadable, d.State)
	require.Equal(t, dlq.NeedsAttention, d.Health)
	require.Equal(t, dlq.Code("dlq_unreadable"), d.Reasons[0].Code)
	require.Contains(t, d.Reasons[0].Text, "it could not be read: access denied, allow sqs:GetQueueAttributes")
}

// What AWS fails to tell is told apart from what it refuses to.
func TestWhatAWSFailsToTellMayBeKnownLater(t *testing.T) {
	for _, selection := range []dlq.Selection{{}, {Queues: []string{"orders"}}} {
		g := newGround(t)
		g.queue("dead")
		g.source("orders", "dead")
		g.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "GetQueueAttributes", Queue: "dead"})
		f := g.fleet()
		f.SQS = g.quick()
		s, err := f.Status(t.Context(), selection)
		require.NoError(t, err)
		require.Len(t, s.Problems, 1)
		require.Equal(t, dlq.UnknownQueues, s.Problems[0].What)
		require.True(t, s.Problems[0].Transient)
		require.Equal(t, 1, s.Problems[0].Queues)
		require.Equal(t, dlq.Degraded, s.Health)
	}
}

func TestIfNothingCanBeLearnedThatIsAnError(t *testing.T) {
	for _, operation := range []string{"ListQueues", "GetQueueAttributes"} {
		g := newGround(t)
		g.queue("dead")
		g.source("orders", "dead")
		f := g.fleet()
		f.SQS = g.denying(operation, always)
		_, err := f.Status(t.Context(), dlq.Selection{})
		require.Error(t, err)
		require.Equal(t, "sqs:"+operation, dlq.MissingAction(err))
	}
}

func TestWithoutTheRightToReadMetricsAgesAreUnknown(t *testing.T) {
	g := newGround(t)
	g.queue("dead")
	g.deadLetter(g.source("orders", "dead"), "a")
	g.srv.Clock.Advance(10 * time.Minute)
	cfg := g.srv.DirectConfig()
	cfg.APIOptions = append(cfg.APIOptions, deny("GetMetricData", always))
	f := g.fleet()
	f.Metrics = cloudwatch.NewFromConfig(cfg)
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Nil(t, s.DLQs[0].OldestAgeSeconds)
	require.Len(t, s.Problems, 1)
	require.Equal(t, dlq.UnknownAges, s.Problems[0].What)
	require.Equal(t, "cloudwatch:GetMetricData", s.Problems[0].Action)
	require.Equal(t, "messages", string(s.DLQs[0].Reasons[0].Code))
}

func TestTheOldestAgeIsCloudWatchs(t *testing.T) {
	g := newGround(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	g.srv.Clock.Pause()
	g.queue("dead", "MessageRetentionPeriod", "1209600")
	orders := g.source("orders", "dead")
	g.send(orders, "a")
	g.srv.Clock.Advance(2 * time.Hour) // the age counts from the move, not from the send
	g.deadLetter(orders)
	require.Nil(t, g.status(dlq.Selection{}).DLQs[0].OldestAgeSeconds, "none yet, and none is made up")

	g.srv.Clock.Advance(10 * time.Minute)
	s := g.status(dlq.Selection{})
	require.InDelta(t, 600, *s.DLQs[0].OldestAgeSeconds, 60, "as of the last full minute")
	require.Regexp(t, `^1 message; the oldest came (9m|10m)( \d+s)? ago and expires in 13d 23h at the latest$`, s.DLQs[0].Reasons[0].Text)

	g.srv.ResetCalls()
	f := g.fleet()
	f.Metrics = nil
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Nil(t, s.DLQs[0].OldestAgeSeconds)
	require.Zero(t, g.srv.Count("monitoring", "GetMetricData"))
}

func TestAgesAreAskedForInBatchesOf500(t *testing.T) {
	g := newGround(t)
	for i := range 501 {
		name := fmt.Sprintf("dead-%d", i)
		g.send(g.queue(name), "a")
		g.source(fmt.Sprintf("source-%d", i), name)
	}
	g.srv.Clock.Advance(5 * time.Minute)
	g.srv.ResetCalls()
	f := g.fleet()
	f.CallsPerSecond = 100_000
	s, err := f.Status(t.Context(), dlq.Selection{})
	require.NoError(t, err)
	require.Equal(t, 2, g.srv.Count("monitoring", "GetMetricData"))
	for _, d := range s.DLQs {
		require.NotNil(t, d.OldestAgeSeconds, d.Name)
	}
}

func TestMoveTasksAreShown(t *testing.T) {
	g := newGround(t)
	g.queue("dead")
	orders := g.source("orders", "dead")
	g.deadLetter(orders, "1", "2", "3", "4", "5")
	g.srv.Clock.Pause()
	_, err := g.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arnOf("dead")), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
	require.NoError(t, err)
	g.srv.Clock.Advance(2500 * time.Millisecond)
	s := g.status(dlq.Selection{})
	task := s.DLQs[0].MoveTask
	require.True(t, task.Running())
	require.Equal(t, "RUNNING", task.Status)
	require.Equal(t, int64(3), task.Moved)
	require.Equal(t, aws.Int64(5), task.ToMove)
	require.Equal(t, aws.Int32(1), task.MaxPerSecond)
	require.WithinDuration(t, g.srv.Clock.Now(), task.Started, 3*time.Second)
	require.Equal(t, 1, s.Summary.RunningMoveTasks)
	require.Equal(t, "2 messages; a redrive has moved 3 of 5", s.DLQs[0].Reasons[0].Text)

	g.srv.Clock.Advance(time.Minute)
	s = g.status(dlq.Selection{})
	require.Equal(t, "COMPLETED", s.DLQs[0].MoveTask.Status)
	require.False(t, s.DLQs[0].MoveTask.Running())
	require.Equal(t, dlq.Healthy, s.Health)
}

func TestAFailedRedriveIsAReasonWhileThereAreMessages(t *testing.T) {
	g := newGround(t)
	dead := g.queue("dead")
	g.source("orders", "dead")
	g.send(dead, "sent directly") // nobody knows where to
	_, err := g.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arnOf("dead"))})
	require.NoError(t, err)
	g.srv.Clock.Advance(time.Minute)
	s := g.status(dlq.Selection{})
	require.Len(t, s.DLQs[0].Reasons, 2)
	require.Equal(t, dlq.RedriveFailed, s.DLQs[0].Reasons[1].Code)
	require.Contains(t, s.DLQs[0].Reasons[1].Text, "failed after 0 messages: CouldNotDetermineMessageSource")

	_, err = g.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &dead})
	require.NoError(t, err)
	require.Equal(t, dlq.Healthy, g.status(dlq.Selection{}).Health)
}

func TestARetentionThatLosesMessagesIsWarnedOf(t *testing.T) {
	for _, tt := range []struct {
		name        string
		source, dlq string // retention
		fifo        bool
		want        []dlq.Reason
	}{
		{"the DLQ's is longer", "345600", "1209600", false, []dlq.Reason{}},
		{"both are the same", "345600", "345600", false, []dlq.Reason{{
			Code: "short_retention",
			Text: "it keeps messages for 4d and orders does for 4d, both counted from the original send: a message may expire as soon as it is dead-lettered; keep them longer in the DLQ",
		}}},
		{"FIFO queues count from the move", "345600", "345600", true, []dlq.Reason{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGround(t)
			orders, dead := "orders", "dead"
			attributes := []string{"MessageRetentionPeriod", tt.source}
			if tt.fifo {
				orders, dead = "orders.fifo", "dead.fifo"
				attributes = append(attributes, "FifoQueue", "true")
			}
			g.queue(dead, append(attributes, "MessageRetentionPeriod", tt.dlq)...)
			g.source(orders, dead, attributes...)
			s := g.status(dlq.Selection{})
			require.Equal(t, tt.want, s.DLQs[0].Warnings)
			require.Equal(t, dlq.Healthy, s.Health)
		})
	}
}

// What is here is documented in docs/operating-dlqs.md, and programs rely on it.
func TestTheJSONOfAStatusIsStable(t *testing.T) {
	s := dlq.Status{
		Schema: 1, Time: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC), Account: "111122223333", Region: "eu-west-1", Health: dlq.Degraded,
		Summary: dlq.Summary{Queues: 3, Pairs: 1, DLQs: 1, NeedAttention: 1, Messages: 2, RunningMoveTasks: 1, WithoutDLQ: 1},
		DLQs: []dlq.DLQ{{
			Queue: dlq.Queue{Name: "d", ARN: "arn:d", URL: "https://d"}, State: dlq.Found, Messages: &dlq.Messages{Visible: 1, InFlight: 1},
			OldestAgeSeconds: aws.Int64(60), RetentionSeconds: aws.Int64(1209600),
			Sources:  []dlq.Source{{Queue: dlq.Queue{Name: "s", ARN: "arn:s", URL: "https://s"}, MaxReceiveCount: 5}},
			MoveTask: &dlq.MoveTask{Status: "RUNNING", Started: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC), Moved: 1},
			Tags:     map[string]string{"team": "money"}, Health: dlq.NeedsAttention,
			Reasons: []dlq.Reason{{Code: dlq.HasMessages, Text: "2 messages"}}, Warnings: []dlq.Reason{},
		}},
		Problems: []dlq.Problem{{What: dlq.UnknownAges, Action: "cloudwatch:GetMetricData", Queues: 1, Text: "x"}},
		Stale:    &dlq.Stale{AgeSeconds: 90, Error: "y"},
	}
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"schema": 1, "time": "2026-11-24T03:00:00Z", "account": "111122223333", "region": "eu-west-1", "health": "degraded",
		"summary": {"queues": 3, "pairs": 1, "dlqs": 1, "need_attention": 1, "messages": 2, "running_move_tasks": 1, "without_dlq": 1},
		"dlqs": [{
			"name": "d", "arn": "arn:d", "url": "https://d", "state": "found", "messages": {"visible": 1, "in_flight": 1, "delayed": 0},
			"oldest_age_seconds": 60, "retention_seconds": 1209600,
			"sources": [{"name": "s", "arn": "arn:s", "url": "https://s", "max_receive_count": 5, "messages": null, "oldest_age_seconds": null, "retention_seconds": null}],
			"move_task": {"status": "RUNNING", "started": "2026-11-24T02:00:00Z", "moved": 1, "to_move": null, "max_per_second": null},
			"tags": {"team": "money"}, "health": "needs_attention",
			"reasons": [{"code": "messages", "text": "2 messages"}], "warnings": []
		}],
		"problems": [{"what": "ages", "action": "cloudwatch:GetMetricData", "queues": 1, "text": "x"}],
		"stale": {"age_seconds": 90, "error": "y"}
	}`, string(b))
}

func TestAnEmptyAccountHasAStatusOfEmptyLists(t *testing.T) {
	b, err := json.Marshal(newGround(t).status(dlq.Selection{}))
	require.NoError(t, err)
	require.Contains(t, string(b), `"health":"healthy"`)
	require.Contains(t, string(b), `"dlqs":[],"problems":[]`)
}

func TestAgesAreWrittenInTwoUnits(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0s", 59: "59s", 60: "1m", 61: "1m 1s", 3600: "1h", 3661: "1h 1m", 86399: "23h 59m", 86400: "1d", 1209600: "14d", 273600: "3d 4h", 86460: "1d",
	} {
		require.Equal(t, want, dlq.Age(seconds))
	}
}

func BenchmarkStatus1000Pairs(b *testing.B) {
	g := newGround(b, awstest.WithoutCallLog())
	for i := range 1000 {
		g.queue(fmt.Sprintf("orders-%d-dlq", i))
		g.source(fmt.Sprintf("orders-%d", i), fmt.Sprintf("orders-%d-dlq", i))
	}
	cfg := g.srv.Config() // by HTTP
	f := dlq.Fleet{SQS: sqs.NewFromConfig(cfg), Metrics: cloudwatch.NewFromConfig(cfg), Now: g.srv.Clock.Now}
	for b.Loop() {
		s, err := f.Status(b.Context(), dlq.Selection{})
		require.NoError(b, err)
		require.Equal(b, 1000, s.Summary.Pairs)
	}
}
