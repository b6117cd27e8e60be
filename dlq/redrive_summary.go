package dlq

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// RedriveSummary is what a selective redrive did, or, if it was a dry run, would do.
type RedriveSummary struct {
	DLQ     Queue     `json:"dlq"`
	DryRun  bool      `json:"dry_run"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`

	// Met is how many messages were met. What became of them adds up to it.
	Met         int `json:"met"`
	Redriven    int `json:"redriven"`
	Quarantined int `json:"quarantined"`
	Discarded   int `json:"discarded"`
	// Left is how many stay in the dead-letter queue, in a dry run those that would.
	Left int `json:"left"`
	// Finished are messages that an earlier run had stored elsewhere, as the ledger says,
	// and that were now only deleted.
	Finished int `json:"finished"`
	// NotDeleted are messages that were stored elsewhere but could not be deleted: they are
	// among those that were redriven, quarantined or discarded, and still in the
	// dead-letter queue too.
	NotDeleted int `json:"not_deleted"`
	// PossibleDuplicates are messages that were redriven or quarantined, and may have been
	// before: the answer to an earlier send was lost.
	PossibleDuplicates int `json:"possible_duplicates"`
	// Repeated is how often SQS delivered a message once more that was already worked on.
	Repeated int `json:"repeated"`

	// Rules are what the rules decided, in their order; at last what none was about.
	Rules []RuleCount `json:"rules"`
	// Targets are how many messages each queue (by ARN) or file got.
	Targets map[string]int `json:"targets,omitempty"`
	// LeftBecause says why messages were left.
	LeftBecause []LeftReason `json:"left_because,omitempty"`
	Samples     []Sample     `json:"samples,omitempty"`
	// Remaining is what the dead-letter queue has at the end, as SQS counts; on AWS that may
	// be a minute old.
	Remaining Messages `json:"remaining"`
	// HiddenElsewhere is how many of these are in flight, though not by this run: another
	// consumer has them, or a run that was killed.
	HiddenElsewhere int64 `json:"hidden_elsewhere"`
	// Stopped says why the run ended before it had met all messages; empty if it had.
	Stopped string `json:"stopped,omitempty"`
	// Ledger is the ledger's file, empty if there is none.
	Ledger string `json:"ledger,omitempty"`
}

// RuleCount is how many messages a rule was decisive for.
type RuleCount struct {
	Rule     string `json:"rule"` // empty: none
	Action   Action `json:"action"`
	Messages int    `json:"messages"`
}

// LeftReason is why messages were left.
type LeftReason struct {
	Why      string `json:"why"`
	Messages int    `json:"messages"`
	// Wanted says that they were left on purpose: because the rules say so, or because they
	// came after the run had begun.
	Wanted bool `json:"wanted"`
	// Example is the MessageId of one.
	Example string `json:"example"`
}

// Sample is a message that was met.
type Sample struct {
	Action       Action    `json:"action"`
	Rule         string    `json:"rule,omitempty"`
	Why          string    `json:"why,omitempty"` // if it is left
	MessageID    string    `json:"message_id"`
	Source       string    `json:"source,omitempty"`
	Sent         time.Time `json:"sent"`
	ReceiveCount int       `json:"receive_count"`
	RedriveCount int       `json:"redrive_count"`
	Body         string    `json:"body"` // its beginning
}

// Attention returns what somebody has to look at, in words, nothing if all went as the
// rules say.
func (s *RedriveSummary) Attention() []string {
	var all []string
	if s.Stopped != "" {
		all = append(all, "it stopped before it had met all messages: "+s.Stopped)
	}
	for _, r := range s.LeftBecause {
		if !r.Wanted {
			all = append(all, fmt.Sprintf("%s left: %s (e.g. %s)", plural(int64(r.Messages), "message"), r.Why, r.Example))
		}
	}
	if s.NotDeleted > 0 {
		again := "running again would send them once more"
		if s.Ledger != "" {
			again = "run again with the same ledger, which deletes them and doesn't send them once more"
		}
		all = append(all, fmt.Sprintf("%s stored elsewhere but still in the DLQ too; %s", plural(int64(s.NotDeleted), "message"), again))
	}
	if s.PossibleDuplicates > 0 {
		all = append(all, fmt.Sprintf("%s may have been sent twice: the answer to an earlier send was lost", plural(int64(s.PossibleDuplicates), "message")))
	}
	if s.HiddenElsewhere > 0 {
		all = append(all, fmt.Sprintf("%s in flight, with another consumer, or hidden since an earlier run was killed; run again when they are visible", plural(s.HiddenElsewhere, "message")))
	}
	return all
}

