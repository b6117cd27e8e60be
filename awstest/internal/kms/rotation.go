package kms

import (
	"context"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// defaultRotation is the rotation period of keys without one, in days.
const defaultRotation = 365

// rotation says how often a key's material is replaced by itself.
type rotation struct {
	days  int       // 0: never
	since time.Time // when it was turned on
}

// next is when the material is replaced next.
func (r rotation) next(now time.Time) time.Time {
	period := time.Duration(r.days) * 24 * time.Hour
	return r.since.Add((now.Sub(r.since)/period + 1) * period)
}

type rotationInput struct {
	keyInput
	RotationPeriodInDays *int
}

// enableKeyRotation implements EnableKeyRotation.
func (s *Service) enableKeyRotation(_ context.Context, c *wire.Call, in *rotationInput) (*wire.Empty, error) {
	days := defaultRotation
	if in.RotationPeriodInDays != nil {
		days = *in.RotationPeriodInDays
	}
	if days < 90 || days > 2560 {
		return nil, constraint(days, "rotationPeriodInDays", "Member must have value between 90 and 2560")
	}
	return s.rotate(c, in.KeyID, "kms:EnableKeyRotation", days)
}

// disableKeyRotation implements DisableKeyRotation.
func (s *Service) disableKeyRotation(_ context.Context, c *wire.Call, in *keyInput) (*wire.Empty, error) {
	return s.rotate(c, in.KeyID, "kms:DisableKeyRotation", 0)
}

func (s *Service) rotate(c *wire.Call, id, action string, days int) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, id, action)
	if err != nil {
		return nil, err
	}
	if k.off {
		return nil, k.disabled()
	}
	k.rotation = rotation{days: days, since: s.clk.Now()}
	return &wire.Empty{}, nil
}

type rotationOutput struct {
	KeyID                string `json:"KeyId"` // an ARN
	KeyRotationEnabled   bool
	NextRotationDate     *wire.Time `json:",omitempty"`
	RotationPeriodInDays *int       `json:",omitempty"`
}

// getKeyRotationStatus implements GetKeyRotationStatus. AWS managed keys are rotated every
// year.
func (s *Service) getKeyRotationStatus(_ context.Context, c *wire.Call, in *keyInput) (*rotationOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.lookup(c, in.KeyID, "kms:GetKeyRotationStatus", false)
	if err != nil {
		return nil, err
	}
	r := k.rotation
	if k.managed != "" {
		r = rotation{days: defaultRotation, since: k.created}
	}
	out := &rotationOutput{KeyID: k.arn, KeyRotationEnabled: r.days > 0}
	if r.days > 0 {
		out.RotationPeriodInDays = &r.days
		out.NextRotationDate = new(wire.At(r.next(s.clk.Now())))
	}
	return out, nil
}
