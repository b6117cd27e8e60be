package sqs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

func TestANewQueueHasTheDefaultAttributes(t *testing.T) {
	h := newHarness(t, Options{})
	now := strconv.FormatInt(testStart.Unix(), 10)
	standard := map[string]string{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"CreatedTimestamp": now, "LastModifiedTimestamp": now, "DelaySeconds": "0", "MaximumMessageSize": "1048576",
		"MessageRetentionPeriod": "345600", "QueueArn": arnOf("q"), "ReceiveMessageWaitTimeSeconds": "0",
		"SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
	}
	url := h.queue("q")
	require.Equal(t, h.url+"/"+testAccount+"/q", url)
	require.Equal(t, standard, h.attributes(url))

	standard["QueueArn"] = arnOf("q.fifo")
	standard["FifoQueue"], standard["ContentBasedDeduplication"] = "true", "false"
	standard["DeduplicationScope"], standard["FifoThroughputLimit"] = "queue", "perQueue"
	require.Equal(t, standard, h.attributes(h.queue("q.fifo", "FifoQueue", "True")))
}

func TestAttributesAreReturnedAsTheyWereSet(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("dlq")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`
	given := []string{
		"VisibilityTimeout", "69", "MaximumMessageSize", "2048", "MessageRetentionPeriod", "1209600", "DelaySeconds", "900",
		"ReceiveMessageWaitTimeSeconds", "20", "Policy", policy,
		"RedrivePolicy", `{"deadLetterTargetArn": "` + arnOf("dlq") + `", "maxReceiveCount": "42"}`,
		"RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["` + arnOf("not-yet") + `"]}`,
	}
	created := h.queue("created", given...)
	changed := h.queue("changed")
	h.clk.Advance(time.Hour)
	require.NoError(t, h.set(changed, given...))
	for _, url := range []string{created, changed} {
		got := h.attributes(url)
		for name, value := range pairs(given) {
			require.Equal(t, value, got[name], name)
		}
	}
	require.Equal(t, strconv.FormatInt(testStart.Add(time.Hour).Unix(), 10), h.attributes(changed)["LastModifiedTimestamp"])

	require.NoError(t, h.set(created, "Policy", "", "RedrivePolicy", "", "RedriveAllowPolicy", ""))
	require.NoError(t, h.set(created, "Policy", ""), "nor is it an error once more")
	for _, name := range []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy"} {
		require.NotContains(t, h.attributes(created), name)
	}
	_, _, out := h.raw("GetQueueAttributes", map[string]any{"QueueUrl": created, "AttributeNames": []string{"Policy"}})
	require.NotContains(t, out, "Attributes")
	_, err := h.sqs.GetQueueAttributes(h.ctx(), &awssqs.GetQueueAttributesInput{QueueUrl: &created, AttributeNames: []typesAttr{"Foobar"}})
	requireError(t, err, 400, "InvalidAttributeName", "Unknown Attribute Foobar.")
}

