package s3_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	sdksns "github.com/aws/aws-sdk-go-v2/service/sns"
	sdksqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestAnObjectThatIsCreatedOrRemovedIsAnEventInTheQueue(t *testing.T) {
	f := start(t)
	b := f.bucket("orders")
	c := to(f.queue("q", b), "", "", "s3:ObjectCreated:*", "s3:ObjectRemoved:*")
	c.Id = aws.String("all")
	require.NoError(t, f.notify(b, c))
	t.Run("after the test event", func(t *testing.T) {
		bodies := f.messages("q")
		require.Len(t, bodies, 1)
		var m map[string]string
		require.NoError(t, json.Unmarshal([]byte(bodies[0]), &m))
		require.NotEmpty(t, m["RequestId"])
		require.NotEmpty(t, m["HostId"])
		delete(m, "RequestId")
		delete(m, "HostId")
		require.Equal(t, map[string]string{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-24T09:00:00.000Z", "Bucket": "orders"}, m)
	})
	t.Run("with all that S3 tells", func(t *testing.T) {
		put := f.put(b, "in/a b@ü", "hello")
		bodies := f.messages("q")
		require.Len(t, bodies, 1)
		var m map[string][]map[string]any
		require.NoError(t, json.Unmarshal([]byte(bodies[0]), &m))
		r := m["Records"][0]
		require.NotEmpty(t, r["responseElements"].(map[string]any)["x-amz-request-id"])
		object := r["s3"].(map[string]any)["object"].(map[string]any)
		require.Regexp(t, "^[0-9A-F]{18}$", object["sequencer"])
		delete(object, "sequencer")
		delete(r, "responseElements")
		owner := r["s3"].(map[string]any)["bucket"].(map[string]any)["ownerIdentity"]
		require.Equal(t, map[string]any{
			"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-11-24T09:00:00.000Z",
			"eventName": "ObjectCreated:Put", "userIdentity": map[string]any{"principalId": "AWS:123456789012"},
			"requestParameters": map[string]any{"sourceIPAddress": "127.0.0.1"},
			"s3": map[string]any{
				"s3SchemaVersion": "1.0", "configurationId": "all",
				"bucket": map[string]any{"name": "orders", "ownerIdentity": owner, "arn": "arn:aws:s3:::orders"},
				"object": map[string]any{"key": "in/a+b%40%C3%BC", "size": 5.0, "eTag": strings.Trim(*put.ETag, `"`)},
			},
		}, r)
	})
	t.Run("once for each, in order", func(t *testing.T) {
		f.put(b, "k", "1")
		f.put(b, "k", "")
		_, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("k")})
		require.NoError(t, err)
		_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("k")}) // nothing is left
		require.NoError(t, err)
		all := f.events("q")
		require.Equal(t, []string{"ObjectCreated:Put k", "ObjectCreated:Put k", "ObjectRemoved:Delete k"}, names(all))
		require.Less(t, all[0].S3.Object.Sequencer, all[1].S3.Object.Sequencer)
		require.Less(t, all[1].S3.Object.Sequencer, all[2].S3.Object.Sequencer)
		require.Zero(t, *all[1].S3.Object.Size, "the size of an empty object is told")
		require.Nil(t, all[2].S3.Object.Size)
		require.Empty(t, all[2].S3.Object.ETag)
	})
	t.Run("also of several that are deleted at once", func(t *testing.T) {
		f.put(b, "x", "1")
		f.put(b, "y", "1")
		f.events("q")
		_, err := f.s3.DeleteObjects(f.ctx, &sdk.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("x")}, {Key: aws.String("y")}}}})
		require.NoError(t, err)
		require.Equal(t, []string{"ObjectRemoved:Delete x", "ObjectRemoved:Delete y"}, names(f.events("q")))
	})
	t.Run("and of versions and delete markers", func(t *testing.T) {
		f.version(b, types.BucketVersioningStatusEnabled)
		put := f.put(b, "v", "1")
		marker, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("v")})
		require.NoError(t, err)
		_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("v"), VersionId: put.VersionId})
		require.NoError(t, err)
		all := f.events("q")
		require.Equal(t, []string{"ObjectCreated:Put v", "ObjectRemoved:DeleteMarkerCreated v", "ObjectRemoved:Delete v"}, names(all))
		require.Equal(t, *put.VersionId, all[0].S3.Object.VersionID)
		require.Equal(t, *marker.VersionId, all[1].S3.Object.VersionID)
		require.Equal(t, *put.VersionId, all[2].S3.Object.VersionID)
	})
	t.Run("unless the put is refused", func(t *testing.T) {
		_, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: aws.String("v"), Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA==")})
		require.Error(t, err)
		require.Empty(t, f.events("q"))
	})
	t.Run("until the configuration is taken away", func(t *testing.T) {
		require.NoError(t, f.notify(b))
		f.put(b, "k", "1")
		require.Empty(t, f.events("q"))
	})
}

