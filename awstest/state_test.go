package awstest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedtypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// kept is an endpoint on a state file that can be restarted.
type kept struct {
	*kit
	path string
	now  time.Time
}

// keep starts an endpoint on a new state file.
func keep(t *testing.T, opts ...awstest.Option) *kept {
	k := &kept{path: filepath.Join(t.TempDir(), "state"), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	k.open(t, opts...)
	return k
}

func (k *kept) open(t *testing.T, opts ...awstest.Option) {
	t.Helper()
	srv, err := awstest.New(append(opts, awstest.StateFile(k.path), awstest.StartAt(k.now))...)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.Clock.Pause()
	k.kit = on(t, srv)
}

// restart stops the endpoint and starts it again; away is the time that it is away.
func (k *kept) restart(t *testing.T, away time.Duration) {
	t.Helper()
	k.now = k.srv.Clock.Now().Add(away)
	require.NoError(t, k.srv.Stop())
	k.open(t)
}

// at is the URL of a queue on the endpoint as it runs now.
func (k *kept) at(name string) string { return k.srv.URL + "/000000000000/" + name }

func TestMessagesSurviveARestart(t *testing.T) {
	t.Run("with all that they carry", func(t *testing.T) {
		k := keep(t)
		url := k.queue("q")
		odd := "ünï \u2028 <&> \t"
		sent, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &odd, MessageGroupId: aws.String("tenant"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"text":   {DataType: aws.String("String.kind"), StringValue: aws.String("x")},
				"number": {DataType: aws.String("Number"), StringValue: aws.String("1e3")},
				"bytes":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255, 1}},
			},
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5")}},
		})
		require.NoError(t, err)
		before := k.receive(url)[0]
		k.restart(t, 30*time.Second)
		after := k.receive(k.at("q"))[0] // the SDK has checked the MD5s
		require.Equal(t, *sent.MessageId, *after.MessageId)
		require.Equal(t, odd, *after.Body)
		require.Equal(t, before.MessageAttributes, after.MessageAttributes)
		require.Equal(t, *before.MD5OfMessageAttributes, *after.MD5OfMessageAttributes)
		require.Equal(t, "2", after.Attributes["ApproximateReceiveCount"])
		after.Attributes["ApproximateReceiveCount"] = "1"
		require.Equal(t, before.Attributes, after.Attributes)
	})
	t.Run("in flight, with handles that still hold", func(t *testing.T) {
		k := keep(t)
		url := k.queue("q", "VisibilityTimeout", "600")
		for i := range 3 {
			k.send(url, fmt.Sprint(i))
		}
		received := k.receive(url)
		k.restart(t, time.Minute)
		require.Empty(t, k.receive(k.at("q")))
		_, err := k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(k.at("q")), ReceiptHandle: received[0].ReceiptHandle})
		require.NoError(t, err)
		_, err = k.sqs.ChangeMessageVisibility(k.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: aws.String(k.at("q")), ReceiptHandle: received[1].ReceiptHandle, VisibilityTimeout: 0})
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, k.bodies(k.at("q")))
		k.srv.Clock.Advance(9*time.Minute - time.Second)
		require.Empty(t, k.receive(k.at("q")))
		k.srv.Clock.Advance(time.Second)
		require.Equal(t, []string{"2"}, k.bodies(k.at("q")))
	})
	t.Run("delayed, until they are due", func(t *testing.T) {
		k := keep(t)
		k.send(k.queue("q", "DelaySeconds", "300"), "body")
		k.restart(t, 299*time.Second)
		require.Empty(t, k.receive(k.at("q")))
		k.srv.Clock.Advance(time.Second)
		require.Len(t, k.receive(k.at("q")), 1)
	})
	t.Run("no longer than their retention", func(t *testing.T) {
		k := keep(t)
		url := k.queue("q", "MessageRetentionPeriod", "3600")
		k.send(url, "old")
		k.srv.Clock.Advance(30 * time.Minute)
		k.send(url, "young")
		k.restart(t, 45*time.Minute)
		require.Equal(t, []string{"young"}, k.bodies(k.at("q")))
	})
	t.Run("on their way to the dead-letter queue", func(t *testing.T) {
		k := keep(t)
		source, _ := k.sourceAndDLQ("q", "3")
		id := k.send(source, "poison")
		for count := 1; count <= 3; count++ {
			require.Equal(t, strconv.Itoa(count), k.receive(k.at("q"))[0].Attributes["ApproximateReceiveCount"])
			k.restart(t, 30*time.Second)
		}
		require.Empty(t, k.receive(k.at("q")))
		k.restart(t, 0)
		dead := k.receive(k.at("q-dlq"))[0]
		require.Equal(t, id, *dead.MessageId)
		require.Equal(t, "4", dead.Attributes["ApproximateReceiveCount"])
		require.Equal(t, queueARN("q"), dead.Attributes["DeadLetterQueueSourceArn"])
	})
}

