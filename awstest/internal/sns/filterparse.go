package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Bounds of a filter policy. [SNS developer guide, "Filter policy constraints"]
const (
	maxFilterBytes        = 256 << 10
	maxFilterKeys         = 5
	maxFilterCombinations = 150
)

// parseFilter reads a filter policy; an empty one is nil. Errors begin with
// "FilterPolicy: " where AWS's do, and lack the position in the text that AWS's end with.
func parseFilter(doc string, body bool) (*filter, error) {
	if doc == "" {
		return nil, nil
	}
	var object map[string]any
	if len(doc) > maxFilterBytes {
		return nil, errors.New("FilterPolicy: Filter policy is too long")
	}
	if json.Unmarshal([]byte(doc), &object) != nil || object == nil {
		return nil, errors.New("FilterPolicy: failed to parse JSON.")
	}
	if len(object) == 0 {
		return nil, nil
	}
	root, err := parseGroup(object)
	if err != nil {
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	}
	if root.keys() > maxFilterKeys {
		return nil, fmt.Errorf("FilterPolicy: Filter policy can not have more than %d keys", maxFilterKeys)
	}
	if root.combinations(1) > maxFilterCombinations {
		return nil, errors.New("FilterPolicy: Filter policy is too complex")
	}
	if !body && root.isNested() {
		return nil, errors.New("Filter policy scope MessageAttributes does not support nested filter policy")
	}
	return &filter{body: body, root: root}, nil
}

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

// keys counts the keys that have rules, of alternatives those of the largest.
func (g *group) keys() int {
	n := 0
	for _, f := range g.fields {
		if f.nested != nil {
			n += f.nested.keys()
		} else {
			n++
		}
	}
	for _, or := range g.alternatives {
		largest := 0
		for _, alternative := range or {
			largest = max(largest, alternative.keys())
		}
		n += largest
	}
	return n
}

// combinations is the product, over the keys, of the number of rules times the depth;
// alternatives add up. It stops counting above the bound.
func (g *group) combinations(depth int) int {
	const enough = maxFilterCombinations + 1
	n := 1
	for _, f := range g.fields {
		if f.nested != nil {
			n *= f.nested.combinations(depth + 1)
		} else {
			n *= min(len(f.rules)*depth, enough)
		}
		n = min(n, enough)
	}
	for _, or := range g.alternatives {
		sum := 0
		for _, alternative := range or {
			sum = min(sum+alternative.combinations(depth), enough)
		}
		n = min(n*sum, enough)
	}
	return n
}

func (g *group) isNested() bool {
	for _, f := range g.fields {
		if f.nested != nil {
			return true
		}
	}
	for _, or := range g.alternatives {
		if slices.ContainsFunc(or, (*group).isNested) {
			return true
		}
	}
	return false
}
