package sns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sns"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	owner    = "123456789012"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:ops"
	dlqARN   = "arn:aws:sqs:us-east-1:123456789012:ops-dlq"
)

// sent is a message that the recorder took.
type sent struct {
	from  fabric.Principal
	queue string
	fabric.QueueMessage
}

// recorder is an SQS that keeps what it is sent, and refuses what it is told to.
type recorder struct {
	mu     sync.Mutex
	got    []sent
	refuse map[string]error
	tries  int
}

func (r *recorder) Deliver(from fabric.Principal, queue string, m fabric.QueueMessage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if err := r.refuse[queue]; err != nil {
		return err
	}
	r.got = append(r.got, sent{from, queue, m})
	return nil
}

func (r *recorder) set(queue string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse[queue] = err
}

// take returns what was sent since the last call.
func (r *recorder) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

type fixture struct {
	*sdk.Client
	clk    *clock.Clock
	svc    *sns.Service
	queues *recorder
	url    string
}

func start(t *testing.T) *fixture {
	t.Helper()
	clk := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	t.Cleanup(clk.Close)
	queues := &recorder{refuse: map[string]error{}}
	svc := sns.New(clk, queues)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	f := &fixture{clk: clk, svc: svc, queues: queues, url: srv.URL}
	f.Client = f.as(owner)
	return f
}

// as returns a client of an account.
func (f *fixture) as(account string) *sdk.Client { return f.in("us-east-1", account) }

// in returns a client of an account in a region.
func (f *fixture) in(region, account string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: aws.String(f.url), RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	})
}

func (f *fixture) topic(t *testing.T, name string, attributes map[string]string) string {
	t.Helper()
	out, err := f.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: &name, Attributes: attributes})
	require.NoError(t, err)
	return *out.TopicArn
}

func (f *fixture) subscription(t *testing.T, topic, endpoint string, attributes map[string]string) string {
	t.Helper()
	out, err := f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true})
	require.NoError(t, err)
	return *out.SubscriptionArn
}

func (f *fixture) attributes(t *testing.T, topic string) map[string]string {
	t.Helper()
	out, err := f.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &topic})
	require.NoError(t, err)
	return out.Attributes
}

func (f *fixture) subscriptionAttributes(t *testing.T, arn string) map[string]string {
	t.Helper()
	out, err := f.GetSubscriptionAttributes(t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	require.NoError(t, err)
	return out.Attributes
}

// requireError requires an AWS error of the code whose message contains the text.
func requireError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	require.Contains(t, e.ErrorMessage(), text)
}

func TestANewTopicHasTheAttributesOfAWS(t *testing.T) {
	f := start(t)
	arn := f.topic(t, "alerts", nil)
	require.Equal(t, "arn:aws:sns:us-east-1:123456789012:alerts", arn)
	got := f.attributes(t, arn)
	require.JSONEq(t, `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},
		"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],
		"Resource":"`+arn+`","Condition":{"StringEquals":{"AWS:SourceOwner":"123456789012"}}}]}`, got["Policy"])
	require.JSONEq(t, `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},
		"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`, got["EffectiveDeliveryPolicy"])
	delete(got, "Policy")
	delete(got, "EffectiveDeliveryPolicy")
	require.Equal(t, map[string]string{
		"TopicArn": arn, "Owner": owner, "DisplayName": "",
		"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
	}, got)
}

func TestCreateTopic(t *testing.T) {
	fifo := map[string]string{"FifoTopic": "true"}
	tests := map[string]struct {
		name       string
		attributes map[string]string
		err        string
	}{
		"a plain name":                           {"a-b_C9", nil, ""},
		"a FIFO topic":                           {"a.fifo", fifo, ""},
		"no other characters":                    {"a b", nil, "Invalid parameter: Topic Name"},
		"no longer than 256 characters":          {strings.Repeat("a", 257), nil, "Invalid parameter: Topic Name"},
		".fifo is for FIFO topics":               {"a.fifo", nil, "Invalid parameter: Topic Name"},
		"FIFO topics end in .fifo":               {"a", fifo, "Invalid parameter: Fifo Topic names must end with .fifo"},
		"an attribute that doesn't exist":        {"a", map[string]string{"Colour": "red"}, "Invalid parameter: Attributes Reason: AttributeName"},
		"content based deduplication needs FIFO": {"a", map[string]string{"ContentBasedDeduplication": "true"}, "FIFO topics"},
		"a policy that isn't one":                {"a", map[string]string{"Policy": "{"}, "Policy Error: null"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := start(t).CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: &tt.name, Attributes: tt.attributes})
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			requireError(t, err, "InvalidParameter", tt.err)
		})
	}
}

