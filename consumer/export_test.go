package consumer

// Size is how many keys the store holds.
func (s *MemoryStore) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}
