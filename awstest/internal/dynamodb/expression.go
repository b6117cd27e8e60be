package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// names is what an expression refers to by placeholders, and what of that it has used.
type names struct {
	names      map[string]string
	values     map[string]value
	usedNames  map[string]bool
	usedValues map[string]bool
}

func newNames(attributeNames map[string]string, values map[string]value) (*names, error) {
	for name := range attributeNames {
		if !strings.HasPrefix(name, "#") || len(name) < 2 {
			return nil, invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, name)
		}
	}
	for name := range values {
		if !strings.HasPrefix(name, ":") || len(name) < 2 {
			return nil, invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, name)
		}
	}
	return &names{attributeNames, values, map[string]bool{}, map[string]bool{}}, nil
}

// unused reports placeholders that no expression has used.
func (n *names) unused() error {
	for name := range n.names {
		if !n.usedNames[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for name := range n.values {
		if !n.usedValues[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}

// The bounds of expressions. [DynamoDB limits: 4 KB, 300 operators]
const (
	maxExpression = 4 << 10
	maxNesting    = 100
)

// parser reads an expression. What it is called is told in its errors.
type parser struct {
	what   string // e.g. "ConditionExpression"
	names  *names
	tokens []string
	i      int
	depth  int
	err    error
}

func newParser(what, text string, n *names) *parser {
	p := &parser{what: what, names: n}
	if text == "" {
		p.fail("The expression can not be empty;")
		return p
	}
	if len(text) > maxExpression {
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
		return p
	}
	p.tokens, p.err = p.split(text)
	return p
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid "+p.what+": "+format, args...)
	}
	p.i = len(p.tokens)
}

func isWord(c byte) bool {
	return c == '_' || c == '#' || c == ':' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) split(text string) ([]string, error) {
	var tokens []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isWord(c):
			start := i
			// a placeholder begins with its sign
			for i++; i < len(text) && isWord(text[i]) && text[i] != '#' && text[i] != ':'; i++ {
			}
			tokens = append(tokens, text[start:i])
			continue
		case strings.HasPrefix(text[i:], "<>"), strings.HasPrefix(text[i:], "<="), strings.HasPrefix(text[i:], ">="):
			tokens = append(tokens, text[i:i+2])
			i += 2
			continue
		case strings.IndexByte("()[],.=<>+-", c) >= 0:
			tokens = append(tokens, text[i:i+1])
			i++
			continue
		}
		return nil, invalid(`Invalid %s: Syntax error; token: "%s", near: "%.40s"`, p.what, text[i:i+1], text[i:])
	}
	return tokens, nil
}

func (p *parser) peek() string {
	if p.i < len(p.tokens) {
		return p.tokens[p.i]
	}
	return ""
}

func (p *parser) next() string {
	t := p.peek()
	p.i++
	return t
}

// keyword takes the word, in any case, if it comes next.
func (p *parser) keyword(word string) bool {
	if strings.EqualFold(p.peek(), word) && p.peek() != "" {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(token string) {
	if !p.keyword(token) {
		p.unexpected()
	}
}

func (p *parser) unexpected() {
	t := p.peek()
	if t == "" {
		t = "<EOF>"
	}
	start := max(0, min(p.i-1, len(p.tokens)))
	p.fail(`Syntax error; token: "%s", near: "%s"`, t, strings.Join(p.tokens[start:min(p.i+2, len(p.tokens))], " "))
}

// step is a step of a path: into a map by name or into a list by index.
type step struct {
	name  string
	index int // -1 if it is by name
}

// path leads to a value in an item. It prints as in AWS's errors.
type path []step

func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.index >= 0:
			b.WriteString(", [" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString(", " + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// in returns what the path leads to.
func (p path) in(it item) (value, bool) {
	v := value{kind: kindM, m: it}
	for _, s := range p {
		var ok bool
		switch {
		case s.index < 0 && v.kind == kindM:
			v, ok = v.m[s.name]
		case s.index >= 0 && v.kind == kindL && s.index < len(v.list):
			v, ok = v.list[s.index], true
		}
		if !ok {
			return value{}, false
		}
	}
	return v, true
}

// name reads an attribute name or its placeholder.
func (p *parser) name() string {
	t := p.next()
	switch {
	case strings.HasPrefix(t, "#"):
		name, ok := p.names.names[t]
		if !ok {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t)
		}
		p.names.usedNames[t] = true
		return name
	case t == "" || !isWord(t[0]) || t[0] == ':' || t[0] >= '0' && t[0] <= '9':
		p.i--
		p.unexpected()
	case isReserved(t):
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t)
	}
	return t
}

func (p *parser) path() path {
	out := path{{p.name(), -1}}
	for p.err == nil {
		switch {
		case p.keyword("."):
			out = append(out, step{p.name(), -1})
		case p.keyword("["):
			n, err := strconv.Atoi(p.next())
			if err != nil || n < 0 {
				p.unexpected()
			}
			out = append(out, step{"", n})
			p.expect("]")
		default:
			return out
		}
	}
	return out
}

// operand is what is compared or set: a value of an item, or one that comes of it.
type operand func(it item) (value, bool)

// value reads a value's placeholder.
func (p *parser) value() (value, bool) {
	t := p.peek()
	if !strings.HasPrefix(t, ":") {
		return value{}, false
	}
	p.i++
	v, ok := p.names.values[t]
	if !ok {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t)
	}
	p.names.usedValues[t] = true
	return v, true
}

// operand reads a value's placeholder, a path, or size(path).
func (p *parser) operand() operand {
	if v, ok := p.value(); ok {
		return func(item) (value, bool) { return v, true }
	}
	if strings.EqualFold(p.peek(), "size") && p.i+1 < len(p.tokens) && p.tokens[p.i+1] == "(" {
		p.i += 2
		of := p.path()
		p.expect(")")
		return func(it item) (value, bool) {
			v, ok := of.in(it)
			if !ok {
				return value{}, false
			}
			n := 0
			switch v.kind {
			case kindS, kindB:
				n = len(v.text)
			case kindL:
				n = len(v.list)
			case kindM:
				n = len(v.m)
			case kindSS, kindNS, kindBS:
				n = len(v.set)
			default:
				return value{}, false
			}
			return value{kind: kindN, text: strconv.Itoa(n)}, true
		}
	}
	at := p.path()
	return at.in
}

// condition is a parsed condition.
type condition func(it item) bool

// parseCondition reads a condition or filter expression.
func parseCondition(what, text string, n *names) (condition, error) {
	p := newParser(what, text, n)
	c := p.or()
	if p.err == nil && p.i < len(p.tokens) {
		p.unexpected()
	}
	return c, p.err
}

func (p *parser) or() condition {
	if p.depth++; p.depth > maxNesting {
		p.fail("The expression is nested too deep;")
	}
	defer func() { p.depth-- }()
	c := p.and()
	for p.err == nil && p.keyword("OR") {
		a, b := c, p.and()
		c = func(it item) bool { return a(it) || b(it) }
	}
	return c
}

func (p *parser) and() condition {
	c := p.not()
	for p.err == nil && p.keyword("AND") {
		a, b := c, p.not()
		c = func(it item) bool { return a(it) && b(it) }
	}
	return c
}

func (p *parser) not() condition {
	negate := false
	for p.err == nil && p.keyword("NOT") {
		negate = !negate
	}
	c := p.primary()
	if negate {
		return func(it item) bool { return !c(it) }
	}
	return c
}

func never(item) bool { return false }

func (p *parser) primary() condition {
	if p.err != nil {
		return never
	}
	if p.keyword("(") {
		c := p.or()
		p.expect(")")
		return c
	}
	if p.i+1 < len(p.tokens) && p.tokens[p.i+1] == "(" && !strings.EqualFold(p.peek(), "size") {
		return p.function()
	}
	left := p.operand()
	switch op := strings.ToUpper(p.next()); op {
	case "=", "<>", "<", "<=", ">", ">=":
		return compareBy(op, left, p.operand())
	case "BETWEEN":
		low := p.operand()
		p.expect("AND")
		high := p.operand()
		from, to := compareBy(">=", left, low), compareBy("<=", left, high)
		return func(it item) bool { return from(it) && to(it) }
	case "IN":
		p.expect("(")
		list := []operand{p.operand()}
		for p.err == nil && p.keyword(",") {
			list = append(list, p.operand())
		}
		p.expect(")")
		return func(it item) bool {
			return slices.ContainsFunc(list, func(o operand) bool { return compareBy("=", left, o)(it) })
		}
	}
	p.i--
	p.unexpected()
	return never
}

func compareBy(op string, left, right operand) condition {
	return func(it item) bool {
		a, ok := left(it)
		if !ok {
			return false
		}
		b, ok := right(it)
		if !ok {
			return false
		}
		switch op {
		case "=":
			return equal(a, b)
		case "<>":
			return !equal(a, b)
		}
		order, ok := compare(a, b)
		if !ok {
			return false
		}
		switch op {
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		default:
			return order >= 0
		}
	}
}

func (p *parser) function() condition {
	name := p.next()
	p.expect("(")
	switch name {
	case "attribute_exists", "attribute_not_exists":
		at := p.path()
		p.expect(")")
		want := name == "attribute_exists"
		return func(it item) bool {
			_, ok := at.in(it)
			return ok == want
		}
	case "attribute_type", "begins_with", "contains":
		left := p.operand()
		p.expect(",")
		right := p.operand()
		p.expect(")")
		return func(it item) bool {
			a, ok := left(it)
			if !ok {
				return false
			}
			b, ok := right(it)
			if !ok {
				return false
			}
			switch name {
			case "attribute_type":
				return string(a.kind) == b.text
			case "begins_with":
				return a.kind == b.kind && (a.kind == kindS || a.kind == kindB) && strings.HasPrefix(a.text, b.text)
			default:
				return contains(a, b)
			}
		}
	}
	p.fail("Invalid function name; function: %s", name)
	return never
}

func contains(a, b value) bool {
	switch a.kind {
	case kindS, kindB:
		return a.kind == b.kind && strings.Contains(a.text, b.text)
	case kindSS, kindNS, kindBS:
		return a.kind == b.kind+"S" && slices.Contains(a.set, b.text)
	case kindL:
		return slices.ContainsFunc(a.list, func(e value) bool { return equal(e, b) })
	}
	return false
}

// parseProjection reads a projection expression.
func parseProjection(text string, n *names) ([]path, error) {
	p := newParser("ProjectionExpression", text, n)
	out := []path{p.path()}
	for p.err == nil && p.keyword(",") {
		out = append(out, p.path())
	}
	if p.err == nil && p.i < len(p.tokens) {
		p.unexpected()
	}
	return out, p.err
}

// project returns what of an item the paths lead to. Elements of lists move together.
func project(it item, paths []path) item {
	if paths == nil {
		return it
	}
	root := map[step]any{}
	for _, p := range paths {
		if _, ok := p.in(it); !ok {
			continue
		}
		at := root
		for i, s := range p {
			if i == len(p)-1 {
				at[s] = true
				break
			}
			below, ok := at[s].(map[step]any)
			if !ok {
				below = map[step]any{}
				at[s] = below
			}
			at = below
		}
	}
	return pick(value{kind: kindM, m: it}, root).m
}

func pick(v value, tree map[step]any) value {
	out := value{kind: v.kind}
	if v.kind == kindM {
		out.m = map[string]value{}
	}
	steps := make([]step, 0, len(tree))
	for s := range tree {
		steps = append(steps, s)
	}
	slices.SortFunc(steps, func(a, b step) int { return a.index - b.index })
	for _, s := range steps {
		part := value{}
		if s.index >= 0 {
			part = v.list[s.index]
		} else {
			part = v.m[s.name]
		}
		if below, ok := tree[s].(map[step]any); ok {
			part = pick(part, below)
		}
		if s.index >= 0 {
			out.list = append(out.list, part)
		} else {
			out.m[s.name] = part
		}
	}
	return out
}