func TestCreatingATopicAgain(t *testing.T) {
	f := start(t)
	create := func(attributes map[string]string, tags ...types.Tag) error {
		_, err := f.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("t"), Attributes: attributes, Tags: tags})
		return err
	}
	tag := types.Tag{Key: aws.String("k"), Value: aws.String("v")}
	require.NoError(t, create(map[string]string{"DisplayName": "T"}, tag))
	require.NoError(t, create(nil), "with less is the same")
	require.NoError(t, create(map[string]string{"DisplayName": "T"}, tag))
	requireError(t, create(map[string]string{"DisplayName": "U"}), "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
	requireError(t, create(nil, tag, types.Tag{Key: aws.String("l"), Value: aws.String("v")}), "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
}

func TestTopicAttributesCanBeSetAndUnset(t *testing.T) {
	f := start(t)
	arn := f.topic(t, "t.fifo", map[string]string{"FifoTopic": "true"})
	role := "arn:aws:iam::123456789012:role/feedback"
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"SNS:Publish","Resource":"` + arn + `"}]}`
	for name, value := range map[string]string{
		"DisplayName": "T", "KmsMasterKeyId": "alias/mine", "SignatureVersion": "2", "TracingConfig": "Active", "ContentBasedDeduplication": "true",
		"FifoThroughputScope": "MessageGroup", "DeliveryPolicy": `{"http":{"disableSubscriptionOverrides":true}}`, "Policy": doc,
		"SQSSuccessFeedbackRoleArn": role, "SQSFailureFeedbackRoleArn": role, "SQSSuccessFeedbackSampleRate": "100",
		"HTTPSuccessFeedbackRoleArn": role, "LambdaFailureFeedbackRoleArn": role, "FirehoseSuccessFeedbackSampleRate": "5", "ApplicationFailureFeedbackRoleArn": role,
		"ArchivePolicy": `{"MessageRetentionPeriod":"30"}`,
	} {
		_, err := f.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String(name), AttributeValue: aws.String(value)})
		require.NoError(t, err, name)
		require.Equal(t, value, f.attributes(t, arn)[name])
	}
	require.Contains(t, f.attributes(t, arn)["EffectiveDeliveryPolicy"], `"disableSubscriptionOverrides":true`)
	require.Contains(t, f.attributes(t, arn)["EffectiveDeliveryPolicy"], `"numRetries":3`)
	_, err := f.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String("")})
	require.NoError(t, err)
	require.NotContains(t, f.attributes(t, arn), "KmsMasterKeyId")
}

func TestTopicAttributesAreChecked(t *testing.T) {
	f := start(t)
	arn := f.topic(t, "t", nil)
	statement := func(action string) string {
		return `{"Statement":{"Effect":"Allow","Principal":"*","Action":"` + action + `","Resource":"` + arn + `"}}`
	}
	for name, tt := range map[string]struct{ attribute, value, err string }{
		"unknown":                          {"Colour", "red", "Invalid parameter: AttributeName"},
		"what can't be set":                {"Owner", "me", "Invalid parameter: AttributeName"},
		"signature version":                {"SignatureVersion", "3", "Invalid parameter: SignatureVersion"},
		"sample rate":                      {"SQSSuccessFeedbackSampleRate", "101", "Invalid parameter: SQSSuccessFeedbackSampleRate"},
		"role":                             {"SQSSuccessFeedbackRoleArn", "role", "Invalid parameter: SQSSuccessFeedbackRoleArn"},
		"delivery policy":                  {"DeliveryPolicy", "[]", "Invalid parameter: DeliveryPolicy"},
		"a policy without principal":       {"Policy", `{"Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}`, "Invalid parameter: Policy Error: null"},
		"a policy about another service":   {"Policy", statement("sqs:SendMessage"), "Policy statement action out of service scope!"},
		"a policy about all of SNS":        {"Policy", statement("sns:*"), "Policy statement action out of service scope!"},
		"a policy about no topic's action": {"Policy", statement("sns:ListTopics"), "Policy statement action out of service scope!"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &tt.attribute, AttributeValue: &tt.value})
			requireError(t, err, "InvalidParameter", tt.err)
		})
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	f := start(t)
	none := "arn:aws:sns:us-east-1:123456789012:none"
	_, err := f.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &none})
	requireError(t, err, "NotFound", "Topic does not exist")
	_, err = f.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: aws.String("none")})
	requireError(t, err, "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1")
	_, err = f.Publish(t.Context(), &sdk.PublishInput{TopicArn: &none, Message: aws.String("m")})
	requireError(t, err, "NotFound", "Topic does not exist")
	_, err = f.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: &none})
	require.NoError(t, err)
	_, err = f.GetSubscriptionAttributes(t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(none + ":1")})
	requireError(t, err, "NotFound", "Subscription does not exist")
	_, err = f.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: aws.String(none + ":1")})
	require.NoError(t, err)
	_, err = f.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &none})
	requireError(t, err, "ResourceNotFound", "Resource does not exist")
}

