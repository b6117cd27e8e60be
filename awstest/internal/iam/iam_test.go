package iam_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/iam"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	trust    = `{"Version":"2012-10-17","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}]}`
	identity = `{"Version":"2012-10-17","Statement":[{"Action":["sqs:ReceiveMessage","sqs:Delete*"],"Effect":"Allow","Resource":"a b+c"}]}`
	managed  = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
)

type fixture struct {
	*sdk.Client
	url string
	clk *clock.Clock
}

func start(t *testing.T) *fixture {
	t.Helper()
	clk := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	t.Cleanup(clk.Close)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, iam.New(clk).API()))
	t.Cleanup(srv.Close)
	f := &fixture{url: srv.URL, clk: clk}
	f.Client = f.in("us-east-1", "123456789012")
	return f
}

// in returns a client of an account in a region.
func (f *fixture) in(region, account string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &f.url, RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	})
}

func (f *fixture) role(t *testing.T, name string) *types.Role {
	t.Helper()
	out, err := f.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)})
	require.NoError(t, err)
	return out.Role
}

func (f *fixture) policy(t *testing.T, name string) string {
	t.Helper()
	out, err := f.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(identity)})
	require.NoError(t, err)
	return *out.Policy.Arn
}

// requireError requires an AWS error of the code whose message contains the text.
func requireError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	require.Contains(t, e.ErrorMessage(), text)
}

func requireDocument(t *testing.T, want string, got *string) {
	t.Helper()
	decoded, err := url.QueryUnescape(*got)
	require.NoError(t, err)
	require.Equal(t, want, decoded)
	require.NotContains(t, *got, "+", "spaces are percent-encoded")
	require.NotContains(t, *got, "{")
}

func TestARoleIsAsItWasCreated(t *testing.T) {
	f := start(t)
	out, err := f.CreateRole(t.Context(), &sdk.CreateRoleInput{
		RoleName: aws.String("consumer"), Path: aws.String("/team/"), AssumeRolePolicyDocument: aws.String(trust), Description: aws.String("d"),
		MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: aws.String(managed), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::123456789012:role/team/consumer", *out.Role.Arn)
	require.Nil(t, out.Role.MaxSessionDuration, "CreateRole leaves it out")
	got, err := f.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("consumer")})
	require.NoError(t, err)
	r := got.Role
	require.Regexp(t, `^AROA[A-Z2-7]{17}$`, *r.RoleId)
	require.Equal(t, "/team/", *r.Path)
	require.Equal(t, "d", *r.Description)
	require.EqualValues(t, 7200, *r.MaxSessionDuration)
	require.Equal(t, managed, *r.PermissionsBoundary.PermissionsBoundaryArn)
	require.Equal(t, types.PermissionsBoundaryAttachmentType("Policy"), r.PermissionsBoundary.PermissionsBoundaryType)
	require.Equal(t, []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}, r.Tags)
	require.NotNil(t, r.RoleLastUsed)
	require.WithinDuration(t, f.clk.Now(), *r.CreateDate, time.Minute)
	requireDocument(t, trust, r.AssumeRolePolicyDocument)
}

func TestARoleCanBeChanged(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	name := aws.String("r")
	_, err := f.UpdateRole(t.Context(), &sdk.UpdateRoleInput{RoleName: name, MaxSessionDuration: aws.Int32(7200)})
	require.NoError(t, err)
	_, err = f.UpdateRoleDescription(t.Context(), &sdk.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("d")})
	require.NoError(t, err)
	other := strings.ReplaceAll(trust, "lambda", "scheduler")
	_, err = f.UpdateAssumeRolePolicy(t.Context(), &sdk.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &other})
	require.NoError(t, err)
	_, err = f.PutRolePermissionsBoundary(t.Context(), &sdk.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: aws.String(managed)})
	require.NoError(t, err)
	_, err = f.TagRole(t.Context(), &sdk.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}, {Key: aws.String("l"), Value: aws.String("w")}}})
	require.NoError(t, err)
	_, err = f.UntagRole(t.Context(), &sdk.UntagRoleInput{RoleName: name, TagKeys: []string{"k"}})
	require.NoError(t, err)

	got, err := f.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: name})
	require.NoError(t, err)
	require.EqualValues(t, 7200, *got.Role.MaxSessionDuration)
	require.Equal(t, "d", *got.Role.Description)
	require.Equal(t, managed, *got.Role.PermissionsBoundary.PermissionsBoundaryArn)
	requireDocument(t, other, got.Role.AssumeRolePolicyDocument)
	tags, err := f.ListRoleTags(t.Context(), &sdk.ListRoleTagsInput{RoleName: name})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}, tags.Tags)

	_, err = f.DeleteRolePermissionsBoundary(t.Context(), &sdk.DeleteRolePermissionsBoundaryInput{RoleName: name})
	require.NoError(t, err)
	got, err = f.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: name})
	require.NoError(t, err)
	require.Nil(t, got.Role.PermissionsBoundary)
}

func TestRolesAreChecked(t *testing.T) {
	f := start(t)
	f.role(t, "taken")
	for name, tt := range map[string]struct {
		in        sdk.CreateRoleInput
		code, err string
	}{
		"a name that is taken":     {sdk.CreateRoleInput{RoleName: aws.String("Taken")}, "EntityAlreadyExists", "Role with name Taken already exists."},
		"a name with a space":      {sdk.CreateRoleInput{RoleName: aws.String("a b")}, "ValidationError", "'roleName'"},
		"a long name":              {sdk.CreateRoleInput{RoleName: aws.String(strings.Repeat("a", 65))}, "ValidationError", "less than or equal to 64"},
		"a path":                   {sdk.CreateRoleInput{Path: aws.String("team")}, "ValidationError", "The specified value for path is invalid."},
		"a short session":          {sdk.CreateRoleInput{MaxSessionDuration: aws.Int32(3599)}, "ValidationError", "'maxSessionDuration'"},
		"a boundary":               {sdk.CreateRoleInput{PermissionsBoundary: aws.String("arn:aws:iam::123456789012:policy/none")}, "NoSuchEntity", "does not exist or is not attachable."},
		"no JSON":                  {sdk.CreateRoleInput{AssumeRolePolicyDocument: aws.String("{")}, "MalformedPolicyDocument", "This policy contains invalid Json"},
		"no statement":             {sdk.CreateRoleInput{AssumeRolePolicyDocument: aws.String("{}")}, "MalformedPolicyDocument", "Syntax errors in policy."},
		"another service's action": {sdk.CreateRoleInput{AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(trust, "sts:AssumeRole", "sqs:SendMessage"))}, "MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions."},
		"a resource":               {sdk.CreateRoleInput{AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(trust, `"Effect"`, `"Resource":"*","Effect"`))}, "MalformedPolicyDocument", "Has prohibited field Resource"},
		"a long trust policy":      {sdk.CreateRoleInput{AssumeRolePolicyDocument: aws.String(trust + strings.Repeat(" ", 2048))}, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"},
	} {
		t.Run(name, func(t *testing.T) {
			in := tt.in
			if in.RoleName == nil {
				in.RoleName = aws.String("r")
			}
			if in.AssumeRolePolicyDocument == nil {
				in.AssumeRolePolicyDocument = aws.String(trust)
			}
			_, err := f.CreateRole(t.Context(), &in)
			requireError(t, err, tt.code, tt.err)
		})
	}
}

func TestARoleIsDeletedOnceNothingIsLeftOnIt(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	name := aws.String("r")
	del := func() error {
		_, err := f.DeleteRole(t.Context(), &sdk.DeleteRoleInput{RoleName: name})
		return err
	}
	_, err := f.AttachRolePolicy(t.Context(), &sdk.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(managed)})
	require.NoError(t, err)
	_, err = f.PutRolePolicy(t.Context(), &sdk.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(identity)})
	require.NoError(t, err)
	requireError(t, del(), "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	_, err = f.DetachRolePolicy(t.Context(), &sdk.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String(managed)})
	require.NoError(t, err)
	requireError(t, del(), "DeleteConflict", "Cannot delete entity, must delete policies first.")
	_, err = f.DeleteRolePolicy(t.Context(), &sdk.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	require.NoError(t, err)
	profiles, err := f.ListInstanceProfilesForRole(t.Context(), &sdk.ListInstanceProfilesForRoleInput{RoleName: name})
	require.NoError(t, err)
	require.Empty(t, profiles.InstanceProfiles)
	require.NoError(t, del())
	requireError(t, del(), "NoSuchEntity", "The role with name r cannot be found.")
	_, err = f.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: name})
	var missing *types.NoSuchEntityException
	require.ErrorAs(t, err, &missing)
}

func TestInlinePolicies(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	name := aws.String("r")
	put := func(policy, doc string) error {
		_, err := f.PutRolePolicy(t.Context(), &sdk.PutRolePolicyInput{RoleName: name, PolicyName: &policy, PolicyDocument: &doc})
		return err
	}
	require.NoError(t, put("p", identity))
	require.NoError(t, put("o", identity))
	got, err := f.GetRolePolicy(t.Context(), &sdk.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	require.NoError(t, err)
	requireDocument(t, identity, got.PolicyDocument)
	list, err := f.ListRolePolicies(t.Context(), &sdk.ListRolePoliciesInput{RoleName: name})
	require.NoError(t, err)
	require.Equal(t, []string{"o", "p"}, list.PolicyNames)
	_, err = f.GetRolePolicy(t.Context(), &sdk.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("q")})
	requireError(t, err, "NoSuchEntity", "The role policy with name q cannot be found.")
	_, err = f.DeleteRolePolicy(t.Context(), &sdk.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("q")})
	requireError(t, err, "NoSuchEntity", "The role policy with name q cannot be found.")
	requireError(t, put("p", "{"), "MalformedPolicyDocument", "This policy contains invalid Json")
	requireError(t, put("p", trust), "MalformedPolicyDocument", "Syntax errors in policy.")
	requireError(t, put("p", strings.ReplaceAll(identity, "a b+c", strings.Repeat("x", 10_240))), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r")
}

func TestAttachments(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	name, own := aws.String("r"), f.policy(t, "own")
	attach := func(arn string) error {
		_, err := f.AttachRolePolicy(t.Context(), &sdk.AttachRolePolicyInput{RoleName: name, PolicyArn: &arn})
		return err
	}
	require.NoError(t, attach(own))
	require.NoError(t, attach(managed))
	require.NoError(t, attach(managed), "twice is once")
	requireError(t, attach("arn:aws:iam::123456789012:policy/none"), "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/none does not exist or is not attachable.")
	list, err := f.ListAttachedRolePolicies(t.Context(), &sdk.ListAttachedRolePoliciesInput{RoleName: name})
	require.NoError(t, err)
	require.Equal(t, []types.AttachedPolicy{
		{PolicyArn: &own, PolicyName: aws.String("own")},
		{PolicyArn: aws.String(managed), PolicyName: aws.String("AWSLambdaSQSQueueExecutionRole")},
	}, list.AttachedPolicies)
	roles, err := f.ListEntitiesForPolicy(t.Context(), &sdk.ListEntitiesForPolicyInput{PolicyArn: &own})
	require.NoError(t, err)
	require.Len(t, roles.PolicyRoles, 1)
	require.Equal(t, "r", *roles.PolicyRoles[0].RoleName)
	got, err := f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: &own})
	require.NoError(t, err)
	require.EqualValues(t, 1, *got.Policy.AttachmentCount)
	_, err = f.DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyArn: &own})
	requireError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	_, err = f.DetachRolePolicy(t.Context(), &sdk.DetachRolePolicyInput{RoleName: name, PolicyArn: &own})
	require.NoError(t, err)
	_, err = f.DetachRolePolicy(t.Context(), &sdk.DetachRolePolicyInput{RoleName: name, PolicyArn: &own})
	requireError(t, err, "NoSuchEntity", "Policy "+own+" was not found.")
	for i := range 9 {
		require.NoError(t, attach(fmt.Sprint("arn:aws:iam::aws:policy/P", i)))
	}
	requireError(t, attach("arn:aws:iam::aws:policy/P9"), "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
}

func TestAManagedPolicyHasVersions(t *testing.T) {
	f := start(t)
	out, err := f.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{
		PolicyName: aws.String("p"), Path: aws.String("/team/"), PolicyDocument: aws.String(identity), Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	require.NoError(t, err)
	arn := out.Policy.Arn
	require.Equal(t, "arn:aws:iam::123456789012:policy/team/p", *arn)
	require.Regexp(t, `^ANPA[A-Z2-7]{17}$`, *out.Policy.PolicyId)
	add := func(isDefault bool) (string, error) {
		out, err := f.CreatePolicyVersion(t.Context(), &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(identity), SetAsDefault: isDefault})
		if err != nil {
			return "", err
		}
		require.Equal(t, isDefault, out.PolicyVersion.IsDefaultVersion)
		return *out.PolicyVersion.VersionId, nil
	}
	for i, want := range []string{"v2", "v3", "v4", "v5"} {
		id, err := add(i == 0)
		require.NoError(t, err)
		require.Equal(t, want, id)
	}
	_, err = add(false)
	requireError(t, err, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")

	got, err := f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: arn})
	require.NoError(t, err)
	require.Equal(t, "v2", *got.Policy.DefaultVersionId)
	require.Equal(t, "d", *got.Policy.Description)
	require.Len(t, got.Policy.Tags, 1)
	version, err := f.GetPolicyVersion(t.Context(), &sdk.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")})
	require.NoError(t, err)
	requireDocument(t, identity, version.PolicyVersion.Document)

	del := func(id string) error {
		_, err := f.DeletePolicyVersion(t.Context(), &sdk.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id})
		return err
	}
	requireError(t, del("v2"), "DeleteConflict", "Cannot delete the default version of a policy.")
	requireError(t, del("v9"), "NoSuchEntity", "Policy "+*arn+" version v9 does not exist or is not attachable.")
	requireError(t, del("9"), "ValidationError", "'versionId'")
	require.NoError(t, del("v1"))
	id, err := add(false)
	require.NoError(t, err)
	require.Equal(t, "v6", id, "numbers are not used again")
	_, err = f.SetDefaultPolicyVersion(t.Context(), &sdk.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v6")})
	require.NoError(t, err)
	list, err := f.ListPolicyVersions(t.Context(), &sdk.ListPolicyVersionsInput{PolicyArn: arn})
	require.NoError(t, err)
	var ids []string
	for _, v := range list.Versions {
		ids = append(ids, *v.VersionId)
		require.Equal(t, *v.VersionId == "v6", v.IsDefaultVersion)
	}
	require.Equal(t, []string{"v6", "v5", "v4", "v3", "v2"}, ids)

	_, err = f.DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyArn: arn})
	requireError(t, err, "DeleteConflict", "This policy has more than one version.")
	for _, id := range ids[1:] {
		require.NoError(t, del(id))
	}
	_, err = f.DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyArn: arn})
	require.NoError(t, err)
	_, err = f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: arn})
	requireError(t, err, "NoSuchEntity", "was not found.")
}

func TestPoliciesAreChecked(t *testing.T) {
	f := start(t)
	f.policy(t, "taken")
	create := func(name, doc string) error {
		_, err := f.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{PolicyName: &name, PolicyDocument: &doc})
		return err
	}
	requireError(t, create("taken", identity), "EntityAlreadyExists", "A policy called taken already exists. Duplicate names are not allowed.")
	requireError(t, create("p", "{}"), "MalformedPolicyDocument", "Syntax errors in policy.")
	requireError(t, create("p", strings.ReplaceAll(identity, "a b+c", strings.Repeat("x", 6144))), "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	_, err := f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: aws.String(managed)})
	requireError(t, err, "NotImplemented", "its document is not held here")
}

func TestABoundaryIsInUse(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	own := f.policy(t, "own")
	_, err := f.PutRolePermissionsBoundary(t.Context(), &sdk.PutRolePermissionsBoundaryInput{RoleName: aws.String("r"), PermissionsBoundary: &own})
	require.NoError(t, err)
	got, err := f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: &own})
	require.NoError(t, err)
	require.EqualValues(t, 1, *got.Policy.PermissionsBoundaryUsageCount)
	_, err = f.DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyArn: &own})
	requireError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
}

func TestPolicyTags(t *testing.T) {
	f := start(t)
	arn := f.policy(t, "p")
	_, err := f.TagPolicy(t.Context(), &sdk.TagPolicyInput{PolicyArn: &arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}, {Key: aws.String("l"), Value: aws.String("")}}})
	require.NoError(t, err)
	_, err = f.UntagPolicy(t.Context(), &sdk.UntagPolicyInput{PolicyArn: &arn, TagKeys: []string{"k"}})
	require.NoError(t, err)
	out, err := f.ListPolicyTags(t.Context(), &sdk.ListPolicyTagsInput{PolicyArn: &arn})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("l"), Value: aws.String("")}}, out.Tags)
}

func TestListsComeInPages(t *testing.T) {
	f := start(t)
	for i := range 5 {
		f.role(t, fmt.Sprint("r", i))
		f.policy(t, fmt.Sprint("p", i))
	}
	var roles, policies []string
	rolePages := sdk.NewListRolesPaginator(f.Client, &sdk.ListRolesInput{MaxItems: aws.Int32(2)})
	for rolePages.HasMorePages() {
		page, err := rolePages.NextPage(t.Context())
		require.NoError(t, err)
		for _, r := range page.Roles {
			roles = append(roles, *r.RoleName)
		}
	}
	policyPages := sdk.NewListPoliciesPaginator(f.Client, &sdk.ListPoliciesInput{MaxItems: aws.Int32(3), Scope: types.PolicyScopeTypeLocal})
	for policyPages.HasMorePages() {
		page, err := policyPages.NextPage(t.Context())
		require.NoError(t, err)
		for _, p := range page.Policies {
			policies = append(policies, *p.PolicyName)
		}
	}
	require.Equal(t, []string{"r0", "r1", "r2", "r3", "r4"}, roles)
	require.Equal(t, []string{"p0", "p1", "p2", "p3", "p4"}, policies)
}

func TestAccountsAreApartAndRegionsAreNot(t *testing.T) {
	f := start(t)
	f.role(t, "r")
	in := &sdk.GetRoleInput{RoleName: aws.String("r")}
	_, err := f.in("eu-west-1", "123456789012").GetRole(t.Context(), in)
	require.NoError(t, err)
	_, err = f.in("us-east-1", "210987654321").GetRole(t.Context(), in)
	requireError(t, err, "NoSuchEntity", "The role with name r cannot be found.")
}

func TestConcurrentUse(t *testing.T) {
	f := start(t)
	arn := f.policy(t, "p")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint("r", i)
			_, err := f.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)})
			if err != nil {
				t.Error(err)
			}
			_, _ = f.AttachRolePolicy(t.Context(), &sdk.AttachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
			_, _ = f.ListRoles(t.Context(), &sdk.ListRolesInput{})
		})
	}
	wg.Wait()
	got, err := f.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: &arn})
	require.NoError(t, err)
	require.EqualValues(t, 8, *got.Policy.AttachmentCount)
}
