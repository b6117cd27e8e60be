package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rule is one of the matches that a key of a filter policy lists.
type rule struct {
	// one reports whether a scalar matches; nil for exists
	one    func(v any) bool
	exists *bool
	null   bool // the rule is null
}

// matches evaluates the rule on the scalars of a key; absent says that there is no
// such message attribute.
func (r rule) matches(leaves []any, absent bool) bool {
	if r.exists != nil {
		return *r.exists == (len(leaves) > 0)
	}
	if absent && r.null {
		return true // recorded: null matches a message without the attribute
	}
	return slices.ContainsFunc(leaves, r.one)
}

func isOperator(name string) bool {
	return slices.Contains([]string{"exists", "prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric", "anything-but"}, name)
}

func parseRules(list []any) ([]rule, error) {
	if len(list) == 0 {
		return nil, errors.New("Empty arrays are not allowed")
	}
	var rules []rule
	for _, element := range list {
		r, err := parseRule(element)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func parseRule(element any) (rule, error) {
	switch element := element.(type) {
	case []any:
		return rule{}, errors.New("Match value must be String, number, true, false, or null")
	case map[string]any:
		if len(element) != 1 {
			return rule{}, errors.New("Only one key allowed in match expression")
		}
		for name, operand := range element {
			return parseOperator(name, operand)
		}
	}
	return rule{one: func(v any) bool { return v == element }, null: element == nil}, nil
}

func parseOperator(name string, operand any) (rule, error) {
	switch name {
	case "exists":
		b, ok := operand.(bool)
		if !ok {
			return rule{}, errors.New("exists match pattern must be either true or false.")
		}
		return rule{exists: &b}, nil
	case "numeric":
		one, err := parseNumeric(operand)
		return rule{one: one}, err
	case "anything-but":
		one, err := parseAnythingBut(operand)
		return rule{one: one}, err
	}
	one, err := parseText(name, operand)
	return rule{one: one}, err
}

// parseText parses the operators whose operand is a string.
func parseText(name string, operand any) (func(any) bool, error) {
	compare, ok := map[string]func(s, pattern string) bool{
		"prefix":             strings.HasPrefix,
		"suffix":             strings.HasSuffix,
		"equals-ignore-case": strings.EqualFold,
		"wildcard":           wildcard,
		"cidr":               inNetwork,
	}[name]
	if !ok {
		return nil, fmt.Errorf("Unrecognized match type %s", name)
	}
	pattern, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s match pattern must be a string", name)
	}
	if name == "wildcard" && strings.Contains(pattern, "**") {
		return nil, fmt.Errorf("Consecutive wildcard characters at pos %d", strings.Index(pattern, "**"))
	}
	if name == "cidr" {
		if _, err := netip.ParsePrefix(pattern); err != nil {
			return nil, fmt.Errorf("Malformed CIDR, one '/' required")
		}
	}
	return func(v any) bool {
		s, ok := v.(string)
		return ok && compare(s, pattern)
	}, nil
}

// wildcard matches * with any characters, in time bounded by the product of the
// lengths.
func wildcard(s, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func inNetwork(s, network string) bool {
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && prefix.Contains(addr)
}

// parseAnythingBut parses a value, a list of values, or an operator that must not match.
func parseAnythingBut(operand any) (func(any) bool, error) {
	var not func(any) bool
	switch operand := operand.(type) {
	case map[string]any:
		if len(operand) != 1 {
			return nil, errors.New("Only one key allowed in match expression")
		}
		for name, inner := range operand {
			one, err := parseText(name, inner)
			if err != nil {
				return nil, err
			}
			not = one
		}
	case []any:
		if len(operand) == 0 {
			return nil, errors.New("Empty arrays are not allowed")
		}
		for _, element := range operand {
			if !isText(element) {
				return nil, errors.New("Inside anything but list, start|null|boolean is not supported.")
			}
		}
		not = func(v any) bool { return slices.Contains(operand, v) }
	default:
		if !isText(operand) {
			return nil, errors.New("Value of anything-but must be an array or single string/number value.")
		}
		not = func(v any) bool { return v == operand }
	}
	return func(v any) bool { return v != (opaque{}) && !not(v) }, nil
}

func isText(v any) bool {
	switch v.(type) {
	case string, float64:
		return true
	}
	return false
}

// parseNumeric parses ["=", 5] or a range: [">", 0, "<=", 5], of which either half may
// be left out.
func parseNumeric(operand any) (func(any) bool, error) {
	list, ok := operand.([]any)
	if !ok {
		return nil, errors.New("Value of numeric must be an array.")
	}
	if len(list) == 0 {
		return nil, errors.New("Invalid member in numeric match: ]")
	}
	first, ok := list[0].(string)
	if !ok {
		return nil, fmt.Errorf("Invalid member in numeric match: %s", show(list[0]))
	}
	value, err := numberAt(list, first)
	switch first {
	case "=":
		switch {
		case err != nil:
			return nil, errors.New("Value of equals must be numeric")
		case len(list) > 2:
			return nil, errors.New("Too many elements in numeric expression")
		}
		return func(v any) bool { return v == value }, nil
	case "<", "<=":
		switch {
		case err != nil:
			return nil, err
		case len(list) > 2:
			return nil, errors.New("Too many elements in numeric expression")
		}
		return func(v any) bool { return compareNumber(v, first, value) }, nil
	case ">", ">=":
	default:
		return nil, fmt.Errorf("Unrecognized numeric range operator: %s", first)
	}
	if err != nil {
		return nil, err
	}
	if len(list) == 2 {
		return func(v any) bool { return compareNumber(v, first, value) }, nil
	}
	second, ok := list[2].(string)
	if !ok {
		return nil, fmt.Errorf("Bad value in numeric range: %s", show(list[2]))
	}
	if second != "<" && second != "<=" {
		return nil, fmt.Errorf("Bad numeric range operator: %s", second)
	}
	top, err := numberAt(list[2:], second)
	switch {
	case err != nil:
		return nil, err
	case len(list) > 4:
		return nil, errors.New("Too many terms in numeric range expression")
	case value >= top:
		return nil, errors.New("Bottom must be less than top")
	}
	return func(v any) bool { return compareNumber(v, first, value) && compareNumber(v, second, top) }, nil
}

// numberAt returns the number that follows an operator.
func numberAt(list []any, operator string) (float64, error) {
	if len(list) > 1 {
		if n, ok := list[1].(float64); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("Value of %s must be numeric", operator)
}

func compareNumber(v any, operator string, n float64) bool {
	x, ok := v.(float64)
	if !ok {
		return false
	}
	switch operator {
	case "<":
		return x < n
	case "<=":
		return x <= n
	case ">":
		return x > n
	default:
		return x >= n
	}
}

// show writes a JSON value as it was written.
func show(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'g', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
