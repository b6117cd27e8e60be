package pattern

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

func parseGroup(object map[string]any) (*group, error) {
	if len(object) == 0 {
		return nil, errors.New("Empty objects are not allowed")
	}
	g := &group{fields: map[string]*field{}}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch value := object[key].(type) {
		case map[string]any:
			nested, err := parseGroup(value)
			if err != nil {
				return nil, err
			}
			g.fields[key] = &field{nested: nested}
		case []any:
			if key == "$or" && isAlternatives(value) {
				or, err := parseAlternatives(value)
				if err != nil {
					return nil, err
				}
				g.alternatives = append(g.alternatives, or)
				continue
			}
			rules, err := parseRules(value)
			if err != nil {
				return nil, err
			}
			g.fields[key] = &field{rules: rules}
		default:
			return nil, fmt.Errorf("%q must be an object or an array", key)
		}
	}
	return g, nil
}

// isAlternatives reports whether the value of $or is a list of policies, and not the
// rules for a key of that name: at least two objects, whose keys are no operators.
func isAlternatives(list []any) bool {
	if len(list) < 2 {
		return false
	}
	for _, element := range list {
		object, ok := element.(map[string]any)
		if !ok {
			return false
		}
		for key := range object {
			if isOperator(key) {
				return false
			}
		}
	}
	return true
}

func parseAlternatives(list []any) ([]*group, error) {
	var or []*group
	for _, element := range list {
		object, ok := element.(map[string]any)
		if !ok {
			return nil, errors.New("$or must be an array of objects")
		}
		g, err := parseGroup(object)
		if err != nil {
			return nil, err
		}
		or = append(or, g)
	}
	return or, nil
}
