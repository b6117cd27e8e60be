package s3_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	sdksns "github.com/aws/aws-sdk-go-v2/service/sns"
	sdksqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	awshttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/s3"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sns"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sqs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const owner = "123456789012"

// fixture is an S3 with queues and topics, and the SDK's clients on them.
type fixture struct {
	*testing.T
	ctx context.Context
	clk *clock.Clock
	svc *s3.Service
	url string
	s3  *sdk.Client
	sqs *sdksqs.Client
	sns *sdksns.Client
	bus *bus
}

func start(t *testing.T) *fixture {
	t.Helper()
	clk := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	clk.Pause()
	queues := sqs.New(clk, sqs.Options{Allowed: policy.Allowed})
	topics := sns.New(clk, queues)
	eventbridge := &bus{}
	svc := s3.New(clk, s3.Options{Queues: queues, Topics: topics, Events: eventbridge})
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API(), queues.API(), topics.API()))
	t.Cleanup(func() { srv.Close(); clk.Close() })
	f := &fixture{T: t, ctx: t.Context(), clk: clk, svc: svc, url: srv.URL, bus: eventbridge}
	f.s3 = f.client(owner, "us-east-1")
	cfg := f.config(owner, "us-east-1")
	f.sqs, f.sns = sdksqs.NewFromConfig(cfg), sdksns.NewFromConfig(cfg)
	return f
}

func (f *fixture) config(account, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &f.url, Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }, HTTPClient: sdkhttp.Client(),
	}
}

func (f *fixture) client(account, region string) *sdk.Client {
	return sdk.NewFromConfig(f.config(account, region))
}

func (f *fixture) bucket(name string) string {
	f.Helper()
	_, err := f.s3.CreateBucket(f.ctx, &sdk.CreateBucketInput{Bucket: &name})
	require.NoError(f, err)
	return name
}

func (f *fixture) put(bucket, key, body string) *sdk.PutObjectOutput {
	f.Helper()
	out, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	require.NoError(f, err)
	return out
}

func (f *fixture) get(bucket, key string) string {
	f.Helper()
	out, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(f, err)
	b, err := io.ReadAll(out.Body)
	require.NoError(f, err)
	return string(b)
}

