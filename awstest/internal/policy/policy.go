// Package policy evaluates resource-based policies: may this principal do that to
// this resource?
//
//	ok := policy.Allowed(queuePolicy, fabric.Principal{
//		Service:       "sns.amazonaws.com",
//		SourceARN:     "arn:aws:sns:us-east-1:123456789012:alerts",
//		SourceAccount: "123456789012",
//	}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:ops")
//
// It follows the IAM user guide, "Policy evaluation logic" and "IAM JSON policy
// elements reference". What it doesn't know, a condition operator or key, never
// matches.
package policy

import (
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// Decision is what a policy says to a request.
type Decision int

// The decisions, in order of precedence.
const (
	// Silent: no statement matches; the request is implicitly denied, unless
	// something else, such as being the owner, allows it.
	Silent Decision = iota
	// Allow: a statement allows the request and none denies it.
	Allow
	// Deny: a statement denies the request, whatever else allows it.
	Deny
)

// Request is what a policy is asked.
type Request struct {
	// From is who asks. A principal without a Service is an account: SourceAccount is
	// its id and SourceARN the ARN of its user or role; the account's root if empty.
	From fabric.Principal
	// Action is what is to be done, e.g. "sqs:SendMessage".
	Action string
	// Resource is the ARN of what it is to be done to.
	Resource string
	// Insecure says that the request came over plain HTTP (aws:SecureTransport is
	// false). The endpoint's services talk to one another as if by TLS.
	Insecure bool
	// Keys are condition keys of the service's own and their values, e.g.
	// "kms:EncryptionContext:aws:sqs:arn".
	Keys map[string]string
}

// Allowed reports whether the principal may carry out the action on the resource: the
// policy document allows it, or is silent and the principal is of the account that
// owns the resource, whose identity-based policies are taken to allow everything. A
// document that can't be read is silent.
func Allowed(doc string, from fabric.Principal, action, resource string) bool {
	decision := Decide(doc, Request{From: from, Action: action, Resource: resource})
	return decision == Allow || decision == Silent && from.Service == "" && owns(from.SourceAccount, resource)
}

func owns(account, resource string) bool {
	parts := strings.SplitN(resource, ":", 6)
	return len(parts) == 6 && account != "" && parts[4] == account
}

// Decide evaluates a policy document. A document that can't be read is Silent.
func Decide(doc string, r Request) Decision {
	d, err := Parse(doc)
	if err != nil {
		return Silent
	}
	return d.Decide(r)
}

// Decide evaluates the document.
func (d *Document) Decide(r Request) Decision {
	keys := contextOf(r)
	decision := Silent
	for i := range d.statements {
		s := &d.statements[i]
		if !s.matches(r, keys) {
			continue
		}
		if s.Effect == "Deny" {
			return Deny
		}
		decision = Allow
	}
	return decision
}

func (s *statement) matches(r Request, keys context) bool {
	return s.matchesPrincipal(r.From) &&
		matchesElement(s.Action, s.NotAction, strings.ToLower(r.Action), strings.ToLower) &&
		matchesElement(s.Resource, s.NotResource, r.Resource, nil) &&
		s.Condition.match(keys)
}

// matchesElement evaluates an element and its Not form. A statement with neither of
// them, such as a trust policy's without Resource, is about everything.
func matchesElement(is, isNot []string, value string, fold func(string) string) bool {
	if is == nil && isNot == nil {
		return true
	}
	patterns := is
	if isNot != nil {
		patterns = isNot
	}
	matched := false
	for _, p := range patterns {
		if fold != nil {
			p = fold(p)
		}
		if glob(p, value) {
			matched = true
			break
		}
	}
	return matched == (isNot == nil)
}

func (s *statement) matchesPrincipal(from fabric.Principal) bool {
	switch {
	case s.NotPrincipal != nil:
		return !s.NotPrincipal.includes(from)
	case s.Principal != nil:
		return s.Principal.includes(from)
	default:
		return false // an identity-based policy grants nothing to others
	}
}

func (p principals) includes(from fabric.Principal) bool {
	// AWS treats {"AWS": "*"} as everyone, services among them: the default policy of
	// a topic lets CloudWatch publish in this way
	for _, name := range p["AWS"] {
		if name == "*" || from.Service == "" && namesAccount(name, from) {
			return true
		}
	}
	for _, name := range p["*"] {
		if name == "*" {
			return true
		}
	}
	if from.Service == "" {
		return false
	}
	for _, name := range p["Service"] {
		if name == "*" || strings.EqualFold(name, from.Service) {
			return true
		}
	}
	return false
}

// namesAccount reports whether an AWS principal, an account id or an ARN, is the
// caller's account or the caller itself.
func namesAccount(name string, from fabric.Principal) bool {
	if name == from.SourceAccount || from.SourceARN != "" && name == from.SourceARN {
		return name != ""
	}
	parts := strings.SplitN(name, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" &&
		parts[4] == from.SourceAccount && parts[5] == "root"
}

// glob matches * (any characters) and ? (one character). It backtracks to the last
// star only, so that its time is bounded by the product of the lengths.
func glob(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
