package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// inspectOptions are the flags of dlq inspect.
type inspectOptions struct {
	account    accountFlags
	most       int
	samples    int
	groupBy    []string
	errorName  string
	redact     []string
	visibility time.Duration
	policy     bool
	out        string
	force      bool
	output     string
}

func inspectCommand() *cobra.Command {
	var o inspectOptions
	c := &cobra.Command{
		Use:   "inspect DLQ",
		Short: "Look at the messages in a DLQ, and give them back",
		Long: `Look at the messages in a DLQ, named by its URL, its ARN or its name: they are grouped by
where they come from, why they failed and what their bodies look like, with samples.

None is lost. Messages are received, hidden from others while the command runs, and given
back at its end, also when it is interrupted or fails. If it is killed (kill -9) or the
network is gone, they come back by themselves after --visibility.

A look counts as a receive, as any look at SQS messages does: the receive count rises by
one. Where the queue has a redrive policy of its own that could move messages on, so such
a queue is refused without --allow-redrive-policy. In a FIFO queue the first ten messages
of each group are seen, and the groups are blocked meanwhile.

--redact replaces the values of JSON fields, and of message attributes of these names, in
all that is shown and written; a body that isn't a JSON object or array is replaced as a
whole. A value of four characters or more is replaced also where else it stands in its
message, as in the text of an error. One in another form, as in base64, can't be found.

Why a message failed is read from the attribute that --error-attribute names, or from
PermanentFailure, ErrorMessage, Error, Exception, ErrorCode and the like.

` + accountHelp,
		Example: `  dlq inspect orders-dlq
  dlq inspect orders-dlq --max 0 --redact email,card.number
  dlq inspect orders-dlq --max 0 --out orders.jsonl
  dlq inspect arn:aws:sqs:eu-west-1:111122223333:orders-dlq --group-by error,age -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("dlq inspect takes one queue, by its URL, ARN or name, not %d arguments; dlq status shows the DLQs there are", len(args))
			}
			return nil
		},
		ValidArgsFunction: completeDLQ,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspect(cmd.Context(), args[0], o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.account.register(c)
	f := c.Flags()
	f.IntVarP(&o.most, "max", "n", 100, "how many messages to look at; 0 means all")
	f.IntVar(&o.samples, "samples", 3, "how many messages of each group to show")
	f.StringSliceVar(&o.groupBy, "group-by", []string{"source", "error", "shape"}, "what messages are grouped by: `dimensions` among source, error, shape and age")
	f.StringVar(&o.errorName, "error-attribute", "", "`name` of the message attribute that says why a message failed")
	f.StringSliceVar(&o.redact, "redact", nil, "`fields` whose values to replace: names, or ends of paths such as card.number")
	f.DurationVar(&o.visibility, "visibility", 5*time.Minute, "for how long messages stay hidden if they can't be given back, 10s to 12h; bounds the time to look")
	f.BoolVar(&o.policy, "allow-redrive-policy", false, "look into a queue that has a redrive policy, by which looking may move messages")
	f.StringVar(&o.out, "out", "", "`file` to write all messages to, one JSON object a line; readable by you alone")
	f.BoolVar(&o.force, "force", false, "overwrite the file of --out")
	f.StringVarP(&o.output, "output", "o", "text", "form of what is shown: text or json")
	completeFlag(c, "output", "text", "json")
	completeFlag(c, "group-by", "source", "error", "shape", "age")
	return c
}

func (o inspectOptions) check() error {
	switch {
	case o.output != "text" && o.output != "json":
		return fmt.Errorf("--output is %q: choose text or json", o.output)
	case o.most < 0:
		return fmt.Errorf("--max is %d: give how many messages to look at, or 0 for all", o.most)
	case o.samples < 0:
		return fmt.Errorf("--samples is %d: give how many messages of each group to show, or 0 for none", o.samples)
	case o.force && o.out == "":
		return errors.New("--force is for the file of --out: name one, or leave it away")
	}
	return nil
}

// options are those of the library.
func (o inspectOptions) options() dlq.InspectOptions {
	lib := dlq.InspectOptions{
		Max: o.most, Visibility: o.visibility, ErrorAttribute: o.errorName, Redact: o.redact, Samples: o.samples,
		AllowRedrivePolicy: o.policy, GroupBy: []dlq.Dimension{},
	}
	if o.most == 0 {
		lib.Max = -1
	}
	if o.samples == 0 {
		lib.Samples = -1
	}
	for _, d := range o.groupBy {
		lib.GroupBy = append(lib.GroupBy, dlq.Dimension(d))
	}
	return lib
}

// inspect looks at the messages of a queue. What was seen is shown even if that ended early.
func inspect(ctx context.Context, queue string, o inspectOptions, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	account, err := o.account.load(ctx)
	if err != nil {
		return err
	}
	lib := o.options()
	lib.Now = account.now
	bar := newBar(stderr, "receiving messages")
	total := o.most
	lib.Releasing = func(n int, until time.Time) {
		bar.clear()
		if ctx.Err() != nil {
			fmt.Fprintf(stderr, "dlq: giving back %s; interrupt again to leave them hidden until %s\n", count(n, "message"), until.Format(time.TimeOnly))
		}
	}
	var file *messageFile
	if o.out != "" {
		if file, err = createMessageFile(o.out, o.force); err != nil {
			return err
		}
	}
	seen := 0
	lib.Each = func(m dlq.InspectedMessage) error {
		seen++
		bar.set(seen, max(total, seen))
		return file.write(m)
	}
	result, err := dlq.Inspect(ctx, sqs.NewFromConfig(account.Config), queue, lib)
	bar.clear()
	if err := file.close(); err != nil {
		return err
	}
	if result != nil {
		var showErr error
		if o.output == "json" {
			showErr = writeJSON(stdout, result, "  ")
		} else {
			showErr = writeInspection(stdout, result, newStyle(stdout))
		}
		err = errors.Join(err, showErr)
	}
	if policy := (*dlq.RedrivePolicyError)(nil); errors.As(err, &policy) {
		return fmt.Errorf("%w; use --allow-redrive-policy to look all the same", err)
	}
	return advise(err)
}

// messageFile is a file of messages, one JSON object a line. A nil one takes messages and
// keeps none.
type messageFile struct {
	file *os.File
	w    *bufio.Writer
}

// createMessageFile creates the file, for its owner only: nobody knows what is in messages.
func createMessageFile(name string, overwrite bool) (*messageFile, error) {
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if overwrite {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, how, 0o600)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, fmt.Errorf("--out: %s exists; name another file, or use --force to overwrite it", name)
	case err != nil:
		return nil, fmt.Errorf("--out: %w", err)
	}
	if err := f.Chmod(0o600); err != nil { // one that was there may be open to others
		return nil, errors.Join(fmt.Errorf("--out: %w", err), f.Close())
	}
	return &messageFile{f, bufio.NewWriter(f)}, nil
}

func (f *messageFile) write(m dlq.InspectedMessage) error {
	if f == nil {
		return nil
	}
	if err := writeJSON(f.w, m, ""); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

func (f *messageFile) close() error {
	if f == nil {
		return nil
	}
	if err := errors.Join(f.w.Flush(), f.file.Sync(), f.file.Close()); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// writeInspection writes what was seen for people. What messages say is cleaned: it may
// come from anybody.
func writeInspection(w io.Writer, r *dlq.Inspection, look style) error {
	fmt.Fprintf(w, "%s: %s seen, of about %d visible and %d in flight before\n\n", look.bold(clean(r.Queue.Name)), count(r.Seen, "message"), r.Before.Visible, r.Before.InFlight)
	for _, g := range r.Groups {
		writeGroup(w, r, g, look)
	}
	if len(r.Ages) > 0 {
		var ages []string
		for _, a := range r.Ages {
			ages = append(ages, fmt.Sprintf("%d sent %s ago", a.Messages, a.Age))
		}
		fmt.Fprintln(w, strings.Join(ages, ", "))
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(w, "%s %s\n", look.warn("warning:"), clean(text))
	}
	_, err := fmt.Fprintln(w, endingText(r, look))
	return err
}

func writeGroup(w io.Writer, r *dlq.Inspection, g dlq.Group, look style) {
	var facts []string
	for _, d := range r.GroupBy {
		switch d {
		case dlq.BySource:
			facts = append(facts, sourceText(g.Source))
		case dlq.ByError:
			facts = append(facts, errorTextOf(g.Error))
		case dlq.ByShape:
			facts = append(facts, "body "+g.Shape)
		case dlq.ByAge:
			facts = append(facts, "sent "+g.Age+" ago")
		}
	}
	if g.Others {
		facts = []string{"others, of more groups than are told apart"}
	}
	fmt.Fprintf(w, "%s\n", look.bold(clean(fmt.Sprintf("%d x %s", g.Messages, strings.Join(facts, ", ")))))
	fmt.Fprintf(w, "    %s\n", look.dim(fmt.Sprintf("sent %s, received %s", span(r.Time, g.Newest, g.Oldest), times(g.MinReceives, g.MaxReceives))))
	for _, m := range g.Samples {
		fmt.Fprintf(w, "    %s  %s ago", clean(m.ID), ago(r.Time, m.Sent))
		if m.GroupID != "" {
			fmt.Fprintf(w, "  group %s", clean(m.GroupID))
		}
		if m.Error != "" {
			fmt.Fprintf(w, "  %s", look.warn(clean(shorten(m.Error, 160))))
		}
		fmt.Fprintf(w, "\n      %s\n", clean(shorten(m.Body, 400)))
	}
	fmt.Fprintln(w)
}

func sourceText(source string) string {
	if source == "" {
		return "sent to it directly"
	}
	if a, err := arn.Parse(source); err == nil {
		return "from " + a.Resource
	}
	return "from " + source
}

func errorTextOf(text string) string {
	if text == "" {
		return "no error attribute"
	}
	return fmt.Sprintf("error %q", text)
}

// span says how long ago the newest and the oldest of some messages were sent.
func span(now, newest, oldest time.Time) string {
	if a, b := ago(now, newest), ago(now, oldest); a != b {
		return a + " to " + b + " ago"
	}
	return ago(now, oldest) + " ago"
}

func ago(now, then time.Time) string { return dlq.Age(max(0, int64(now.Sub(then)/time.Second))) }

func times(least, most int) string {
	switch {
	case least != most:
		return fmt.Sprintf("%d to %d times", least, most)
	case most == 1:
		return "once"
	}
	return fmt.Sprintf("%d times", most)
}

// shorten cuts a text after n characters.
func shorten(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n]) + " …"
}

// endingText says why there is no more, and where the messages are now.
func endingText(r *dlq.Inspection, look style) string {
	why := map[dlq.Ending]string{
		dlq.EndedEmpty:       "that is all there is to see",
		dlq.EndedMax:         "there may be more: see --max",
		dlq.EndedTime:        "there may be more, but what was seen first was about to come back: use a longer --visibility",
		dlq.EndedLimit:       "there are more, but SQS hands out no more at a time",
		dlq.EndedInterrupted: "it was interrupted",
		dlq.EndedError:       "it ended by an error",
	}[r.Ended]
	text := look.good(fmt.Sprintf("%s; all messages are visible again", why))
	if hidden := r.Release; hidden.Hidden+hidden.Uncertain > 0 {
		text = fmt.Sprintf("%s; %s visible again", why, count(hidden.Released, "message"))
		if hidden.Hidden > 0 {
			text += fmt.Sprintf(", %d hidden until %s: %s", hidden.Hidden, hidden.Until.Format("15:04:05 UTC"), clean(hidden.Error))
		}
		if hidden.Uncertain > 0 {
			text += fmt.Sprintf(", up to %d more hidden until %s, as an answer of SQS was lost on its way", hidden.Uncertain, hidden.Until.Format("15:04:05 UTC"))
		}
		text = look.warn(text)
	}
	return text
}