func TestEncryptionIsOfOneKind(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	get := func() map[string]string {
		return h.attributes(q, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")
	}
	require.NoError(t, h.set(q, "KmsMasterKeyId", "testKeyId"))
	require.Equal(t, map[string]string{"KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false"}, get())
	require.NoError(t, h.set(q, "KmsMasterKeyId", "testKeyId", "KmsDataKeyReusePeriodSeconds", "6000", "SqsManagedSseEnabled", "false"))
	require.Equal(t, "6000", get()["KmsDataKeyReusePeriodSeconds"])
	require.NoError(t, h.set(q, "KmsMasterKeyId", "", "KmsDataKeyReusePeriodSeconds", "300"))
	require.Equal(t, map[string]string{"SqsManagedSseEnabled": "false"}, get())
	requireError(t, h.set(q, "KmsMasterKeyId", "testKeyId", "SqsManagedSseEnabled", "true"), 400, "InvalidAttributeName",
		"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
}

func TestRefusedAttributes(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("dlq")
	h.queue("dlq.fifo", "FifoQueue", "true")
	standard, fifo := h.queue("q"), h.queue("q.fifo", "FifoQueue", "true")
	name, value, param := "InvalidAttributeName", "InvalidAttributeValue", "InvalidParameterValue"
	redrive := func(doc, reason string) []string {
		return []string{standard, "RedrivePolicy", doc, param, "Value " + doc + " for parameter RedrivePolicy is invalid. Reason: " + reason}
	}
	allowPolicy := func(doc, reason string) []string {
		return []string{standard, "RedriveAllowPolicy", doc, param, "Value " + doc + " for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow policy. " + reason}
	}
	eleven := strings.TrimSuffix(strings.Repeat(`"`+arnOf("s")+`",`, 11), ",")
	for _, tt := range [][]string{
		{standard, "Foo", "1", name, "Unknown Attribute Foo."},
		{standard, "QueueArn", "1", name, "Unknown Attribute QueueArn."},
		{standard, "DelaySeconds", "901", value, "Invalid value for the parameter DelaySeconds."},
		{standard, "DelaySeconds", "-1", value, "Invalid value for the parameter DelaySeconds."},
		{standard, "MaximumMessageSize", "1023", value, "Invalid value for the parameter MaximumMessageSize."},
		{standard, "MaximumMessageSize", "1048577", value, "Invalid value for the parameter MaximumMessageSize."},
		{standard, "MessageRetentionPeriod", "59", value, "Invalid value for the parameter MessageRetentionPeriod."},
		{standard, "MessageRetentionPeriod", "1209601", value, "Invalid value for the parameter MessageRetentionPeriod."},
		{standard, "ReceiveMessageWaitTimeSeconds", "21", value, "Invalid value for the parameter ReceiveMessageWaitTimeSeconds."},
		{standard, "VisibilityTimeout", "43201", value, "Invalid value for the parameter VisibilityTimeout."},
		{standard, "VisibilityTimeout", "x", value, "Invalid value for the parameter VisibilityTimeout."},
		{standard, "KmsDataKeyReusePeriodSeconds", "59", value, "Invalid value for the parameter KmsDataKeyReusePeriodSeconds."},
		{standard, "Policy", "no JSON", value, "Invalid value for the parameter Policy."},
		{standard, "FifoQueue", "true", name, "Unknown Attribute FifoQueue."},
		{standard, "FifoQueue", "false", name, "Unknown Attribute FifoQueue."},
		{standard, "ContentBasedDeduplication", "true", name, "Unknown Attribute ContentBasedDeduplication."},
		{standard, "DeduplicationScope", "queue", name, "You can specify the DeduplicationScope only when FifoQueue is set to true."},
		{standard, "FifoThroughputLimit", "perQueue", name, "You can specify the FifoThroughputLimit only when FifoQueue is set to true."},
		{fifo, "FifoQueue", "false", value, "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},
		{fifo, "DeduplicationScope", "x", value, "Invalid value for the parameter DeduplicationScope."},
		{standard, "RedrivePolicy", "x", value, "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map."},
		redrive(`{"deadLetterTargetArn":"`+arnOf("dlq")+`"}`, "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
		redrive(`{"maxReceiveCount":"42"}`, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
		redrive(`{"maxReceiveCount":1,"deadLetterTargetArn":"x","more":1}`, "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn]."),
		redrive(redriveTo("dlq", 0), "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."),
		redrive(redriveTo("dlq", 1001), "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."),
		redrive(`{"maxReceiveCount":"invalid","deadLetterTargetArn":"`+arnOf("dlq")+`"}`, "Invalid value for maxReceiveCount: invalid, valid values are from 1 to 1000 both inclusive."),
		redrive(`{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}`, "Invalid value for deadLetterTargetArn."),
		redrive(`{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sns:us-east-1:000000000000:t"}`, "Only SQS queues are valid resources for deadLetterTargetArn."),
		redrive(redriveTo("missing", 1), "Dead letter target does not exist."),
		redrive(redriveTo("dlq.fifo", 1), "Dead-letter queue must be same type of queue as the source."),
		redrive(`{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:dlq"}`, "Dead-letter queue must be in the same AWS account and Region as the source queue."),
		redrive(`{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dlq"}`, "Dead-letter queue must be in the same AWS account and Region as the source queue."),
		{standard, "RedriveAllowPolicy", "x", value, "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."},
		{standard, "RedriveAllowPolicy", `{"redrivePermission":"x"}`, value, "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."},
		{standard, "RedriveAllowPolicy", `{"redrivePermission":"denyAll","x":1}`, value, "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."},
		allowPolicy(`{"redrivePermission":"byQueue"}`, "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."),
		allowPolicy(`{"redrivePermission":"byQueue","sourceQueueArns":[`+eleven+`]}`, "The maximum number of source queue ARNs you can specify is 10."),
		allowPolicy(`{"redrivePermission":"denyAll","sourceQueueArns":["`+arnOf("s")+`"]}`, "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."),
	} {
		t.Run(tt[1]+" "+tt[2], func(t *testing.T) {
			before := h.attributes(tt[0])
			requireError(t, h.set(tt[0], tt[1], tt[2]), 400, tt[3], tt[4])
			require.Equal(t, before, h.attributes(tt[0]))
		})
	}
	require.NoError(t, h.set(fifo, "FifoQueue", "true"), "which changes nothing")
}

func TestRedriveAllowPolicyIsEnforcedWhenTheSourceNamesItsDLQ(t *testing.T) {
	for _, tt := range []struct {
		name, policy string
		allowed      bool
	}{
		{"none", "", true},
		{"allowAll", `{"redrivePermission":"allowAll"}`, true},
		{"denyAll", `{"redrivePermission":"denyAll"}`, false},
		{"byQueue, listed", `{"redrivePermission":"byQueue","sourceQueueArns":["` + arnOf("q") + `"]}`, true},
		{"byQueue, not listed", `{"redrivePermission":"byQueue","sourceQueueArns":["` + arnOf("other") + `"]}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			h.queue("dlq", "RedriveAllowPolicy", tt.policy)
			policy := redriveTo("dlq", 3)
			_, err := h.sqs.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: ptr("q"), Attributes: pairs([]string{"RedrivePolicy", policy})})
			if tt.allowed {
				require.NoError(t, err)
				require.NoError(t, h.set(h.queue("q"), "RedrivePolicy", policy))
				return
			}
			denial := "Value " + policy + " for parameter RedrivePolicy is invalid. Reason: The redrive allow policy of the dead-letter queue does not allow this source queue."
			requireError(t, err, 400, "InvalidParameterValue", denial)
			require.NotContains(t, h.list("q"), "q", "nor was the queue created")
			requireError(t, h.set(h.queue("q"), "RedrivePolicy", policy), 400, "InvalidParameterValue", denial)
		})
	}
}

func TestCreateQueue(t *testing.T) {
	h := newHarness(t, Options{})
	create := func(name string, attributes ...string) error {
		_, err := h.sqs.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)})
		return err
	}
	standardName := "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
	fifoName := "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
	t.Run("refuses bad names", func(t *testing.T) {
		for _, name := range []string{"a/b", "q.fifo", strings.Repeat("a", 81), "ä"} {
			requireError(t, create(name), 400, "InvalidParameterValue", standardName)
		}
		for _, name := range []string{"q", ".fifo", strings.Repeat("a", 76) + ".fifo"} {
			requireError(t, create(name, "FifoQueue", "true"), 400, "InvalidParameterValue", fifoName)
		}
		require.NoError(t, create(strings.Repeat("a", 75)+".fifo", "FifoQueue", "true"))
	})
	t.Run("refuses attributes of the other type", func(t *testing.T) {
		requireError(t, create("s", "FifoQueue", "false"), 400, "InvalidAttributeName", "Unknown Attribute FifoQueue.")
		requireError(t, create("s", "ContentBasedDeduplication", "false"), 400, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication.")
		requireError(t, create("s", "DeduplicationScope", "queue"), 400, "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true.")
	})
	t.Run("is idempotent for the current values", func(t *testing.T) {
		url := h.queue("i", "ReceiveMessageWaitTimeSeconds", "1", "DelaySeconds", "1")
		h.send(url, "x")
		require.NoError(t, create("i"))
		require.NoError(t, create("i", "DelaySeconds", "1"))
		exists := "A queue already exists with the same name and a different value for attribute "
		requireError(t, create("i", "ReceiveMessageWaitTimeSeconds", "1", "DelaySeconds", "2"), 400, "QueueAlreadyExists", exists+"DelaySeconds")
		require.NoError(t, h.set(url, "DelaySeconds", "2"))
		require.NoError(t, create("i", "ReceiveMessageWaitTimeSeconds", "1", "DelaySeconds", "2"))
		requireError(t, create("i", "DelaySeconds", "1"), 400, "QueueAlreadyExists", exists+"DelaySeconds")
		h.queue("i.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
		require.NoError(t, create("i.fifo", "FifoQueue", "true"))
		requireError(t, create("i.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "false"), 400, "QueueAlreadyExists", exists+"ContentBasedDeduplication")
	})
}

func TestANameRestsAMinuteAfterItsQueueIsDeleted(t *testing.T) {
	h := newHarness(t, Options{})
	url := h.queue("q")
	_, err := h.sqs.DeleteQueue(h.ctx(), &awssqs.DeleteQueueInput{QueueUrl: &url})
	require.NoError(t, err)
	create := func() error {
		_, err := h.sqs.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: ptr("q")})
		return err
	}
	h.clk.Advance(time.Minute - 1)
	requireError(t, create(), 400, "AWS.SimpleQueueService.QueueDeletedRecently",
		"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	h.clk.Advance(1)
	require.NoError(t, create())
}

func TestAMissingQueueIsReportedAlikeByAllOperations(t *testing.T) {
	h := newHarness(t, Options{})
	url := h.url + "/" + testAccount + "/missing"
	for op, more := range map[string]map[string]any{
		"GetQueueAttributes": {}, "SetQueueAttributes": {"Attributes": map[string]string{"DelaySeconds": "0"}}, "DeleteQueue": {}, "PurgeQueue": {},
		"SendMessage": {"MessageBody": "x"}, "ReceiveMessage": {}, "ListQueueTags": {}, "ListDeadLetterSourceQueues": {},
		"GetQueueUrl": {"QueueName": "missing"},
	} {
		more["QueueUrl"] = url
		status, header, out := h.raw(op, more)
		require.Equal(t, http.StatusBadRequest, status, op)
		require.Equal(t, "AWS.SimpleQueueService.NonExistentQueue;Sender", header.Get("X-Amzn-Query-Error"))
		require.Equal(t, map[string]any{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}, out)
	}
}

func TestPurgeRemovesEverythingButOnlyOnceAMinute(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	purge := func() error {
		_, err := h.sqs.PurgeQueue(h.ctx(), &awssqs.PurgeQueueInput{QueueUrl: &q})
		return err
	}
	h.send(q, "in flight")
	h.receive(q, 1)
	h.send(q, "ready")
	_, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{QueueUrl: &q, MessageBody: ptr("delayed"), DelaySeconds: 5})
	require.NoError(t, err)
	require.Equal(t, [3]int{1, 1, 1}, h.counts(q))
	require.NoError(t, purge())
	require.Equal(t, [3]int{0, 0, 0}, h.counts(q))
	h.send(q, "after")
	requireError(t, purge(), 403, "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
	h.clk.Advance(time.Minute)
	require.Equal(t, []string{"after"}, bodies(h.receive(q, 10)))
	require.NoError(t, purge())
}

// list is the names of the queues with a prefix.
func (h *harness) list(prefix string) []string {
	h.Helper()
	out, err := h.sqs.ListQueues(h.ctx(), &awssqs.ListQueuesInput{QueueNamePrefix: &prefix})
	require.NoError(h, err)
	names := []string{}
	for _, url := range out.QueueUrls {
		names = append(names, url[strings.LastIndex(url, "/")+1:])
	}
	return names
}

func TestListQueues(t *testing.T) {
	h := newHarness(t, Options{})
	for _, name := range []string{"b-1", "a-2", "a-1", "a-3"} {
		h.queue(name)
	}
	require.Equal(t, []string{"a-1", "a-2", "a-3"}, h.list("a-"))
	_, _, out := h.raw("ListQueues", map[string]any{"QueueNamePrefix": "none"})
	require.Empty(t, out)
	var pages [][]string
	p := awssqs.NewListQueuesPaginator(h.sqs, &awssqs.ListQueuesInput{MaxResults: ptr(int32(3))})
	for p.HasMorePages() {
		page, err := p.NextPage(h.ctx())
		require.NoError(t, err)
		pages = append(pages, page.QueueUrls)
	}
	require.Len(t, pages, 2)
	require.Len(t, pages[0], 3)
	require.Len(t, pages[1], 1)
}

func TestListDeadLetterSourceQueues(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	status, _, out := h.raw("ListDeadLetterSourceQueues", map[string]any{"QueueUrl": dlq})
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"queueUrls": []any{}}, out)
	want := []any{h.queue("q1", "RedrivePolicy", redriveTo("dlq", 1)), h.queue("q2", "RedrivePolicy", redriveTo("dlq", 2))}
	h.queue("q3")
	_, _, out = h.raw("ListDeadLetterSourceQueues", map[string]any{"QueueUrl": dlq})
	require.Equal(t, map[string]any{"queueUrls": want}, out)
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	h := newHarness(t, Options{})
	const other = "111111111111"
	here := h.queue("q")
	for _, c := range []*awssqs.Client{h.client("test", "eu-west-1"), h.client(other, "us-east-1")} {
		_, err := c.GetQueueUrl(h.ctx(), &awssqs.GetQueueUrlInput{QueueName: ptr("q")})
		requireError(t, err, 400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
		_, err = c.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: ptr("q"), Attributes: map[string]string{"DelaySeconds": "7"}})
		require.NoError(t, err)
	}
	require.Equal(t, "0", h.attributes(here)["DelaySeconds"])
	out, err := h.client(other, "us-east-1").GetQueueUrl(h.ctx(), &awssqs.GetQueueUrlInput{QueueName: ptr("q"), QueueOwnerAWSAccountId: ptr(testAccount)})
	require.NoError(t, err)
	require.Equal(t, here, *out.QueueUrl)
	_, err = h.client(other, "us-east-1").SendMessage(h.ctx(), &awssqs.SendMessageInput{QueueUrl: &here, MessageBody: ptr("x")})
	require.NoError(t, err)
	got := h.receive(here, 1)
	require.Len(t, got, 1)
	require.Equal(t, other, got[0].Attributes["SenderId"])

	china := h.client("test", "cn-north-1")
	url, err := china.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: ptr("q")})
	require.NoError(t, err)
	attributes, err := china.GetQueueAttributes(h.ctx(), &awssqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []typesAttr{"QueueArn"}})
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:sqs:cn-north-1:000000000000:q", attributes.Attributes["QueueArn"])
}

func TestAQueueCanBeNamedInSeveralWays(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("q")
	for _, url := range []string{"q", "/000000000000/q", "http://elsewhere:1234/000000000000/q", "https://sqs.us-east-1.amazonaws.com/000000000000/q"} {
		h.send(url, "x")
	}
	status, _, out := h.rawTo("/000000000000/q", "SendMessage", []byte(`{"MessageBody":"x"}`))
	require.Equal(t, 200, status, out)
	require.Equal(t, [3]int{5, 0, 0}, h.counts("q"))
}

func TestTags(t *testing.T) {
	h := newHarness(t, Options{})
	out, err := h.sqs.CreateQueue(h.ctx(), &awssqs.CreateQueueInput{QueueName: ptr("q"), Tags: map[string]string{"MyTag": "1"}})
	require.NoError(t, err)
	q := *out.QueueUrl
	tags := func() map[string]string {
		out, err := h.sqs.ListQueueTags(h.ctx(), &awssqs.ListQueueTagsInput{QueueUrl: &q})
		require.NoError(t, err)
		return out.Tags
	}
	tag := func(tags map[string]string) error {
		_, err := h.sqs.TagQueue(h.ctx(), &awssqs.TagQueueInput{QueueUrl: &q, Tags: tags})
		return err
	}
	require.NoError(t, tag(map[string]string{"mytag": "2", "empty": "", "MyTag": "3"}))
	require.Equal(t, map[string]string{"MyTag": "3", "mytag": "2", "empty": ""}, tags())
	_, err = h.sqs.UntagQueue(h.ctx(), &awssqs.UntagQueueInput{QueueUrl: &q, TagKeys: []string{"MyTag", "mytag", "empty", "missing"}})
	require.NoError(t, err)
	_, _, raw := h.raw("ListQueueTags", map[string]any{"QueueUrl": q})
	require.Empty(t, raw)
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = "x"
	}
	requireError(t, tag(many), 400, "InvalidParameterValue", "Too many tags added for queue: the maximum is 50.")
	delete(many, "0")
	require.NoError(t, tag(many))
	require.Error(t, tag(map[string]string{"one": "more"}))
	require.Equal(t, many, tags())
}

func TestPermissions(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	add := func(label string, accounts ...string) error {
		_, err := h.sqs.AddPermission(h.ctx(), &awssqs.AddPermissionInput{QueueUrl: &q, Label: &label, AWSAccountIds: accounts, Actions: []string{"ReceiveMessage"}})
		return err
	}
	remove := func(label string) error {
		_, err := h.sqs.RemovePermission(h.ctx(), &awssqs.RemovePermissionInput{QueueUrl: &q, Label: &label})
		return err
	}
	statement := func(label, principal string) string {
		return `{"Sid":"` + label + `","Effect":"Allow","Principal":{"AWS":` + principal + `},"Action":"SQS:ReceiveMessage","Resource":"` + arnOf("q") + `"}`
	}
	requirePolicy := func(statements string) {
		require.JSONEq(t, `{"Version":"2008-10-17","Id":"`+arnOf("q")+`/SQSDefaultPolicy","Statement":[`+statements+`]}`, h.attributes(q)["Policy"])
	}
	require.NoError(t, add("one", "111111111111", "668614515564"))
	requirePolicy(statement("one", `["arn:aws:iam::668614515564:root","arn:aws:iam::111111111111:root"]`))
	requireError(t, add("one", "111111111111"), 400, "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists.")
	require.NoError(t, add("two", "111111111111"))
	require.NoError(t, remove("one"))
	requirePolicy(statement("two", `"arn:aws:iam::111111111111:root"`))
	require.NoError(t, remove("two"))
	require.NotContains(t, h.attributes(q), "Policy")
	requireError(t, remove("two"), 400, "InvalidParameterValue", "Value two for parameter Label is invalid. Reason: can't find label.")

	own := `{"Version":"2012-10-17","Statement":{"Sid":"mine","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`
	require.NoError(t, h.set(q, "Policy", own))
	require.NoError(t, add("more", "111111111111"))
	require.NoError(t, remove("more"))
	require.JSONEq(t, strings.Replace(strings.Replace(own, `"Statement":{`, `"Statement":[{`, 1), `}}}}`, `}}}]}`, 1), h.attributes(q)["Policy"], "others' statements are left alone")
}
