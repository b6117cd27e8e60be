package sns

import "slices"

// Defect is a deliberate fault that tests plant to see that they would notice it.
type Defect string

// DeliveryDropped accepts what is published and delivers it to no one, not even to a
// subscription's dead-letter queue.
const DeliveryDropped Defect = "messages to subscriptions are dropped"

// Defects lists the defects that can be planted.
func Defects() []Defect { return []Defect{DeliveryDropped} }

// Plant gives the service exactly these defects from now on; none mends it.
func (s *Service) Plant(defects ...Defect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defects = slices.Clone(defects)
}
