package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type rolePolicyInput struct{ RoleName, PolicyName, PolicyDocument string }

func (s *Service) putRolePolicy(_ context.Context, c *wire.Call, in *rolePolicyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		if err := checkName("policyName", in.PolicyName, "/", 128); err != nil {
			return err
		}
		if err := checkIdentity(in.PolicyDocument); err != nil {
			return err
		}
		total := sizeOf(in.PolicyDocument)
		for name, doc := range r.inline {
			if name != in.PolicyName {
				total += sizeOf(doc)
			}
		}
		if total > maxInlineTotal {
			return limitExceeded("Maximum policy size of %d bytes exceeded for role %s", maxInlineTotal, r.name)
		}
		r.inline[in.PolicyName] = in.PolicyDocument
		return nil
	})
}

type rolePolicyOutput struct{ RoleName, PolicyName, PolicyDocument string }

func (s *Service) getRolePolicy(_ context.Context, c *wire.Call, in *rolePolicyInput) (out *rolePolicyOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		doc, err := r.inlinePolicy(in.PolicyName)
		out = &rolePolicyOutput{r.name, in.PolicyName, encode(doc)}
		return err
	})
	return out, err
}

func (r *role) inlinePolicy(name string) (string, error) {
	if doc, ok := r.inline[name]; ok {
		return doc, nil
	}
	return "", noSuchEntity("The role policy with name %s cannot be found.", name)
}

func (s *Service) deleteRolePolicy(_ context.Context, c *wire.Call, in *rolePolicyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		_, err := r.inlinePolicy(in.PolicyName)
		delete(r.inline, in.PolicyName)
		return err
	})
}

type rolePoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

func (s *Service) listRolePolicies(_ context.Context, c *wire.Call, in *rolePageInput) (out *rolePoliciesOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		names := slices.AppendSeq([]string{}, maps.Keys(r.inline))
		slices.Sort(names)
		part, marker, err := cut(names, page{in.Marker, in.MaxItems})
		out = &rolePoliciesOutput{PolicyNames: part, IsTruncated: marker != "", Marker: marker}
		return err
	})
	return out, err
}

type attachmentInput struct{ RoleName, PolicyArn string }

func (s *Service) attachRolePolicy(_ context.Context, c *wire.Call, in *attachmentInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(a *account, r *role) error {
		if err := a.attachable(in.PolicyArn); err != nil {
			return err
		}
		if slices.Contains(r.attached, in.PolicyArn) {
			return nil
		}
		if len(r.attached) >= maxAttached {
			return limitExceeded("Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
		}
		r.attached = append(r.attached, in.PolicyArn)
		return nil
	})
}

func (s *Service) detachRolePolicy(_ context.Context, c *wire.Call, in *attachmentInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		at := slices.Index(r.attached, in.PolicyArn)
		if at < 0 {
			return noSuchEntity("Policy %s was not found.", in.PolicyArn)
		}
		r.attached = slices.Delete(r.attached, at, at+1)
		return nil
	})
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

type attachedPoliciesOutput struct {
	AttachedPolicies []attachedPolicy
	IsTruncated      bool
	Marker           string `json:",omitempty"`
}

func (s *Service) listAttachedRolePolicies(_ context.Context, c *wire.Call, in *rolePageInput) (out *attachedPoliciesOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		attached := []attachedPolicy{}
		for _, arn := range r.attached {
			path, name := splitPolicyARN(arn)
			if strings.HasPrefix(path, in.PathPrefix) {
				attached = append(attached, attachedPolicy{name, arn})
			}
		}
		part, marker, err := cut(attached, page{in.Marker, in.MaxItems})
		out = &attachedPoliciesOutput{AttachedPolicies: part, IsTruncated: marker != "", Marker: marker}
		return err
	})
	return out, err
}

// splitPolicyARN returns path and name of a managed policy.
func splitPolicyARN(arn string) (path, name string) {
	_, resource, _ := strings.Cut(arn, ":policy")
	i := strings.LastIndexByte(resource, '/')
	return resource[:i+1], resource[i+1:]
}
