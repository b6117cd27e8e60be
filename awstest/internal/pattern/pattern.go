// Package pattern matches JSON objects with the patterns that EventBridge's rules and
// SNS's filter policies are written in:
//
//	p, err := pattern.Parse(map[string]any{"source": []any{map[string]any{"prefix": "shop."}}})
//	ok := p.Matches(map[string]any{"source": "shop.orders"})
//
// Both services use one matcher, and report mistakes in the same words. [EventBridge user
// guide, "Comparison operators for use in event patterns"; SNS developer guide, "Message
// filtering"]
package pattern

// Pattern is a parsed pattern.
type Pattern struct{ root *group }

// Parse reads a pattern, a JSON object as encoding/json decodes it into an any.
func Parse(object map[string]any) (*Pattern, error) {
	root, err := parseGroup(object)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

// Matches reports whether an object matches: all keys of the pattern do.
func (p *Pattern) Matches(object map[string]any) bool { return p.root.matches(object, false) }

// MatchesAttributes reports whether message attributes match, of which an absent one is
// null.
func (p *Pattern) MatchesAttributes(object map[string]any) bool { return p.root.matches(object, true) }

// Opaque is a value that exists and equals nothing.
type Opaque struct{}

// group is an object of a pattern: all its fields must match, and one of the
// alternatives of each $or.
type group struct {
	fields       map[string]*field
	alternatives [][]*group
}

// field is a key of a pattern: it has either rules, one of which must match, or an
// object of further keys.
type field struct {
	rules  []rule
	nested *group
}

// matches evaluates the pattern's object on another. attributes says that
// it is a message's attributes, of which an absent one is null to a rule.
func (g *group) matches(object map[string]any, attributes bool) bool {
	for key, f := range g.fields {
		value, present := object[key]
		if !f.matches(value, present, attributes) {
			return false
		}
	}
	for _, or := range g.alternatives {
		matched := false
		for _, alternative := range or {
			if alternative.matches(object, attributes) {
				matched = true
				break
			}
		}
		if !matched {
			return false
		}
	}
	return true
}

func (f *field) matches(value any, present, attributes bool) bool {
	if f.nested != nil {
		return f.nested.matchesIn(value, attributes)
	}
	var leaves []any
	if present {
		leaves = appendLeaves(nil, value)
	}
	for _, r := range f.rules {
		if r.matches(leaves, attributes && !present) {
			return true
		}
	}
	return false
}

// matchesIn evaluates the object on a value: on each object of an array, so that what
// matches belongs together, and on none as on an empty one.
func (g *group) matchesIn(value any, attributes bool) bool {
	switch value := value.(type) {
	case map[string]any:
		return g.matches(value, attributes)
	case []any:
		for _, element := range value {
			if g.matchesIn(element, attributes) {
				return true
			}
		}
		return false
	default:
		return g.matches(nil, attributes)
	}
}

// appendLeaves appends the scalars of a value; those of arrays count one by one.
func appendLeaves(leaves []any, value any) []any {
	switch value := value.(type) {
	case map[string]any:
	case []any:
		for _, element := range value {
			leaves = appendLeaves(leaves, element)
		}
	default:
		leaves = append(leaves, value)
	}
	return leaves
}