func TestFiltersAndEventsChooseTheQueue(t *testing.T) {
	f := start(t)
	b := f.bucket("orders")
	require.NoError(t, f.notify(b,
		to(f.queue("json", b), "in/", ".json", "s3:ObjectCreated:*"),
		to(f.queue("csv", b), "in/", ".csv", "s3:ObjectCreated:Put"),
		to(f.queue("copies", b), "copies/", "", "s3:ObjectCreated:Copy"),
		to(f.queue("removed", b), "", "", "s3:ObjectRemoved:Delete"),
	))
	for _, key := range []string{"in/a.json", "in/b.csv", "in/c.txt", "out/d.json", "copies/e"} {
		f.put(b, key, "x")
	}
	_, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("out/d.json")})
	require.NoError(t, err)
	require.Equal(t, []string{"ObjectCreated:Put in/a.json"}, names(f.events("json")))
	require.Equal(t, []string{"ObjectCreated:Put in/b.csv"}, names(f.events("csv")))
	require.Empty(t, f.events("copies"))
	require.Equal(t, []string{"ObjectRemoved:Delete out/d.json"}, names(f.events("removed")))
}

func TestATopicIsADestinationToo(t *testing.T) {
	f := start(t)
	b := f.bucket("orders")
	f.queue("inbox", "")
	url := f.url + "/" + owner + "/inbox"
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN("inbox") + `"}]}`
	setAttributes(f, url, map[string]string{"Policy": doc})
	topic, err := f.sns.CreateTopic(f.ctx, &sdksns.CreateTopicInput{Name: aws.String("t")})
	require.NoError(t, err)
	_, err = f.sns.Subscribe(f.ctx, &sdksns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN("inbox"))})
	require.NoError(t, err)
	notify := func() error {
		_, err := f.s3.PutBucketNotificationConfiguration(f.ctx, &sdk.PutBucketNotificationConfigurationInput{
			Bucket: &b, NotificationConfiguration: &types.NotificationConfiguration{TopicConfigurations: []types.TopicConfiguration{{TopicArn: topic.TopicArn, Events: []types.Event{"s3:ObjectCreated:*"}}}},
		})
		return err
	}
	admit := func(service string) {
		allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sns:Publish","Resource":"` + *topic.TopicArn + `"}]}`
		_, err = f.sns.SetTopicAttributes(f.ctx, &sdksns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: &allow})
		require.NoError(t, err)
	}
	admit("events.amazonaws.com")
	refused(t, notify(), "InvalidArgument")
	admit("s3.amazonaws.com")
	require.NoError(t, notify())
	f.put(b, "k", "x")
	bodies := f.messages("inbox")
	require.Len(t, bodies, 2)
	var m struct{ Subject, Message string }
	require.NoError(t, json.Unmarshal([]byte(bodies[1]), &m))
	require.Equal(t, "Amazon S3 Notification", m.Subject)
	require.Contains(t, m.Message, `"eventName":"ObjectCreated:Put"`)
}

