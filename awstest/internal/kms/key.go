package kms

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// key is a KMS key.
type key struct {
	place       place
	id, arn     string
	managed     string // the service whose AWS managed key it is, empty if it is the customer's
	created     time.Time
	description string
	policy      string
	multiRegion bool
	off         bool // disabled
	tags        map[string]string
	rotation    rotation

	deletion time.Time // when it will be deleted; zero if it won't
	deleting *clock.Event
}

// newKey returns an enabled key that is in none of the maps yet.
func newKey(p place, id string, now time.Time) *key {
	return &key{place: p, id: id, arn: p.arnOf("key/" + id), created: now, tags: map[string]string{}}
}

func newID(multiRegion bool) string {
	if multiRegion {
		return "mrk-" + strings.ReplaceAll(wire.NewUUID(), "-", "")
	}
	return wire.NewUUID()
}

type createKeyInput struct {
	BypassPolicyLockoutSafetyCheck bool
	CustomerMasterKeySpec          string
	CustomKeyStoreID               string `json:"CustomKeyStoreId"`
	Description                    string
	KeySpec                        string
	KeyUsage                       string
	MultiRegion                    bool
	Origin                         string
	Policy                         string
	Tags                           []tag
}

type keyOutput struct{ KeyMetadata metadata }

// metadata is a key as AWS describes it. [DescribeKey, recorded]
type metadata struct {
	AWSAccountID                string `json:"AWSAccountId"`
	Arn                         string
	CreationDate                wire.Time
	CustomerMasterKeySpec       string
	DeletionDate                *wire.Time `json:",omitempty"`
	Description                 string
	Enabled                     bool
	EncryptionAlgorithms        []string
	KeyID                       string `json:"KeyId"`
	KeyManager                  string
	KeySpec                     string
	KeyState                    string
	KeyUsage                    string
	MultiRegion                 bool
	MultiRegionConfiguration    *multiRegion `json:",omitempty"`
	Origin                      string
	PendingDeletionWindowInDays *int `json:",omitempty"`
}

type multiRegion struct {
	MultiRegionKeyType string
	PrimaryKey         regionKey
	ReplicaKeys        []regionKey
}

type regionKey struct{ Arn, Region string }

const symmetric = "SYMMETRIC_DEFAULT"

func (k *key) describe() metadata {
	out := metadata{
		AWSAccountID: k.place.account, Arn: k.arn, CreationDate: wire.At(k.created), CustomerMasterKeySpec: symmetric,
		Description: k.description, Enabled: k.state() == enabled, EncryptionAlgorithms: []string{symmetric}, KeyID: k.id,
		KeyManager: "CUSTOMER", KeySpec: symmetric, KeyState: k.state(), KeyUsage: "ENCRYPT_DECRYPT", MultiRegion: k.multiRegion, Origin: "AWS_KMS",
	}
	if k.managed != "" {
		out.KeyManager = "AWS"
	}
	if k.multiRegion {
		out.MultiRegionConfiguration = &multiRegion{MultiRegionKeyType: "PRIMARY", PrimaryKey: regionKey{k.arn, k.place.region}, ReplicaKeys: []regionKey{}}
	}
	if !k.deletion.IsZero() {
		out.DeletionDate = new(wire.At(k.deletion))
	}
	return out
}

// createKey implements CreateKey.
func (s *Service) createKey(_ context.Context, c *wire.Call, in *createKeyInput) (*keyOutput, error) {
	for _, given := range []struct{ member, value, served string }{
		{"KeySpec", in.KeySpec, symmetric}, {"CustomerMasterKeySpec", in.CustomerMasterKeySpec, symmetric},
		{"KeyUsage", in.KeyUsage, "ENCRYPT_DECRYPT"}, {"Origin", in.Origin, "AWS_KMS"}, {"CustomKeyStoreId", in.CustomKeyStoreID, ""},
	} {
		if given.value != "" && given.value != given.served {
			return nil, &wire.Error{Code: "NotImplemented", Message: "Keys with the " + given.member + " " + given.value + " are not served here.", Status: 501}
		}
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := placeOf(c)
	at := s.at(p)
	if len(at.byID) >= maxKeys {
		return nil, limitExceeded("The maximum number of keys has been reached.")
	}
	k := newKey(p, newID(in.MultiRegion), s.clk.Now())
	k.multiRegion, k.description, k.tags = in.MultiRegion, in.Description, tags
	k.policy = defaultPolicy(p)
	if in.Policy != "" {
		if err := k.check(in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
		k.policy = in.Policy
	}
	at.byID[k.id] = k
	return &keyOutput{k.describe()}, nil
}

type keyInput struct {
	KeyID string `json:"KeyId"`
}

// describeKey implements DescribeKey.
func (s *Service) describeKey(_ context.Context, c *wire.Call, in *keyInput) (*keyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.lookup(c, in.KeyID, "kms:DescribeKey", true)
	if err != nil {
		return nil, err
	}
	return &keyOutput{k.describe()}, nil
}

type listInput struct {
	KeyID  string `json:"KeyId"`
	Limit  *int
	Marker string
}

type listKeysOutput struct {
	Keys       []keyEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

type keyEntry struct {
	KeyArn string
	KeyID  string `json:"KeyId"`
}

// listKeys implements ListKeys.
func (s *Service) listKeys(_ context.Context, c *wire.Call, in *listInput) (*listKeysOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at(placeOf(c))
	ids, next, err := paginate(slices.Collect(maps.Keys(at.byID)), in.Limit, in.Marker, 1000)
	if err != nil {
		return nil, err
	}
	out := &listKeysOutput{Keys: []keyEntry{}, NextMarker: next, Truncated: next != ""}
	for _, id := range ids {
		out.Keys = append(out.Keys, keyEntry{at.byID[id].arn, id})
	}
	return out, nil
}

func checkDescription(text string) error {
	if len([]rune(text)) > 8192 {
		return constraint(text, "description", "Member must have length less than or equal to 8192")
	}
	return nil
}

type descriptionInput struct {
	keyInput
	Description string
}

// updateKeyDescription implements UpdateKeyDescription.
func (s *Service) updateKeyDescription(_ context.Context, c *wire.Call, in *descriptionInput) (*wire.Empty, error) {
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, in.KeyID, "kms:UpdateKeyDescription")
	if err != nil {
		return nil, err
	}
	k.description = in.Description
	return &wire.Empty{}, nil
}

// listGrants implements ListGrants: there are none.
func (s *Service) listGrants(_ context.Context, c *wire.Call, in *listInput) (*struct {
	Grants    []wire.Empty
	Truncated bool
}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.lookup(c, in.KeyID, "kms:ListGrants", false); err != nil {
		return nil, err
	}
	return &struct {
		Grants    []wire.Empty
		Truncated bool
	}{Grants: []wire.Empty{}}, nil
}
