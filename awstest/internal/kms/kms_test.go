package kms_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/kms"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "us-east-1"
)

// rig is a service with the SDK's client on it, on a clock that only moves when it is
// advanced.
type rig struct {
	*testing.T
	clk *clock.Clock
	svc *kms.Service
	url string
	*sdk.Client
}

func newRig(t *testing.T) *rig {
	t.Helper()
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	clk := clock.New(start.Add(-time.Second))
	clk.Pause()
	clk.AdvanceTo(start) // to a whole second
	t.Cleanup(clk.Close)
	svc := kms.New(clk)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	r := &rig{T: t, clk: clk, svc: svc, url: srv.URL}
	r.Client = r.as(account, region)
	return r
}

func (r *rig) as(account, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &r.url, Region: region, Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""), Retryer: aws.NopRetryer{}, HTTPClient: sdkhttp.Client(),
	})
}

func (r *rig) ctx() context.Context { return r.Context() }

// key creates a key with the policy, the default one if it is empty.
func (r *rig) key(policy string) *types.KeyMetadata {
	r.Helper()
	in := &sdk.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := r.CreateKey(r.ctx(), in)
	require.NoError(r, err)
	return out.KeyMetadata
}

func (r *rig) describe(id string) *types.KeyMetadata {
	r.Helper()
	out, err := r.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: &id})
	require.NoError(r, err)
	return out.KeyMetadata
}

func requireError(t require.TestingT, err error, code, message string) {
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	require.Contains(t, e.ErrorMessage(), message)
}

