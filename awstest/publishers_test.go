package awstest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func ruleARN(name string) string { return "arn:aws:events:us-east-1:000000000000:rule/" + name }

// servicesMaySend is a queue policy by which the resources may send, as the services.
func servicesMaySend(queue string, sources ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["sns.amazonaws.com","events.amazonaws.com"]},"Action":"sqs:SendMessage","Resource":"` +
		queueARN(queue) + `","Condition":{"ArnEquals":{"aws:SourceArn":["` + strings.Join(sources, `","`) + `"]}}}]}`
}

// keyPolicy lets the account do anything and, if any, the services use the key for a queue.
func keyPolicy(queue string, services ...string) string {
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}`
	if len(services) > 0 {
		doc += `,{"Effect":"Allow","Principal":{"Service":["` + strings.Join(services, `","`) + `"]},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*",` +
			`"Condition":{"StringEquals":{"kms:EncryptionContext:aws:sqs:arn":"` + queueARN(queue) + `"}}}`
	}
	return doc + `]}`
}

// key creates a KMS key with an alias.
func (k *kit) key(alias, policy string) (id string) {
	k.Helper()
	client := kms.NewFromConfig(k.srv.Config())
	out, err := client.CreateKey(k.ctx, &kms.CreateKeyInput{Policy: &policy})
	require.NoError(k, err)
	_, err = client.CreateAlias(k.ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: out.KeyMetadata.KeyId})
	require.NoError(k, err)
	return *out.KeyMetadata.KeyId
}

// rule creates a rule for the source "shop" that sends to a queue, and what it can't
// deliver to a dead-letter queue.
func (k *kit) rule(name, queue, dlq string) {
	k.Helper()
	client := eventbridge.NewFromConfig(k.srv.Config())
	_, err := client.PutRule(k.ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(`{"source":["shop"]}`)})
	require.NoError(k, err)
	out, err := client.PutTargets(k.ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []ebtypes.Target{{
		Id: aws.String("queue"), Arn: aws.String(queueARN(queue)), InputPath: aws.String("$.detail"), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(queueARN(dlq))},
	}}})
	require.NoError(k, err)
	require.Zero(k, out.FailedEntryCount)
}

// publish sends something to the queue by way of its topic, and of its rule.
func (k *kit) publish() {
	k.Helper()
	_, err := k.sns.Publish(k.ctx, &sns.PublishInput{TopicArn: aws.String(topicARN("orders")), Message: aws.String("by topic")})
	require.NoError(k, err)
	out, err := eventbridge.NewFromConfig(k.srv.Config()).PutEvents(k.ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		Source: aws.String("shop"), DetailType: aws.String("t"), Detail: aws.String(`{"by":"rule"}`),
	}}})
	require.NoError(k, err)
	require.Zero(k, out.FailedEntryCount)
}