func TestRegionsAreApart(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	elsewhere := f.in("eu-west-1", owner)
	_, err := elsewhere.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &topic})
	requireError(t, err, "InvalidParameter", "Invalid parameter: TopicArn")
	out, err := elsewhere.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("t")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sns:eu-west-1:123456789012:t", *out.TopicArn)
	list, err := f.ListTopics(t.Context(), &sdk.ListTopicsInput{})
	require.NoError(t, err)
	require.Equal(t, []types.Topic{{TopicArn: &topic}}, list.Topics)
}

func TestAQueueIsSubscribedAtOnce(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	arn := f.subscription(t, topic, queueARN, nil)
	require.Regexp(t, `^`+topic+`:[0-9a-f-]{36}$`, arn)
	require.Equal(t, map[string]string{
		"ConfirmationWasAuthenticated": "true", "Endpoint": queueARN, "Owner": owner, "PendingConfirmation": "false", "Protocol": "sqs",
		"RawMessageDelivery": "false", "SubscriptionArn": arn, "SubscriptionPrincipal": "arn:aws:iam::123456789012:root", "TopicArn": topic,
	}, f.subscriptionAttributes(t, arn))
	require.Equal(t, arn, f.subscription(t, topic, queueARN, nil), "again is the same")
	require.Equal(t, "1", f.attributes(t, topic)["SubscriptionsConfirmed"])

	_, err := f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN), Attributes: map[string]string{"RawMessageDelivery": "true"}})
	requireError(t, err, "InvalidParameter", "Subscription already exists with different attributes")

	list, err := f.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic})
	require.NoError(t, err)
	require.Equal(t, []types.Subscription{{Endpoint: aws.String(queueARN), Owner: aws.String(owner), Protocol: aws.String("sqs"), SubscriptionArn: &arn, TopicArn: &topic}}, list.Subscriptions)

	_, err = f.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: &arn})
	require.NoError(t, err)
	all, err := f.ListSubscriptions(t.Context(), &sdk.ListSubscriptionsInput{})
	require.NoError(t, err)
	require.Empty(t, all.Subscriptions)
	require.Equal(t, "1", f.attributes(t, topic)["SubscriptionsDeleted"])
}

