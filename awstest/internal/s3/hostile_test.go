package s3_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/s3"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sns"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sqs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestHostileRequestsAreErrors(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.put("bkt", "k", "content")
	deep := strings.Repeat("<a>", 100_000)
	for _, test := range []struct {
		name, method, path, body string
		code                     string
	}{
		{"no XML", "PUT", "/bkt?versioning", "{}", "MalformedXML"},
		{"no body", "PUT", "/bkt?notification", "", "MalformedXML"},
		{"XML of another kind", "PUT", "/bkt?versioning", "<Tagging/>", "MalformedXML"},
		{"XML that doesn't end", "PUT", "/bkt?tagging", "<Tagging><TagSet>", "MalformedXML"},
		{"two roots", "PUT", "/bkt?tagging", "<Tagging/><Tagging/>", "MalformedXML"},
		{"XML in layers", "PUT", "/bkt?notification", "<NotificationConfiguration>" + deep, "MalformedXML"},
		{"XML in layers where size is allowed", "POST", "/bkt?delete", "<Delete>" + deep, "MalformedXML"},
		{"entities", "PUT", "/bkt?tagging", `<!DOCTYPE x [<!ENTITY a "b">]><Tagging><TagSet><Tag><Key>&a;</Key></Tag></TagSet></Tagging>`, "MalformedXML"},
		{"a configuration that is a book", "PUT", "/bkt?notification", "<NotificationConfiguration><QueueConfiguration><Id>" + strings.Repeat("x", 1<<20) + "</Id></QueueConfiguration></NotificationConfiguration>", "MalformedXML"},
		{"an ownership that is none", "PUT", "/bkt?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>Mine</ObjectOwnership></Rule></OwnershipControls>", "MalformedXML"},
		{"an encryption that is none", "PUT", "/bkt?encryption", "<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>", "MalformedXML"},
		{"a status that is none", "PUT", "/bkt?versioning", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", "MalformedXML"},
		{"nothing to delete", "POST", "/bkt?delete", "<Delete/>", "MalformedXML"},
		{"too much to delete", "POST", "/bkt?delete", "<Delete>" + strings.Repeat("<Object><Key>x</Key></Object>", 1001) + "</Delete>", "MalformedXML"},
		{"a key that is too long", "PUT", "/bkt/" + strings.Repeat("k", 1025), "x", "KeyTooLongError"},
		{"a query that is wrongly encoded", "GET", "/bkt?prefix=%zz", "", "InvalidArgument"},
		{"pages of negative size", "GET", "/bkt?list-type=2&max-keys=-1", "", "InvalidArgument"},
		{"pages of no size", "GET", "/bkt?list-type=2&max-keys=many", "", "InvalidArgument"},
		{"a token that is none", "GET", "/bkt?list-type=2&continuation-token=!", "", "InvalidArgument"},
		{"a version marker alone", "GET", "/bkt?versions&version-id-marker=x", "", "InvalidArgument"},
		{"an encoding that is none", "GET", "/bkt?encoding-type=rot13", "", "InvalidArgument"},
		{"a method that is none", "BREW", "/bkt/k", "", "UnknownOperationException"},
		{"a form", "POST", "/bkt", "x", "NotImplemented"},
		{"a copy", "POST", "/bkt/k?uploads", "x", "NotImplemented"},
		{"an object that is too large", "PUT", "/bkt/k", strings.Repeat("x", wire.MaxBody+1), "RequestEntityTooLarge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, answer := f.send(test.method, test.path, test.body)
			require.GreaterOrEqual(t, code, 400)
			require.Contains(t, answer, "<Code>"+test.code+"</Code>")
			require.NotContains(t, answer, "goroutine ")
			require.Less(t, len(answer), 4<<10)
		})
	}
	require.Equal(t, "content", f.get("bkt", "k"))
}

func TestObjectsTakeBoundedMemory(t *testing.T) {
	f := start(t)
	b := f.bucket("large")
	const size = 64 << 10
	f.svc.Hold(s3.MaxHeld - 3*size)
	body := strings.Repeat("x", size)
	put := func(key string) error {
		_, err := f.s3.PutObject(f.ctx, &sdk.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader(body)})
		return err
	}
	require.NoError(t, put("k0"))
	require.NoError(t, put("k1"))
	require.Contains(t, refused(t, put("k2"), "InsufficientStorage"), fmt.Sprint(s3.MaxHeld))
	require.NoError(t, put("k0"), "in place of itself an object needs no more room")
	_, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("k0")})
	require.NoError(t, err)
	require.NoError(t, put("another"))
	f.version(b, "Enabled")
	require.Error(t, put("k1"), "its old version is kept")
}

func TestConcurrentCallsAreSafe(t *testing.T) {
	f := start(t)
	b := f.bucket("busy")
	require.NoError(t, f.notify(b, to(f.queue("q", b), "", "", "s3:ObjectCreated:*", "s3:ObjectRemoved:*")))
	f.version(b, "Enabled")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				key := fmt.Sprintf("%d/%d", w, i%5)
				f.put(b, key, "x")
				_, err := f.s3.ListObjectsV2(f.ctx, &sdk.ListObjectsV2Input{Bucket: &b})
				require.NoError(f, err)
				_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: &key})
				require.NoError(f, err)
				require.NoError(f, f.svc.Snapshot()(func(any) error { return nil }))
			}
		})
	}
	wg.Wait()
	require.Len(t, f.events("q"), 2*4*10)
}

func FuzzRequests(f *testing.F) {
	for _, seed := range [][4]string{
		{"PUT", "/bkt?notification", "<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:us-east-1:0:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>", ""},
		{"PUT", "/bkt/key", "3;chunk-signature=x\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
		{"POST", "/bkt?delete", "<Delete><Object><Key>key</Key></Object></Delete>", ""},
		{"GET", "/bkt?versions&key-marker=key&version-id-marker=null&delimiter=e&max-keys=1", "", ""},
		{"GET", "/bkt/key?versionId=null", "", ""},
		{"PUT", "/bkt?policy", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, ""},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]), seed[3])
	}
	clk := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	f.Cleanup(clk.Close)
	queues := sqs.New(clk, sqs.Options{})
	svc := s3.New(clk, s3.Options{Queues: queues, Topics: sns.New(clk, queues), Events: &bus{}})
	rt := wire.NewRouter(clk.Now, nil, svc.API())
	f.Fuzz(func(t *testing.T, method, path string, body []byte, sha string) {
		for _, call := range []struct{ method, path, body string }{{"PUT", "/bkt", ""}, {"PUT", "/bkt/key", "abc"}, {method, path, string(body)}} {
			r, err := http.NewRequest(call.method, "http://x"+call.path, strings.NewReader(call.body))
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20261124/us-east-1/s3/aws4_request, x")
			r.Header.Set("X-Amz-Content-Sha256", sha)
			r.Header.Set("X-Amz-Skip-Destination-Validation", "true")
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body)
		}
	})
}