func TestPublishersReachAnEncryptedQueueIfItsKeyLetsThem(t *testing.T) {
	const topicFailed, ruleFailed = "by topic", "NO_PERMISSIONS"
	all := []string{"sns.amazonaws.com", "events.amazonaws.com"}
	for _, test := range []struct {
		name      string
		key       string // the alias that the queue names
		policy    string // of alias/orders
		delivered []string
		failed    []string
	}{
		{"both are let in", "alias/orders", keyPolicy("orders", all...), []string{"by topic", `{"by":"rule"}`}, nil},
		{"the topic is", "alias/orders", keyPolicy("orders", all[0]), []string{"by topic"}, []string{ruleFailed}},
		{"the rule is", "alias/orders", keyPolicy("orders", all[1]), []string{`{"by":"rule"}`}, []string{topicFailed}},
		{"the default policy", "alias/orders", keyPolicy("orders"), nil, []string{topicFailed, ruleFailed}},
		{"for another queue", "alias/orders", keyPolicy("others", all...), nil, []string{topicFailed, ruleFailed}},
		{"AWS's own key", "alias/aws/sqs", keyPolicy("orders", all...), nil, []string{topicFailed, ruleFailed}},
		{"SQS's own keys, without KMS", "", keyPolicy("orders"), []string{"by topic", `{"by":"rule"}`}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := start(t)
			k.srv.Clock.Pause()
			k.key("alias/orders", test.policy)
			sources := []string{topicARN("orders"), ruleARN("orders")}
			var encryption []string
			if test.key != "" {
				encryption = []string{"KmsMasterKeyId", test.key}
			}
			url := k.queue("orders", append(encryption, "Policy", servicesMaySend("orders", sources...))...)
			dlq := k.queue("undelivered", "Policy", servicesMaySend("undelivered", sources...))
			k.topic("orders", "orders", nil, "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("undelivered")+`"}`)
			k.rule("orders", "orders", "undelivered")
			k.publish()
			require.ElementsMatch(t, test.delivered, k.bodies(url))
			var failed []string
			for _, m := range k.receive(dlq) {
				if code, ok := m.MessageAttributes["ERROR_CODE"]; ok {
					require.Equal(t, ruleARN("orders"), *m.MessageAttributes["RULE_ARN"].StringValue)
					require.Contains(t, *m.MessageAttributes["ERROR_MESSAGE"].StringValue, "is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:000000000000:key/")
					failed = append(failed, *code.StringValue)
					continue
				}
				failed = append(failed, *m.Body)
			}
			require.ElementsMatch(t, test.failed, failed)
			k.send(url, "by the account")
			require.Equal(t, []string{"by the account"}, k.bodies(url))
		})
	}
}

func TestARuleReachesAQueueIfItsPolicyLetsIt(t *testing.T) {
	for name, test := range map[string]struct{ source, want string }{
		"that names it":              {ruleARN("orders"), ""},
		"that names another":         {ruleARN("others"), "NO_PERMISSIONS"},
		"that names one of its name": {strings.Replace(ruleARN("orders"), "000000000000", "111111111111", 1), "NO_PERMISSIONS"},
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t)
			url := k.queue("orders", "Policy", servicesMaySend("orders", test.source))
			dlq := k.queue("undelivered", "Policy", servicesMaySend("undelivered", ruleARN("orders")))
			k.topic("orders", "orders", nil)
			k.rule("orders", "orders", "undelivered")
			k.publish()
			if test.want == "" {
				require.Equal(t, []string{`{"by":"rule"}`}, k.bodies(url))
				return
			}
			require.Empty(t, k.receive(url))
			dead := k.receive(dlq)
			require.Len(t, dead, 1)
			require.Equal(t, test.want, *dead[0].MessageAttributes["ERROR_CODE"].StringValue)
			require.Equal(t, queueARN("orders"), *dead[0].MessageAttributes["TARGET_ARN"].StringValue)
			require.Equal(t, "shop", within(t, *dead[0].Body, "source"))
		})
	}
}

func TestAQueueWhoseKeyIsGoneIsShut(t *testing.T) {
	k := start(t)
	k.srv.Clock.Pause()
	client := kms.NewFromConfig(k.srv.Config())
	id := k.key("alias/orders", keyPolicy("orders"))
	url, dlq := k.sourceAndDLQ("orders", "1", "KmsMasterKeyId", "alias/orders", "VisibilityTimeout", "0")
	k.send(url, "before")
	_, err := client.DisableKey(k.ctx, &kms.DisableKeyInput{KeyId: &id})
	require.NoError(t, err)
	_, err = k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
	var disabled *types.KmsDisabled
	require.ErrorAs(t, err, &disabled)
	_, err = k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
	require.ErrorAs(t, err, &disabled)
	_, err = client.ScheduleKeyDeletion(k.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)})
	require.NoError(t, err)
	_, err = k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
	var state *types.KmsInvalidState
	require.ErrorAs(t, err, &state)

	_, err = client.CancelKeyDeletion(k.ctx, &kms.CancelKeyDeletionInput{KeyId: &id})
	require.NoError(t, err)
	_, err = client.EnableKey(k.ctx, &kms.EnableKeyInput{KeyId: &id})
	require.NoError(t, err)
	require.Equal(t, []string{"before"}, k.bodies(url))
	require.Empty(t, k.receive(url))
	require.Equal(t, []string{"before"}, k.bodies(dlq))
}

func TestKeysAndRulesSurviveARestart(t *testing.T) {
	k := keep(t)
	k.key("alias/orders", keyPolicy("orders", "sns.amazonaws.com", "events.amazonaws.com"))
	k.queue("orders", "VisibilityTimeout", "43200", "KmsMasterKeyId", "alias/orders", "Policy", servicesMaySend("orders", topicARN("orders"), ruleARN("orders"), ruleARN("tick")))
	k.topic("orders", "orders", nil, "RawMessageDelivery", "true")
	k.rule("orders", "orders", "orders")
	client := eventbridge.NewFromConfig(k.srv.Config())
	_, err := client.PutRule(k.ctx, &eventbridge.PutRuleInput{Name: aws.String("tick"), ScheduleExpression: aws.String("rate(1 hour)")})
	require.NoError(t, err)
	_, err = client.PutTargets(k.ctx, &eventbridge.PutTargetsInput{Rule: aws.String("tick"), Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: aws.String(queueARN("orders")), Input: aws.String(`"tick"`)}}})
	require.NoError(t, err)
	k.restart(t, 90*time.Minute)
	k.publish()
	require.ElementsMatch(t, []string{`"tick"`, "by topic", `{"by":"rule"}`}, k.bodies(k.at("orders")))
	k.srv.Clock.Advance(30 * time.Minute)
	require.Equal(t, []string{`"tick"`}, k.bodies(k.at("orders")))
}
