package cloudwatch

// Defect is a deliberate fault that tests plant to see that they would notice it.
type Defect string

// The defects that can be planted.
const (
	// StaleData evaluates alarms on what was measured an hour before.
	StaleData Defect = "alarms look at data that is an hour old"
	// StuckAlarm never lets an alarm leave ALARM by evaluation.
	StuckAlarm Defect = "alarms never return to OK"
	// DropNotification performs no action on a transition.
	DropNotification Defect = "notifications are dropped"
	// RepeatNotification performs every action twice.
	RepeatNotification Defect = "notifications are sent twice"
	// WrongMissingData takes missing data that counts as not breaching for breaching,
	// and the other way round.
	WrongMissingData Defect = "missing data is treated the wrong way round"
	// WrongComparison compares with >= for > and with <= for <.
	WrongComparison Defect = "thresholds are compared inclusively"
)

// Defects lists the defects that can be planted.
func Defects() []Defect {
	return []Defect{StaleData, StuckAlarm, DropNotification, RepeatNotification, WrongMissingData, WrongComparison}
}

// Plant makes the service have the given defects and no others.
func (s *Service) Plant(defects ...Defect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defects = nil
	for _, d := range defects {
		if s.defects == nil {
			s.defects = map[Defect]bool{}
		}
		s.defects[d] = true
	}
	for _, a := range s.alarms {
		a.settled = settled{} // what was concluded before holds no longer
	}
}

// has reports whether a defect is planted; s.mu is held.
func (s *Service) has(d Defect) bool { return s.defects != nil && s.defects[d] }
