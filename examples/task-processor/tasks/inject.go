package tasks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// inject is the failure that a task, or the environment, asks for, so that one can watch
// what becomes of it. after says that the effect has happened.
func (w worker) inject(t Task, after bool) error {
	kind := t.Fail
	if kind == "" {
		kind = w.Fail
	}
	kind, argument, _ := strings.Cut(kind, ":")
	first := t.Attempts == 1
	switch {
	case kind == "crash-after" && after && first, kind == "crash-before" && !after && first:
		w.Exit()
	case after:
	case kind == "always":
		return errors.New("injected: it always fails")
	case kind == "times":
		n := 0
		if _, err := fmt.Sscan(argument, &n); err != nil {
			return consumer.Permanent(fmt.Errorf("injected failure times:%s: %w", argument, err))
		}
		if t.Attempts <= n {
			return fmt.Errorf("injected: attempt %d of %d that fail", t.Attempts, n)
		}
	case kind == "permanent":
		return consumer.Permanent(errors.New("injected: no retry can mend it"))
	case kind == "panic":
		panic("injected")
	}
	return nil
}