// maxReasons bounds how many reasons are told apart: texts from AWS could differ for each
// message.
const maxReasons = 50

// tally counts for a summary.
type tally struct {
	mu      sync.Mutex
	sum     RedriveSummary
	rules   map[RuleCount]int // Messages is 0 in the keys
	reasons map[string]*LeftReason
	shown   map[string]int
	samples int
	total   int
	tell    func(RedriveProgress)
}

func newTally(samples, total int, tell func(RedriveProgress)) *tally {
	return &tally{rules: map[RuleCount]int{}, reasons: map[string]*LeftReason{}, shown: map[string]int{}, samples: samples, total: total, tell: tell}
}

// add counts a batch.
func (t *tally) add(items []*item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.sum
	for _, i := range items {
		if i.repeated {
			s.Repeated++
			continue
		}
		s.Met++
		if i.notDeleted {
			s.NotDeleted++
		}
		if i.known {
			s.Finished++
			continue
		}
		if !i.unruled {
			t.rules[RuleCount{Rule: i.decision.Rule, Action: i.decision.Action}]++
		}
		if i.why != "" && !i.dry {
			s.Left++
			t.because(i)
			t.sample(i, ActionLeave)
			continue
		}
		t.sample(i, i.decision.Action)
		switch i.decision.Action {
		case ActionRedrive:
			s.Redriven++
		case ActionQuarantine:
			s.Quarantined++
		case ActionDiscard:
			s.Discarded++
		}
		if i.maybeTwice {
			s.PossibleDuplicates++
		}
		if i.target != "" {
			if s.Targets == nil {
				s.Targets = map[string]int{}
			}
			s.Targets[i.target]++
		}
	}
	if t.tell != nil {
		t.tell(RedriveProgress{Met: s.Met, Total: t.total, Redriven: s.Redriven, Quarantined: s.Quarantined, Discarded: s.Discarded, Left: s.Left})
	}
}

func (t *tally) because(i *item) {
	r := t.reasons[i.why]
	if r == nil {
		if len(t.reasons) >= maxReasons {
			i.why = "other reasons"
		}
		if r = t.reasons[i.why]; r == nil {
			r = &LeftReason{Why: i.why, Wanted: i.wanted, Example: i.letter.ID}
			t.reasons[i.why] = r
		}
	}
	r.Messages++
	r.Wanted = r.Wanted && i.wanted
}

func (t *tally) sample(i *item, a Action) {
	kind := string(a) + "\x00" + i.decision.Rule + "\x00" + i.why
	if t.shown[kind] >= t.samples || len(t.sum.Samples) >= maxReasons*max(t.samples, 1) {
		return
	}
	t.shown[kind]++
	l, why := i.letter, i.why
	if i.dry {
		why = ""
	}
	t.sum.Samples = append(t.sum.Samples, Sample{
		Action: a, Rule: i.decision.Rule, Why: why, MessageID: l.ID, Source: l.Source, Sent: l.Sent.UTC(),
		ReceiveCount: l.ReceiveCount, RedriveCount: l.RedriveCount, Body: beginning(l.Body, 200),
	})
}

// beginning is up to n bytes of a text, in whole characters.
func beginning(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

func (t *tally) repeated() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Repeated++
}

// summary returns the counts, in the order of the rules.
func (t *tally) summary(rules *Rules) *RedriveSummary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sum
	s.Rules = []RuleCount{}
	order := map[string]int{"": len(rules.rules)}
	for i, r := range rules.rules {
		order[r.name] = i
	}
	for key, n := range t.rules {
		key.Messages = n
		s.Rules = append(s.Rules, key)
	}
	slices.SortFunc(s.Rules, func(a, b RuleCount) int {
		if d := order[a.Rule] - order[b.Rule]; d != 0 {
			return d
		}
		return b.Messages - a.Messages
	})
	s.Samples = slices.Clone(s.Samples)
	slices.SortStableFunc(s.Samples, func(a, b Sample) int { return order[a.Rule] - order[b.Rule] })
	for _, r := range t.reasons {
		s.LeftBecause = append(s.LeftBecause, *r)
	}
	slices.SortFunc(s.LeftBecause, func(a, b LeftReason) int { return b.Messages - a.Messages })
	return &s
}