func TestSubscribeChecksItsInput(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	for name, tt := range map[string]struct {
		protocol, endpoint string
		attributes         map[string]string
		code, err          string
	}{
		"a protocol that doesn't exist":   {"pigeon", "loft", nil, "InvalidParameter", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"},
		"a queue's URL":                   {"sqs", "https://sqs.us-east-1.amazonaws.com/123456789012/ops", nil, "InvalidParameter", "Invalid parameter: SQS endpoint ARN"},
		"a FIFO queue":                    {"sqs", queueARN + ".fifo", nil, "InvalidParameter", "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
		"a function's name":               {"lambda", "f", nil, "InvalidParameter", "Invalid parameter: Lambda endpoint ARN"},
		"a function as a delivery stream": {"firehose", "arn:aws:lambda:us-east-1:123456789012:function:f", nil, "InvalidParameter", "Invalid parameter: Firehose endpoint ARN"},
		"a wrong value":                   {"sqs", queueARN, map[string]string{"RawMessageDelivery": "wrongvalue"}, "InvalidParameter", "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."},
		"an attribute that doesn't exist": {"sqs", queueARN, map[string]string{"Colour": "red"}, "InvalidParameter", "Invalid parameter: Attributes Reason: AttributeName"},
		"a bad filter":                    {"sqs", queueARN, map[string]string{"FilterPolicy": `{"key":[["value"]]}`}, "InvalidParameter", "Invalid parameter: Attributes Reason: FilterPolicy: Match value must be String, number, true, false, or null"},
		"a nested filter on attributes":   {"sqs", queueARN, map[string]string{"FilterPolicy": `{"a":{"b":["c"]}}`}, "InvalidParameter", "Filter policy scope MessageAttributes does not support nested filter policy"},
		"an unknown DLQ":                  {"sqs", queueARN, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"fake"}`}, "InvalidParameter", "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: &tt.protocol, Endpoint: &tt.endpoint, Attributes: tt.attributes})
			requireError(t, err, tt.code, tt.err)
		})
	}
}

func TestSubscriptionAttributesCanBeSetAndUnset(t *testing.T) {
	f := start(t)
	arn := f.subscription(t, f.topic(t, "t", nil), queueARN, map[string]string{"RawMessageDelivery": "true"})
	set := func(name, value string) error {
		_, err := f.SetSubscriptionAttributes(t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &name, AttributeValue: &value})
		return err
	}
	require.NoError(t, set("FilterPolicyScope", "MessageBody"))
	require.NotContains(t, f.subscriptionAttributes(t, arn), "FilterPolicyScope", "without a policy")
	require.NoError(t, set("FilterPolicy", `{"a":{"b":["c"]}}`))
	require.NoError(t, set("RedrivePolicy", `{"deadLetterTargetArn":"`+dlqARN+`"}`))
	got := f.subscriptionAttributes(t, arn)
	require.Equal(t, `{"a":{"b":["c"]}}`, got["FilterPolicy"])
	require.Equal(t, "MessageBody", got["FilterPolicyScope"])
	require.Equal(t, `{"deadLetterTargetArn":"`+dlqARN+`"}`, got["RedrivePolicy"])
	require.Equal(t, "true", got["RawMessageDelivery"])
	requireError(t, set("FilterPolicyScope", "MessageAttributes"), "InvalidParameter", "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy")

	require.NoError(t, set("FilterPolicy", "{}"))
	_, err := f.SetSubscriptionAttributes(t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: aws.String("RedrivePolicy")})
	require.NoError(t, err)
	require.NotContains(t, f.subscriptionAttributes(t, arn), "FilterPolicy")
	require.NotContains(t, f.subscriptionAttributes(t, arn), "RedrivePolicy")

	requireError(t, set("Colour", "red"), "InvalidParameter", "Invalid parameter: AttributeName")
	requireError(t, set("RawMessageDelivery", "test-ValUe"), "InvalidParameter", "Invalid parameter: RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.")
	requireError(t, set("RedrivePolicy", "{invalid}"), "InvalidParameter", "Invalid parameter: RedrivePolicy: failed to parse JSON.")
	requireError(t, set("FilterPolicy", "{invalid}"), "InvalidParameter", "Invalid parameter: FilterPolicy: failed to parse JSON.")
	requireError(t, set("RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:d"}`), "InvalidParameter", "account and region")
}

func TestAnEmailSubscriptionStaysPending(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	in := &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}
	out, err := f.Subscribe(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "pending confirmation", *out.SubscriptionArn)
	in.ReturnSubscriptionArn = true
	out, err = f.Subscribe(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "true", f.subscriptionAttributes(t, *out.SubscriptionArn)["PendingConfirmation"])
	list, err := f.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic})
	require.NoError(t, err)
	require.Equal(t, "PendingConfirmation", *list.Subscriptions[0].SubscriptionArn)
	_, err = f.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: out.SubscriptionArn})
	requireError(t, err, "InvalidParameter", "Cannot unsubscribe a subscription that is pending confirmation")
	_, err = f.ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: aws.String("randomtoken")})
	requireError(t, err, "InvalidParameter", "Invalid token")
	_, err = f.ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: aws.String(strings.Repeat("0", 64))})
	requireError(t, err, "InvalidParameter", "Invalid parameter: Token")
	f.clk.Advance(48*time.Hour - time.Second)
	require.Equal(t, "1", f.attributes(t, topic)["SubscriptionsPending"])
	f.clk.Advance(time.Second)
	require.Equal(t, "0", f.attributes(t, topic)["SubscriptionsPending"])
}

func TestSubscriptionsOfOtherServicesAreKeptAndSentNothing(t *testing.T) {
	const account = ":us-east-1:123456789012:"
	for protocol, endpoint := range map[string]string{
		"lambda": "arn:aws:lambda" + account + "function:f", "firehose": "arn:aws:firehose" + account + "deliverystream/d",
		"application": "arn:aws:sns" + account + "endpoint/GCM/app/1",
	} {
		t.Run(protocol, func(t *testing.T) {
			f := start(t)
			topic := f.topic(t, "t", nil)
			attributes := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `"}`, "FilterPolicy": `{"kind":["a"]}`}
			if protocol == "firehose" {
				attributes["SubscriptionRoleArn"] = "arn:aws:iam::123456789012:role/stream"
			}
			out, err := f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes})
			require.NoError(t, err)
			got := f.subscriptionAttributes(t, *out.SubscriptionArn)
			require.Equal(t, "false", got["PendingConfirmation"])
			require.Equal(t, endpoint, got["Endpoint"])
			for name, value := range attributes {
				require.Equal(t, value, got[name])
			}
			f.send(t, topic, "hello")
			require.Empty(t, f.queues.take())

			fifo := f.topic(t, "t.fifo", map[string]string{"FifoTopic": "true"})
			_, err = f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &fifo, Protocol: &protocol, Endpoint: &endpoint})
			requireError(t, err, "InvalidParameter", "Please use FIFO SQS queue")
		})
	}
}

