package dlq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// item is a message and what becomes of it.
type item struct {
	letter   *DeadLetter
	decision Decision
	unruled  bool // the rules had no say
	repeated bool // it was finished with in this run, and delivered once more

	known  bool   // it is stored elsewhere already: delete it
	again  bool   // it is not known whether it was sent before
	dry    bool   // nothing is done
	why    string // why it is left; empty: it isn't
	wanted bool   // it is left on purpose

	to         Queue // what a queue gets
	attributes map[string]types.MessageAttributeValue
	file       *keptFile // or a file
	target     string    // either's name, once it is stored there

	stored     bool
	as         string // the MessageId that it was sent as
	maybeTwice bool
	notDeleted bool
}

// leave has the item left for a reason that somebody has to look at.
func (i *item) leave(format string, args ...any) { i.why = fmt.Sprintf(format, args...) }

// handle decides on messages that were received, and acts on them.
func (x *run) handle(ctx context.Context, received []types.Message) (err error) {
	items := make([]*item, 0, len(received))
	for n := range received {
		l := letterOf(&received[n])
		may, before := x.busy.begin(l.ID)
		if !may {
			x.tally.repeated()
			continue
		}
		i := &item{letter: l, repeated: before, known: before || x.ledger.step(l.ID) == LedgerStored, again: x.ledger.step(l.ID) == LedgerBegun}
		items = append(items, i)
	}
	defer func() {
		for _, i := range items {
			x.busy.end(i.letter.ID, i.known || i.stored && !i.notDeleted)
		}
	}()
	if err := x.decide(ctx, items); err != nil {
		// whatever this is, another message will not fare better
		return errors.Join(err, x.left.add(letters(items, func(*item) bool { return true }), x.Now()))
	}
	acting := pick(items, func(i *item) bool { return !i.known && i.why == "" })
	redriven := pick(acting, func(i *item) bool { return i.decision.Action == ActionRedrive })
	if err := x.pace(ctx, len(redriven)); err != nil { // interrupted
		return x.left.add(letters(items, func(*item) bool { return true }), x.Now())
	}
	// from here on the batch is finished, interrupted or not
	err = x.act(context.WithoutCancel(ctx), items, acting)
	x.countRedriven(len(pick(redriven, func(i *item) bool { return i.stored })))
	err = errors.Join(err, x.left.add(letters(items, func(i *item) bool { return i.why != "" }), x.Now()))
	x.tally.add(items)
	if x.sent != nil {
		var ids []string
		for _, i := range redriven {
			if i.as != "" {
				ids = append(ids, i.as)
			}
		}
		x.sent(ids)
	}
	return err
}

// decide says for each item what is to be done. An error ends the run.
func (x *run) decide(ctx context.Context, items []*item) error {
	heldBack := map[string]bool{} // FIFO groups: what is behind a message that is left
	for _, i := range items {
		if i.known && !x.DryRun {
			continue
		}
		if err := x.decideOne(ctx, i); err != nil {
			return err
		}
		group := i.letter.GroupID
		switch {
		case !x.DLQ.FIFO() || x.DryRun:
		case i.why != "":
			heldBack[group] = true
		case heldBack[group]:
			i.leave("a message before it in its group is left")
		}
		if x.DryRun {
			i.dry = i.why == ""
			if i.dry {
				i.why, i.wanted = "dry run", true
			}
		}
	}
	return nil
}

func (x *run) decideOne(ctx context.Context, i *item) error {
	l := i.letter
	if l.Sent.After(x.began) {
		i.unruled, i.why, i.wanted = true, "it was sent after the run had begun", true
		return nil
	}
	d, err := x.Rules.Classify(l, x.Now())
	if err != nil {
		i.unruled = true
		i.leave("%v", err)
		return nil
	}
	i.decision = d
	switch d.Action {
	case ActionLeave:
		i.why, i.wanted = "the rules say so", true
	case ActionRedrive:
		return x.decideRedrive(ctx, i)
	case ActionQuarantine:
		switch {
		case x.DryRun: // where to needn't be said yet
		case x.QuarantineQueue != nil:
			i.to, i.attributes = *x.QuarantineQueue, l.Attributes
		case x.QuarantineFile != "":
			i.file = x.quarantine
		case d.OverLimit:
			i.leave("it was redriven %d times, and no quarantine is given", l.RedriveCount)
		default:
			i.leave("no quarantine is given")
		}
	case ActionDiscard:
		if x.DiscardFile == "" && !x.DryRun {
			i.leave("no file is given for what is discarded")
		}
		i.file = x.discards
	}
	return nil
}

