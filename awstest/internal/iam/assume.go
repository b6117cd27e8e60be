package iam

import (
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
)

// Assumable reports whether the role exists and its trust policy lets the service assume
// it, on behalf of the resource that the principal names.
func (s *Service) Assumable(roleARN string, by fabric.Principal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r := s.byARN(roleARN)
	return r != nil && policy.Decide(r.trust, policy.Request{From: by, Action: "sts:AssumeRole", Resource: roleARN}) == policy.Allow
}