func TestAnotherAccountsQueueHasToConfirm(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	other := "arn:aws:sqs:us-east-1:210987654321:ops"
	arn := f.subscription(t, topic, other, nil)
	got := f.queues.take()
	require.Len(t, got, 1)
	var body map[string]string
	require.NoError(t, json.Unmarshal([]byte(got[0].Body), &body))
	require.Equal(t, "SubscriptionConfirmation", body["Type"])
	f.send(t, topic, "unheard")
	require.Empty(t, f.queues.take())
	token := body["Token"]
	out, err := f.as("210987654321").ConfirmSubscription(t.Context(), &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
	require.NoError(t, err)
	require.Equal(t, arn, *out.SubscriptionArn)
	require.Equal(t, "false", f.subscriptionAttributes(t, arn)["PendingConfirmation"])
	f.send(t, topic, "heard")
	require.Len(t, f.queues.take(), 1)
}

func (f *fixture) send(t *testing.T, topic, text string) *sdk.PublishOutput {
	t.Helper()
	out, err := f.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: &text})
	require.NoError(t, err)
	return out
}

func TestTheEnvelopeIsThatOfAWS(t *testing.T) {
	f := start(t)
	f.clk.Pause()
	topic := f.topic(t, "t", nil)
	sub := f.subscription(t, topic, queueARN, nil)
	out, err := f.Publish(t.Context(), &sdk.PublishInput{
		TopicArn: &topic, Message: aws.String(`ö "<&>"`), Subject: aws.String("S"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"n": {DataType: aws.String("Number"), StringValue: aws.String("99.12")},
			"b": {DataType: aws.String("Binary"), BinaryValue: []byte{2, 3, 4}},
		},
	})
	require.NoError(t, err)
	got := f.queues.take()
	require.Len(t, got, 1)
	require.Equal(t, queueARN, got[0].queue)
	require.Equal(t, fabric.Principal{Service: "sns.amazonaws.com", SourceARN: topic, SourceAccount: owner}, got[0].from)
	require.Empty(t, got[0].Attributes)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(got[0].Body), &body))
	require.NotEmpty(t, body["Signature"])
	require.Regexp(t, `^https://sns\.us-east-1\.amazonaws\.com/SimpleNotificationService-[0-9a-f]{32}\.pem$`, body["SigningCertURL"])
	delete(body, "Signature")
	delete(body, "SigningCertURL")
	require.Equal(t, map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": topic, "Subject": "S", "Message": `ö "<&>"`,
		"Timestamp": f.clk.Now().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1",
		"UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + sub,
		"MessageAttributes": map[string]any{
			"n": map[string]any{"Type": "Number", "Value": "99.12"},
			"b": map[string]any{"Type": "Binary", "Value": "AgME"},
		},
	}, body)
	require.True(t, strings.HasPrefix(got[0].Body, "{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : "), got[0].Body)
}

func TestRawDeliveryPassesMessageAndAttributes(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": "true"})
	publish := func(n int) {
		attributes := map[string]types.MessageAttributeValue{}
		for i := range n {
			attributes[fmt.Sprint("a", i)] = types.MessageAttributeValue{DataType: aws.String("String.x"), StringValue: aws.String("v")}
		}
		_, err := f.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: aws.String("text"), MessageAttributes: attributes, MessageGroupId: aws.String("g")})
		require.NoError(t, err)
	}
	publish(1)
	got := f.queues.take()
	require.Len(t, got, 1)
	require.Equal(t, fabric.QueueMessage{Body: "text", Attributes: map[string]fabric.Attribute{"a0": {DataType: "String.x", StringValue: "v"}}, GroupID: "g"}, got[0].QueueMessage)
	publish(10)
	require.Len(t, f.queues.take(), 1)
	publish(11)
	require.Empty(t, f.queues.take(), "SQS takes ten attributes")
}

