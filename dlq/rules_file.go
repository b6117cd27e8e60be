package dlq

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// rulesFile is the form of a file with rules.
type rulesFile struct {
	RedriveLimit *located   `yaml:"redrive_limit"`
	Otherwise    *located   `yaml:"otherwise"`
	Rules        []ruleText `yaml:"rules"`
}

type ruleText struct {
	Name located `yaml:"name"`
	When located `yaml:"when"`
	Then located `yaml:"then"`
}

// located is a scalar and the line where it stands, 0 if it is absent.
type located struct {
	text string
	line int
}

// UnmarshalYAML takes a scalar.
func (l *located) UnmarshalYAML(node ast.Node) error {
	token := node.GetToken()
	l.line = token.Position.Line
	switch n := node.(type) {
	case *ast.LiteralNode: // the text begins on the line after the | or >
		l.text, l.line = n.Value.Value, l.line+1
	case *ast.StringNode:
		l.text = n.Value
	case ast.ScalarNode:
		l.text = token.Value
	default:
		return fmt.Errorf("line %d: this must be text", l.line)
	}
	return nil
}

// LoadRules reads rules from a YAML file:
//
//	redrive_limit: 3        # how often a message is redriven; then it goes to quarantine
//	otherwise: leave        # what no rule is about: redrive, quarantine, discard or leave
//	rules:                  # the first that applies decides
//	  - name: test traffic
//	    when: is_json && has(body.tenant) && body.tenant == "test"
//	    then: discard
//	  - name: timed out
//	    when: age < duration("24h") && has(attributes.error) && attributes.error == "Timeout"
//	    then: redrive
//
// Conditions are CEL expressions (https://cel.dev) of type bool, which are checked when
// they are read. See [Variables] for what they know of a message.
func LoadRules(name string) (*Rules, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	return ParseRules(name, text)
}

// ParseRules reads rules from the text of a file of that name, which errors begin with.
func ParseRules(name string, text []byte) (*Rules, error) {
	var file rulesFile
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", name, yamlError(err))
	}
	if more := decoder.Decode(&rulesFile{}); !errors.Is(more, io.EOF) {
		return nil, fmt.Errorf("%s: the file has several YAML documents: leave one", name)
	}
	r := &Rules{limit: DefaultRedriveLimit, otherwise: ActionLeave}
	if l := file.RedriveLimit; l != nil {
		if _, err := fmt.Sscanf(l.text+"\n", "%d\n", &r.limit); err != nil || r.limit < 0 {
			return nil, fmt.Errorf("%s:%d: redrive_limit is %q: give a number, how often a message may be redriven, or 0 for no limit", name, l.line, l.text)
		}
	}
	if o := file.Otherwise; o != nil {
		action, err := actionOf(*o)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: otherwise: %w", name, o.line, err)
		}
		r.otherwise = action
	}
	if len(file.Rules) == 0 && file.Otherwise == nil {
		return nil, fmt.Errorf("%s: there are no rules: add some below rules:, or say by otherwise: what becomes of all messages", name)
	}
	if len(file.Rules) == 0 {
		return r, nil
	}
	env, err := newRulesEnv()
	if err != nil {
		return nil, fmt.Errorf("%s: preparing to read conditions: %w", name, err)
	}
	names := map[string]bool{}
	for i, t := range file.Rules {
		rule, err := parseRule(env, name, i+1, t)
		if err != nil {
			return nil, err
		}
		if names[rule.name] {
			return nil, fmt.Errorf("%s:%d: there is a rule named %q already: the summary counts by name, so give it another", name, t.Name.line, rule.name)
		}
		names[rule.name] = true
		r.rules = append(r.rules, rule)
	}
	return r, nil
}

func parseRule(env *rulesEnv, file string, number int, t ruleText) (rule, error) {
	line := max(t.Name.line, t.When.line, t.Then.line)
	for _, l := range []int{t.Name.line, t.When.line, t.Then.line} {
		if l > 0 {
			line = min(line, l)
		}
	}
	r := rule{name: t.Name.text}
	if r.name == "" {
		r.name = fmt.Sprintf("rule %d", number)
	}
	switch {
	case t.When.text == "":
		return rule{}, fmt.Errorf("%s:%d: %s has no condition: add when:, or use otherwise: for what no rule is about", file, line, quoted(r.name))
	case t.Then.text == "":
		return rule{}, fmt.Errorf("%s:%d: %s does not say what to do: add then: redrive, quarantine, discard or leave", file, line, quoted(r.name))
	}
	var err error
	if r.then, err = actionOf(t.Then); err != nil {
		return rule{}, fmt.Errorf("%s:%d: %s: then: %w", file, t.Then.line, quoted(r.name), err)
	}
	when, at, err := env.compile(t.When.text)
	if err != nil {
		return rule{}, fmt.Errorf("%s:%d: %s: when: %w", file, t.When.line+at, quoted(r.name), err)
	}
	r.when = when
	return r, nil
}

func quoted(name string) string { return fmt.Sprintf("rule %q", name) }

func actionOf(l located) (Action, error) {
	switch a := Action(l.text); a {
	case ActionRedrive, ActionQuarantine, ActionDiscard, ActionLeave:
		return a, nil
	}
	return "", fmt.Errorf("%q is no action: choose redrive, quarantine, discard or leave", l.text)
}

// yamlError is the first line of an error of the YAML package, "[3:1] unknown field ...",
// as "3: unknown field ...".
func yamlError(err error) string {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if position, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "] "); ok && strings.HasPrefix(text, "[") {
		line, _, _ := strings.Cut(position, ":")
		text = "line " + line + ": " + rest
		if strings.Contains(rest, "not allowed in this context") {
			text += "; write a condition that begins with a quote, or has a colon and a space in it, on the line after when: |"
		}
	}
	return text
}