func TestFIFOQueuesSurviveARestart(t *testing.T) {
	k := keep(t)
	url := k.queue("q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	send := func(group, body string) string {
		out, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(k.at("q.fifo")), MessageBody: &body, MessageGroupId: &group})
		require.NoError(t, err)
		return *out.SequenceNumber
	}
	for _, m := range []string{"a1", "b1", "a2", "c1", "a3", "b2"} {
		send(m[:1], m)
	}
	one, err := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 1, ReceiveRequestAttemptId: aws.String("again")})
	require.NoError(t, err)
	require.Equal(t, "a1", *one.Messages[0].Body)
	last := send("c", "c2")
	k.restart(t, 10*time.Second)

	// group a is blocked, the others flow, in their order
	require.Equal(t, []string{"b1", "b2", "c1", "c2"}, k.bodies(k.at("q.fifo")))
	again, err := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(k.at("q.fifo")), ReceiveRequestAttemptId: aws.String("again")})
	require.NoError(t, err)
	require.Equal(t, *one.Messages[0].ReceiptHandle, *again.Messages[0].ReceiptHandle)
	require.Equal(t, last, send("c", "c2"), "it is known within the window")
	require.Greater(t, send("d", "d1"), last)
	_, err = k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(k.at("q.fifo")), ReceiptHandle: one.Messages[0].ReceiptHandle})
	require.NoError(t, err)
	require.Equal(t, []string{"d1", "a2", "a3"}, k.bodies(k.at("q.fifo")))
	k.restart(t, 5*time.Minute)
	require.Greater(t, send("c", "c2"), last, "the window has passed")
}