func TestAMessageMayHaveATextForEachProtocol(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": "true"})
	publish := func(text string) error {
		_, err := f.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: &text, MessageStructure: aws.String("json")})
		return err
	}
	require.NoError(t, publish(`{"default":"d","sqs":"{\"field\": \"value\"}"}`))
	require.NoError(t, publish(`{"default":"d","email":"e"}`))
	got := f.queues.take()
	require.Len(t, got, 2)
	require.Equal(t, `{"field": "value"}`, got[0].Body)
	require.Equal(t, "d", got[1].Body)
	requireError(t, publish(`{"sqs":"x"}`), "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
	requireError(t, publish(`{"default":{}}`), "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
	requireError(t, publish(`default`), "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse")
}

func TestARefusedDeliveryGoesToTheSubscriptionsDLQ(t *testing.T) {
	for _, raw := range []string{"true", "false"} {
		t.Run("raw "+raw, func(t *testing.T) {
			f := start(t)
			topic := f.topic(t, "t", nil)
			f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": raw, "RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `"}`})
			other := queueARN + "-2"
			f.subscription(t, topic, other, nil)
			f.queues.set(queueARN, &wire.Error{Code: "AccessDenied", Message: "no", Status: 403})
			_, err := f.Publish(t.Context(), &sdk.PublishInput{
				TopicArn: &topic, Message: aws.String("lost"),
				MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("Number"), StringValue: aws.String("111")}},
			})
			require.NoError(t, err, "the publisher isn't told")
			got := f.queues.take()
			require.Len(t, got, 2)
			require.Equal(t, []string{dlqARN, other}, []string{got[0].queue, got[1].queue})
			require.Equal(t, topic, got[0].from.SourceARN)
			if raw == "true" {
				require.Equal(t, "lost", got[0].Body)
				require.Equal(t, map[string]fabric.Attribute{"a": {DataType: "Number", StringValue: "111"}}, got[0].Attributes)
			} else {
				require.Contains(t, got[0].Body, `"Message" : "lost"`)
				require.Empty(t, got[0].Attributes)
			}
			require.Equal(t, 3, f.queues.tries, "a refusal is not retried")
		})
	}
}

func TestAFaultOfSQSIsRetried(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `"}`})
	f.queues.set(queueARN, &wire.Error{Code: "InternalError", Receiver: true})
	f.send(t, topic, "late")
	f.clk.Advance(10 * time.Second)
	require.Empty(t, f.queues.take())
	f.queues.set(queueARN, nil)
	f.clk.Advance(20 * time.Second)
	got := f.queues.take()
	require.Len(t, got, 1)
	require.Equal(t, queueARN, got[0].queue)
	f.clk.Advance(time.Hour)
	require.Empty(t, f.queues.take())
}

func TestPublishChecksItsInput(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	value := func(dataType, text string, b []byte) map[string]types.MessageAttributeValue {
		v := types.MessageAttributeValue{DataType: &dataType, BinaryValue: b}
		if text != "" {
			v.StringValue = &text
		}
		return map[string]types.MessageAttributeValue{"attr1": v}
	}
	named := func(name string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: aws.String("String"), StringValue: aws.String("x")}}
	}
	for name, tt := range map[string]struct {
		in        sdk.PublishInput
		code, err string
	}{
		"no text":                     {sdk.PublishInput{Message: aws.String("")}, "InvalidParameter", "Invalid parameter: Empty message"},
		"a long text":                 {sdk.PublishInput{Message: aws.String(strings.Repeat("x", 262_145))}, "InvalidParameter", "Invalid parameter: Message too long"},
		"long with attributes":        {sdk.PublishInput{Message: aws.String(strings.Repeat("x", 262_144)), MessageAttributes: named("a")}, "InvalidParameter", "Invalid parameter: Message too long"},
		"an empty subject":            {sdk.PublishInput{Subject: aws.String("")}, "InvalidParameter", "Invalid parameter: Subject"},
		"a subject of two lines":      {sdk.PublishInput{Subject: aws.String("a\nb")}, "InvalidParameter", "Invalid parameter: Subject"},
		"a long subject":              {sdk.PublishInput{Subject: aws.String(strings.Repeat("s", 101))}, "InvalidParameter", "Invalid parameter: Subject"},
		"deduplication of a standard": {sdk.PublishInput{MessageDeduplicationId: aws.String("d")}, "InvalidParameter", "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"},
		"an empty string":             {sdk.PublishInput{MessageAttributes: value("String", "", nil)}, "ParameterValueInvalid", "must contain non-empty message attribute value for message attribute type 'String'."},
		"an empty blob":               {sdk.PublishInput{MessageAttributes: value("Binary", "", nil)}, "ParameterValueInvalid", "must contain non-empty message attribute value for message attribute type 'Binary'."},
		"a blob for a string":         {sdk.PublishInput{MessageAttributes: value("String", "", []byte{1})}, "ParameterValueInvalid", "with type 'String' must use field 'String'."},
		"a blob for a number":         {sdk.PublishInput{MessageAttributes: value("Number", "", []byte{1})}, "ParameterValueInvalid", "with type 'Number' must use field 'String'."},
		"a string for a blob":         {sdk.PublishInput{MessageAttributes: value("Binary", "x", nil)}, "ParameterValueInvalid", "with type 'Binary' must use field 'Binary'."},
		"no number":                   {sdk.PublishInput{MessageAttributes: value("Number", "x", nil)}, "ParameterValueInvalid", "to number"},
		"an unknown type":             {sdk.PublishInput{MessageAttributes: value("StringPrefix", "x", nil)}, "ParameterValueInvalid", "the set of supported type prefixes is Binary, Number, and String."},
		"no type":                     {sdk.PublishInput{MessageAttributes: value("", "x", nil)}, "ValidationError", "Value null at 'messageAttributes.attr1.member.dataType'"},
		"a long name":                 {sdk.PublishInput{MessageAttributes: named(strings.Repeat("a", 257))}, "ParameterValueInvalid", "Length of message attribute name must be less than 256 bytes."},
		"a bad name":                  {sdk.PublishInput{MessageAttributes: named("a^b")}, "ParameterValueInvalid", "Invalid non-alphanumeric character '#x5E'"},
	} {
		t.Run(name, func(t *testing.T) {
			in := tt.in
			in.TopicArn = &topic
			if in.Message == nil {
				in.Message = aws.String("m")
			}
			_, err := f.Publish(t.Context(), &in)
			requireError(t, err, tt.code, tt.err)
		})
	}
}

