package iam

import (
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
)

var _ fabric.Roles = (*Service)(nil)

// Trusts implements fabric.Roles.
func (s *Service) Trusts(roleARN, service string) bool {
	return s.Assumable(roleARN, fabric.Principal{Service: service})
}

// Permits implements fabric.Roles. Of AWS managed policies, whose documents are not held
// here, it knows a few that functions have; any other is taken to permit everything.
func (s *Service) Permits(roleARN, action, resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, r := s.byARN(roleARN)
	if r == nil {
		return false
	}
	request := policy.Request{From: fabric.Principal{SourceAccount: accountOf(roleARN), SourceARN: roleARN}, Action: action, Resource: resource}
	decisions := []policy.Decision{}
	for _, doc := range r.inline {
		decisions = append(decisions, policy.DecideIdentity(doc, request))
	}
	for _, arn := range r.attached {
		decisions = append(decisions, a.decide(arn, request))
	}
	allowed := false
	for _, d := range decisions {
		if d == policy.Deny {
			return false
		}
		allowed = allowed || d == policy.Allow
	}
	return allowed && (r.boundary == "" || a.decide(r.boundary, request) == policy.Allow)
}

// decide evaluates a managed policy.
func (a *account) decide(arn string, r policy.Request) policy.Decision {
	if p := a.policies[arn]; p != nil {
		for _, v := range p.versions {
			if v.id == p.fallback {
				return policy.DecideIdentity(v.document, r)
			}
		}
		return policy.Silent
	}
	actions, known := functionPolicies()[arn[strings.LastIndexByte(arn, '/')+1:]]
	if !known {
		return policy.Allow
	}
	for _, action := range actions {
		if strings.EqualFold(action, r.Action) {
			return policy.Allow
		}
	}
	return policy.Silent
}

// functionPolicies are what AWS managed policies for functions let do, to any resource.
// [AWS managed policy reference]
func functionPolicies() map[string][]string {
	logs := []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	return map[string][]string{
		"AWSLambdaBasicExecutionRole":    logs,
		"AWSLambdaSQSQueueExecutionRole": append([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, logs...),
		"AWSXRayDaemonWriteAccess":       {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
	}
}

// byARN finds a role. It is called with s.mu held.
func (s *Service) byARN(arn string) (*account, *role) {
	a := s.accounts[accountOf(arn)]
	if a == nil {
		return nil, nil
	}
	for _, r := range a.roles {
		if r.arn == arn {
			return a, r
		}
	}
	return nil, nil
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
