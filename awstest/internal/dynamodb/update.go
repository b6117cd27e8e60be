package dynamodb

import (
	"maps"
	"slices"
	"strings"
)

// change is one action of an update expression. before is the item that values are taken
// from, after the one that is changed.
type change struct {
	at    path
	apply func(before, after item) error
}

// parseUpdate reads an update expression.
func parseUpdate(text string, n *names) ([]change, error) {
	p := newParser("UpdateExpression", text, n)
	var changes []change
	seen := map[string]bool{}
	for p.err == nil && p.i < len(p.tokens) {
		clause := strings.ToUpper(p.next())
		if seen[clause] {
			p.fail(`The "%s" section can only be used once in an update expression;`, clause)
		}
		seen[clause] = true
		for p.err == nil {
			switch clause {
			case "SET":
				changes = append(changes, p.set())
			case "REMOVE":
				at := p.path()
				changes = append(changes, change{at, func(_, after item) error { return at.remove(after) }})
			case "ADD", "DELETE":
				at := p.path()
				v, ok := p.value()
				if !ok {
					p.unexpected()
				}
				add := clause == "ADD"
				changes = append(changes, change{at, func(before, after item) error { return at.combine(before, after, v, add) }})
			default:
				p.i--
				p.unexpected()
			}
			if !p.keyword(",") {
				break
			}
		}
	}
	for i, a := range changes {
		for _, b := range changes[:i] {
			if overlap(a.at, b.at) && p.err == nil {
				return nil, invalid("Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", b.at, a.at)
			}
		}
	}
	// from the back, so that what is removed from a list doesn't move what else is
	slices.SortStableFunc(changes, func(a, b change) int {
		for i := 0; i < len(a.at) && i < len(b.at); i++ {
			if a.at[i].index >= 0 && b.at[i].index >= 0 && a.at[i].index != b.at[i].index {
				return b.at[i].index - a.at[i].index
			}
		}
		return 0
	})
	return changes, p.err
}

func overlap(a, b path) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

func (p *parser) set() change {
	at := p.path()
	p.expect("=")
	left := p.setOperand()
	for p.err == nil && (p.peek() == "+" || p.peek() == "-") {
		sign := int64(1)
		if p.next() == "-" {
			sign = -1
		}
		a, b := left, p.setOperand()
		left = func(it item) (value, error) {
			x, err := a(it)
			if err != nil {
				return value{}, err
			}
			y, err := b(it)
			if err != nil {
				return value{}, err
			}
			if x.kind != kindN || y.kind != kindN {
				return value{}, invalid("An operand in the update expression has an incorrect data type")
			}
			n, err := sum(x.text, y.text, sign)
			return value{kind: kindN, text: n}, err
		}
		break // there is one operator at most
	}
	return change{at, func(before, after item) error {
		v, err := left(before)
		if err != nil {
			return err
		}
		return at.put(after, v)
	}}
}

