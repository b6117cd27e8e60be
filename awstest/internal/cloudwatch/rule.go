package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxRule bounds a composite alarm's rule, in characters (AlarmRule in the service's model).
	maxRule = 10240
	// maxRuleDepth bounds how deep a rule may be nested.
	maxRuleDepth = 64
	// maxRuleAlarms is how many alarms a rule may mention (PutCompositeAlarm).
	maxRuleAlarms = 100
)

// rule is a node of a composite alarm's rule.
type rule struct {
	kind ruleKind
	args []*rule
	// of a condition: the alarm and the state it is to be in
	state, alarm string
	// of AT_LEAST: how many of the alarms must (not) be in the state
	least   int
	negated bool
}

type ruleKind int

const (
	ruleState ruleKind = iota
	ruleConstant
	ruleNot
	ruleAnd
	ruleOr
	ruleAtLeast
)

// lexRule splits a rule into words, quoted names and symbols. Unquoted names go up to a
// blank or a bracket.
func lexRule(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case '(', ')', ',':
			out = append(out, token{tokenSymbol, text[i : i+1], i})
			i++
		case '"':
			var b strings.Builder
			j := i + 1
			for ; j < len(text) && text[j] != '"'; j++ {
				if text[j] == '\\' && j+1 < len(text) {
					j++
				}
				b.WriteByte(text[j])
			}
			if j == len(text) {
				return nil, fmt.Errorf("unterminated quote at char %d", i)
			}
			out = append(out, token{tokenText, b.String(), i})
			i = j + 1
		default:
			j := i
			for j < len(text) && !strings.ContainsRune(" \t\n\r(),\"", rune(text[j])) {
				j++
			}
			out = append(out, token{tokenWord, text[i:j], i})
			i = j
		}
	}
	return append(out, token{kind: tokenEnd, at: len(text)}), nil
}

type ruleParser struct {
	tokens []token
	i      int
	depth  int
	names  []string
}

// parseRule parses a composite alarm's rule, and lists the alarms that it mentions, by
// name or ARN.
func parseRule(text string) (*rule, []string, error) {
	tokens, err := lexRule(text)
	if err != nil {
		return nil, nil, err
	}
	p := &ruleParser{tokens: tokens}
	r, err := p.or()
	if err != nil {
		return nil, nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, nil, unsupported(t, "")
	}
	return r, p.names, nil
}

// unsupported is worded as AWS does: "Unsupported token 'Oldest' at char 67, must be: ')'".
func unsupported(t token, must string) error {
	text := t.text
	if t.kind == tokenEnd {
		text = "<EOF>"
	}
	if must != "" {
		return fmt.Errorf("Unsupported token '%s' at char %d, must be: %s", text, t.at, must)
	}
	return fmt.Errorf("Unsupported token '%s' at char %d", text, t.at)
}

func (p *ruleParser) peek() token { return p.tokens[p.i] }

func (p *ruleParser) take() token {
	t := p.tokens[p.i]
	if t.kind != tokenEnd {
		p.i++
	}
	return t
}

func (p *ruleParser) word(w string) bool {
	if t := p.peek(); t.kind == tokenWord && t.text == w {
		p.i++
		return true
	}
	return false
}

func (p *ruleParser) symbol(s string) error {
	if t := p.take(); t.kind != tokenSymbol || t.text != s {
		return unsupported(t, "'"+s+"'")
	}
	return nil
}

// or parses conditions joined by OR, which binds less than AND.
func (p *ruleParser) or() (*rule, error) { return p.joined(ruleOr, "OR", p.and) }

func (p *ruleParser) and() (*rule, error) { return p.joined(ruleAnd, "AND", p.not) }

func (p *ruleParser) joined(kind ruleKind, word string, operand func() (*rule, error)) (*rule, error) {
	if p.depth++; p.depth > 4*maxRuleDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxRuleDepth)
	}
	defer func() { p.depth-- }()
	first, err := operand()
	if err != nil {
		return nil, err
	}
	args := []*rule{first}
	for p.word(word) {
		next, err := operand()
		if err != nil {
			return nil, err
		}
		args = append(args, next)
	}
	if len(args) == 1 {
		return first, nil
	}
	return &rule{kind: kind, args: args}, nil
}