// policyWith is a key policy: the account, and one statement more.
func policyWith(statement string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},` + statement + `]}`
}

func TestAKeyIsDescribedAsItWasCreated(t *testing.T) {
	r := newRig(t)
	out, err := r.CreateKey(r.ctx(), &sdk.CreateKeyInput{Description: aws.String("queues"), Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("a")}}})
	require.NoError(t, err)
	k := out.KeyMetadata
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`, *k.KeyId)
	require.Equal(t, "arn:aws:kms:us-east-1:111111111111:key/"+*k.KeyId, *k.Arn)
	require.Equal(t, types.KeyStateEnabled, k.KeyState)
	require.True(t, k.Enabled)
	require.Equal(t, types.KeyManagerTypeCustomer, k.KeyManager)
	require.Equal(t, types.KeySpecSymmetricDefault, k.KeySpec)
	require.Equal(t, types.KeyUsageTypeEncryptDecrypt, k.KeyUsage)
	require.Equal(t, types.OriginTypeAwsKms, k.Origin)
	require.False(t, *k.MultiRegion)
	require.Equal(t, r.clk.Now(), *k.CreationDate)
	require.Equal(t, k, r.describe(*k.KeyId))
	require.Equal(t, k, r.describe(*k.Arn))
	_, err = r.UpdateKeyDescription(r.ctx(), &sdk.UpdateKeyDescriptionInput{KeyId: k.KeyId, Description: aws.String("topics")})
	require.NoError(t, err)
	require.Equal(t, "topics", *r.describe(*k.KeyId).Description)

	policy, err := r.GetKeyPolicy(r.ctx(), &sdk.GetKeyPolicyInput{KeyId: k.KeyId, PolicyName: aws.String("default")})
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}]}`, *policy.Policy)
	names, err := r.ListKeyPolicies(r.ctx(), &sdk.ListKeyPoliciesInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Equal(t, []string{"default"}, names.PolicyNames)
	grants, err := r.ListGrants(r.ctx(), &sdk.ListGrantsInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Empty(t, grants.Grants)
	multi, err := r.CreateKey(r.ctx(), &sdk.CreateKeyInput{MultiRegion: aws.Bool(true)})
	require.NoError(t, err)
	require.Regexp(t, `^mrk-[0-9a-f]{32}$`, *multi.KeyMetadata.KeyId)
	require.Equal(t, types.MultiRegionKeyTypePrimary, multi.KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType)
}

func TestKeysThatDoNotExist(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	for id, want := range map[string][2]string{
		"fake-key-id":                          {"NotFoundException", "Invalid keyId 'fake-key-id'"},
		"134f2428-cec1-4b25-a1ae-9048164dba47": {"NotFoundException", "Key 'arn:aws:kms:us-east-1:111111111111:key/134f2428-cec1-4b25-a1ae-9048164dba47' does not exist"},
		"arn:aws:kms:us-east-1:111111111111:key/134f2428-cec1-4b25-a1ae-9048164dba47": {"NotFoundException", "does not exist"},
		strings.Replace(*k.Arn, region, "ap-southeast-1", 1):                          {"NotFoundException", "Invalid arn ap-southeast-1"},
		strings.Replace(*k.Arn, account, "nobody", 1):                                 {"NotFoundException", "does not exist"},
		"arn:aws:sqs:us-east-1:111111111111:q":                                        {"InvalidArnException", "Invalid arn"},
		"arn:aws:kms:us-east-1:111111111111:q":                                        {"InvalidArnException", "Invalid arn"},
		"alias/none":                                                                  {"NotFoundException", "Alias arn:aws:kms:us-east-1:111111111111:alias/none is not found."},
		"":                                                                            {"ValidationException", "Member must not be null"},
	} {
		t.Run(id, func(t *testing.T) {
			_, err := r.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: &id})
			requireError(t, err, want[0], want[1])
		})
	}
	_, err := r.as(account, "eu-west-1").DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: k.KeyId})
	requireError(t, err, "NotFoundException", "eu-west-1")
	_, err = r.Encrypt(r.ctx(), &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x")})
	requireError(t, err, "NotImplemented", "kms:Encrypt")
	_, err = r.CreateKey(r.ctx(), &sdk.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeSignVerify})
	requireError(t, err, "NotImplemented", "KeySpec RSA_2048")
}

func TestAliases(t *testing.T) {
	r := newRig(t)
	one, two := r.key(""), r.key("")
	create := func(name, target string) error {
		_, err := r.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: &target})
		return err
	}
	require.NoError(t, create("alias/queues", *one.KeyId))
	require.Equal(t, *one.KeyId, *r.describe("alias/queues").KeyId)
	require.Equal(t, *one.KeyId, *r.describe("arn:aws:kms:us-east-1:111111111111:alias/queues").KeyId)
	requireError(t, create("alias/queues", *two.KeyId), "AlreadyExistsException", "arn:aws:kms:us-east-1:111111111111:alias/queues already exists")
	requireError(t, create("queues", *two.KeyId), "ValidationException", `prefix "alias/"`)
	requireError(t, create("alias/a b", *two.KeyId), "ValidationException", "regular expression")
	requireError(t, create("alias/a:b", *two.KeyId), "ValidationException", "invalid characters")
	requireError(t, create("alias/aws/mine", *two.KeyId), "NotAuthorizedException", "reserved")
	requireError(t, create("alias/other", "alias/queues"), "ValidationException", "Not aliases")
	_, err := r.GetKeyPolicy(r.ctx(), &sdk.GetKeyPolicyInput{KeyId: aws.String("alias/queues")})
	requireError(t, err, "NotFoundException", "Invalid keyId 'alias/queues'")

	_, err = r.UpdateAlias(r.ctx(), &sdk.UpdateAliasInput{AliasName: aws.String("alias/queues"), TargetKeyId: two.Arn})
	require.NoError(t, err)
	require.Equal(t, *two.KeyId, *r.describe("alias/queues").KeyId)
	of, err := r.ListAliases(r.ctx(), &sdk.ListAliasesInput{KeyId: two.KeyId})
	require.NoError(t, err)
	require.Len(t, of.Aliases, 1)
	require.Equal(t, "arn:aws:kms:us-east-1:111111111111:alias/queues", *of.Aliases[0].AliasArn)
	require.Equal(t, *two.KeyId, *of.Aliases[0].TargetKeyId)
	_, err = r.DeleteAlias(r.ctx(), &sdk.DeleteAliasInput{AliasName: aws.String("alias/queues")})
	require.NoError(t, err)
	_, err = r.DeleteAlias(r.ctx(), &sdk.DeleteAliasInput{AliasName: aws.String("alias/queues")})
	requireError(t, err, "NotFoundException", "alias/queues")
}

func TestAWSManagedKeys(t *testing.T) {
	r := newRig(t)
	list, err := r.ListAliases(r.ctx(), &sdk.ListAliasesInput{})
	require.NoError(t, err)
	var names []string
	for _, a := range list.Aliases {
		names = append(names, *a.AliasName)
		require.Nil(t, a.TargetKeyId, "it has not been used yet")
	}
	require.Equal(t, []string{"alias/aws/s3", "alias/aws/sns", "alias/aws/sqs"}, names)
	k := r.describe("alias/aws/sqs")
	require.Equal(t, types.KeyManagerTypeAws, k.KeyManager)
	require.Equal(t, k, r.describe("alias/aws/sqs"))
	_, err = r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId})
	requireError(t, err, "AccessDeniedException", "kms:ScheduleKeyDeletion")
	_, err = r.PutKeyPolicy(r.ctx(), &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: aws.String(policyWith(`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`))})
	requireError(t, err, "AccessDeniedException", "kms:PutKeyPolicy")
	rotation, err := r.GetKeyRotationStatus(r.ctx(), &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.True(t, rotation.KeyRotationEnabled)

	for _, service := range []string{"sns.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"} {
		err := r.svc.Use(fabric.KeyUse{From: fabric.Principal{Service: service, SourceAccount: account}, Account: account, Region: region, Key: "alias/aws/sqs", Actions: []string{"kms:Decrypt"}})
		require.ErrorContains(t, err, "AccessDeniedException", service)
	}
	require.NoError(t, r.svc.Use(fabric.KeyUse{From: fabric.Principal{SourceAccount: account}, Account: account, Region: region, Key: "alias/aws/sqs", Actions: []string{"kms:Decrypt"}}))
}

func TestAPolicyMustNotLockItsOwnersOut(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	put := func(policy string, bypass bool) error {
		_, err := r.PutKeyPolicy(r.ctx(), &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: &policy, BypassPolicyLockoutSafetyCheck: bypass})
		return err
	}
	service := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"kms:*","Resource":"*"}}`
	requireError(t, put(service, false), "MalformedPolicyDocumentException", "will not allow you to update the key policy in the future")
	_, err := r.CreateKey(r.ctx(), &sdk.CreateKeyInput{Policy: &service})
	requireError(t, err, "MalformedPolicyDocumentException", "in the future")
	require.NoError(t, put(service, true))
	role := strings.ReplaceAll(service, `{"Service":"sns.amazonaws.com"}`, `{"AWS":"arn:aws:iam::111111111111:role/admin"}`)
	require.NoError(t, put(role, false), "a role of the account will do")
	requireError(t, put(strings.ReplaceAll(role, account, other), false), "MalformedPolicyDocumentException", "in the future")
	requireError(t, put(`{"Statement":[]}`, false), "MalformedPolicyDocumentException", "")
	requireError(t, put(`{`, false), "MalformedPolicyDocumentException", "")
	requireError(t, put(strings.Repeat(" ", 33<<10)+service, true), "LimitExceededException", "longer")
	got, err := r.GetKeyPolicy(r.ctx(), &sdk.GetKeyPolicyInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Equal(t, role, *got.Policy, "word for word")
}

