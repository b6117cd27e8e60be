package iam

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// managedPolicy is a customer managed policy.
type managedPolicy struct {
	arn, name, id, path string
	description         string
	created, updated    time.Time
	tags                map[string]string
	versions            []version // oldest first
	fallback            string    // the id of the default version
	made                int       // how many versions there have been
}

type version struct {
	id, document string
	created      time.Time
}

// awsManaged matches AWS managed policies, which are attached without being known:
// their documents are not held here.
var awsManaged = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::aws:policy/[\w+=,.@/-]+$`)

// attachable reports, as an error, that there is no such policy to attach.
func (a *account) attachable(arn string) error {
	if a.policies[arn] != nil || awsManaged.MatchString(arn) {
		return nil
	}
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":policy/") {
		return &wire.Error{Code: "InvalidInput", Message: "ARN " + arn + " is not valid."}
	}
	return noSuchEntity("Policy %s does not exist or is not attachable.", arn)
}

// policy returns a customer managed policy.
func (a *account) policy(arn string) (*managedPolicy, error) {
	if p := a.policies[arn]; p != nil {
		return p, nil
	}
	if awsManaged.MatchString(arn) {
		return nil, &wire.Error{Code: "NotImplemented", Message: "The AWS managed policy " + arn + " can be attached, but its document is not held here.", Status: 501}
	}
	return nil, noSuchEntity("Policy %s was not found.", arn)
}

// attachments counts the roles that have the policy attached, and those that it bounds.
func (a *account) attachments(arn string) (attached, bounding int) {
	for _, r := range a.roles {
		if slices.Contains(r.attached, arn) {
			attached++
		}
		if r.boundary == arn {
			bounding++
		}
	}
	return attached, bounding
}

type policyOutput struct{ Policy policyShape }

type policyShape struct {
	PolicyName                    string
	PolicyID                      string `query:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `query:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `json:",omitempty"`
	CreateDate                    wire.Time
	UpdateDate                    wire.Time
	Tags                          []tag
}

// describe describes the policy as GetPolicy does.
func (a *account) describe(p *managedPolicy) policyShape {
	attached, bounding := a.attachments(p.arn)
	return policyShape{
		PolicyName: p.name, PolicyID: p.id, Arn: p.arn, Path: p.path, DefaultVersionID: p.fallback,
		AttachmentCount: attached, PermissionsBoundaryUsageCount: bounding, IsAttachable: true,
		Description: p.description, CreateDate: wire.At(p.created), UpdateDate: wire.At(p.updated), Tags: listTags(p.tags),
	}
}

type createPolicyInput struct {
	PolicyName     string
	Path           string
	PolicyDocument string
	Description    string
	Tags           []tag
}

func (s *Service) createPolicy(_ context.Context, c *wire.Call, in *createPolicyInput) (*policyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	now := s.clk.Now()
	p := &managedPolicy{name: in.PolicyName, id: newID("ANPA"), path: in.Path, description: in.Description, created: now, updated: now}
	if p.path == "" {
		p.path = "/"
	}
	if err := checkName("policyName", p.name, p.path, 128); err != nil {
		return nil, err
	}
	for _, other := range a.policies {
		if strings.EqualFold(other.name, p.name) {
			return nil, exists("A policy called %s already exists. Duplicate names are not allowed.", p.name)
		}
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	p.tags = tags
	if len(a.policies) >= maxPolicies {
		return nil, limitExceeded("Cannot exceed quota for PoliciesPerAccount: %d", maxPolicies)
	}
	if _, err := p.add(in.PolicyDocument, true, now); err != nil {
		return nil, err
	}
	p.arn = "arn:" + wire.Partition(c.Region) + ":iam::" + c.Account + ":policy" + p.path + p.name
	a.policies[p.arn] = p
	return &policyOutput{Policy: a.describe(p)}, nil
}

// add adds a version.
func (p *managedPolicy) add(document string, isDefault bool, now time.Time) (version, error) {
	if err := checkIdentity(document); err != nil {
		return version{}, err
	}
	if sizeOf(document) > maxPolicySize {
		return version{}, limitExceeded("Cannot exceed quota for PolicySize: %d", maxPolicySize)
	}
	if len(p.versions) >= maxVersions {
		return version{}, limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	p.made++
	v := version{id: "v" + strconv.Itoa(p.made), document: document, created: now}
	p.versions = append(p.versions, v)
	p.updated = now
	if isDefault {
		p.fallback = v.id
	}
	return v, nil
}

// editPolicy calls fn with a policy of the caller's while s.mu is held.
func (s *Service) editPolicy(c *wire.Call, arn string, fn func(a *account, p *managedPolicy) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	p, err := a.policy(arn)
	if err != nil {
		return err
	}
	return fn(a, p)
}

type policyInput struct{ PolicyArn string }

func (s *Service) getPolicy(_ context.Context, c *wire.Call, in *policyInput) (out *policyOutput, err error) {
	err = s.editPolicy(c, in.PolicyArn, func(a *account, p *managedPolicy) error {
		out = &policyOutput{Policy: a.describe(p)}
		return nil
	})
	return out, err
}

func (s *Service) deletePolicy(_ context.Context, c *wire.Call, in *policyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.editPolicy(c, in.PolicyArn, func(a *account, p *managedPolicy) error {
		if attached, bounding := a.attachments(p.arn); attached+bounding > 0 {
			return deleteConflict("Cannot delete a policy attached to entities.")
		}
		if len(p.versions) > 1 {
			return deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		delete(a.policies, p.arn)
		return nil
	})
}

type listPoliciesInput struct {
	Scope        string
	OnlyAttached bool
	PathPrefix   string
	Marker       string
	MaxItems     *int
}

type listPoliciesOutput struct {
	Policies    []policyShape
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

// listPolicies lists the customer managed policies.
func (s *Service) listPolicies(_ context.Context, c *wire.Call, in *listPoliciesInput) (*listPoliciesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	list := []policyShape{}
	for _, arn := range slices.Sorted(maps.Keys(a.policies)) {
		shape := a.describe(a.policies[arn])
		shape.Tags, shape.Description = nil, "" // which lists leave out
		if in.Scope == "AWS" || in.OnlyAttached && shape.AttachmentCount == 0 || !strings.HasPrefix(shape.Path, in.PathPrefix) {
			continue
		}
		list = append(list, shape)
	}
	part, marker, err := cut(list, page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &listPoliciesOutput{Policies: part, IsTruncated: marker != "", Marker: marker}, nil
}

type policyPageInput struct {
	PolicyArn string
	Marker    string
	MaxItems  *int
}

type entity struct {
	RoleName string
	RoleID   string `query:"RoleId"`
}

type listEntitiesOutput struct {
	PolicyGroups []entity
	PolicyUsers  []entity
	PolicyRoles  []entity
	IsTruncated  bool
	Marker       string `json:",omitempty"`
}

// listEntitiesForPolicy lists the roles that have a policy attached; there are no users
// and groups here.
func (s *Service) listEntitiesForPolicy(_ context.Context, c *wire.Call, in *policyPageInput) (*listEntitiesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	if err := a.attachable(in.PolicyArn); err != nil {
		return nil, err
	}
	roles := []entity{}
	for _, name := range slices.Sorted(maps.Keys(a.roles)) {
		if r := a.roles[name]; slices.Contains(r.attached, in.PolicyArn) {
			roles = append(roles, entity{r.name, r.id})
		}
	}
	part, marker, err := cut(roles, page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &listEntitiesOutput{PolicyGroups: []entity{}, PolicyUsers: []entity{}, PolicyRoles: part, IsTruncated: marker != "", Marker: marker}, nil
}

type createPolicyVersionInput struct {
	PolicyArn      string
	PolicyDocument string
	SetAsDefault   bool
}

type versionShape struct {
	VersionID        string `query:"VersionId"`
	IsDefaultVersion bool
	CreateDate       wire.Time
	Document         string `json:",omitempty"`
}

type versionOutput struct{ PolicyVersion versionShape }

func (p *managedPolicy) describe(v version) versionShape {
	return versionShape{VersionID: v.id, IsDefaultVersion: v.id == p.fallback, CreateDate: wire.At(v.created)}
}

func (s *Service) createPolicyVersion(_ context.Context, c *wire.Call, in *createPolicyVersionInput) (out *versionOutput, err error) {
	err = s.editPolicy(c, in.PolicyArn, func(_ *account, p *managedPolicy) error {
		v, err := p.add(in.PolicyDocument, in.SetAsDefault, s.clk.Now())
		out = &versionOutput{PolicyVersion: p.describe(v)}
		return err
	})
	return out, err
}

type versionInput struct {
	PolicyArn string
	VersionID string `query:"VersionId"`
}

var versionPattern = regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)

// editVersion calls fn with a version of a policy of the caller's while s.mu is held.
func (s *Service) editVersion(c *wire.Call, in *versionInput, fn func(p *managedPolicy, at int) error) error {
	if !versionPattern.MatchString(in.VersionID) {
		return &wire.Error{Code: "ValidationError", Message: `1 validation error detected: Value at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.of(c).policy(in.PolicyArn)
	if e, ok := err.(*wire.Error); ok && e.Code != "NoSuchEntity" {
		return err
	}
	if p != nil {
		if at := slices.IndexFunc(p.versions, func(v version) bool { return v.id == in.VersionID }); at >= 0 {
			return fn(p, at)
		}
	}
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", in.PolicyArn, in.VersionID)
}

