package awstest

import (
	"slices"
	"time"
)

// SaveEvery makes changes reach the state file sooner.
func SaveEvery(d time.Duration) Option { return func(o *options) { o.saveEvery = d } }

// Timeouts makes the endpoint give up slow clients sooner.
func Timeouts(header, read, idle time.Duration) Option {
	return func(o *options) { o.header, o.read, o.idle = header, read, idle }
}

// Served is the operations that are served, by service, in order.
func (s *Server) Served() map[string][]string {
	out := map[string][]string{}
	for _, api := range s.services.served {
		for name := range api.Operations {
			out[api.Name] = append(out[api.Name], name)
		}
		slices.Sort(out[api.Name])
	}
	return out
}