func TestStates(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	use := func() error {
		return r.svc.Use(fabric.KeyUse{From: fabric.Principal{SourceAccount: account}, Account: account, Region: region, Key: *k.Arn, Actions: []string{"kms:Decrypt"}})
	}
	require.NoError(t, use())
	_, err := r.DisableKey(r.ctx(), &sdk.DisableKeyInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Equal(t, types.KeyStateDisabled, r.describe(*k.KeyId).KeyState)
	require.ErrorContains(t, use(), "DisabledException: "+*k.Arn+" is disabled.")
	_, err = r.EnableKeyRotation(r.ctx(), &sdk.EnableKeyRotationInput{KeyId: k.KeyId})
	requireError(t, err, "DisabledException", "")
	_, err = r.EnableKey(r.ctx(), &sdk.EnableKeyInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.NoError(t, use())

	_, err = r.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: aws.String("alias/q"), TargetKeyId: k.KeyId})
	require.NoError(t, err)
	_, err = r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: aws.Int32(6)})
	requireError(t, err, "ValidationException", "between 7 and 30")
	out, err := r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: aws.Int32(7)})
	require.NoError(t, err)
	require.Equal(t, *k.Arn, *out.KeyId)
	require.Equal(t, r.clk.Now().AddDate(0, 0, 7), *out.DeletionDate)
	require.Equal(t, types.KeyStatePendingDeletion, r.describe(*k.KeyId).KeyState)
	require.ErrorContains(t, use(), "KMSInvalidStateException: "+*k.Arn+" is pending deletion.")
	for name, call := range map[string]func() error{
		"schedule": func() error {
			_, err := r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId})
			return err
		},
		"enable": func() error { _, err := r.EnableKey(r.ctx(), &sdk.EnableKeyInput{KeyId: k.KeyId}); return err },
		"tag": func() error {
			_, err := r.TagResource(r.ctx(), &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{}})
			return err
		},
		"add alias": func() error {
			_, err := r.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: aws.String("alias/2"), TargetKeyId: k.KeyId})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { requireError(t, call(), "KMSInvalidStateException", "is pending deletion") })
	}
	r.clk.Advance(6 * 24 * time.Hour)
	_, err = r.CancelKeyDeletion(r.ctx(), &sdk.CancelKeyDeletionInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Equal(t, types.KeyStateDisabled, r.describe(*k.KeyId).KeyState)
	r.clk.Advance(30 * 24 * time.Hour)
	r.describe("alias/q")

	_, err = r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId})
	require.NoError(t, err)
	r.clk.Advance(30*24*time.Hour - time.Second)
	r.describe(*k.KeyId)
	r.clk.Advance(time.Second)
	_, err = r.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: k.KeyId})
	requireError(t, err, "NotFoundException", "")
	_, err = r.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: aws.String("alias/q")})
	requireError(t, err, "NotFoundException", "alias/q")
}

