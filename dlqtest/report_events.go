package dlqtest

// messageName tells messages apart: by the proof's key or, of foreign ones, the id.
type messageName struct{ key, id string }

func (m MessageReport) name() messageName { return messageName{m.Key, m.MessageID} }

// blamed names the messages that a verdict complains of.
func (r Report) blamed() map[messageName]bool {
	blamed := map[messageName]bool{}
	for _, v := range r.Verdicts {
		for _, f := range v.Findings {
			if f.Key != "" || f.MessageID != "" {
				blamed[messageName{f.Key, f.MessageID}] = true
			}
		}
	}
	return blamed
}

// eventIndex finds a message's events.
type eventIndex map[messageName][]Event

// indexEvents gives each event to its message. An event with an id that none of the
// messages has, such as one after a redrive, is found by its key.
func indexEvents(h *History, messages []MessageReport) eventIndex {
	byID, byKey := map[string]messageName{}, map[string]messageName{}
	for _, m := range messages {
		if _, ok := byKey[m.Key]; !ok && m.Key != "" {
			byKey[m.Key] = m.name()
		}
		if m.MessageID != "" {
			byID[m.MessageID] = m.name()
		}
	}
	x := eventIndex{}
	for _, e := range h.Events {
		if e.Op == OpNotification {
			continue // its id is that of a message in another queue
		}
		name, ok := byID[e.MessageID]
		if !ok || e.Key != "" && e.Key != name.key {
			if name, ok = byKey[e.Key]; !ok {
				continue
			}
		}
		x[name] = append(x[name], e)
	}
	return x
}
