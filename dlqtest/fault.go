package dlqtest

import "fmt"

// Action is what a consumer does with a message that it received.
type Action string

// The actions.
const (
	// Delete: it succeeds and acknowledges the message.
	Delete Action = "delete"
	// Leave: it dies without a word; the visibility timeout lapses.
	Leave Action = "leave"
	// Return: it gives the message back at once, by a visibility timeout of 0.
	Return Action = "return"
	// Overrun: it works on past the visibility timeout, and acknowledges the message with
	// a receipt handle that has gone stale, once another consumer has received it.
	Overrun Action = "overrun"
	// Late: as Overrun, but its acknowledgement comes only when the other consumer has
	// processed the message: it was processed twice.
	Late Action = "late"
	// Beat: it works slowly and extends the visibility timeout twice, then dies.
	Beat Action = "beat"
	// BeatDelete: it works slowly and extends the visibility timeout twice, then succeeds.
	BeatDelete Action = "beat, then delete"
)

// Fault is the way in which a message's consumers fail.
type Fault struct {
	// Name says what goes wrong, e.g. "crash".
	Name string
	// Fails is how many receives fail before one succeeds; Always if none does.
	Fails int
	// How is what the consumer does when it fails: any action but Delete and BeatDelete.
	How Action
	// Then is what it does when it succeeds: Delete, which is meant by "", or BeatDelete.
	Then Action
}

// Always is the Fails of a poison message: no consumer will ever succeed on it.
const Always = -1

// Healthy is no fault: the first consumer succeeds.
func Healthy() Fault { return Fault{Name: "healthy"} }

// Crash is a consumer that dies on the message each time, without a word: the message
// comes back when its visibility timeout lapses.
func Crash() Fault { return Fault{Name: "crash", Fails: Always, How: Leave} }

// Nack is a consumer that fails on the message each time and gives it back at once, by
// setting its visibility timeout to 0.
func Nack() Fault { return Fault{Name: "nack", Fails: Always, How: Return} }

// Stale is a consumer that takes longer than the visibility timeout each time, so that
// its acknowledgement comes with a stale receipt handle. SQS does not promise whether
// such a delete takes effect; it must never reach a message that was dead-lettered.
func Stale() Fault { return Fault{Name: "overrun", Fails: Always, How: Overrun} }

// PartialBatch is a message on which the consumer fails each time, while it acknowledges
// the rest of the batch.
func PartialBatch() Fault { return Fault{Name: "partial batch", Fails: Always, How: Leave} }

// SlowPoison is a consumer that extends the visibility timeout while it works, then dies,
// each time.
func SlowPoison() Fault { return Fault{Name: "slow poison", Fails: Always, How: Beat} }

// SlowHeartbeat is a consumer that works longer than the visibility timeout but extends
// it meanwhile, and succeeds: nobody else may receive the message.
func SlowHeartbeat() Fault { return Fault{Name: "slow heartbeat", Then: BeatDelete} }

// Killed is a consumer that processes the message and is killed before it acknowledges
// it; the next one processes it again, and succeeds.
func Killed() Fault { return Fault{Name: "killed before delete", Fails: 1, How: Leave} }

// Duplicate is a message that two consumers process, the first so slowly that the second
// receives it meanwhile; both acknowledge it.
func Duplicate() Fault { return Fault{Name: "duplicate", Fails: 1, How: Late} }

// Flaky is a consumer that fails k times in the given way, then succeeds. A queue with
// maxReceiveCount k+1 must not dead-letter the message: the boundary.
func Flaky(k int, how Action) Fault {
	return Fault{Name: fmt.Sprintf("flaky(%d, %s)", k, how), Fails: max(k, 0), How: how}
}

// Poison says whether the message can never be processed.
func (f Fault) Poison() bool { return f.Fails == Always }

// String is the fault's name.
func (f Fault) String() string { return f.Name }

// on is what the consumer does at the n-th receive of the message, from 1.
func (f Fault) on(n int) Action {
	switch {
	case f.Fails == Always || n <= f.Fails:
		return f.How
	case f.Then != "":
		return f.Then
	default:
		return Delete
	}
}

// survives says whether the message is processed when the queue allows so many receives.
func (f Fault) survives(maxReceiveCount int) bool {
	return f.Fails != Always && f.Fails < maxReceiveCount
}

// check says what is wrong with the fault.
func (f Fault) check() error {
	switch f.How {
	case Leave, Return, Overrun, Late, Beat:
	case "":
		if f.Fails != 0 {
			return fmt.Errorf("fault %q fails, but doesn't say how", f.Name)
		}
	default:
		return fmt.Errorf("fault %q fails by %q: choose leave, return, overrun, late or beat", f.Name, f.How)
	}
	if f.Then != "" && f.Then != Delete && f.Then != BeatDelete {
		return fmt.Errorf("fault %q succeeds by %q: choose delete, or beat, then delete", f.Name, f.Then)
	}
	if f.Fails < Always {
		return fmt.Errorf("fault %q fails %d times: give a number from 0, or Always", f.Name, f.Fails)
	}
	return nil
}