func TestRotation(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	status := func() *sdk.GetKeyRotationStatusOutput {
		out, err := r.GetKeyRotationStatus(r.ctx(), &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId})
		require.NoError(t, err)
		return out
	}
	require.False(t, status().KeyRotationEnabled)
	_, err := r.EnableKeyRotation(r.ctx(), &sdk.EnableKeyRotationInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.EqualValues(t, 365, *status().RotationPeriodInDays)
	_, err = r.EnableKeyRotation(r.ctx(), &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(90)})
	require.NoError(t, err)
	began := r.clk.Now()
	require.Equal(t, began.AddDate(0, 0, 90), *status().NextRotationDate)
	r.clk.Advance(100 * 24 * time.Hour)
	require.Equal(t, began.AddDate(0, 0, 180), *status().NextRotationDate)
	_, err = r.EnableKeyRotation(r.ctx(), &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(89)})
	requireError(t, err, "ValidationException", "rotationPeriodInDays")
	_, err = r.DisableKeyRotation(r.ctx(), &sdk.DisableKeyRotationInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.False(t, status().KeyRotationEnabled)
}

func TestTags(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	tag := func(tags ...string) error {
		in := &sdk.TagResourceInput{KeyId: k.KeyId}
		for i := 0; i < len(tags); i += 2 {
			in.Tags = append(in.Tags, types.Tag{TagKey: &tags[i], TagValue: &tags[i+1]})
		}
		_, err := r.TagResource(r.ctx(), in)
		return err
	}
	require.NoError(t, tag("b", "2", "a", "1"))
	require.NoError(t, tag("b", "3", "c", ""))
	_, err := r.UntagResource(r.ctx(), &sdk.UntagResourceInput{KeyId: k.KeyId, TagKeys: []string{"a", "none"}})
	require.NoError(t, err)
	requireError(t, tag("aws:x", "1"), "TagException", "")
	requireError(t, tag("", "1"), "TagException", "")
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprint(i), "")
	}
	requireError(t, tag(many...), "LimitExceededException", "")
	out, err := r.ListResourceTags(r.ctx(), &sdk.ListResourceTagsInput{KeyId: k.KeyId})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{TagKey: aws.String("b"), TagValue: aws.String("3")}, {TagKey: aws.String("c"), TagValue: aws.String("")}}, out.Tags)
}

