package dlq

import (
	"fmt"
	"time"
)

// Action is what a selective redrive does with a message.
type Action string

// The actions.
const (
	// ActionRedrive sends the message to the queue that it came from.
	ActionRedrive Action = "redrive"
	// ActionQuarantine puts the message aside, in a queue or a file.
	ActionQuarantine Action = "quarantine"
	// ActionDiscard removes the message, and keeps a copy in a file.
	ActionDiscard Action = "discard"
	// ActionLeave leaves the message in the dead-letter queue.
	ActionLeave Action = "leave"
)

// DefaultRedriveLimit is how often a message is redriven if the rules don't say.
const DefaultRedriveLimit = 3

// Rules say what becomes of each message of a dead-letter queue: the first rule that
// applies decides. They are safe for concurrent use.
type Rules struct {
	limit     int
	otherwise Action
	rules     []rule
}

// condition says whether a rule applies to a message at a time.
type condition interface {
	applies(v *variables) (bool, error)
}

// rule applies to messages for which its condition is true.
type rule struct {
	name string
	then Action
	when condition
}

// RedriveAll returns rules by which every message is redriven, however often it was before.
func RedriveAll() *Rules { return &Rules{otherwise: ActionRedrive} }

// Decision is what the rules say of a message.
type Decision struct {
	Action Action
	// Rule is the name of the rule that applied, empty if none did.
	Rule string
	// OverLimit says that the message would have been redriven, were it not over the limit.
	OverLimit bool
}

// RuleError is a rule that could not be evaluated for a message.
type RuleError struct {
	Rule string
	Err  error
}

// Error says which rule.
func (e *RuleError) Error() string { return fmt.Sprintf("rule %q: %v", e.Rule, e.Err) }

// Unwrap returns what was wrong.
func (e *RuleError) Unwrap() error { return e.Err }

// Limit is how often a message may be redriven, 0 for as often as you like.
func (r *Rules) Limit() int { return r.limit }

// May says whether a message may meet with that action.
func (r *Rules) May(a Action) bool {
	for _, rule := range r.rules {
		if rule.then == a {
			return true
		}
	}
	return r.otherwise == a
}

// Classify says what becomes of a message at that time. A rule that cannot be evaluated,
// e.g. for lack of a field, is an error of type *RuleError: what the rules after it say
// doesn't count then, for they were written for what it let pass.
func (r *Rules) Classify(m *DeadLetter, now time.Time) (Decision, error) {
	d := Decision{Action: r.otherwise}
	vars := &variables{message: m, now: now}
	for _, rule := range r.rules {
		applies, err := rule.when.applies(vars)
		if err != nil {
			return Decision{}, &RuleError{rule.name, err}
		}
		if applies {
			d = Decision{Action: rule.then, Rule: rule.name}
			break
		}
	}
	if d.Action == ActionRedrive && r.limit > 0 && m.RedriveCount >= r.limit {
		d.Action, d.OverLimit = ActionQuarantine, true
	}
	return d, nil
}
