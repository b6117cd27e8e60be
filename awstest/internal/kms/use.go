package kms

import "github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"

// Use implements fabric.Keys. Conditions of the key's policy see who asks, on whose
// behalf, and the encryption context.
func (s *Service) Use(u fabric.KeyUse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.resolve(place{u.Account, u.Region}, u.Key, true)
	if err != nil {
		return err
	}
	keys := make(map[string]string, len(u.Context))
	for name, value := range u.Context {
		keys["kms:EncryptionContext:"+name] = value
	}
	for _, action := range u.Actions {
		if err := k.authorize(u.From, action, keys); err != nil {
			return err
		}
	}
	return k.usable()
}
