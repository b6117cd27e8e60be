package s3_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// bus is an EventBridge that keeps what it gets.
type bus struct{ got []fabric.ServiceEvent }

func (b *bus) Emit(e fabric.ServiceEvent) { b.got = append(b.got, e) }

func TestEventBridgeGetsTheEventsOfBucketsThatSendThem(t *testing.T) {
	f := start(t)
	b := f.bucket("orders")
	f.put(b, "before", "x")
	_, err := f.s3.PutBucketNotificationConfiguration(f.ctx, &sdk.PutBucketNotificationConfigurationInput{
		Bucket: &b, NotificationConfiguration: &types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}},
	})
	require.NoError(t, err)
	out, err := f.s3.GetBucketNotificationConfiguration(f.ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: &b})
	require.NoError(t, err)
	require.NotNil(t, out.EventBridgeConfiguration)

	f.put(b, "a b", "hello")
	_, err = f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("a b")})
	require.NoError(t, err)
	f.version(b, types.BucketVersioningStatusEnabled)
	marker, err := f.s3.DeleteObject(f.ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: aws.String("before")})
	require.NoError(t, err)

	require.Len(t, f.bus.got, 3)
	var details []map[string]any
	for _, e := range f.bus.got {
		require.Equal(t, "aws.s3", e.Source)
		require.Equal(t, []string{"arn:aws:s3:::orders"}, e.Resources)
		require.Equal(t, owner, e.Account)
		require.Equal(t, "us-east-1", e.Region)
		var d map[string]any
		require.NoError(t, json.Unmarshal(e.Detail, &d))
		require.NotEmpty(t, d["request-id"])
		require.NotEmpty(t, d["object"].(map[string]any)["sequencer"])
		delete(d, "request-id")
		delete(d["object"].(map[string]any), "sequencer")
		details = append(details, d)
	}
	base := func(object map[string]any, more ...string) map[string]any {
		m := map[string]any{"version": "0", "bucket": map[string]any{"name": "orders"}, "object": object, "requester": owner, "source-ip-address": "127.0.0.1"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	require.Equal(t, "Object Created", f.bus.got[0].DetailType)
	require.Equal(t, base(map[string]any{"key": "a b", "size": 5.0, "etag": "5d41402abc4b2a76b9719d911017c592"}, "reason", "PutObject"), details[0])
	require.Equal(t, "Object Deleted", f.bus.got[1].DetailType)
	require.Equal(t, base(map[string]any{"key": "a b"}, "reason", "DeleteObject", "deletion-type", "Permanently Deleted"), details[1])
	require.Equal(t, "Object Deleted", f.bus.got[2].DetailType)
	require.Equal(t, base(map[string]any{"key": "before", "version-id": *marker.VersionId, "etag": "d41d8cd98f00b204e9800998ecf8427e"}, "reason", "DeleteObject", "deletion-type", "Delete Marker Created"), details[2])
}