func TestPublishBatch(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": "true"})
	publish := func(ids ...string) (*sdk.PublishBatchOutput, error) {
		in := &sdk.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{}}
		for _, id := range ids {
			in.PublishBatchRequestEntries = append(in.PublishBatchRequestEntries, types.PublishBatchRequestEntry{
				Id: aws.String(id), Message: aws.String("text " + id),
				MessageAttributes: map[string]types.MessageAttributeValue{"id": {DataType: aws.String("String"), StringValue: aws.String(id)}},
			})
		}
		return f.PublishBatch(t.Context(), in)
	}
	out, err := publish("1", "2", "3")
	require.NoError(t, err)
	require.Len(t, out.Successful, 3)
	require.Empty(t, out.Failed)
	got := f.queues.take()
	require.Len(t, got, 3)
	for i, m := range got {
		require.Equal(t, fmt.Sprint("text ", i+1), m.Body, "in order")
		require.Equal(t, fmt.Sprint(i+1), m.Attributes["id"].StringValue)
	}
	_, err = publish()
	requireError(t, err, "EmptyBatchRequest", "")
	_, err = publish("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
	requireError(t, err, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	_, err = publish("1", "1")
	requireError(t, err, "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
	_, err = publish("a b")
	requireError(t, err, "InvalidBatchEntryId", "")
	require.Empty(t, f.queues.take())
}

func TestAFIFOTopicDeduplicatesAndNumbers(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t.fifo", map[string]string{"FifoTopic": "true"})
	f.subscription(t, topic, queueARN+".fifo", nil)
	f.subscription(t, topic, queueARN, map[string]string{"RawMessageDelivery": "true"})
	publish := func(group, id *string) (*sdk.PublishOutput, error) {
		return f.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: aws.String("Test"), MessageGroupId: group, MessageDeduplicationId: id})
	}
	_, err := publish(nil, nil)
	requireError(t, err, "InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
	group := aws.String("g")
	_, err = publish(group, nil)
	requireError(t, err, "InvalidParameter", "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")

	first, err := publish(group, aws.String("d"))
	require.NoError(t, err)
	require.Len(t, *first.SequenceNumber, 20)
	got := f.queues.take()
	require.Len(t, got, 2)
	require.Equal(t, "g", got[0].GroupID)
	require.Equal(t, "d", got[0].DeduplicationID)
	require.Contains(t, got[0].Body, `"SequenceNumber" : "`+*first.SequenceNumber+`"`)
	require.NotContains(t, got[0].Body, "Signature")
	require.Empty(t, got[1].DeduplicationID, "a standard queue takes none")

	f.clk.Advance(5*time.Minute - time.Second)
	again, err := publish(group, aws.String("d"))
	require.NoError(t, err)
	require.Equal(t, *first.SequenceNumber, *again.SequenceNumber)
	require.Empty(t, f.queues.take())
	f.clk.Advance(2 * time.Second)
	later, err := publish(group, aws.String("d"))
	require.NoError(t, err)
	require.Greater(t, *later.SequenceNumber, *first.SequenceNumber)
	require.Len(t, f.queues.take(), 2)

	_, err = f.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("ContentBasedDeduplication"), AttributeValue: aws.String("true")})
	require.NoError(t, err)
	_, err = publish(group, nil)
	require.NoError(t, err)
	require.Equal(t, "532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25", f.queues.take()[0].DeduplicationID, "the SHA-256 of the text")

	_, err = f.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN + "-2.fifo"), Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `"}`}})
	requireError(t, err, "InvalidParameter", "must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
}

