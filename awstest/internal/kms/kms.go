// Package kms is the endpoint's Key Management Service: keys with their policies, aliases
// and states. It says who may use a key; it encrypts nothing.
//
//	svc := kms.New(clk)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// Callers may do anything with the keys of their own account, short of what a key's policy
// denies; others, and services, what the policy allows. Keys are symmetric encryption keys
// with key material of AWS's.
package kms

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Quotas, by account and region. [KMS developer guide, "Resource quotas", of which the
// first is ten times as high]
const (
	maxKeys    = 10_000
	maxAliases = 10_000
)

// Service is KMS in all accounts and regions. It is safe for concurrent use.
type Service struct {
	clk *clock.Clock

	mu     sync.Mutex
	places map[place]*keys
}

var _ fabric.Keys = (*Service)(nil)

// place is an account in a region.
type place struct{ account, region string }

// keys are those of a place.
type keys struct {
	byID    map[string]*key
	aliases map[string]*alias // by name
}

// New returns a service without keys.
func New(clk *clock.Clock) *Service { return &Service{clk: clk, places: map[place]*keys{}} }

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:       "kms",
		JSONTarget: "TrentService",
		Operations: map[string]wire.Operation{
			"CancelKeyDeletion":    wire.Op(s.cancelKeyDeletion),
			"CreateAlias":          wire.Op(s.createAlias),
			"CreateKey":            wire.Op(s.createKey),
			"DeleteAlias":          wire.Op(s.deleteAlias),
			"DescribeKey":          wire.Op(s.describeKey),
			"DisableKey":           wire.Op(s.disableKey),
			"DisableKeyRotation":   wire.Op(s.disableKeyRotation),
			"EnableKey":            wire.Op(s.enableKey),
			"EnableKeyRotation":    wire.Op(s.enableKeyRotation),
			"GetKeyPolicy":         wire.Op(s.getKeyPolicy),
			"GetKeyRotationStatus": wire.Op(s.getKeyRotationStatus),
			"ListAliases":          wire.Op(s.listAliases),
			"ListGrants":           wire.Op(s.listGrants),
			"ListKeyPolicies":      wire.Op(s.listKeyPolicies),
			"ListKeys":             wire.Op(s.listKeys),
			"ListResourceTags":     wire.Op(s.listResourceTags),
			"PutKeyPolicy":         wire.Op(s.putKeyPolicy),
			"ScheduleKeyDeletion":  wire.Op(s.scheduleKeyDeletion),
			"TagResource":          wire.Op(s.tagResource),
			"UntagResource":        wire.Op(s.untagResource),
			"UpdateAlias":          wire.Op(s.updateAlias),
			"UpdateKeyDescription": wire.Op(s.updateKeyDescription),
		},
	}
}

// at returns the keys of a place. It is called with s.mu held.
func (s *Service) at(p place) *keys {
	k := s.places[p]
	if k == nil {
		k = &keys{byID: map[string]*key{}, aliases: map[string]*alias{}}
		for _, service := range managedServices() {
			name := managedPrefix + service
			k.aliases[name] = &alias{name: name}
		}
		s.places[p] = k
	}
	return k
}

func placeOf(c *wire.Call) place { return place{c.Account, c.Region} }

// arnOf returns the ARN of a resource of the place, "key/…" or "alias/…".
func (p place) arnOf(resource string) string {
	return "arn:" + p.partition() + ":kms:" + p.region + ":" + p.account + ":" + resource
}

func (p place) partition() string { return wire.Partition(p.region) }

var keyIDPattern = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// resolve finds the key that an id, an ARN or, where an operation takes those, an alias
// means to a caller in the place. It is called with s.mu held. [messages recorded]
func (s *Service) resolve(p place, id string, aliases bool) (*key, error) {
	if strings.HasPrefix(id, "arn:") {
		parts := strings.SplitN(id, ":", 6)
		if len(parts) != 6 || parts[2] != "kms" || parts[1] != p.partition() {
			return nil, &wire.Error{Code: "InvalidArnException", Message: fmt.Sprintf("Invalid arn %.200s", id)}
		}
		if parts[3] != p.region {
			return nil, notFound("Invalid arn %.40s", parts[3])
		}
		p.account = parts[4]
		resource, isKey := strings.CutPrefix(parts[5], "key/")
		if !isKey && !strings.HasPrefix(resource, aliasPrefix) {
			return nil, &wire.Error{Code: "InvalidArnException", Message: fmt.Sprintf("Invalid arn %.200s", id)}
		}
		id = resource
	}
	if aliases && strings.HasPrefix(id, aliasPrefix) {
		if a := s.find(p).aliases[id]; a != nil {
			return s.target(p, a), nil
		}
		return nil, notFound("Alias %s is not found.", p.arnOf(id))
	}
	if !keyIDPattern.MatchString(id) {
		return nil, notFound("Invalid keyId '%.200s'", id)
	}
	if k := s.find(p).byID[id]; k != nil {
		return k, nil
	}
	return nil, notFound("Key '%s' does not exist", p.arnOf("key/"+id))
}

// find is at, but for accounts that a caller made up, of which nothing is kept.
func (s *Service) find(p place) *keys {
	if accountPattern.MatchString(p.account) {
		return s.at(p)
	}
	return &keys{}
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// lookup finds a key for an operation on it. It is called with s.mu held.
func (s *Service) lookup(c *wire.Call, id, action string, aliases bool) (*key, error) {
	if id == "" {
		return nil, missing("keyId")
	}
	k, err := s.resolve(placeOf(c), id, aliases)
	if err != nil {
		return nil, err
	}
	return k, k.authorize(fabric.Principal{SourceAccount: c.Account}, action, nil)
}

// change finds a key that a call is to change, which must be neither AWS's nor about to be
// deleted. [KMS developer guide, "Key states of AWS KMS keys"]
func (s *Service) change(c *wire.Call, id, action string) (*key, error) {
	k, err := s.lookup(c, id, action, false)
	if err != nil {
		return nil, err
	}
	if k.managed != "" {
		return nil, k.denied(rootOf(c), action, false)
	}
	if !k.deletion.IsZero() {
		return nil, k.pendingDeletion()
	}
	return k, nil
}

func rootOf(c *wire.Call) string {
	p := placeOf(c)
	return "arn:" + p.partition() + ":iam::" + c.Account + ":root"
}

func invalid(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// constraint is the error of a member whose value is not allowed.
func constraint(value any, member, rule string) *wire.Error {
	return invalid("1 validation error detected: Value '%.300v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func missing(member string) *wire.Error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

func notFound(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "NotFoundException", Message: fmt.Sprintf(format, args...)}
}

func limitExceeded(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "LimitExceededException", Message: fmt.Sprintf(format, args...)}
}

func (k *key) disabled() *wire.Error {
	return &wire.Error{Code: "DisabledException", Message: k.arn + " is disabled."}
}

func (k *key) pendingDeletion() *wire.Error {
	return &wire.Error{Code: "KMSInvalidStateException", Message: k.arn + " is pending deletion."}
}
