package events

import (
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Emit implements fabric.Events. A detail that is no JSON is an event that nobody gets.
func (s *Service) Emit(in fabric.ServiceEvent) {
	now := s.clk.Now()
	e, err := newEvent(envelope{
		DetailType: in.DetailType, Source: in.Source, Account: in.Account, Time: stamp(now), Region: in.Region, Resources: in.Resources, Detail: in.Detail,
	}, "", now)
	if err != nil {
		return
	}
	s.deliver(s.route(&wire.Call{Account: in.Account, Region: in.Region}, defaultBus, e, now), now)
}
