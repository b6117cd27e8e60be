package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
)

const (
	// maxExpression bounds an expression's length, in bytes (MetricExpression in the
	// service's model).
	maxExpression = 2048
	// maxMathDepth bounds how deep an expression may be nested.
	maxMathDepth = 64
)

// expr is a node of a parsed metric math expression.
type expr struct {
	kind exprKind
	// text is the operator, the function, the identifier or the text.
	text   string
	number float64
	args   []*expr
}

type exprKind int

const (
	exprNumber exprKind = iota
	exprText
	exprName // the id of a metric or of another expression
	exprCall
	exprUnary
	exprBinary
	exprList
)

// binding is how strongly operators bind, the logical ones least.
var binding = map[string]int{
	"OR": 1, "||": 1, "AND": 2, "&&": 2,
	"==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
	"+": 4, "-": 4, "*": 5, "/": 5, "^": 7,
}

// unaryBinding is that of a sign: -2^2 is -(2^2), -2*3 is (-2)*3.
const unaryBinding = 6

type mathParser struct {
	tokens []token
	i      int
	depth  int
}

// parseMath parses a metric math expression ("Using math expressions with CloudWatch
// metrics" has the syntax).
func parseMath(text string) (*expr, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("the expression is longer than %d characters", maxExpression)
	}
	tokens, err := lexMath(text)
	if err != nil {
		return nil, err
	}
	p := &mathParser{tokens: tokens}
	e, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, unexpected(t)
	}
	return e, nil
}

func unexpected(t token) error { return fmt.Errorf("unexpected %v at char %d", t, t.at) }

func (p *mathParser) peek() token { return p.tokens[p.i] }

func (p *mathParser) take() token {
	t := p.tokens[p.i]
	if t.kind != tokenEnd {
		p.i++
	}
	return t
}

func (p *mathParser) skip(symbol string) bool {
	if t := p.peek(); t.kind == tokenSymbol && t.text == symbol {
		p.i++
		return true
	}
	return false
}

// binary parses operators that bind at least as strongly as the given one.
func (p *mathParser) binary(least int) (*expr, error) {
	if p.depth++; p.depth > maxMathDepth {
		return nil, fmt.Errorf("the expression is nested deeper than %d levels", maxMathDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		b := binding[t.text]
		if t.kind != tokenSymbol && t.kind != tokenWord || b == 0 || b < least {
			return left, nil
		}
		p.take()
		next := b + 1
		if t.text == "^" {
			next = b // a power binds to the right
		}
		right, err := p.binary(next)
		if err != nil {
			return nil, err
		}
		op := t.text
		switch op {
		case "&&":
			op = "AND"
		case "||":
			op = "OR"
		}
		left = &expr{kind: exprBinary, text: op, args: []*expr{left, right}}
	}
}

func (p *mathParser) unary() (*expr, error) {
	if t := p.peek(); t.kind == tokenSymbol && (t.text == "-" || t.text == "+") {
		p.take()
		e, err := p.binary(unaryBinding)
		if err != nil {
			return nil, err
		}
		return &expr{kind: exprUnary, text: t.text, args: []*expr{e}}, nil
	}
	return p.operand()
}

func (p *mathParser) operand() (*expr, error) {
	t := p.take()
	switch t.kind {
	case tokenNumber:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("number out of range at char %d", t.at)
		}
		return &expr{kind: exprNumber, number: f}, nil
	case tokenText:
		return &expr{kind: exprText, text: t.text}, nil
	case tokenWord:
		if binding[t.text] != 0 {
			return nil, unexpected(t)
		}
		if p.skip("(") {
			args, err := p.list(")")
			return &expr{kind: exprCall, text: t.text, args: args}, err
		}
		return &expr{kind: exprName, text: t.text}, nil
	case tokenSymbol:
		switch t.text {
		case "(":
			e, err := p.binary(0)
			if err != nil {
				return nil, err
			}
			if !p.skip(")") {
				return nil, unexpected(p.peek())
			}
			return e, nil
		case "[":
			args, err := p.list("]")
			return &expr{kind: exprList, args: args}, err
		}
	}
	return nil, unexpected(t)
}

// list parses expressions up to the closing bracket.
func (p *mathParser) list(closing string) ([]*expr, error) {
	var out []*expr
	if p.skip(closing) {
		return out, nil
	}
	for {
		e, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if p.skip(closing) {
			return out, nil
		}
		if !p.skip(",") {
			return nil, unexpected(p.peek())
		}
	}
}

// names lists the ids that the expression mentions.
func (e *expr) names() []string {
	var out []string
	e.walk(func(n *expr) {
		if n.kind == exprName && n.text != "REPEAT" && n.text != "LINEAR" && !slices.Contains(out, n.text) {
			out = append(out, n.text)
		}
	})
	return out
}

// calls reports whether the expression calls one of the functions.
func (e *expr) calls(functions ...string) bool {
	found := false
	e.walk(func(n *expr) {
		found = found || n.kind == exprCall && slices.Contains(functions, n.text)
	})
	return found
}

func (e *expr) walk(visit func(*expr)) {
	visit(e)
	for _, a := range e.args {
		a.walk(visit)
	}
}
