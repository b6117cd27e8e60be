package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rule is one of the matches that a key of a pattern lists.
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
	if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"}, name) {
		return nil, fmt.Errorf("Unrecognized match type %s", name)
	}
	ignoreCase := false
	if object, ok := operand.(map[string]any); ok && len(object) == 1 && (name == "prefix" || name == "suffix") {
		if inner, ok := object["equals-ignore-case"]; ok {
			operand, ignoreCase = inner, true
		}
	}
	text, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s match pattern must be a string", name)
	}
	matches, err := compile(name, text, ignoreCase)
	if err != nil {
		return nil, err
	}
	return func(v any) bool {
		s, ok := v.(string)
		return ok && matches(s)
	}, nil
}

// compile returns what an operator compares strings with text by.
func compile(name, text string, ignoreCase bool) (func(string) bool, error) {
	if ignoreCase {
		folded, err := compile(name, strings.ToLower(text), false)
		return func(s string) bool { return folded(strings.ToLower(s)) }, err
	}
	switch name {
	case "prefix":
		return func(s string) bool { return strings.HasPrefix(s, text) }, nil
	case "suffix":
		return func(s string) bool { return strings.HasSuffix(s, text) }, nil
	case "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, text) }, nil
	case "cidr":
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errors.New("Malformed CIDR, one '/' required")
		}
		return func(s string) bool {
			addr, err := netip.ParseAddr(s)
			return err == nil && network.Contains(addr)
		}, nil
	default:
		parts, err := splitWildcard(text)
		return func(s string) bool { return between(parts, s) }, err
	}
}

// splitWildcard returns what is between the stars. A backslash makes a star, or another
// backslash, an ordinary character.
func splitWildcard(text string) ([]string, error) {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '*' && len(parts) > 0 && part.Len() == 0:
			return nil, fmt.Errorf("Consecutive wildcard characters at pos %d", i)
		case c == '*':
			parts = append(parts, part.String())
			part.Reset()
			continue
		case c == '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, fmt.Errorf("Invalid escape character at pos %d", i-1)
			}
			c = text[i]
		}
		part.WriteByte(c)
	}
	return append(parts, part.String()), nil
}

// between reports whether a string is made of the parts, in order, with anything in
// between, in time bounded by the product of the lengths.
func between(parts []string, s string) bool {
	last := len(parts) - 1
	if last == 0 {
		return s == parts[0]
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
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
			one, err := parseNot(name, inner)
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
	return func(v any) bool { return v != (Opaque{}) && !not(v) }, nil
}

// parseNot parses an operator under anything-but, with one string or a list of them, none
// of which may match.
func parseNot(name string, operand any) (func(any) bool, error) {
	if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, name) {
		return nil, fmt.Errorf("Unsupported anything-but pattern: %s", name)
	}
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return nil, errors.New("Empty arrays are not allowed")
	}
	var each []func(string) bool
	for _, element := range list {
		text, ok := element.(string)
		switch {
		case !ok:
			return nil, fmt.Errorf("Inside anything-but/%s list, number|start|null|boolean is not supported.", name)
		case text == "" && (name == "prefix" || name == "suffix"):
			return nil, errors.New("Null prefix/suffix not allowed")
		}
		matches, err := compile(name, text, false)
		if err != nil {
			return nil, err
		}
		each = append(each, matches)
	}
	return func(v any) bool {
		s, ok := v.(string)
		return ok && slices.ContainsFunc(each, func(matches func(string) bool) bool { return matches(s) })
	}, nil
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
