package policy

import "strings"

// DecideIdentity evaluates an identity-based policy document, one of a user or role that
// asks; it names no principal. A document that can't be read is Silent.
func DecideIdentity(doc string, r Request) Decision {
	d, err := Parse(doc)
	if err != nil {
		return Silent
	}
	keys := contextOf(r)
	decision := Silent
	for i := range d.statements {
		s := &d.statements[i]
		if s.Principal != nil || s.NotPrincipal != nil ||
			!matchesElement(s.Action, s.NotAction, strings.ToLower(r.Action), strings.ToLower) ||
			!matchesElement(s.Resource, s.NotResource, r.Resource, nil) || !s.Condition.match(keys) {
			continue
		}
		if s.Effect == "Deny" {
			return Deny
		}
		decision = Allow
	}
	return decision
}