func (x *run) decideRedrive(ctx context.Context, i *item) error {
	attributes, ok := i.letter.counted()
	if !ok {
		i.leave("it has ten attributes, which leaves no room for %s", RedriveCountAttribute)
		return nil
	}
	i.attributes = attributes
	if n := sizeOf(i.letter.Body, attributes); n > maxBatchBytes {
		i.leave("with the attribute %s it is larger than the 1 MiB that SQS allows", RedriveCountAttribute)
		return nil
	}
	if x.To != nil {
		i.to = *x.To
		return nil
	}
	if i.letter.Source == "" {
		i.leave("it was sent to the DLQ and not dead-lettered, so that it has no source: say with --to where such go")
		return nil
	}
	to, err := x.sources.find(ctx, i.letter.Source)
	switch {
	case isGone(err):
		i.leave("its source %s doesn't exist any more: say with --to where such go", i.letter.Source)
	case err != nil:
		return fmt.Errorf("finding the source %s: %w", i.letter.Source, err)
	case to.ARN == x.DLQ.ARN:
		i.leave("its source is the DLQ itself")
	}
	i.to = to
	return nil
}

// act stores the items that are to be stored elsewhere, and deletes them and what was
// stored before. An error ends the run; the items say what became of them.
func (x *run) act(ctx context.Context, items, acting []*item) error {
	var errs []error
	for _, group := range byTarget(acting) {
		if err := x.store(ctx, group); err != nil {
			errs = append(errs, err)
			break
		}
	}
	for _, i := range acting {
		if !i.stored && i.why == "" {
			i.leave("the run ended before")
		}
	}
	deletable := pick(items, func(i *item) bool { return i.stored || i.known && i.why == "" })
	return errors.Join(append(errs, x.remove(ctx, deletable))...)
}

// store stores items that have the same target and action.
func (x *run) store(ctx context.Context, items []*item) error {
	action, target := items[0].decision.Action, items[0].to.ARN
	if items[0].file != nil {
		target = items[0].file.name
	}
	line := LedgerLine{Step: LedgerBegun, Action: action, To: target, Messages: ids(items)}
	if err := x.ledger.write(line); err != nil {
		return err
	}
	var err error
	if file := items[0].file; file != nil {
		if err = x.keep(file, items); err != nil {
			return err // they may be in the file; keeping them twice does no harm
		}
	} else {
		err = x.send(ctx, items)
	}
	stored := pick(items, func(i *item) bool { return i.stored })
	for _, i := range stored {
		i.target = target
		line.As = append(line.As, i.as)
		i.maybeTwice = (i.maybeTwice || i.again) && i.file == nil && !i.to.FIFO()
	}
	line.Step, line.Messages = LedgerStored, ids(stored)
	if len(stored) > 0 {
		if items[0].file != nil {
			line.As = nil
		}
		err = errors.Join(err, x.ledger.write(line))
	}
	undone := pick(items, func(i *item) bool { return !i.stored && !i.maybeTwice && !i.again })
	if len(undone) > 0 {
		err = errors.Join(err, x.ledger.write(LedgerLine{Step: LedgerUndone, Messages: ids(undone)}))
	}
	return err
}

func (x *run) keep(file *keptFile, items []*item) error {
	messages := make([]KeptMessage, len(items))
	for n, i := range items {
		messages[n] = i.letter.kept(x.DLQ.ARN, x.Now(), i.decision)
	}
	if err := file.keep(messages); err != nil {
		return err
	}
	for _, i := range items {
		i.stored = true
	}
	return nil
}

// send sends items to their queue. An error is one that others would meet with too.
func (x *run) send(ctx context.Context, items []*item) error {
	if !items[0].to.FIFO() {
		for _, batch := range batches(items) {
			if err := x.sendBatch(ctx, batch, 0); err != nil {
				return err
			}
		}
		return nil
	}
	// A message goes after those before it in its group, and only if they went.
	for len(items) > 0 {
		var turn, later []*item
		seen := map[string]bool{}
		for _, i := range items {
			if group := i.letter.GroupID; seen[group] {
				later = append(later, i)
			} else {
				seen[group] = true
				turn = append(turn, i)
			}
		}
		for _, batch := range batches(turn) {
			if err := x.sendBatch(ctx, batch, 0); err != nil {
				return err
			}
		}
		blocked := map[string]bool{}
		for _, i := range turn {
			blocked[i.letter.GroupID] = !i.stored
		}
		items = pick(later, func(i *item) bool { return !blocked[i.letter.GroupID] })
		for _, i := range later {
			if blocked[i.letter.GroupID] {
				i.leave("a message before it in its group is left")
			}
		}
	}
	return nil
}

// batches splits items by SQS's limits on a batch.
func batches(items []*item) [][]*item {
	var all [][]*item
	size := 0
	for _, i := range items {
		n := sizeOf(i.letter.Body, i.attributes)
		if last := len(all) - 1; last < 0 || len(all[last]) == maxBatch || size+n > maxBatchBytes {
			all, size = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], i)
		size += n
	}
	return all
}

// maxTries is how often what SQS reports as its own fault is tried.
const maxTries = 4