func TestAServicePublishesIfThePolicyLetsIt(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, nil)
	alarm := fabric.Principal{Service: "cloudwatch.amazonaws.com", SourceARN: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a", SourceAccount: owner}
	set := func(name, value string) {
		_, err := f.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &topic, AttributeName: &name, AttributeValue: &value})
		require.NoError(t, err)
	}
	require.NoError(t, f.svc.Publish(alarm, topic, `ALARM: "a"`, "text"), "the default policy")
	got := f.queues.take()
	require.Len(t, got, 1)
	require.Contains(t, got[0].Body, `"Subject" : "ALARM: \"a\""`)

	foreign := alarm
	foreign.SourceAccount = "210987654321"
	requireError(t, asAPI(f.svc.Publish(foreign, topic, "s", "text")), "AuthorizationError", "CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: "+topic)

	statement := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sns:Publish","Resource":"` + topic + `"}]}`
	set("Policy", fmt.Sprintf(statement, "events.amazonaws.com"))
	requireError(t, asAPI(f.svc.Publish(alarm, topic, "s", "text")), "AuthorizationError", "because no resource-based policy allows the SNS:Publish action")
	set("Policy", fmt.Sprintf(statement, "cloudwatch.amazonaws.com"))
	require.NoError(t, f.svc.Publish(alarm, topic, "s", "text"))
	set("KmsMasterKeyId", "alias/aws/sns")
	requireError(t, asAPI(f.svc.Publish(alarm, topic, "s", "text")), "KMSAccessDenied", "CloudWatch Alarms does not have authorization to access the SNS topic encryption key.")
	requireError(t, asAPI(f.svc.Publish(alarm, topic+"x", "s", "text")), "NotFound", "Topic does not exist")
	require.Len(t, f.queues.take(), 1)
}

// asAPI makes an SDK error of one of wire's.
func asAPI(err error) error {
	e, ok := err.(*wire.Error)
	if !ok {
		return err
	}
	return &smithy.GenericAPIError{Code: e.Code, Message: e.Message}
}

func TestOtherAccountsNeedPermission(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	other := f.as("210987654321")
	publish := func() error {
		_, err := other.Publish(t.Context(), &sdk.PublishInput{TopicArn: &topic, Message: aws.String("m")})
		return err
	}
	requireError(t, publish(), "AuthorizationError", "User: arn:aws:iam::210987654321:root is not authorized to perform: SNS:Publish on resource: "+topic+" because no resource-based policy allows the SNS:Publish action")
	permit := &sdk.AddPermissionInput{TopicArn: &topic, Label: aws.String("theirs"), AWSAccountId: []string{"210987654321"}, ActionName: []string{"Publish"}}
	_, err := f.AddPermission(t.Context(), permit)
	require.NoError(t, err)
	require.NoError(t, publish())
	require.Contains(t, f.attributes(t, topic)["Policy"], "__default_statement_ID")
	_, err = f.AddPermission(t.Context(), permit)
	requireError(t, err, "InvalidParameter", "Statement already exists")
	_, err = f.RemovePermission(t.Context(), &sdk.RemovePermissionInput{TopicArn: &topic, Label: aws.String("theirs")})
	require.NoError(t, err)
	requireError(t, publish(), "AuthorizationError", "not authorized")
}

func TestTags(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	_, err := f.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &topic, Tags: []types.Tag{tag("k1", "v1"), tag("k2", "")}})
	require.NoError(t, err)
	_, err = f.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: &topic, Tags: []types.Tag{tag("k1", "v"), tag("k1", "w")}})
	requireError(t, err, "InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
	_, err = f.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &topic, TagKeys: []string{"k1", "none"}})
	require.NoError(t, err)
	out, err := f.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &topic})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{tag("k2", "")}, out.Tags)
}

func TestListsComeInPages(t *testing.T) {
	f := start(t)
	for i := range 101 {
		f.topic(t, fmt.Sprint("t", i), nil)
	}
	var all []string
	pages := sdk.NewListTopicsPaginator(f.Client, &sdk.ListTopicsInput{})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, page.Topics, []int{100, 1}[n])
		for _, topic := range page.Topics {
			all = append(all, *topic.TopicArn)
		}
	}
	slices.Sort(all)
	require.Len(t, slices.Compact(all), 101)
}

func TestADefectDropsDeliveries(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	f.subscription(t, topic, queueARN, nil)
	f.svc.Plant(sns.DeliveryDropped)
	f.send(t, topic, "lost")
	require.Empty(t, f.queues.take())
	f.svc.Plant()
	f.send(t, topic, "found")
	require.Len(t, f.queues.take(), 1)
}

func TestConcurrentUse(t *testing.T) {
	f := start(t)
	topic := f.topic(t, "t", nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ctx := context.Background()
			queue := fmt.Sprint(queueARN, i)
			for range 5 {
				out, err := f.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue, ReturnSubscriptionArn: true})
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = f.Publish(ctx, &sdk.PublishInput{TopicArn: &topic, Message: aws.String("m")})
				_, _ = f.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: out.SubscriptionArn})
			}
		})
	}
	wg.Wait()
	require.GreaterOrEqual(t, len(f.queues.take()), 40, "each has heard at least itself")
}