func TestQueuesSurviveARestart(t *testing.T) {
	k := keep(t)
	k.queue("standard-dlq", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+queueARN("standard")+`"]}`)
	k.queue("standard", "VisibilityTimeout", "77", "DelaySeconds", "5", "MaximumMessageSize", "2048", "ReceiveMessageWaitTimeSeconds", "3",
		"MessageRetentionPeriod", "120", "SqsManagedSseEnabled", "false", "Policy", snsMaySend("standard"),
		"RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("standard-dlq")+`","maxReceiveCount":"7"}`)
	k.queue("encrypted", "KmsMasterKeyId", "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds", "60")
	k.queue("fast.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	_, err := k.sqs.TagQueue(k.ctx, &sqs.TagQueueInput{QueueUrl: aws.String(k.at("standard")), Tags: map[string]string{"team": "payments", "empty": ""}})
	require.NoError(t, err)
	gone := k.queue("gone")
	_, err = k.sqs.DeleteQueue(k.ctx, &sqs.DeleteQueueInput{QueueUrl: &gone})
	require.NoError(t, err)
	describe := func() (all []map[string]string) {
		for _, name := range []string{"standard", "standard-dlq", "encrypted", "fast.fifo"} {
			out, err := k.sqs.GetQueueAttributes(k.ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(k.at(name)), AttributeNames: []types.QueueAttributeName{"All"}})
			require.NoError(t, err)
			tags, err := k.sqs.ListQueueTags(k.ctx, &sqs.ListQueueTagsInput{QueueUrl: aws.String(k.at(name))})
			require.NoError(t, err)
			all = append(all, out.Attributes, tags.Tags)
		}
		return all
	}
	before := describe()
	k.restart(t, 0)
	require.Equal(t, before, describe())
	_, err = k.sqs.CreateQueue(k.ctx, &sqs.CreateQueueInput{QueueName: aws.String("gone")})
	require.ErrorContains(t, err, "QueueDeletedRecently")
	k.restart(t, time.Minute)
	k.queue("gone")
}

func TestARunningMoveTaskGoesOnAfterARestart(t *testing.T) {
	k := keep(t)
	source, dlq := k.sourceAndDLQ("q", "1", "VisibilityTimeout", "0")
	for i := range 9 {
		k.send(source, fmt.Sprint(i))
	}
	require.Len(t, k.receive(source), 9)
	require.Empty(t, k.receive(source))
	_, err := k.sqs.StartMessageMoveTask(k.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(queueARN("q-dlq")), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
	require.NoError(t, err)
	k.srv.Clock.Advance(2500 * time.Millisecond)
	require.Equal(t, "6", k.attribute(dlq, "ApproximateNumberOfMessages"))
	k.restart(t, 0)
	k.srv.Clock.Advance(10 * time.Second)
	require.Equal(t, "9", k.attribute(k.at("q"), "ApproximateNumberOfMessages"))
	tasks, err := k.sqs.ListMessageMoveTasks(k.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(queueARN("q-dlq"))})
	require.NoError(t, err)
	require.Equal(t, "COMPLETED", *tasks.Results[0].Status)
	require.EqualValues(t, 9, tasks.Results[0].ApproximateNumberOfMessagesMoved)
	k.restart(t, 0)
	again, err := k.sqs.ListMessageMoveTasks(k.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(queueARN("q-dlq"))})
	require.NoError(t, err)
	require.Equal(t, tasks.Results, again.Results)
}

func TestAlarmsSurviveARestart(t *testing.T) {
	k := keep(t)
	inbox := k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.topic("alerts", "inbox", nil)
	url := k.queue("q")
	k.alarmOn("busy", "q", topicARN("alerts"))
	for _, put := range []*cloudwatch.PutCompositeAlarmInput{
		{AlarmName: aws.String("page"), AlarmRule: aws.String(`ALARM("busy")`)},
	} {
		_, err := k.cw.PutCompositeAlarm(k.ctx, put)
		require.NoError(t, err)
	}
	_, err := k.cw.PutMetricAlarm(k.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("math"), EvaluationPeriods: aws.Int32(2), DatapointsToAlarm: aws.Int32(1), Threshold: aws.Float64(0), Tags: []cwtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, ActionsEnabled: aws.Bool(false), AlarmDescription: aws.String("both"),
		Metrics: []cwtypes.MetricDataQuery{
			{Id: aws.String("e"), Expression: aws.String("a + b"), ReturnData: aws.Bool(true)},
			{Id: aws.String("a"), ReturnData: aws.Bool(false), MetricStat: metricStat("q", "ApproximateNumberOfMessagesVisible")},
			{Id: aws.String("b"), ReturnData: aws.Bool(false), MetricStat: metricStat("q", "ApproximateNumberOfMessagesNotVisible")},
		},
	})
	require.NoError(t, err)
	_, err = k.cw.PutDashboard(k.ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String("board"), DashboardBody: aws.String(`{"widgets":[]}`)})
	require.NoError(t, err)
	_, err = k.cw.PutMetricData(k.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []cwtypes.MetricDatum{
		{MetricName: aws.String("latency"), Values: []float64{1, 2, 3, 50}, StorageResolution: aws.Int32(1)},
	}})
	require.NoError(t, err)
	k.send(url, "body")
	k.srv.Clock.Advance(3 * time.Minute)
	require.Len(t, k.receive(inbox), 1)

	look := func() []any {
		alarms, err := k.cw.DescribeAlarms(k.ctx, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []cwtypes.AlarmType{"MetricAlarm", "CompositeAlarm"}})
		require.NoError(t, err)
		require.Len(t, alarms.MetricAlarms, 2)
		require.Len(t, alarms.CompositeAlarms, 1)
		history, err := k.cw.DescribeAlarmHistory(k.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmTypes: []cwtypes.AlarmType{"MetricAlarm", "CompositeAlarm"}})
		require.NoError(t, err)
		require.NotEmpty(t, history.AlarmHistoryItems)
		tags, err := k.cw.ListTagsForResource(k.ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: alarms.MetricAlarms[1].AlarmArn})
		require.NoError(t, err)
		board, err := k.cw.GetDashboard(k.ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("board")})
		require.NoError(t, err)
		var data []any
		for _, q := range []struct{ namespace, metric, statistic string }{
			{"AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"}, {"AWS/SQS", "NumberOfMessagesSent", "Sum"}, {"App", "latency", "p90"},
		} {
			stat := metricStat("q", q.metric)
			stat.Stat, stat.Metric.Namespace = &q.statistic, &q.namespace
			if q.namespace == "App" {
				stat.Metric.Dimensions = nil
			}
			out, err := k.cw.GetMetricData(k.ctx, &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), EndTime: aws.Time(time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)),
				MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("m"), MetricStat: stat}},
			})
			require.NoError(t, err)
			require.NotEmpty(t, out.MetricDataResults[0].Values)
			data = append(data, out.MetricDataResults[0].Timestamps, out.MetricDataResults[0].Values)
		}
		return []any{alarms.MetricAlarms, alarms.CompositeAlarms, history.AlarmHistoryItems, tags.Tags, *board.DashboardBody, data}
	}
	before := look()
	k.restart(t, 0)
	require.Equal(t, before, look())
	k.srv.Clock.Advance(5 * time.Minute)
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("busy"))
	require.Len(t, k.receive(k.at("inbox")), 1, "what was in ALARM before tells nothing anew: there is the old notice")
	received := k.receive(k.at("q"))
	_, err = k.sqs.DeleteMessage(k.ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(k.at("q")), ReceiptHandle: received[0].ReceiptHandle})
	require.NoError(t, err)
	k.srv.Clock.Advance(2 * time.Minute)
	require.Equal(t, cwtypes.StateValueOk, k.alarmState("busy"))
	require.Equal(t, cwtypes.StateValueOk, k.alarmState("page"))
}

func metricStat(queue, metric string) *cwtypes.MetricStat {
	return &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{Namespace: aws.String("AWS/SQS"), MetricName: &metric, Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: &queue}}},
		Period: aws.Int32(60), Stat: aws.String("Maximum"),
	}
}

func TestSuppressedActionsStaySuppressedOverARestart(t *testing.T) {
	k := keep(t)
	inbox := k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.topic("alerts", "inbox", nil)
	url := k.queue("q")
	k.queue("other")
	k.alarmOn("busy", "q")
	k.alarmOn("maintenance", "other")
	_, err := k.cw.PutCompositeAlarm(k.ctx, &cloudwatch.PutCompositeAlarmInput{
		AlarmName: aws.String("page"), AlarmRule: aws.String(`ALARM("busy")`), AlarmActions: []string{topicARN("alerts")},
		ActionsSuppressor: aws.String("maintenance"), ActionsSuppressorWaitPeriod: aws.Int32(600), ActionsSuppressorExtensionPeriod: aws.Int32(600),
	})
	require.NoError(t, err)
	k.srv.Clock.Advance(15 * time.Minute)
	k.send(url, "body")
	k.srv.Clock.Advance(2 * time.Minute)
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("page"))
	require.Empty(t, k.receive(inbox))
	k.restart(t, 5*time.Minute)
	require.Empty(t, k.receive(k.at("inbox")))
	k.srv.Clock.Advance(5 * time.Minute)
	require.Len(t, k.receive(k.at("inbox")), 1, "the wait period has passed")
}

func TestTopicsRolesAndSchedulesSurviveARestart(t *testing.T) {
	k := keep(t)
	k.queue("inbox", "Policy", snsMaySend("inbox"))
	k.queue("undelivered")
	k.topic("events", "inbox", map[string]string{"DisplayName": "Events"}, "RawMessageDelivery", "true",
		"FilterPolicy", `{"kind":["wanted"]}`, "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("undelivered")+`"}`)
	k.topic("events.fifo", "inbox", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"}, "RawMessageDelivery", "true")
	_, err := k.sns.TagResource(k.ctx, &sns.TagResourceInput{ResourceArn: aws.String(topicARN("events")), Tags: []snstypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	require.NoError(t, err)
	_, err = k.sns.Subscribe(k.ctx, &sns.SubscribeInput{TopicArn: aws.String(topicARN("events")), Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")})
	require.NoError(t, err)
	publish := func(topic, group, body string, kind string) {
		in := &sns.PublishInput{TopicArn: aws.String(topicARN(topic)), Message: &body}
		if group != "" {
			in.MessageGroupId = &group
		}
		if kind != "" {
			in.MessageAttributes = map[string]snstypes.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}}
		}
		_, err := k.sns.Publish(k.ctx, in)
		require.NoError(t, err)
	}
	publish("events.fifo", "g", "once", "")

	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	const doc = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`
	roles := func() *iam.Client { return iam.NewFromConfig(k.srv.Config()) }
	_, err = roles().CreateRole(k.ctx, &iam.CreateRoleInput{RoleName: aws.String("scheduler"), AssumeRolePolicyDocument: aws.String(trust)})
	require.NoError(t, err)
	_, err = roles().PutRolePolicy(k.ctx, &iam.PutRolePolicyInput{RoleName: aws.String("scheduler"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(doc)})
	require.NoError(t, err)
	managed, err := roles().CreatePolicy(k.ctx, &iam.CreatePolicyInput{PolicyName: aws.String("managed"), PolicyDocument: aws.String(doc)})
	require.NoError(t, err)
	_, err = roles().AttachRolePolicy(k.ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("scheduler"), PolicyArn: managed.Policy.Arn})
	require.NoError(t, err)
	k.queue("jobs")
	k.schedule("tick", "rate(5 minutes)", queueARN("jobs"), "tick")
	k.srv.Clock.Advance(time.Minute)
	require.Equal(t, []string{"tick"}, k.bodies(k.at("jobs")))

	look := func() []any {
		topic, err := k.sns.GetTopicAttributes(k.ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(topicARN("events"))})
		require.NoError(t, err)
		tags, err := k.sns.ListTagsForResource(k.ctx, &sns.ListTagsForResourceInput{ResourceArn: aws.String(topicARN("events"))})
		require.NoError(t, err)
		subscriptions, err := k.sns.ListSubscriptionsByTopic(k.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN("events"))})
		require.NoError(t, err)
		subscription, err := k.sns.GetSubscriptionAttributes(k.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: subscriptions.Subscriptions[0].SubscriptionArn})
		if err != nil { // they are in order of ARNs
			subscription, err = k.sns.GetSubscriptionAttributes(k.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: subscriptions.Subscriptions[1].SubscriptionArn})
		}
		require.NoError(t, err)
		role, err := roles().GetRole(k.ctx, &iam.GetRoleInput{RoleName: aws.String("scheduler")})
		require.NoError(t, err)
		inline, err := roles().GetRolePolicy(k.ctx, &iam.GetRolePolicyInput{RoleName: aws.String("scheduler"), PolicyName: aws.String("inline")})
		require.NoError(t, err)
		attached, err := roles().ListAttachedRolePolicies(k.ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("scheduler")})
		require.NoError(t, err)
		version, err := roles().GetPolicyVersion(k.ctx, &iam.GetPolicyVersionInput{PolicyArn: managed.Policy.Arn, VersionId: aws.String("v1")})
		require.NoError(t, err)
		schedule, err := scheduler.NewFromConfig(k.srv.Config()).GetSchedule(k.ctx, &scheduler.GetScheduleInput{Name: aws.String("tick")})
		require.NoError(t, err)
		return []any{topic.Attributes, tags.Tags, subscriptions.Subscriptions, subscription.Attributes, *role.Role, *inline.PolicyDocument, attached.AttachedPolicies, *version.PolicyVersion, *schedule.Target, *schedule.CreationDate, *schedule.ScheduleExpression}
	}
	before := look()
	require.Equal(t, []string{"once"}, k.bodies(k.at("inbox")))
	k.restart(t, 0)
	require.Equal(t, before, look())
	publish("events.fifo", "g", "once", "") // known
	publish("events", "", "unwanted", "")
	publish("events", "", "wanted", "wanted")
	require.Equal(t, []string{"wanted"}, k.bodies(k.at("inbox")))
	k.srv.Clock.Advance(3 * time.Minute)
	require.Len(t, k.receive(k.at("jobs")), 1, "the first tick again, and no other")
	k.srv.Clock.Advance(time.Minute)
	require.Equal(t, "2", k.attribute(k.at("jobs"), "ApproximateNumberOfMessages"), "the beat is kept")
}

func TestWhatFellDueWhileAwayIsCaughtUpWith(t *testing.T) {
	k := keep(t)
	k.queue("jobs")
	k.schedule("tick", "rate(10 minutes)", queueARN("jobs"), "tick")
	k.alarmOn("busy", "jobs")
	k.srv.Clock.Advance(time.Second)
	require.Equal(t, cwtypes.StateValueInsufficientData, k.alarmState("busy"))
	k.restart(t, time.Hour)
	require.Equal(t, "7", k.attribute(k.at("jobs"), "ApproximateNumberOfMessages"))
	require.Equal(t, cwtypes.StateValueAlarm, k.alarmState("busy"))
	history, err := k.cw.DescribeAlarmHistory(k.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("busy"), HistoryItemType: cwtypes.HistoryItemTypeStateUpdate})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 11, 24, 9, 1, 0, 0, time.UTC), history.AlarmHistoryItems[0].Timestamp.UTC(), "at its own instant")
}

func TestACallThatWaitsForItsWindowIsMadeAfterARestart(t *testing.T) {
	k := keep(t)
	jobs := k.queue("jobs")
	_, err := scheduler.NewFromConfig(k.srv.Config()).CreateSchedule(k.ctx, &scheduler.CreateScheduleInput{
		Name: aws.String("flexible"), ScheduleExpression: aws.String("at(2026-11-24T10:00:00)"),
		FlexibleTimeWindow: &schedtypes.FlexibleTimeWindow{Mode: schedtypes.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(1440)},
		Target:             &schedtypes.Target{Arn: aws.String(queueARN("jobs")), RoleArn: aws.String(k.schedulerRole()), Input: aws.String("job")},
	})
	require.NoError(t, err)
	k.srv.Clock.Advance(time.Hour)
	require.Empty(t, k.receive(jobs))
	k.restart(t, time.Minute)
	require.Empty(t, k.receive(k.at("jobs")))
	k.srv.Clock.Advance(24 * time.Hour)
	require.Equal(t, []string{"job"}, k.bodies(k.at("jobs")))
}

func TestTheClockNeverGoesBackOverARestart(t *testing.T) {
	k := keep(t)
	k.srv.Clock.Advance(48 * time.Hour)
	stopped := k.srv.Clock.Now()
	require.NoError(t, k.srv.Stop())
	k.open(t) // at its first time
	require.GreaterOrEqual(t, k.srv.Clock.Now(), stopped)
	require.Less(t, k.srv.Clock.Now().Sub(stopped), time.Minute)
	k.now = stopped.Add(10 * 365 * 24 * time.Hour)
	require.NoError(t, k.srv.Stop())
	k.open(t) // after years
	require.WithinRange(t, k.srv.Clock.Now(), k.now, k.now.Add(time.Minute))
}

func TestAStateFileThatCannotBeUsedIsLeftAsItIs(t *testing.T) {
	k := keep(t)
	k.send(k.queue("q"), "body")
	require.NoError(t, k.srv.Stop())
	whole, err := os.ReadFile(k.path)
	require.NoError(t, err)
	info, err := os.Stat(k.path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	flipped := append([]byte(nil), whole...)
	flipped[len(whole)-40] ^= 1
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"one that is damaged", flipped, "is damaged: its checksum is wrong"},
		{"one that is cut off", whole[:len(whole)-50], "is damaged: its checksum is wrong"},
		{"one of which only the header is left", whole[:len(whole[:200])-1], "is damaged"},
		{"one with something added", append(append([]byte(nil), whole...), "more"...), "is damaged"},
		{"an empty one", nil, "not the state of an endpoint"},
		{"something else", []byte(`{"version":4,"terraform_version":"1.11.0"}` + "\n"), "not the state of an endpoint"},
		{"something binary", []byte{0, 1, 2, 3}, "not the state of an endpoint"},
		{"one of a newer version", []byte(`{"format":"sqs-dlq endpoint state","version":2,"clock":"2026-11-24T09:00:00Z"}` + "\nmore"), "written in version 2 of the format, of which this program reads 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			require.NoError(t, os.WriteFile(path, test.content, 0o600))
			for range 2 { // nor does the lock stay
				_, err := awstest.New(awstest.StateFile(path))
				require.ErrorContains(t, err, test.want)
				require.ErrorContains(t, err, path)
			}
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(test.content), string(after))
		})
	}
	t.Run("one in a directory that isn't there", func(t *testing.T) {
		_, err := awstest.New(awstest.StateFile(filepath.Join(t.TempDir(), "none", "state")))
		require.ErrorContains(t, err, "locking state file")
	})
}

func TestAStateFileServesOneEndpointAtATime(t *testing.T) {
	k := keep(t)
	_, err := awstest.New(awstest.StateFile(k.path))
	require.ErrorContains(t, err, "is in use by another endpoint")
	require.NoError(t, k.srv.Stop())
	k.open(t)
}

// copyOf is a copy of the state file as it is at the moment.
func (k *kept) copyOf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(k.path)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

// eventually waits, by the wall clock, which the saving of state goes by.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%s, in 20 s", what)
	}
}

func TestChangesReachTheFileWithoutAStop(t *testing.T) {
	k := keep(t, awstest.SaveEvery(time.Millisecond))
	url := k.queue("q")
	for i := range 3 {
		k.send(url, fmt.Sprint(i))
		eventually(t, "the message is in the file", func() bool {
			if _, err := os.Stat(k.path); err != nil {
				return false
			}
			srv, err := awstest.New(awstest.StateFile(k.copyOf(t)), awstest.StartAt(k.now))
			require.NoError(t, err)
			defer srv.Close()
			copied := sqs.NewFromConfig(srv.Config())
			out, err := copied.GetQueueAttributes(k.ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(srv.URL + "/000000000000/q"), AttributeNames: []types.QueueAttributeName{"All"}})
			return err == nil && out.Attributes["ApproximateNumberOfMessages"] == strconv.Itoa(i+1)
		})
	}
	eventually(t, "an endpoint that only answers questions doesn't write", func() bool {
		before, err := os.Stat(k.path)
		require.NoError(t, err)
		k.attribute(url, "QueueArn")
		time.Sleep(20 * time.Millisecond)
		after, err := os.Stat(k.path)
		require.NoError(t, err)
		return os.SameFile(before, after)
	})
}

func TestStateThatCannotBeWrittenIsReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	require.NoError(t, os.Mkdir(dir, 0o700))
	failed := make(chan error, 100)
	srv, err := awstest.New(awstest.StateFile(filepath.Join(dir, "state")), awstest.SaveEvery(time.Millisecond), awstest.OnError(func(err error) {
		select {
		case failed <- err:
		default:
		}
	}))
	require.NoError(t, err)
	defer srv.Close()
	k := on(t, srv)
	// a save under way may put a file into it meanwhile
	require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, time.Minute, time.Millisecond)
	k.queue("q")
	require.ErrorContains(t, <-failed, "saving state")
	require.ErrorContains(t, <-failed, "saving state", "it is tried again")
	require.ErrorContains(t, srv.Stop(), "saving state")
}

// Whatever moves while the state is saved, each message is in one place in it.
func TestASavedStateIsOfOneInstant(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, which -short leaves out")
	}
	k := keep(t, awstest.SaveEvery(time.Millisecond))
	const n = 200
	source, _ := k.sourceAndDLQ("q", "1", "VisibilityTimeout", "0")
	for i := range n {
		k.send(source, fmt.Sprint(i))
	}
	var workers sync.WaitGroup
	stop := make(chan struct{})
	working := func(work func()) {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work()
				}
			}
		})
	}
	for range 2 {
		working(func() { k.receive(source) })
	}
	working(func() {
		_, _ = k.sqs.StartMessageMoveTask(k.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(queueARN("q-dlq"))}) // one may be running
	})
	working(func() { k.srv.Clock.Advance(100 * time.Millisecond) })
	count := func(k *kit, url string) int {
		n := 0
		for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
			v, err := strconv.Atoi(k.attribute(url, name))
			require.NoError(t, err)
			n += v
		}
		return n
	}
	elsewhere := 0
	// on a machine under load a save may not meet the moves for some time
	for saves := 0; saves < 5 || elsewhere == 0 && saves < 100; saves++ {
		before, err := os.Stat(k.path)
		require.NoError(t, err)
		eventually(t, "the state is saved", func() bool {
			after, err := os.Stat(k.path)
			return err == nil && !os.SameFile(before, after)
		})
		srv, err := awstest.New(awstest.StateFile(k.copyOf(t)), awstest.StartAt(k.now))
		require.NoError(t, err)
		copied := on(t, srv)
		srv.Clock.Pause()
		in, dead := count(copied, srv.URL+"/000000000000/q"), count(copied, srv.URL+"/000000000000/q-dlq")
		if dead > 0 && dead < n {
			elsewhere++
		}
		// a move task goes on in the copy, too, between the two counts
		if in+dead != n {
			in, dead = count(copied, srv.URL+"/000000000000/q"), count(copied, srv.URL+"/000000000000/q-dlq")
		}
		require.Equal(t, n, in+dead)
		srv.Close()
	}
	close(stop)
	workers.Wait()
	require.NotZero(t, elsewhere, "nothing was moving")
}