func (p *ruleParser) not() (*rule, error) {
	negate := false
	for p.word("NOT") {
		negate = !negate
	}
	r, err := p.condition()
	if err != nil || !negate {
		return r, err
	}
	return &rule{kind: ruleNot, args: []*rule{r}}, nil
}

func (p *ruleParser) condition() (*rule, error) {
	t := p.take()
	switch {
	case t.kind == tokenSymbol && t.text == "(":
		r, err := p.or()
		if err != nil {
			return nil, err
		}
		return r, p.symbol(")")
	case t.kind != tokenWord:
		return nil, unsupported(t, "")
	case t.text == "TRUE" || t.text == "FALSE":
		return &rule{kind: ruleConstant, state: t.text}, nil
	case t.text == "AT_LEAST":
		return p.atLeast()
	case !slices.Contains(states, t.text):
		return nil, unsupported(t, "")
	}
	if err := p.symbol("("); err != nil {
		return nil, err
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	return &rule{kind: ruleState, state: t.text, alarm: name}, p.symbol(")")
}

func (p *ruleParser) name() (string, error) {
	t := p.take()
	if t.kind != tokenWord && t.kind != tokenText || t.text == "" {
		return "", unsupported(t, "")
	}
	if !slices.Contains(p.names, t.text) {
		if len(p.names) == maxRuleAlarms {
			return "", fmt.Errorf("more than %d alarms", maxRuleAlarms)
		}
		p.names = append(p.names, t.text)
	}
	return t.text, nil
}

// atLeast parses what follows AT_LEAST: (2, ALARM, (a, b, c)), (50%, NOT OK, (a, b)).
func (p *ruleParser) atLeast() (*rule, error) {
	if err := p.symbol("("); err != nil {
		return nil, err
	}
	amount := p.take()
	digits, percent := strings.CutSuffix(amount.text, "%")
	n, err := strconv.Atoi(digits)
	if amount.kind != tokenWord || err != nil || n < 1 || percent && n > 100 {
		return nil, unsupported(amount, "a number or percentage")
	}
	if err := p.symbol(","); err != nil {
		return nil, err
	}
	r := &rule{kind: ruleAtLeast, negated: p.word("NOT")}
	state := p.take()
	if state.kind != tokenWord || !slices.Contains(states, state.text) {
		return nil, unsupported(state, "")
	}
	r.state = state.text
	for _, s := range []string{",", "("} {
		if err := p.symbol(s); err != nil {
			return nil, err
		}
	}
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		r.args = append(r.args, &rule{kind: ruleState, state: r.state, alarm: name})
		if t := p.take(); t.kind == tokenSymbol && t.text == ")" {
			break
		} else if t.kind != tokenSymbol || t.text != "," {
			return nil, unsupported(t, "')'")
		}
	}
	if r.least = n; percent {
		r.least = (n*len(r.args) + 99) / 100
	} else if n > len(r.args) {
		return nil, unsupported(amount, fmt.Sprintf("at most %d", len(r.args)))
	}
	return r, p.symbol(")")
}

// holds evaluates the rule on the states of alarms by name or ARN.
func (r *rule) holds(state func(alarm string) string) bool {
	switch r.kind {
	case ruleState:
		return state(r.alarm) == r.state
	case ruleConstant:
		return r.state == "TRUE"
	case ruleNot:
		return !r.args[0].holds(state)
	case ruleAnd:
		for _, a := range r.args {
			if !a.holds(state) {
				return false
			}
		}
		return true
	case ruleOr:
		for _, a := range r.args {
			if a.holds(state) {
				return true
			}
		}
		return false
	default: // AT_LEAST
		n := 0
		for _, a := range r.args {
			if a.holds(state) != r.negated {
				n++
			}
		}
		return n >= r.least
	}
}
