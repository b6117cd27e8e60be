package sts_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sts"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const role = "arn:aws:iam::210987654321:role/path/deployer"

// start returns a function that makes clients of one STS, and its clock.
func start(t *testing.T) (client func(region, key, token string) *sdk.Client, clk *clock.Clock) {
	t.Helper()
	clk = clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	t.Cleanup(clk.Close)
	clk.Pause()
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, sts.New(clk).API()))
	t.Cleanup(srv.Close)
	return func(region, key, token string) *sdk.Client {
		return sdk.New(sdk.Options{
			Region: region, BaseEndpoint: aws.String(srv.URL), RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
			Credentials: credentials.NewStaticCredentialsProvider(key, "test", token),
		})
	}, clk
}

func TestTheCallerIsTheRootOfItsAccount(t *testing.T) {
	client, _ := start(t)
	tests := map[string]struct{ region, key, account, arn string }{
		"an account's id as key":  {"us-east-1", "123456789012", "123456789012", "arn:aws:iam::123456789012:root"},
		"any other key":           {"us-east-1", "test", "000000000000", "arn:aws:iam::000000000000:root"},
		"the partition in China":  {"cn-north-1", "test", "000000000000", "arn:aws-cn:iam::000000000000:root"},
		"the partition of the US": {"us-gov-west-1", "test", "000000000000", "arn:aws-us-gov:iam::000000000000:root"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := client(tt.region, tt.key, "").GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
			require.NoError(t, err)
			require.Equal(t, tt.account, *got.Account)
			require.Equal(t, tt.account, *got.UserId)
			require.Equal(t, tt.arn, *got.Arn)
		})
	}
}

func TestWhoAssumesARoleIsThatRole(t *testing.T) {
	client, clk := start(t)
	out, err := client("us-east-1", "test", "").AssumeRole(t.Context(), &sdk.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("ci"), DurationSeconds: aws.Int32(900)})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::210987654321:assumed-role/deployer/ci", *out.AssumedRoleUser.Arn)
	require.Equal(t, clk.Now().Add(15*time.Minute).Truncate(time.Second), *out.Credentials.Expiration)
	require.NotEmpty(t, *out.Credentials.SecretAccessKey)
	got, err := client("us-east-1", *out.Credentials.AccessKeyId, *out.Credentials.SessionToken).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "210987654321", *got.Account)
	require.Equal(t, *out.AssumedRoleUser.Arn, *got.Arn)
	require.Equal(t, *out.AssumedRoleUser.AssumedRoleId, *got.UserId)
}

func TestASessionTokenKeepsTheCaller(t *testing.T) {
	client, clk := start(t)
	out, err := client("us-east-1", "123456789012", "").GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{})
	require.NoError(t, err)
	require.Equal(t, clk.Now().Add(12*time.Hour).Truncate(time.Second), *out.Credentials.Expiration)
	got, err := client("us-east-1", *out.Credentials.AccessKeyId, *out.Credentials.SessionToken).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::123456789012:root", *got.Arn)
}

func TestAForeignTokenIsNoRole(t *testing.T) {
	client, _ := start(t)
	got, err := client("us-east-1", "123456789012", "bm9uc2Vuc2U=").GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::123456789012:root", *got.Arn)
}

func TestAssumeRoleChecksItsInput(t *testing.T) {
	client, _ := start(t)
	for name, tt := range map[string]struct {
		in        sdk.AssumeRoleInput
		code, err string
	}{
		"no role":          {sdk.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::1:user/joe")}, "ValidationError", "arn:aws:iam::1:user/joe is invalid"},
		"no session name":  {sdk.AssumeRoleInput{RoleSessionName: aws.String("a b")}, "ValidationError", "'roleSessionName'"},
		"too short":        {sdk.AssumeRoleInput{DurationSeconds: aws.Int32(899)}, "ValidationError", "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		"too long":         {sdk.AssumeRoleInput{DurationSeconds: aws.Int32(43_201)}, "ValidationError", "less than or equal to 43200"},
		"malformed policy": {sdk.AssumeRoleInput{Policy: aws.String("{}")}, "MalformedPolicyDocument", "no statement"},
	} {
		t.Run(name, func(t *testing.T) {
			in := tt.in
			if in.RoleArn == nil {
				in.RoleArn = aws.String(role)
			}
			if in.RoleSessionName == nil {
				in.RoleSessionName = aws.String("ci")
			}
			_, err := client("us-east-1", "test", "").AssumeRole(t.Context(), &in)
			var e smithy.APIError
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.code, e.ErrorCode())
			require.Contains(t, e.ErrorMessage(), tt.err)
		})
	}
}

func TestAnAccessKeyTellsItsAccount(t *testing.T) {
	client, _ := start(t)
	for key, account := range map[string]string{"123456789012": "123456789012", "AKIAIOSFODNN7EXAMPLE": "000000000000"} {
		out, err := client("us-east-1", "test", "").GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: &key})
		require.NoError(t, err)
		require.Equal(t, account, *out.Account)
	}
}
