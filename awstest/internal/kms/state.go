package kms

import (
	"context"
	"maps"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The states of a key.
const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
)

func (k *key) state() string {
	switch {
	case !k.deletion.IsZero():
		return pendingDeletion
	case k.off:
		return disabled
	}
	return enabled
}

// usable is the error of using a key in its state for cryptography, nil if there is none.
func (k *key) usable() error {
	switch k.state() {
	case pendingDeletion:
		return k.pendingDeletion()
	case disabled:
		return k.disabled()
	}
	return nil
}

// enableKey implements EnableKey.
func (s *Service) enableKey(_ context.Context, c *wire.Call, in *keyInput) (*wire.Empty, error) {
	return s.turn(c, in.KeyID, "kms:EnableKey", false)
}

// disableKey implements DisableKey.
func (s *Service) disableKey(_ context.Context, c *wire.Call, in *keyInput) (*wire.Empty, error) {
	return s.turn(c, in.KeyID, "kms:DisableKey", true)
}

func (s *Service) turn(c *wire.Call, id, action string, off bool) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, id, action)
	if err != nil {
		return nil, err
	}
	k.off = off
	return &wire.Empty{}, nil
}

type deletionInput struct {
	keyInput
	PendingWindowInDays *int
}

type deletionOutput struct {
	DeletionDate        wire.Time
	KeyID               string `json:"KeyId"` // an ARN
	KeyState            string
	PendingWindowInDays int
}

// scheduleKeyDeletion implements ScheduleKeyDeletion: the key can't be used from now on,
// and is gone when the window has passed.
func (s *Service) scheduleKeyDeletion(_ context.Context, c *wire.Call, in *deletionInput) (*deletionOutput, error) {
	days := 30
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, invalid("PendingWindowInDays must be between 7 and 30, inclusive.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.change(c, in.KeyID, "kms:ScheduleKeyDeletion")
	if err != nil {
		return nil, err
	}
	s.condemn(k, s.clk.Now().Add(time.Duration(days)*24*time.Hour))
	return &deletionOutput{DeletionDate: wire.At(k.deletion), KeyID: k.arn, KeyState: k.state(), PendingWindowInDays: days}, nil
}

// condemn makes a key be deleted at the instant, with its aliases. It is called with s.mu
// held.
func (s *Service) condemn(k *key, at time.Time) {
	k.deletion = at
	k.deleting = s.clk.At(at, func(time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !k.deletion.Equal(at) {
			return // it was cancelled just now
		}
		in := s.at(k.place)
		delete(in.byID, k.id)
		maps.DeleteFunc(in.aliases, func(_ string, a *alias) bool { return a.key == k })
	})
}

// cancelKeyDeletion implements CancelKeyDeletion, which leaves the key disabled.
func (s *Service) cancelKeyDeletion(_ context.Context, c *wire.Call, in *keyInput) (*keyInput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.lookup(c, in.KeyID, "kms:CancelKeyDeletion", false)
	if err != nil {
		return nil, err
	}
	if k.deletion.IsZero() {
		return nil, &wire.Error{Code: "KMSInvalidStateException", Message: k.arn + " is not pending deletion."}
	}
	k.deleting.Stop()
	k.deletion, k.deleting, k.off = time.Time{}, nil, true
	return &keyInput{k.arn}, nil
}