func TestAConfigurationIsRefused(t *testing.T) {
	const notValid = "Unable to validate the following destination configurations"
	const overlap = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
	const ambiguous = "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
	f := start(t)
	b := f.bucket("orders")
	q, closed, foreign := f.queue("q", b), f.queue("closed", ""), f.queue("foreign", "another")
	fifo := f.queue("q.fifo", b)
	badRule := to(q, "", "", "s3:ObjectCreated:*")
	badRule.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "infix", Value: aws.String("x")}}}}
	twice := to(q, "a", "", "s3:ObjectCreated:*")
	twice.Filter.Key.FilterRules = append(twice.Filter.Key.FilterRules, types.FilterRule{Name: "Prefix", Value: aws.String("b")})
	named, alike := to(q, "", "", "s3:ObjectCreated:*"), to(q, "", "", "s3:ObjectRemoved:*")
	named.Id, alike.Id = aws.String("id"), aws.String("id")
	for _, test := range []struct {
		name    string
		queues  []types.QueueConfiguration
		message string
		detail  string
	}{
		{"if the queue does not exist", []types.QueueConfiguration{to(queueARN("none"), "", "", "s3:ObjectCreated:*")}, notValid,
			"<ArgumentName1>" + queueARN("none") + "</ArgumentName1><ArgumentValue1>The destination queue does not exist</ArgumentValue1>"},
		{"if the queue has no policy", []types.QueueConfiguration{to(closed, "", "", "s3:ObjectCreated:*")}, notValid,
			"Permissions on the destination queue do not allow S3 to publish notifications from this bucket"},
		{"if the policy is about another bucket", []types.QueueConfiguration{to(foreign, "", "", "s3:ObjectCreated:*")}, notValid, "Permissions on the destination queue"},
		{"if one of two can't be reached", []types.QueueConfiguration{to(q, "", "", "s3:ObjectCreated:*"), to(closed, "", "", "s3:ObjectRemoved:*")}, notValid, "<ArgumentName1>" + closed},
		{"if the queue is FIFO", []types.QueueConfiguration{to(fifo, "", "", "s3:ObjectCreated:*")}, "FIFO SQS queues are not supported.", fifo},
		{"if the ARN is none", []types.QueueConfiguration{to("q", "", "", "s3:ObjectCreated:*")}, "The ARN could not be parsed", "<ArgumentName>Queue</ArgumentName><ArgumentValue>q</ArgumentValue>"},
		{"if the ARN is a topic's", []types.QueueConfiguration{to(strings.Replace(q, "sqs", "sns", 1), "", "", "s3:ObjectCreated:*")}, "The ARN is not well formed", ""},
		{"if the queue is in another region", []types.QueueConfiguration{to(strings.Replace(q, "us-east-1", "eu-west-1", 1), "", "", "s3:ObjectCreated:*")}, "The notification destination service region is not valid for the bucket location constraint", ""},
		{"if there is no such event", []types.QueueConfiguration{to(q, "", "", "s3:ObjectRead")}, "The event is not supported for notifications", "<ArgumentValue>s3:ObjectRead</ArgumentValue>"},
		{"if a filter has no such rule", []types.QueueConfiguration{badRule}, "filter rule name must be either prefix or suffix", "<ArgumentValue>infix</ArgumentValue>"},
		{"if a filter has two prefixes", []types.QueueConfiguration{twice}, "Cannot specify more than one prefix rule in a filter.", ""},
		{"if two have the same id", []types.QueueConfiguration{named, alike}, "Same ID used for multiple configurations. IDs must be unique", ""},
		{"if two share an event", []types.QueueConfiguration{to(q, "", "", "s3:ObjectCreated:*"), to(q, "", "", "s3:ObjectCreated:*")}, overlap, "s3:ObjectCreated:*, s3:ObjectCreated:*"},
		{"if two share one by a wildcard", []types.QueueConfiguration{to(q, "", "", "s3:ObjectCreated:Put"), to(q, "", "", "s3:ObjectCreated:*")}, overlap, ""},
		{"if one takes all and the other some", []types.QueueConfiguration{to(q, "", "", "s3:ObjectCreated:*"), to(q, "in/", "", "s3:ObjectCreated:*")}, ambiguous, ""},
		{"if one prefix begins another", []types.QueueConfiguration{to(q, "in/", "", "s3:ObjectCreated:*"), to(q, "in/a", "", "s3:ObjectCreated:*")}, ambiguous, ""},
		{"if one suffix ends another", []types.QueueConfiguration{to(q, "", ".gz", "s3:ObjectCreated:*"), to(q, "", ".tar.gz", "s3:ObjectCreated:*")}, ambiguous, ""},
		{"if a prefix meets a suffix", []types.QueueConfiguration{to(q, "in/", "", "s3:ObjectCreated:*"), to(q, "", ".gz", "s3:ObjectCreated:*")}, ambiguous, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := f.notify(b, test.queues...)
			require.Equal(t, test.message, refused(t, err, "InvalidArgument"))
			out, err := f.s3.GetBucketNotificationConfiguration(f.ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: &b})
			require.NoError(t, err)
			require.Empty(t, out.QueueConfigurations, "it was taken nevertheless")
			_, answer := f.send("PUT", "/orders?notification", asXML(test.queues))
			require.Contains(t, answer, test.detail)
		})
	}
	for name, queues := range map[string][]types.QueueConfiguration{
		"prefixes differ":        {to(q, "in/", "", "s3:ObjectCreated:*"), to(q, "out/", "", "s3:ObjectCreated:*")},
		"suffixes differ":        {to(q, "in/", ".json", "s3:ObjectCreated:*"), to(q, "in/", ".csv", "s3:ObjectCreated:*")},
		"the events differ":      {to(q, "in/", "", "s3:ObjectCreated:Put"), to(q, "in/", "", "s3:ObjectCreated:Post")},
		"their families differ":  {to(q, "", "", "s3:ObjectCreated:*"), to(q, "", "", "s3:ObjectRemoved:*")},
		"names are in any case":  {{QueueArn: &q, Events: []types.Event{"s3:ObjectCreated:*"}, Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "PREFIX", Value: aws.String("x")}}}}}},
		"there is none any more": nil,
	} {
		t.Run("but not if "+name, func(t *testing.T) {
			require.NoError(t, f.notify(b, queues...))
		})
	}
	t.Run("nor if the destinations aren't to be validated", func(t *testing.T) {
		in := &sdk.PutBucketNotificationConfigurationInput{
			Bucket: &b, SkipDestinationValidation: aws.Bool(true),
			NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{to(closed, "", "", "s3:ObjectCreated:*")}},
		}
		_, err := f.s3.PutBucketNotificationConfiguration(f.ctx, in)
		require.NoError(t, err)
		f.put(b, "k", "x") // S3 doesn't say that the event is lost
		in.NotificationConfiguration.QueueConfigurations[0].QueueArn = aws.String("q")
		_, err = f.s3.PutBucketNotificationConfiguration(f.ctx, in)
		refused(t, err, "InvalidArgument")
	})
	t.Run("and with functions, which are not served", func(t *testing.T) {
		_, err := f.s3.PutBucketNotificationConfiguration(f.ctx, &sdk.PutBucketNotificationConfigurationInput{
			Bucket: &b, NotificationConfiguration: &types.NotificationConfiguration{LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{
				LambdaFunctionArn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f"), Events: []types.Event{"s3:ObjectCreated:*"}}}},
		})
		var e smithy.APIError
		require.True(t, errors.As(err, &e))
		require.Equal(t, "NotImplemented", e.ErrorCode())
		require.Equal(t, http.StatusNotImplemented, status(t, err))
	})
}

// asXML is the document that the SDK makes of a configuration.
func asXML(queues []types.QueueConfiguration) string {
	var b strings.Builder
	b.WriteString("<NotificationConfiguration>")
	for _, q := range queues {
		b.WriteString("<QueueConfiguration>")
		if q.Id != nil {
			b.WriteString("<Id>" + *q.Id + "</Id>")
		}
		b.WriteString("<Queue>" + *q.QueueArn + "</Queue>")
		for _, e := range q.Events {
			b.WriteString("<Event>" + string(e) + "</Event>")
		}
		if q.Filter != nil {
			b.WriteString("<Filter><S3Key>")
			for _, r := range q.Filter.Key.FilterRules {
				b.WriteString("<FilterRule><Name>" + string(r.Name) + "</Name><Value>" + *r.Value + "</Value></FilterRule>")
			}
			b.WriteString("</S3Key></Filter>")
		}
		b.WriteString("</QueueConfiguration>")
	}
	return b.String() + "</NotificationConfiguration>"
}

func setAttributes(f *fixture, url string, attributes map[string]string) {
	f.Helper()
	_, err := f.sqs.SetQueueAttributes(f.ctx, &sdksqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes})
	require.NoError(f, err)
}
