// Package iam is the endpoint's Identity and Access Management: roles, their inline
// policies, managed policies and what is attached to what.
//
//	svc := iam.New(clk)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// It keeps and checks documents, and says what a role that a service assumes may do (see
// Allows). What callers of the endpoint may do is decided by accounts and resource
// policies alone. Users, groups and instance profiles are not served.
package iam

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Quotas of an account. [IAM user guide, "IAM and AWS STS quotas"]
const (
	maxRoles       = 5000
	maxPolicies    = 5000
	maxAttached    = 10
	maxVersions    = 5
	maxTags        = 50
	maxTrustSize   = 2048  // characters of a trust policy
	maxPolicySize  = 6144  // of a managed policy, without white space
	maxInlineTotal = 10240 // of all inline policies of a role, without white space
)

// Service is IAM in all accounts. It is safe for concurrent use.
type Service struct {
	clk *clock.Clock

	mu       sync.Mutex
	accounts map[string]*account
}

// account is what one account has.
type account struct {
	roles    map[string]*role          // by name
	policies map[string]*managedPolicy // by ARN
}

// New returns an IAM without roles and policies.
func New(clk *clock.Clock) *Service {
	return &Service{clk: clk, accounts: map[string]*account{}}
}

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "iam",
		XMLNamespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Version:      "2010-05-08",
		Operations: map[string]wire.Operation{
			"CreateRole":                    wire.Op(s.createRole),
			"GetRole":                       wire.Op(s.getRole),
			"UpdateRole":                    wire.Op(s.updateRole),
			"UpdateRoleDescription":         wire.Op(s.updateRoleDescription),
			"UpdateAssumeRolePolicy":        wire.Op(s.updateAssumeRolePolicy),
			"DeleteRole":                    wire.Op(s.deleteRole),
			"ListRoles":                     wire.Op(s.listRoles),
			"PutRolePermissionsBoundary":    wire.Op(s.putRolePermissionsBoundary),
			"DeleteRolePermissionsBoundary": wire.Op(s.deleteRolePermissionsBoundary),
			"ListInstanceProfilesForRole":   wire.Op(s.listInstanceProfilesForRole),
			"TagRole":                       wire.Op(s.tagRole),
			"UntagRole":                     wire.Op(s.untagRole),
			"ListRoleTags":                  wire.Op(s.listRoleTags),
			"PutRolePolicy":                 wire.Op(s.putRolePolicy),
			"GetRolePolicy":                 wire.Op(s.getRolePolicy),
			"DeleteRolePolicy":              wire.Op(s.deleteRolePolicy),
			"ListRolePolicies":              wire.Op(s.listRolePolicies),
			"AttachRolePolicy":              wire.Op(s.attachRolePolicy),
			"DetachRolePolicy":              wire.Op(s.detachRolePolicy),
			"ListAttachedRolePolicies":      wire.Op(s.listAttachedRolePolicies),
			"CreatePolicy":                  wire.Op(s.createPolicy),
			"GetPolicy":                     wire.Op(s.getPolicy),
			"DeletePolicy":                  wire.Op(s.deletePolicy),
			"ListPolicies":                  wire.Op(s.listPolicies),
			"ListEntitiesForPolicy":         wire.Op(s.listEntitiesForPolicy),
			"CreatePolicyVersion":           wire.Op(s.createPolicyVersion),
			"GetPolicyVersion":              wire.Op(s.getPolicyVersion),
			"DeletePolicyVersion":           wire.Op(s.deletePolicyVersion),
			"SetDefaultPolicyVersion":       wire.Op(s.setDefaultPolicyVersion),
			"ListPolicyVersions":            wire.Op(s.listPolicyVersions),
			"TagPolicy":                     wire.Op(s.tagPolicy),
			"UntagPolicy":                   wire.Op(s.untagPolicy),
			"ListPolicyTags":                wire.Op(s.listPolicyTags),
		},
	}
}

// of returns the caller's account. It is called with s.mu held.
func (s *Service) of(c *wire.Call) *account {
	a := s.accounts[c.Account]
	if a == nil {
		a = &account{roles: map[string]*role{}, policies: map[string]*managedPolicy{}}
		s.accounts[c.Account] = a
	}
	return a
}

// newID returns an identifier as IAM makes them: a prefix for the kind, and 17 more
// characters. [IAM user guide, "IAM identifiers"]
func newID(prefix string) string { return prefix + rand.Text()[:17] }

// encode is how IAM returns policy documents: percent-encoded by RFC 3986.
func encode(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// result is an output without members that has a Result element nevertheless, which
// its blank field brings about; wire.Empty has none.
type result struct{ _ struct{} }

func noSuchEntity(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "NoSuchEntity", Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound}
}

func exists(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "EntityAlreadyExists", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}

func deleteConflict(message string) *wire.Error {
	return &wire.Error{Code: "DeleteConflict", Message: message, Status: http.StatusConflict}
}

func limitExceeded(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "LimitExceeded", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}

func validation(value, member, constraint string) *wire.Error {
	return &wire.Error{Code: "ValidationError", Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)}
}

// page is what list operations take to return a part.
type page struct {
	Marker   string
	MaxItems *int
}

// cut returns the part of a sorted list that a caller asks for, and the marker of the
// next one.
func cut[T any](list []T, p page) (part []T, marker string, err error) {
	size := 100
	if p.MaxItems != nil {
		size = *p.MaxItems
		if size < 1 || size > 1000 {
			return nil, "", validation(strconv.Itoa(size), "maxItems", "Member must have value between 1 and 1000")
		}
	}
	start := 0
	if p.Marker != "" {
		if start, err = strconv.Atoi(p.Marker); err != nil || start < 0 {
			return nil, "", &wire.Error{Code: "ValidationError", Message: "Invalid Marker."}
		}
	}
	start = min(start, len(list))
	end := min(start+size, len(list))
	if end < len(list) {
		marker = strconv.Itoa(end)
	}
	return list[start:end:end], marker, nil
}
