package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// receives is how many receives are expected of the queues of a stack: of all of them,
// and of some by name. It is a flag's value: "5", or "payments=6".
type receives struct {
	all   int
	named map[string]int
}

func (r *receives) String() string {
	texts := []string{strconv.Itoa(r.all)}
	for _, name := range slices.Sorted(maps.Keys(r.named)) {
		texts = append(texts, name+"="+strconv.Itoa(r.named[name]))
	}
	return strings.Join(texts, ",")
}

func (r *receives) Type() string { return "n or queue=n" }

// Set takes one or several expectations, separated by commas.
func (r *receives) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, number, named := strings.Cut(part, "=")
		if !named {
			name, number = "", part
		}
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || named && name == "":
			return fmt.Errorf("%q is neither a number of receives nor queue=number", part)
		case n < 1 || n > 1000:
			return fmt.Errorf("%d receives: SQS takes 1 to 1000", n)
		case named && r.named == nil:
			r.named = map[string]int{name: n}
		case named:
			r.named[name] = n
		default:
			r.all = n
		}
	}
	return nil
}

// stackQueue is a queue of a stack, with its key in the output that names it; empty for
// the only queue of a stack.
type stackQueue struct {
	key string
	dlqtest.Queue
}

// expect states for each queue how many receives are expected. A name may be that of the
// queue or its key in the stack's output.
func (r *receives) expect(queues []stackQueue) error {
	unknown := maps.Clone(r.named)
	var names []string
	for i, q := range queues {
		queues[i].MaxReceiveCount = r.all
		for _, name := range []string{q.Name(), q.key} {
			if n, ok := r.named[name]; ok {
				queues[i].MaxReceiveCount = n
				delete(unknown, name)
			}
		}
		if q.key != "" {
			names = append(names, q.key)
		} else {
			names = append(names, q.Name())
		}
	}
	for name := range unknown {
		return fmt.Errorf("--max-receive-count names a queue %q, which the stack's outputs don't have; they have %s", name, strings.Join(names, ", "))
	}
	return nil
}