func (f *fixture) version(bucket string, status types.BucketVersioningStatus) {
	f.Helper()
	_, err := f.s3.PutBucketVersioning(f.ctx, &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
	require.NoError(f, err)
}

func queueARN(name string) string { return "arn:aws:sqs:us-east-1:" + owner + ":" + name }

// queue creates a queue that takes the events of the bucket, or of none.
func (f *fixture) queue(name, bucket string) (arn string) {
	f.Helper()
	in := &sdksqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	if bucket != "" {
		in.Attributes["Policy"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN(name) +
			`","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::` + bucket + `"},"StringEquals":{"aws:SourceAccount":"` + owner + `"}}}]}`
	}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	_, err := f.sqs.CreateQueue(f.ctx, in)
	require.NoError(f, err)
	return queueARN(name)
}

// messages takes what is in the queue.
func (f *fixture) messages(name string) (bodies []string) {
	f.Helper()
	url := f.url + "/" + owner + "/" + name
	for {
		out, err := f.sqs.ReceiveMessage(f.ctx, &sdksqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		require.NoError(f, err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			_, err := f.sqs.DeleteMessage(f.ctx, &sdksqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
			require.NoError(f, err)
		}
	}
}

type record struct {
	EventName, EventTime, EventSource, AwsRegion string
	S3                                           struct {
		ConfigurationID string
		Bucket          struct{ Name, ARN string }
		Object          struct {
			Key, ETag, VersionID, Sequencer string
			Size                            *int
		}
	}
}

// events takes the events in the queue, test events excepted.
func (f *fixture) events(name string) (all []record) {
	f.Helper()
	for _, body := range f.messages(name) {
		var m struct {
			Event   string
			Records []record
		}
		require.NoError(f, json.Unmarshal([]byte(body), &m))
		if m.Event != "s3:TestEvent" {
			require.Len(f, m.Records, 1)
			all = append(all, m.Records...)
		}
	}
	return all
}

// names are what happened to which keys.
func names(all []record) []string {
	out := []string{}
	for _, r := range all {
		out = append(out, r.EventName+" "+r.S3.Object.Key)
	}
	return out
}

func (f *fixture) notify(bucket string, queues ...types.QueueConfiguration) error {
	_, err := f.s3.PutBucketNotificationConfiguration(f.ctx, &sdk.PutBucketNotificationConfigurationInput{
		Bucket: &bucket, NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: queues},
	})
	return err
}

// to is a queue configuration, with prefix and suffix of keys, each of which may be empty.
func to(arn, prefix, suffix string, events ...types.Event) types.QueueConfiguration {
	c := types.QueueConfiguration{QueueArn: &arn, Events: events}
	var rules []types.FilterRule
	if prefix != "" {
		rules = append(rules, types.FilterRule{Name: types.FilterRuleNamePrefix, Value: &prefix})
	}
	if suffix != "" {
		rules = append(rules, types.FilterRule{Name: types.FilterRuleNameSuffix, Value: &suffix})
	}
	if rules != nil {
		c.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: rules}}
	}
	return c
}

// refused requires an error with the code, and returns its message.
func refused(t *testing.T, err error, code string) string {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	return e.ErrorMessage()
}

func status(t *testing.T, err error) int {
	t.Helper()
	var e *awshttp.ResponseError
	require.ErrorAs(t, err, &e)
	return e.HTTPStatusCode()
}

func TestABucketWithoutASettingAnswersAsOneOfS3(t *testing.T) {
	f := start(t)
	b := aws.String(f.bucket("plain"))
	for _, test := range []struct {
		code string
		call func() error
	}{
		{"NoSuchBucketPolicy", func() error { _, err := f.s3.GetBucketPolicy(f.ctx, &sdk.GetBucketPolicyInput{Bucket: b}); return err }},
		{"NoSuchCORSConfiguration", func() error { _, err := f.s3.GetBucketCors(f.ctx, &sdk.GetBucketCorsInput{Bucket: b}); return err }},
		{"NoSuchWebsiteConfiguration", func() error {
			_, err := f.s3.GetBucketWebsite(f.ctx, &sdk.GetBucketWebsiteInput{Bucket: b})
			return err
		}},
		{"NoSuchLifecycleConfiguration", func() error {
			_, err := f.s3.GetBucketLifecycleConfiguration(f.ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
			return err
		}},
		{"ReplicationConfigurationNotFoundError", func() error {
			_, err := f.s3.GetBucketReplication(f.ctx, &sdk.GetBucketReplicationInput{Bucket: b})
			return err
		}},
		{"ObjectLockConfigurationNotFoundError", func() error {
			_, err := f.s3.GetObjectLockConfiguration(f.ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})
			return err
		}},
		{"NoSuchTagSet", func() error {
			_, err := f.s3.GetBucketTagging(f.ctx, &sdk.GetBucketTaggingInput{Bucket: b})
			return err
		}},
	} {
		t.Run(test.code, func(t *testing.T) {
			err := test.call()
			refused(t, err, test.code)
			require.Equal(t, http.StatusNotFound, status(t, err))
		})
	}
	t.Run("what has a default is there", func(t *testing.T) {
		enc, err := f.s3.GetBucketEncryption(f.ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.ServerSideEncryptionAes256, enc.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm)
		block, err := f.s3.GetPublicAccessBlock(f.ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
		require.NoError(t, err)
		require.True(t, *block.PublicAccessBlockConfiguration.BlockPublicPolicy && *block.PublicAccessBlockConfiguration.RestrictPublicBuckets)
		own, err := f.s3.GetBucketOwnershipControls(f.ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.ObjectOwnershipBucketOwnerEnforced, own.OwnershipControls.Rules[0].ObjectOwnership)
		acl, err := f.s3.GetBucketAcl(f.ctx, &sdk.GetBucketAclInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.PermissionFullControl, acl.Grants[0].Permission)
		require.Equal(t, acl.Owner.ID, acl.Grants[0].Grantee.ID)
		require.Equal(t, types.TypeCanonicalUser, acl.Grants[0].Grantee.Type)
		pay, err := f.s3.GetBucketRequestPayment(f.ctx, &sdk.GetBucketRequestPaymentInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.PayerBucketOwner, pay.Payer)
		v, err := f.s3.GetBucketVersioning(f.ctx, &sdk.GetBucketVersioningInput{Bucket: b})
		require.NoError(t, err)
		require.Empty(t, v.Status)
		where, err := f.s3.GetBucketLocation(f.ctx, &sdk.GetBucketLocationInput{Bucket: b})
		require.NoError(t, err)
		require.Empty(t, where.LocationConstraint)
		n, err := f.s3.GetBucketNotificationConfiguration(f.ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
		require.NoError(t, err)
		require.Empty(t, n.QueueConfigurations)
		require.Nil(t, n.EventBridgeConfiguration)
	})
	t.Run("and what is not served says so", func(t *testing.T) {
		_, err := f.s3.PutBucketWebsite(f.ctx, &sdk.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("x")}}})
		require.Contains(t, refused(t, err, "NotImplemented"), "s3:PutBucketWebsite")
		_, err = f.s3.CreateMultipartUpload(f.ctx, &sdk.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k")})
		require.Contains(t, refused(t, err, "NotImplemented"), "s3:CreateMultipartUpload")
		_, err = f.s3.CopyObject(f.ctx, &sdk.CopyObjectInput{Bucket: b, Key: aws.String("k"), CopySource: aws.String("plain/x")})
		require.Contains(t, refused(t, err, "NotImplemented"), "s3:CopyObject")
	})
}

func TestSettingsHoldUntilTheyAreDeleted(t *testing.T) {
	f := start(t)
	b := aws.String(f.bucket("orders"))
	t.Run("tags", func(t *testing.T) {
		in := &sdk.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("a & b")}}}}
		_, err := f.s3.PutBucketTagging(f.ctx, in)
		require.NoError(t, err)
		out, err := f.s3.GetBucketTagging(f.ctx, &sdk.GetBucketTaggingInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, in.Tagging.TagSet, out.TagSet)
		in.Tagging.TagSet = append(in.Tagging.TagSet, in.Tagging.TagSet[0])
		_, err = f.s3.PutBucketTagging(f.ctx, in)
		refused(t, err, "InvalidTag")
		_, err = f.s3.DeleteBucketTagging(f.ctx, &sdk.DeleteBucketTaggingInput{Bucket: b})
		require.NoError(t, err)
		_, err = f.s3.GetBucketTagging(f.ctx, &sdk.GetBucketTaggingInput{Bucket: b})
		refused(t, err, "NoSuchTagSet")
	})
	t.Run("ownership controls", func(t *testing.T) {
		_, err := f.s3.PutBucketOwnershipControls(f.ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: b, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}})
		require.NoError(t, err)
		out, err := f.s3.GetBucketOwnershipControls(f.ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.ObjectOwnershipObjectWriter, out.OwnershipControls.Rules[0].ObjectOwnership)
		_, err = f.s3.DeleteBucketOwnershipControls(f.ctx, &sdk.DeleteBucketOwnershipControlsInput{Bucket: b})
		require.NoError(t, err)
		_, err = f.s3.GetBucketOwnershipControls(f.ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
		refused(t, err, "OwnershipControlsNotFoundError")
	})
	t.Run("encryption, which goes back to the default", func(t *testing.T) {
		_, err := f.s3.PutBucketEncryption(f.ctx, &sdk.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String("alias/x")}, BucketKeyEnabled: aws.Bool(true),
		}}}})
		require.NoError(t, err)
		out, err := f.s3.GetBucketEncryption(f.ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
		require.NoError(t, err)
		rule := out.ServerSideEncryptionConfiguration.Rules[0]
		require.Equal(t, "alias/x", *rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID)
		require.True(t, *rule.BucketKeyEnabled)
		require.Equal(t, types.ServerSideEncryptionAwsKms, f.put(*b, "k", "x").ServerSideEncryption)
		_, err = f.s3.DeleteBucketEncryption(f.ctx, &sdk.DeleteBucketEncryptionInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, types.ServerSideEncryptionAes256, f.put(*b, "k", "x").ServerSideEncryption)
	})
	t.Run("a policy, and public ones only once they aren't blocked", func(t *testing.T) {
		put := func(doc string) error {
			_, err := f.s3.PutBucketPolicy(f.ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc})
			return err
		}
		mine := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::orders","arn:aws:s3:::orders/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
		require.NoError(t, put(mine))
		out, err := f.s3.GetBucketPolicy(f.ctx, &sdk.GetBucketPolicyInput{Bucket: b})
		require.NoError(t, err)
		require.Equal(t, mine, *out.Policy)
		refused(t, put("no policy"), "MalformedPolicy")
		require.Equal(t, "Policy has invalid resource", refused(t, put(strings.ReplaceAll(mine, "orders", "other")), "MalformedPolicy"))
		public := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/*"}}`
		require.Contains(t, refused(t, put(public), "AccessDenied"), "BlockPublicPolicy")
		_, err = f.s3.DeletePublicAccessBlock(f.ctx, &sdk.DeletePublicAccessBlockInput{Bucket: b})
		require.NoError(t, err)
		_, err = f.s3.GetPublicAccessBlock(f.ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
		refused(t, err, "NoSuchPublicAccessBlockConfiguration")
		require.NoError(t, put(public))
		_, err = f.s3.DeleteBucketPolicy(f.ctx, &sdk.DeleteBucketPolicyInput{Bucket: b})
		require.NoError(t, err)
		_, err = f.s3.GetBucketPolicy(f.ctx, &sdk.GetBucketPolicyInput{Bucket: b})
		refused(t, err, "NoSuchBucketPolicy")
	})
}

func TestBuckets(t *testing.T) {
	f := start(t)
	f.bucket("mine")
	t.Run("have names that are nobody else's", func(t *testing.T) {
		f.bucket("mine") // in us-east-1 once more is no error
		_, err := f.client("210987654321", "us-east-1").CreateBucket(f.ctx, &sdk.CreateBucketInput{Bucket: aws.String("mine")})
		refused(t, err, "BucketAlreadyExists")
	})
	for _, name := range []string{"ab", "UPPER", "a..b", "-ab", "192.168.5.4", "xn--abc", "under_score", strings.Repeat("a", 64)} {
		t.Run("are not named "+name[:min(len(name), 12)], func(t *testing.T) {
			r, err := http.NewRequestWithContext(f.ctx, http.MethodPut, f.url+"/"+name, nil) // the SDK would refuse some
			require.NoError(t, err)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+owner+"/20261124/us-east-1/s3/aws4_request, x")
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, resp.StatusCode)
			require.Contains(t, string(body), "<Code>InvalidBucketName</Code>")
		})
	}
	t.Run("are in the region that they were created in", func(t *testing.T) {
		west := f.client(owner, "eu-west-1")
		_, err := west.CreateBucket(f.ctx, &sdk.CreateBucketInput{Bucket: aws.String("west")})
		refused(t, err, "IllegalLocationConstraintException")
		_, err = west.CreateBucket(f.ctx, &sdk.CreateBucketInput{Bucket: aws.String("west"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
		require.NoError(t, err)
		_, err = west.CreateBucket(f.ctx, &sdk.CreateBucketInput{Bucket: aws.String("west"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
		refused(t, err, "BucketAlreadyOwnedByYou")
		out, err := west.HeadBucket(f.ctx, &sdk.HeadBucketInput{Bucket: aws.String("west")})
		require.NoError(t, err)
		require.Equal(t, "eu-west-1", *out.BucketRegion)
		_, err = f.s3.GetBucketLocation(f.ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("west")})
		refused(t, err, "PermanentRedirect")
		_, err = f.s3.HeadBucket(f.ctx, &sdk.HeadBucketInput{Bucket: aws.String("west")})
		require.Equal(t, http.StatusMovedPermanently, status(t, err))
	})
	t.Run("are listed for their account", func(t *testing.T) {
		out, err := f.s3.ListBuckets(f.ctx, &sdk.ListBucketsInput{MaxBuckets: aws.Int32(1)})
		require.NoError(t, err)
		require.Equal(t, "mine", *out.Buckets[0].Name)
		require.Equal(t, f.clk.Now().Truncate(time.Second), *out.Buckets[0].CreationDate)
		out, err = f.s3.ListBuckets(f.ctx, &sdk.ListBucketsInput{ContinuationToken: out.ContinuationToken})
		require.NoError(t, err)
		require.Len(t, out.Buckets, 1)
		require.Equal(t, "eu-west-1", *out.Buckets[0].BucketRegion)
	})
	t.Run("are closed to others, but for what their policy allows", func(t *testing.T) {
		f.put("mine", "shared/a", "x")
		other := f.client("210987654321", "us-east-1")
		read := func(key string) error {
			_, err := other.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: aws.String("mine"), Key: &key})
			return err
		}
		refused(t, read("shared/a"), "AccessDenied")
		doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/shared/*"}]}`
		_, err := f.s3.PutBucketPolicy(f.ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String("mine"), Policy: &doc})
		require.NoError(t, err)
		require.NoError(t, read("shared/a"))
		refused(t, read("own/a"), "AccessDenied")
		_, err = other.GetBucketPolicy(f.ctx, &sdk.GetBucketPolicyInput{Bucket: aws.String("mine")})
		refused(t, err, "AccessDenied")
	})
	t.Run("are deleted once they are empty", func(t *testing.T) {
		_, err := f.s3.DeleteBucket(f.ctx, &sdk.DeleteBucketInput{Bucket: aws.String("mine")})
		refused(t, err, "BucketNotEmpty")
		_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: aws.String("mine"), Key: aws.String("shared/a")})
		require.NoError(t, err)
		_, err = f.s3.DeleteBucket(f.ctx, &sdk.DeleteBucketInput{Bucket: aws.String("mine")})
		require.NoError(t, err)
		_, err = f.s3.GetBucketLocation(f.ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("mine")})
		refused(t, err, "NoSuchBucket")
		_, err = f.s3.HeadBucket(f.ctx, &sdk.HeadBucketInput{Bucket: aws.String("mine")})
		require.Equal(t, http.StatusNotFound, status(t, err))
	})
}

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	f := start(t)
	b := f.bucket("objects")
	for _, test := range []struct {
		name, key string
		algorithm types.ChecksumAlgorithm
	}{
		{"with the default checksum", "plain", ""},
		{"with CRC64NVME", "crc64", types.ChecksumAlgorithmCrc64nvme},
		{"with CRC32C", "crc32c", types.ChecksumAlgorithmCrc32c},
		{"with SHA-1", "sha1", types.ChecksumAlgorithmSha1},
		{"with SHA-256", "sha256", types.ChecksumAlgorithmSha256},
		{"under a key of odd characters", "a b/../ü+%2F?&#=@/", ""},
		{"under a key that begins with a slash", "/x//y", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := bytes.Repeat([]byte("0123456789\x00\xff"), 20_000)
			put, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{
				Bucket: &b, Key: &test.key, Body: bytes.NewReader(body), ChecksumAlgorithm: test.algorithm,
				ContentType: aws.String("text/x"), ContentEncoding: aws.String("gzip"), Metadata: map[string]string{"Origin": "test"},
			})
			require.NoError(t, err)
			out, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: &test.key, ChecksumMode: types.ChecksumModeEnabled})
			require.NoError(t, err)
			got, err := io.ReadAll(out.Body) // the SDK compares the checksum
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, got))
			require.Equal(t, *put.ETag, *out.ETag)
			require.Equal(t, "text/x", *out.ContentType)
			require.Equal(t, "gzip", *out.ContentEncoding)
			require.Equal(t, map[string]string{"origin": "test"}, out.Metadata)
			head, err := f.s3.HeadObject(f.ctx, &sdk.HeadObjectInput{Bucket: &b, Key: &test.key})
			require.NoError(t, err)
			require.Equal(t, int64(len(body)), *head.ContentLength)
			require.Equal(t, f.clk.Now().Truncate(time.Second), *head.LastModified)
		})
	}
	key := aws.String("k")
	f.put(b, *key, "0123456789")
	t.Run("in part", func(t *testing.T) {
		out, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: key, Range: aws.String("bytes=2-4")})
		require.NoError(t, err)
		got, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		require.Equal(t, "234", string(got))
		require.Equal(t, "bytes 2-4/10", *out.ContentRange)
		_, err = f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: key, Range: aws.String("bytes=20-")})
		refused(t, err, "InvalidRange")
	})
	t.Run("on conditions", func(t *testing.T) {
		_, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: key, IfMatch: aws.String(`"other"`)})
		refused(t, err, "PreconditionFailed")
		_, err = f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: key, IfNoneMatch: f.put(b, *key, "0123456789").ETag})
		require.Equal(t, http.StatusNotModified, status(t, err))
		_, err = f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, IfNoneMatch: aws.String("*")})
		refused(t, err, "PreconditionFailed")
		require.Equal(t, "0123456789", f.get(b, *key))
	})
	t.Run("and not if there is none", func(t *testing.T) {
		_, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: aws.String("none")})
		refused(t, err, "NoSuchKey")
		_, err = f.s3.HeadObject(f.ctx, &sdk.HeadObjectInput{Bucket: &b, Key: aws.String("none")})
		require.Equal(t, http.StatusNotFound, status(t, err))
	})
	t.Run("nor if it is damaged on the way", func(t *testing.T) {
		_, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, Body: strings.NewReader("damaged"), ChecksumCRC32: aws.String("AAAAAA==")})
		refused(t, err, "BadDigest")
		_, err = f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, Body: strings.NewReader("damaged"), ContentMD5: aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")})
		refused(t, err, "BadDigest")
		require.Equal(t, "0123456789", f.get(b, *key))
	})
	t.Run("nor if it asks for what is not served", func(t *testing.T) {
		_, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, Tagging: aws.String("a=b")})
		require.Contains(t, refused(t, err, "NotImplemented"), "X-Amz-Tagging")
		_, err = f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, ACL: types.ObjectCannedACLPublicRead})
		require.Contains(t, refused(t, err, "NotImplemented"), "X-Amz-Acl")
	})
}

// send sends a request with the given body and headers, as some SDK would.
func (f *fixture) send(method, path, body string, header ...string) (int, string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.ctx, method, f.url+path, strings.NewReader(body))
	require.NoError(f, err)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+owner+"/20261124/us-east-1/s3/aws4_request, x")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(f, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(f, err)
	return resp.StatusCode, string(answer)
}

func TestContentInChunksIsDecoded(t *testing.T) {
	f := start(t)
	b := f.bucket("chunks")
	const unsigned, signed = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	for _, test := range []struct {
		name, body string
		header     []string
		status     int
		want       string // of the object, or in the error
	}{
		{"with a trailing checksum", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned, "X-Amz-Trailer", "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length", "5"}, 200, "hello"},
		{"with one that ends without an empty line", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 200, "hello"},
		{"with one that is wrong", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 400, "BadDigest"},
		{"with signatures", "3;chunk-signature=ab\r\nhel\r\n2;chunk-signature=cd\r\nlo\r\n0;chunk-signature=ef\r\n\r\n", []string{"X-Amz-Content-Sha256", signed, "Content-Encoding", "aws-chunked"}, 200, "hello"},
		{"with nothing in them", "0\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 200, ""},
		{"unless one is short", "9\r\nhello\r\n0\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 400, "IncompleteBody"},
		{"unless one is endless", "7fffffff\r\nhello\r\n0\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 400, "IncompleteBody"},
		{"unless a size is none", "-1\r\nhello\r\n0\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 400, "IncompleteBody"},
		{"unless the end is missing", "5\r\nhello\r\n", []string{"X-Amz-Content-Sha256", unsigned}, 400, "IncompleteBody"},
		{"unless they are not as long as was said", "5\r\nhello\r\n0\r\n\r\n", []string{"X-Amz-Content-Sha256", unsigned, "X-Amz-Decoded-Content-Length", "6"}, 400, "IncompleteBody"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, answer := f.send("PUT", "/chunks/k", test.body, test.header...)
			require.Equal(t, test.status, code, answer)
			if code != 200 {
				require.Contains(t, answer, "<Code>"+test.want+"</Code>")
				return
			}
			require.Equal(t, test.want, f.get(b, "k"))
			out, err := f.s3.HeadObject(f.ctx, &sdk.HeadObjectInput{Bucket: &b, Key: aws.String("k")})
			require.NoError(t, err)
			require.Nil(t, out.ContentEncoding)
		})
	}
}

func TestVersions(t *testing.T) {
	f := start(t)
	b := f.bucket("versions")
	f.put(b, "k", "before")
	f.version(b, types.BucketVersioningStatusEnabled)
	first := f.put(b, "k", "first").VersionId
	second := f.put(b, "k", "second").VersionId
	require.NotEqual(t, *first, *second)
	require.Equal(t, "second", f.get(b, "k"))
	read := func(id *string) (string, error) {
		out, err := f.s3.GetObject(f.ctx, &sdk.GetObjectInput{Bucket: &b, Key: aws.String("k"), VersionId: id})
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(out.Body)
		return string(body), err
	}
	for id, want := range map[string]string{"null": "before", *first: "first", *second: "second"} {
		got, err := read(&id)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	deleted, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("k")})
	require.NoError(t, err)
	require.True(t, *deleted.DeleteMarker)
	_, err = read(nil)
	refused(t, err, "NoSuchKey")
	_, err = read(deleted.VersionId)
	refused(t, err, "MethodNotAllowed")
	_, err = read(aws.String("none"))
	refused(t, err, "NoSuchVersion")
	list, err := f.s3.ListObjectsV2(f.ctx, &sdk.ListObjectsV2Input{Bucket: &b})
	require.NoError(t, err)
	require.Empty(t, list.Contents)

	all, err := f.s3.ListObjectVersions(f.ctx, &sdk.ListObjectVersionsInput{Bucket: &b})
	require.NoError(t, err)
	require.Len(t, all.Versions, 3)
	require.Equal(t, *second, *all.Versions[0].VersionId)
	require.False(t, *all.Versions[0].IsLatest)
	require.True(t, *all.DeleteMarkers[0].IsLatest)
	// in pages of one
	var ids []string
	pages := sdk.NewListObjectVersionsPaginator(f.s3, &sdk.ListObjectVersionsInput{Bucket: &b, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() && len(ids) < 10 {
		page, err := pages.NextPage(f.ctx)
		require.NoError(t, err)
		for _, v := range page.Versions {
			ids = append(ids, *v.VersionId)
		}
		for _, v := range page.DeleteMarkers {
			ids = append(ids, *v.VersionId)
		}
	}
	require.Equal(t, []string{*deleted.VersionId, *second, *first, "null"}, ids)

	_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("k"), VersionId: deleted.VersionId})
	require.NoError(t, err)
	require.Equal(t, "second", f.get(b, "k"))
	f.version(b, types.BucketVersioningStatusSuspended)
	require.Equal(t, "null", *f.put(b, "k", "again").VersionId)
	_, err = f.s3.DeleteBucket(f.ctx, &sdk.DeleteBucketInput{Bucket: &b})
	require.Contains(t, refused(t, err, "BucketNotEmpty"), "all versions")
	// as Terraform empties a bucket
	all, err = f.s3.ListObjectVersions(f.ctx, &sdk.ListObjectVersionsInput{Bucket: &b})
	require.NoError(t, err)
	require.Len(t, all.Versions, 3)
	var objects []types.ObjectIdentifier
	for _, v := range all.Versions {
		objects = append(objects, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	out, err := f.s3.DeleteObjects(f.ctx, &sdk.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
	require.NoError(t, err)
	require.Empty(t, out.Errors)
	_, err = f.s3.DeleteBucket(f.ctx, &sdk.DeleteBucketInput{Bucket: &b})
	require.NoError(t, err)
}

func TestListings(t *testing.T) {
	f := start(t)
	b := f.bucket("lists")
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "c d", "e/"} {
		f.put(b, key, key)
	}
	type want struct{ keys, prefixes []string }
	for _, test := range []struct {
		name string
		in   sdk.ListObjectsV2Input
		want want
	}{
		{"of all", sdk.ListObjectsV2Input{}, want{keys: []string{"a", "b/1", "b/2", "b/c/3", "c d", "e/"}}},
		{"with a prefix", sdk.ListObjectsV2Input{Prefix: aws.String("b/")}, want{keys: []string{"b/1", "b/2", "b/c/3"}}},
		{"with a delimiter", sdk.ListObjectsV2Input{Delimiter: aws.String("/")}, want{keys: []string{"a", "c d"}, prefixes: []string{"b/", "e/"}}},
		{"with both", sdk.ListObjectsV2Input{Prefix: aws.String("b/"), Delimiter: aws.String("/")}, want{keys: []string{"b/1", "b/2"}, prefixes: []string{"b/c/"}}},
		{"after a key", sdk.ListObjectsV2Input{StartAfter: aws.String("b/2")}, want{keys: []string{"b/c/3", "c d", "e/"}}},
		{"encoded", sdk.ListObjectsV2Input{Prefix: aws.String("c"), EncodingType: types.EncodingTypeUrl}, want{keys: []string{"c+d"}}},
		{"of nothing", sdk.ListObjectsV2Input{Prefix: aws.String("x")}, want{}},
	} {
		for _, size := range []int32{1000, 2, 1} {
			t.Run(test.name, func(t *testing.T) {
				in := test.in
				in.Bucket, in.MaxKeys = &b, &size
				var got want
				pages := sdk.NewListObjectsV2Paginator(f.s3, &in, func(o *sdk.ListObjectsV2PaginatorOptions) { o.StopOnDuplicateToken = true })
				for pages.HasMorePages() {
					page, err := pages.NextPage(f.ctx)
					require.NoError(t, err)
					require.LessOrEqual(t, *page.KeyCount, size)
					for _, o := range page.Contents {
						got.keys = append(got.keys, *o.Key)
					}
					for _, p := range page.CommonPrefixes {
						got.prefixes = append(got.prefixes, *p.Prefix)
					}
				}
				require.Equal(t, test.want, got)
			})
		}
	}
	t.Run("in the old version", func(t *testing.T) {
		out, err := f.s3.ListObjects(f.ctx, &sdk.ListObjectsInput{Bucket: &b, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
		require.NoError(t, err)
		require.True(t, *out.IsTruncated)
		require.Equal(t, "b/", *out.NextMarker)
		out, err = f.s3.ListObjects(f.ctx, &sdk.ListObjectsInput{Bucket: &b, Delimiter: aws.String("/"), Marker: out.NextMarker})
		require.NoError(t, err)
		require.Equal(t, "c d", *out.Contents[0].Key)
		require.False(t, *out.IsTruncated)
	})
}

func TestStateSurvives(t *testing.T) {
	f := start(t)
	b := f.bucket("kept")
	require.NoError(t, f.notify(b, to(f.queue("q", b), "in/", "", "s3:ObjectCreated:*")))
	f.version(b, types.BucketVersioningStatusEnabled)
	f.put(b, "in/k", "first")
	f.put(b, "in/k", "second")
	for i := range 20 {
		f.put(b, fmt.Sprintf("many/%02d", i), "x")
	}

	var records [][]byte
	require.NoError(t, f.svc.Snapshot()(func(v any) error {
		raw, err := json.Marshal(v)
		records = append(records, raw)
		return err
	}))
	again := s3.New(f.clk, s3.Options{})
	require.NoError(t, again.Restore(func(v any) error {
		if len(records) == 0 {
			return io.EOF
		}
		raw := records[0]
		records = records[1:]
		return json.Unmarshal(raw, v)
	}))
	require.Empty(t, records)
	srv := httptest.NewServer(wire.NewRouter(f.clk.Now, nil, again.API()))
	defer srv.Close()
	f.url = srv.URL
	f.s3 = f.client(owner, "us-east-1")
	require.Equal(t, "second", f.get(b, "in/k"))
	all, err := f.s3.ListObjectVersions(f.ctx, &sdk.ListObjectVersionsInput{Bucket: &b})
	require.NoError(t, err)
	require.Len(t, all.Versions, 22)
	require.True(t, slices.IsSortedFunc(all.Versions, func(a, b types.ObjectVersion) int { return strings.Compare(*a.Key, *b.Key) }))
	n, err := f.s3.GetBucketNotificationConfiguration(f.ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: &b})
	require.NoError(t, err)
	require.Equal(t, "in/", *n.QueueConfigurations[0].Filter.Key.FilterRules[0].Value)
	require.ErrorIs(t, again.Restore(func(any) error { return io.EOF }), io.EOF)
}