func TestListsComeInPages(t *testing.T) {
	r := newRig(t)
	want := map[string]bool{}
	for range 5 {
		want[*r.key("").KeyId] = true
	}
	pages := 0
	for p := sdk.NewListKeysPaginator(r, &sdk.ListKeysInput{Limit: aws.Int32(2)}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(r.ctx())
		require.NoError(t, err)
		for _, k := range page.Keys {
			require.True(t, want[*k.KeyId])
			delete(want, *k.KeyId)
		}
	}
	require.Empty(t, want)
	require.Equal(t, 3, pages)
	_, err := r.ListKeys(r.ctx(), &sdk.ListKeysInput{Marker: aws.String("*")})
	requireError(t, err, "InvalidMarkerException", "")
	_, err = r.ListAliases(r.ctx(), &sdk.ListAliasesInput{Limit: aws.Int32(101)})
	requireError(t, err, "ValidationException", "limit")
}

// The statement that the module hands out, and what becomes of it when something is off.
func TestWhoMayUseAKey(t *testing.T) {
	const (
		queue = "arn:aws:sqs:us-east-1:111111111111:orders"
		topic = "arn:aws:sns:us-east-1:111111111111:orders"
	)
	sns := fabric.Principal{Service: "sns.amazonaws.com", SourceARN: topic, SourceAccount: account}
	with := func(principal, actions, condition string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + actions + `,"Resource":"*"` + condition + `}`
	}
	const services, both = `{"Service":["sns.amazonaws.com","s3.amazonaws.com"]}`, `["kms:Decrypt","kms:GenerateDataKey"]`
	for _, test := range []struct {
		name, statement string
		from            fabric.Principal
		context         map[string]string
		denied          string // the action that is, empty if none
	}{
		{"a service that is let in", with(services, both, ""), sns, nil, ""},
		{"a service that isn't", with(services, both, ""), fabric.Principal{Service: "events.amazonaws.com"}, nil, "kms:GenerateDataKey"},
		{"an action that is missing", with(services, `"kms:GenerateDataKey"`, ""), sns, nil, "kms:Decrypt"},
		{"a wildcard of actions", with(services, `["kms:GenerateDataKey*","kms:Dec*"]`, ""), sns, nil, ""},
		{"for the queue that the encryption context names", with(services, both, `,"Condition":{"StringEquals":{"kms:EncryptionContext:aws:sqs:arn":"`+queue+`"}}`), sns, map[string]string{"aws:sqs:arn": queue}, ""},
		{"for another queue", with(services, both, `,"Condition":{"StringEquals":{"kms:EncryptionContext:aws:sqs:arn":"`+queue+`"}}`), sns, map[string]string{"aws:sqs:arn": queue + "-2"}, "kms:GenerateDataKey"},
		{"for its topic", with(services, both, `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+topic+`"}}`), sns, nil, ""},
		{"for another topic", with(services, both, `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+topic+`-2"}}`), sns, nil, "kms:GenerateDataKey"},
		{"for its account", with(services, both, `,"Condition":{"StringEquals":{"aws:SourceAccount":"`+account+`"}}`), sns, nil, ""},
		{"for another account", with(services, both, `,"Condition":{"StringEquals":{"aws:SourceAccount":"`+other+`"}}`), sns, nil, "kms:GenerateDataKey"},
		{"a deny wins", with(services, both, "") + `,{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`, sns, nil, "kms:Decrypt"},
		{"the account itself, if it is denied", `{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`, fabric.Principal{SourceAccount: account}, nil, "kms:Decrypt"},
		{"the account itself", with(services, both, ""), fabric.Principal{SourceAccount: account}, nil, ""},
		{"a role of the account", with(services, both, ""), fabric.Principal{SourceAccount: account, SourceARN: "arn:aws:iam::111111111111:role/r"}, nil, ""},
		{"another account", with(services, both, ""), fabric.Principal{SourceAccount: other}, nil, "kms:GenerateDataKey"},
		{"another account that is let in", with(`{"AWS":"arn:aws:iam::`+other+`:root"}`, both, ""), fabric.Principal{SourceAccount: other}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			k := r.key(policyWith(test.statement))
			err := r.svc.Use(fabric.KeyUse{
				From: test.from, Account: account, Region: region, Key: *k.KeyId, Context: test.context,
				Actions: []string{"kms:GenerateDataKey", "kms:Decrypt"},
			})
			if test.denied == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "AccessDeniedException: User: ")
			require.ErrorContains(t, err, "is not authorized to perform: "+test.denied+" on resource: "+*k.Arn)
		})
	}
}

func TestAnotherAccountIsLetInByThePolicyAlone(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	stranger := r.as(other, region)
	_, err := stranger.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: k.Arn})
	requireError(t, err, "AccessDeniedException", "User: arn:aws:iam::222222222222:root is not authorized to perform: kms:DescribeKey")
	_, err = r.PutKeyPolicy(r.ctx(), &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: aws.String(policyWith(`{"Effect":"Allow","Principal":{"AWS":"` + other + `"},"Action":"kms:*","Resource":"*"}`))})
	require.NoError(t, err)
	_, err = stranger.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: k.Arn})
	require.NoError(t, err)
	_, err = stranger.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: aws.String("alias/theirs"), TargetKeyId: k.Arn})
	requireError(t, err, "AccessDeniedException", "kms:CreateAlias")
}

