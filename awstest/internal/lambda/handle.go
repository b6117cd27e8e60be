package lambda

// Handle makes a Go function stand in for the code of the function of that name from now
// on, also when that is deleted and created again. If there is none, there is one without a
// role until CreateFunction, which then succeeds, makes it what it is to be. A nil handler
// lets the code run again.
func (s *Service) Handle(account, region, name string, handler Handler) {
	key := functionKey{place{account, region}, name}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[key]
	if handler == nil {
		delete(s.handlers, key)
		switch {
		case f != nil && f.placeholder:
			delete(s.functions, key)
		case f != nil:
			f.handler = nil
		}
		return
	}
	s.handlers[key] = handler
	if f == nil {
		conf := defaults(key)
		conf.Runtime, conf.Handler = "provided.al2023", "bootstrap"
		f = newFunction(key, conf)
		f.placeholder = true
		s.touch(f)
		s.functions[key] = f
	}
	f.handler = handler
}

// LogGroup returns the log group of a function, that which it would have if it doesn't exist.
func (s *Service) LogGroup(account, region, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.functions[functionKey{place{account, region}, name}]; f != nil {
		return f.spec.Logging.LogGroup
	}
	return "/aws/lambda/" + name
}
