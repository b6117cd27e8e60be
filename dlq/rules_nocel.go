//go:build !dlqcel

package dlq

import "errors"

// rulesEnv stands in until go.mod has what cel-go needs.
type rulesEnv struct{}

func newRulesEnv() (*rulesEnv, error) {
	return nil, errors.New("this program was built without CEL: build it with -tags dlqcel")
}

func (*rulesEnv) compile(string) (condition, int, error) { return nil, 0, errors.New("no CEL") }