func TestASnapshotHoldsEverything(t *testing.T) {
	r := newRig(t)
	k, doomed := r.key(policyWith(`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"kms:*","Resource":"*"}`)), r.key("")
	managed := r.describe("alias/aws/sqs")
	_, err := r.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: aws.String("alias/q"), TargetKeyId: k.KeyId})
	require.NoError(t, err)
	_, err = r.TagResource(r.ctx(), &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("1")}}})
	require.NoError(t, err)
	_, err = r.EnableKeyRotation(r.ctx(), &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(100)})
	require.NoError(t, err)
	_, err = r.DisableKey(r.ctx(), &sdk.DisableKeyInput{KeyId: k.KeyId})
	require.NoError(t, err)
	_, err = r.ScheduleKeyDeletion(r.ctx(), &sdk.ScheduleKeyDeletionInput{KeyId: doomed.KeyId})
	require.NoError(t, err)

	var saved []byte
	require.NoError(t, r.svc.Snapshot()(func(v any) error { saved, err = cbor.Marshal(v); return err }))
	again := newRig(t)
	require.NoError(t, again.svc.Restore(func(v any) error { return cbor.Unmarshal(saved, v) }))
	require.Equal(t, r.describe("alias/q"), again.describe("alias/q"))
	require.Equal(t, types.KeyStateDisabled, again.describe("alias/q").KeyState)
	require.Equal(t, managed, again.describe("alias/aws/sqs"))
	for _, one := range []*rig{r, again} {
		rotation, err := one.GetKeyRotationStatus(r.ctx(), &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId})
		require.NoError(t, err)
		require.EqualValues(t, 100, *rotation.RotationPeriodInDays)
		tags, err := one.ListResourceTags(r.ctx(), &sdk.ListResourceTagsInput{KeyId: k.KeyId})
		require.NoError(t, err)
		require.Len(t, tags.Tags, 1)
		policy, err := one.GetKeyPolicy(r.ctx(), &sdk.GetKeyPolicyInput{KeyId: k.KeyId})
		require.NoError(t, err)
		require.Contains(t, *policy.Policy, "sns.amazonaws.com")
	}
	again.clk.Advance(30 * 24 * time.Hour)
	_, err = again.DescribeKey(r.ctx(), &sdk.DescribeKeyInput{KeyId: doomed.KeyId})
	requireError(t, err, "NotFoundException", "")
}

func TestConcurrentUse(t *testing.T) {
	r := newRig(t)
	k := r.key("")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("alias/%d", i)
			for range 20 {
				_, _ = r.CreateAlias(r.ctx(), &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: k.KeyId})
				_ = r.svc.Use(fabric.KeyUse{Account: account, Region: region, Key: name, Actions: []string{"kms:Decrypt"}})
				_ = r.svc.Snapshot()
				_, _ = r.DeleteAlias(r.ctx(), &sdk.DeleteAliasInput{AliasName: &name})
			}
		})
	}
	r.clk.Advance(time.Hour)
	group.Wait()
}
