package kms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// maxPolicy bounds a key policy, in bytes. [KMS developer guide, "Resource quotas"]
const maxPolicy = 32 << 10

// policyName is the only name that a key policy has.
const policyName = "default"

// defaultPolicy is that of keys that are created without one: the account, and no
// service. [recorded]
func defaultPolicy(p place) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:%s:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, p.partition(), p.account)
}

// managedPolicy is that of an AWS managed key: principals of the account may use it by
// way of the service. A service principal is of no customer's account, so that
// kms:CallerAccount keeps all of them out. [KMS developer guide, "AWS managed keys"; SQS
// developer guide, "Key management"]
func managedPolicy(p place, service string) string {
	domain := "amazonaws.com"
	if p.partition() == "aws-cn" {
		domain += ".cn"
	}
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "auto-%[1]s-1",
  "Statement" : [ {
    "Sid" : "Allow access through %[1]s for all principals in the account that are authorized to use %[1]s",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "%[1]s.%[2]s.%[3]s",
        "kms:CallerAccount" : "%[4]s"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:%[5]s:iam::%[4]s:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`, service, p.region, domain, p.account, p.partition())
}

// authorize reports whether a principal may carry out the action: its owner's account
// unless the policy denies it, others if the policy allows it.
func (k *key) authorize(from fabric.Principal, action string, keys map[string]string) error {
	switch policy.Decide(k.policy, policy.Request{From: from, Action: action, Resource: k.arn, Keys: keys}) {
	case policy.Allow:
		return nil
	case policy.Deny:
		return k.denied(nameOf(from, k.place), action, true)
	}
	if from.Service == "" && from.SourceAccount == k.place.account {
		return nil
	}
	return k.denied(nameOf(from, k.place), action, false)
}

func nameOf(from fabric.Principal, p place) string {
	switch {
	case from.Service != "":
		return from.Service
	case from.SourceARN != "":
		return from.SourceARN
	}
	return "arn:" + p.partition() + ":iam::" + from.SourceAccount + ":root"
}

func (k *key) denied(who, action string, explicitly bool) *wire.Error {
	why := "because no resource-based policy allows the " + action + " action"
	if explicitly {
		why = "with an explicit deny in a resource-based policy"
	}
	return &wire.Error{Code: "AccessDeniedException", Message: "User: " + who + " is not authorized to perform: " + action + " on resource: " + k.arn + " " + why}
}

// check checks a policy for the key. Unless the caller insists, it must leave somebody of
// the account able to change it: here callers are accounts, so that any principal of
// theirs will do. [PutKeyPolicy API reference, BypassPolicyLockoutSafetyCheck]
func (k *key) check(doc string, bypass bool) error {
	if len(doc) > maxPolicy {
		return limitExceeded("The policy document is longer than %d bytes.", maxPolicy)
	}
	if err := policy.Validate(doc); err != nil {
		return malformed("The policy document is malformed: " + err.Error())
	}
	parsed, err := policy.Parse(doc)
	if err != nil {
		return malformed(err.Error())
	}
	if bypass {
		return nil
	}
	for _, name := range append(parsed.Accounts(), "") {
		from := fabric.Principal{SourceAccount: k.place.account}
		if strings.Contains(name, ":iam::"+k.place.account+":") || strings.Contains(name, ":sts::"+k.place.account+":") {
			from.SourceARN = name
		}
		if parsed.Decide(policy.Request{From: from, Action: "kms:PutKeyPolicy", Resource: k.arn}) == policy.Allow {
			return nil
		}
	}
	return malformed("The new key policy will not allow you to update the key policy in the future.")
}

func malformed(message string) *wire.Error {
	return &wire.Error{Code: "MalformedPolicyDocumentException", Message: message}
}

type policyInput struct {
	keyInput
	PolicyName                     string
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

type policyOutput struct{ Policy, PolicyName string }

// getKeyPolicy implements GetKeyPolicy.
func (s *Service) getKeyPolicy(_ context.Context, c *wire.Call, in *policyInput) (*policyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.lookup(c, in.KeyID, "kms:GetKeyPolicy", false)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains([]string{"", policyName}, in.PolicyName):
		return nil, notFound("No such policy exists")
	}
	return &policyOutput{k.policy, policyName}, nil
}

// putKeyPolicy implements PutKeyPolicy. A key that is pending deletion takes a policy, too.
func (s *Service) putKeyPolicy(_ context.Context, c *wire.Call, in *policyInput) (*wire.Empty, error) {
	if in.Policy == "" {
		return nil, missing("policy")
	}
	if !slices.Contains([]string{"", policyName}, in.PolicyName) {
		return nil, invalid("Policy name must be default")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	const action = "kms:PutKeyPolicy"
	k, err := s.lookup(c, in.KeyID, action, false)
	if err != nil {
		return nil, err
	}
	if k.managed != "" {
		return nil, k.denied(rootOf(c), action, false)
	}
	if err := k.check(in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	k.policy = in.Policy
	return &wire.Empty{}, nil
}

type listPoliciesOutput struct {
	PolicyNames []string
	Truncated   bool
}

// listKeyPolicies implements ListKeyPolicies.
func (s *Service) listKeyPolicies(_ context.Context, c *wire.Call, in *listInput) (*listPoliciesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.lookup(c, in.KeyID, "kms:ListKeyPolicies", false); err != nil {
		return nil, err
	}
	return &listPoliciesOutput{PolicyNames: []string{policyName}}, nil
}
