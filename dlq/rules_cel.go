package dlq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// rulesEnv compiles conditions.
type rulesEnv struct{ env *cel.Env }

func newRulesEnv() (*rulesEnv, error) {
	kinds := map[string]*cel.Type{
		"JSON": cel.DynType, "bool": cel.BoolType, "string": cel.StringType, "int": cel.IntType,
		"map": cel.MapType(cel.StringType, cel.DynType), "timestamp": cel.TimestampType, "duration": cel.DurationType,
	}
	options := []cel.EnvOption{cel.OptionalTypes(), cel.CrossTypeNumericComparisons(true), ext.Strings()}
	for _, v := range Variables() {
		options = append(options, cel.Variable(v.Name, kinds[v.Type]))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	return &rulesEnv{env}, nil
}

// compile checks a condition. With an error it returns how many lines below the first it is.
func (e *rulesEnv) compile(text string) (when condition, line int, err error) {
	checked, issues := e.env.Compile(text)
	if issues != nil && issues.Err() != nil {
		first := issues.Errors()[0]
		message, _, _ := strings.Cut(first.Message, "\n")
		return nil, first.Location.Line() - 1, fmt.Errorf("%s, in column %d of %s; %s", message, first.Location.Column()+1, strconv.Quote(lineOf(text, first.Location.Line())), celAdvice(message))
	}
	if t := checked.OutputType(); t.String() != cel.BoolType.String() {
		if t.String() == cel.DynType.String() {
			return nil, 0, errors.New("this may be true or false or anything else: compare it, e.g. body.urgent == true")
		}
		return nil, 0, fmt.Errorf("this is of type %s, and a condition must be of type bool: compare it with something", t)
	}
	loop := ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), ast.KindMatcher(ast.ComprehensionKind))
	program, err := e.env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(100))
	return expression{program, len(loop) > 0}, 0, err
}

// expression is a compiled condition.
type expression struct {
	program cel.Program
	loops   bool // it may take long
}

// maxPatience is how long a condition may take for one message.
const maxPatience = time.Second

func (e expression) applies(v *variables) (bool, error) {
	value, err := e.eval(v)
	if err != nil {
		return false, err
	}
	applies, ok := value.Value().(bool)
	if !ok { // compile lets none of these pass
		return false, fmt.Errorf("the condition is %v, not true or false", value.Value())
	}
	return applies, nil
}

func (e expression) eval(v *variables) (ref.Val, error) {
	if !e.loops {
		value, _, err := e.program.Eval(activation{v})
		return value, err
	}
	patience, done := context.WithTimeout(context.Background(), maxPatience)
	defer done()
	value, _, err := e.program.ContextEval(patience, activation{v})
	if patience.Err() != nil {
		return nil, fmt.Errorf("it takes more than %s", maxPatience)
	}
	return value, err
}

// activation is what CEL asks for variables.
type activation struct{ *variables }

// Parent is none.
func (activation) Parent() cel.Activation { return nil }

func lineOf(text string, line int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return text
	}
	return lines[line-1]
}

func celAdvice(message string) string {
	if strings.HasPrefix(message, "undeclared reference") {
		var names []string
		for _, v := range Variables() {
			names = append(names, v.Name)
		}
		return "there are " + strings.Join(names, ", ")
	}
	return "conditions are CEL, see https://cel.dev"
}