func (s *Service) getPolicyVersion(_ context.Context, c *wire.Call, in *versionInput) (out *versionOutput, err error) {
	err = s.editVersion(c, in, func(p *managedPolicy, at int) error {
		out = &versionOutput{PolicyVersion: p.describe(p.versions[at])}
		out.PolicyVersion.Document = encode(p.versions[at].document)
		return nil
	})
	return out, err
}

func (s *Service) deletePolicyVersion(_ context.Context, c *wire.Call, in *versionInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.editVersion(c, in, func(p *managedPolicy, at int) error {
		if p.versions[at].id == p.fallback {
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.versions = slices.Delete(p.versions, at, at+1)
		return nil
	})
}

func (s *Service) setDefaultPolicyVersion(_ context.Context, c *wire.Call, in *versionInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.editVersion(c, in, func(p *managedPolicy, at int) error {
		p.fallback = p.versions[at].id
		p.updated = s.clk.Now()
		return nil
	})
}

type versionsOutput struct {
	Versions    []versionShape
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

// listPolicyVersions lists the versions, newest first.
func (s *Service) listPolicyVersions(_ context.Context, c *wire.Call, in *policyPageInput) (out *versionsOutput, err error) {
	err = s.editPolicy(c, in.PolicyArn, func(_ *account, p *managedPolicy) error {
		versions := []versionShape{}
		for _, v := range slices.Backward(p.versions) {
			versions = append(versions, p.describe(v))
		}
		part, marker, err := cut(versions, page{in.Marker, in.MaxItems})
		out = &versionsOutput{Versions: part, IsTruncated: marker != "", Marker: marker}
		return err
	})
	return out, err
}

type tagPolicyInput struct {
	PolicyArn string
	Tags      []tag
}

func (s *Service) tagPolicy(_ context.Context, c *wire.Call, in *tagPolicyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.editPolicy(c, in.PolicyArn, func(_ *account, p *managedPolicy) error {
		tags, err := addTags(p.tags, in.Tags)
		if err == nil {
			p.tags = tags
		}
		return err
	})
}

type untagPolicyInput struct {
	PolicyArn string
	TagKeys   []string
}

func (s *Service) untagPolicy(_ context.Context, c *wire.Call, in *untagPolicyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.editPolicy(c, in.PolicyArn, func(_ *account, p *managedPolicy) error {
		for _, key := range in.TagKeys {
			delete(p.tags, key)
		}
		return nil
	})
}

func (s *Service) listPolicyTags(_ context.Context, c *wire.Call, in *policyPageInput) (out *tagsOutput, err error) {
	err = s.editPolicy(c, in.PolicyArn, func(_ *account, p *managedPolicy) error {
		out, err = newTagsOutput(p.tags, page{in.Marker, in.MaxItems})
		return err
	})
	return out, err
}
