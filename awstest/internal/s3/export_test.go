package s3

// MaxHeld is maxHeld.
const MaxHeld = maxHeld

// Hold makes the service behave as if it held that many bytes more.
func (s *Service) Hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
}