// setOperand reads what SET takes: a value, a path, if_not_exists or list_append.
func (p *parser) setOperand() func(it item) (value, error) {
	if p.keyword("(") {
		inner := p.setOperand()
		p.expect(")")
		return inner
	}
	if p.i+1 < len(p.tokens) && p.tokens[p.i+1] == "(" {
		name := p.next()
		p.expect("(")
		switch name {
		case "if_not_exists":
			at := p.path()
			p.expect(",")
			otherwise := p.setOperand()
			p.expect(")")
			return func(it item) (value, error) {
				if v, ok := at.in(it); ok {
					return v, nil
				}
				return otherwise(it)
			}
		case "list_append":
			a := p.setOperand()
			p.expect(",")
			b := p.setOperand()
			p.expect(")")
			return func(it item) (value, error) {
				x, err := a(it)
				if err != nil {
					return value{}, err
				}
				y, err := b(it)
				if err != nil {
					return value{}, err
				}
				if x.kind != kindL || y.kind != kindL {
					return value{}, invalid("An operand in the update expression has an incorrect data type")
				}
				return value{kind: kindL, list: slices.Concat(x.list, y.list)}, nil
			}
		}
		p.fail("Invalid function name; function: %s", name)
	}
	if v, ok := p.value(); ok {
		return func(item) (value, error) { return v, nil }
	}
	at := p.path()
	return func(it item) (value, error) {
		if v, ok := at.in(it); ok {
			return v, nil
		}
		return value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
}

func invalidPath() error {
	return invalid("The document path provided in the update expression is invalid for update")
}

// edit changes what the path leads to by fn, which says whether there is a value afterwards.
// Values are replaced, never changed: others may have them.
func (p path) edit(it item, fn func(v value, ok bool) (value, bool)) error {
	root, err := editIn(value{kind: kindM, m: it}, p, fn)
	if err != nil {
		return err
	}
	clear(it)
	maps.Copy(it, root.m)
	return nil
}

func editIn(v value, p path, fn func(v value, ok bool) (value, bool)) (value, error) {
	s := p[0]
	var below value
	ok := false
	switch {
	case s.index < 0 && v.kind == kindM:
		below, ok = v.m[s.name]
	case s.index >= 0 && v.kind == kindL:
		if ok = s.index < len(v.list); ok {
			below = v.list[s.index]
		}
	default:
		return v, invalidPath()
	}
	keep := true
	if len(p) == 1 {
		below, keep = fn(below, ok)
	} else {
		if !ok {
			return v, invalidPath()
		}
		var err error
		if below, err = editIn(below, p[1:], fn); err != nil {
			return v, err
		}
	}
	out := value{kind: v.kind}
	if v.kind == kindM {
		out.m = maps.Clone(v.m)
		if out.m == nil {
			out.m = map[string]value{}
		}
		if keep {
			out.m[s.name] = below
		} else {
			delete(out.m, s.name)
		}
		return out, nil
	}
	out.list = slices.Clone(v.list)
	switch {
	case !ok && keep:
		out.list = append(out.list, below) // beyond the end is at the end
	case keep:
		out.list[s.index] = below
	case ok:
		out.list = slices.Delete(out.list, s.index, s.index+1)
	}
	return out, nil
}

func (p path) put(it item, v value) error {
	return p.edit(it, func(value, bool) (value, bool) { return v, true })
}

func (p path) remove(it item) error {
	return p.edit(it, func(value, bool) (value, bool) { return value{}, false })
}

// combine is ADD, to a number or set, or DELETE, from a set.
func (p path) combine(before, after item, v value, add bool) error {
	isSet := v.kind == kindSS || v.kind == kindNS || v.kind == kindBS
	if !isSet && (!add || v.kind != kindN) {
		clause := map[bool]string{true: "ADD", false: "DELETE"}[add]
		return invalid("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s", clause, typeName(v.kind))
	}
	old, exists := p.in(before)
	if exists && old.kind != v.kind {
		return invalid("An operand in the update expression has an incorrect data type")
	}
	switch {
	case !exists && add:
		return p.put(after, v)
	case !exists:
		return nil
	case v.kind == kindN:
		n, err := sum(old.text, v.text, 1)
		if err != nil {
			return err
		}
		return p.put(after, value{kind: kindN, text: n})
	}
	set := slices.DeleteFunc(slices.Clone(old.set), func(e string) bool { return slices.Contains(v.set, e) })
	if add {
		set = append(set, v.set...)
	}
	if len(set) == 0 {
		return p.remove(after)
	}
	return p.put(after, value{kind: v.kind, set: sorted(v.kind, set)})
}

func typeName(k kind) string {
	return map[kind]string{
		kindS: "STRING", kindN: "NUMBER", kindB: "BINARY", kindBOOL: "BOOLEAN", kindNULL: "NULL", kindL: "LIST", kindM: "MAP",
		kindSS: "STRING_SET", kindNS: "NUMBER_SET", kindBS: "BINARY_SET",
	}[k]
}