// sendBatch sends a batch, for the so-manieth time again.
func (x *run) sendBatch(ctx context.Context, items []*item, again int) error {
	to := items[0].to
	in := &sqs.SendMessageBatchInput{QueueUrl: &to.URL, Entries: make([]types.SendMessageBatchRequestEntry, len(items))}
	for n, i := range items {
		in.Entries[n] = i.letter.entry(strconv.Itoa(n), i.attributes, to.FIFO())
	}
	out, err := x.Client.SendMessageBatch(ctx, in, patiently)
	switch outcomeOf(err) {
	case refused:
		return x.refused(ctx, items, err)
	case unknown:
		for _, i := range items {
			i.maybeTwice = true
			i.leave("whether it was sent is unknown, so that it may be there twice once it is sent again: %s", advice(err))
		}
		return nil
	}
	blind := false
	if results, ok := retry.GetAttemptResults(out.ResultMetadata); ok {
		blind = repeatedBlindly(results)
	}
	answered := map[string]bool{}
	for _, e := range out.Successful {
		if i := numbered(items, e.Id); i != nil {
			i.stored, i.as, i.maybeTwice = true, stringOf(e.MessageId), i.maybeTwice || blind
			answered[stringOf(e.Id)] = true
		}
	}
	var retries []*item
	for _, e := range out.Failed {
		i := numbered(items, e.Id)
		if i == nil {
			continue
		}
		answered[stringOf(e.Id)] = true
		if !e.SenderFault && again+1 < maxTries {
			retries = append(retries, i)
			continue
		}
		i.leave("%s refused it: %s: %s", to.Name, stringOf(e.Code), stringOf(e.Message))
	}
	for n, i := range items {
		if !answered[strconv.Itoa(n)] {
			i.maybeTwice = true
			i.leave("SQS did not say whether it was sent")
		}
	}
	if len(retries) == 0 {
		return nil
	}
	if err := x.Sleep(ctx, backoff(again)); err != nil {
		return err
	}
	return x.sendBatch(ctx, retries, again+1)
}

// refused handles a batch that SQS took nothing of.
func (x *run) refused(ctx context.Context, items []*item, err error) error {
	to := items[0].to
	switch {
	case MissingAction(err) != "", isThrottled(err):
		return fmt.Errorf("sending to %s: %w", to.Name, err)
	case len(items) > 1 && !isGone(err):
		// one of them is at fault: it shows by itself
		for _, i := range items {
			if err := x.sendBatch(ctx, []*item{i}, 0); err != nil {
				return err
			}
		}
	default:
		for _, i := range items {
			i.leave("%s refused it: %s", to.Name, advice(err))
		}
	}
	return nil
}

// remove deletes items from the dead-letter queue. An error is one that others would meet
// with too.
func (x *run) remove(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	todo := items
	var err error
	for again := range maxTries {
		todo, err = x.removeOnce(ctx, todo)
		if len(todo) == 0 || err != nil {
			break
		}
		if sleepErr := x.Sleep(ctx, backoff(again)); sleepErr != nil {
			err = sleepErr
			break
		}
	}
	for _, i := range todo {
		i.notDeleted = true
	}
	if err != nil && !isGone(err) {
		err = fmt.Errorf("deleting from %s what is stored elsewhere: %w", x.DLQ.Name, err)
	}
	deleted := pick(items, func(i *item) bool { return !i.notDeleted })
	if len(deleted) == 0 {
		return err
	}
	return errors.Join(err, x.ledger.writeLate(LedgerLine{Step: LedgerDeleted, Messages: ids(deleted)}))
}

// removeOnce deletes items and returns those that it couldn't.
func (x *run) removeOnce(ctx context.Context, items []*item) ([]*item, error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &x.DLQ.URL, Entries: make([]types.DeleteMessageBatchRequestEntry, len(items))}
	for n, i := range items {
		id := strconv.Itoa(n)
		in.Entries[n] = types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: &i.letter.receipt}
	}
	out, err := x.Client.DeleteMessageBatch(ctx, in, patiently)
	if err != nil {
		return items, err
	}
	deleted := map[*item]bool{}
	for _, e := range out.Successful {
		deleted[numbered(items, e.Id)] = true
	}
	return pick(items, func(i *item) bool { return !deleted[i] }), nil
}

// backoff is how long to wait before something is tried for the so-manieth time again.
func backoff(again int) time.Duration { return 200 * time.Millisecond << again }

// numbered is the item of an entry's id, nil if there is none.
func numbered(items []*item, id *string) *item {
	n, err := strconv.Atoi(stringOf(id))
	if err != nil || n < 0 || n >= len(items) {
		return nil
	}
	return items[n]
}

func pick(items []*item, those func(*item) bool) []*item {
	var picked []*item
	for _, i := range items {
		if those(i) {
			picked = append(picked, i)
		}
	}
	return picked
}

func letters(items []*item, those func(*item) bool) []*DeadLetter {
	var all []*DeadLetter
	for _, i := range pick(items, those) {
		all = append(all, i.letter)
	}
	return all
}

func ids(items []*item) []string {
	all := make([]string, len(items))
	for n, i := range items {
		all[n] = i.letter.ID
	}
	return all
}

// byTarget groups items by what is done with them and where they go, in order.
func byTarget(items []*item) [][]*item {
	type target struct {
		action Action
		url    string
	}
	var order []target
	groups := map[target][]*item{}
	for _, i := range items {
		t := target{i.decision.Action, i.to.URL}
		if groups[t] == nil {
			order = append(order, t)
		}
		groups[t] = append(groups[t], i)
	}
	var all [][]*item
	for _, t := range order {
		all = append(all, groups[t])
	}
	return all
}
