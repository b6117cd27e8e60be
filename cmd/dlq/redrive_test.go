package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// redriveKit is an endpoint with the queues orders and orders-dlq, and a working directory.
type redriveKit struct {
	testing.TB
	srv    *awstest.Server
	client *sqs.Client
}

func newRedriveKit(t *testing.T) *redriveKit {
	k := &redriveKit{TB: t, srv: awstest.Start(t)}
	k.client = sqs.NewFromConfig(k.srv.DirectConfig())
	for name, value := range k.srv.Env() {
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	k.queue("orders-dlq")
	k.queue("orders", "VisibilityTimeout", "0", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dlq","maxReceiveCount":"1"}`)
	return k
}

func (k *redriveKit) queue(name string, attributes ...string) {
	k.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	_, err := k.client.CreateQueue(k.Context(), in)
	require.NoError(k, err)
}

func (k *redriveKit) url(name string) *string { return aws.String(k.srv.URL + "/000000000000/" + name) }

// fail sends messages to orders, whose consumers fail.
func (k *redriveKit) fail(bodies ...string) {
	k.Helper()
	for _, b := range bodies {
		_, err := k.client.SendMessage(k.Context(), &sqs.SendMessageInput{QueueUrl: k.url("orders"), MessageBody: &b})
		require.NoError(k, err)
	}
	for {
		out, err := k.client.ReceiveMessage(k.Context(), &sqs.ReceiveMessageInput{QueueUrl: k.url("orders"), MaxNumberOfMessages: 10})
		require.NoError(k, err)
		if len(out.Messages) == 0 {
			return
		}
	}
}

// stepwise makes the endpoint's time stand still, but for a step each time that somebody
// looks at the move tasks: how long a command takes doesn't matter then.
func (k *redriveKit) stepwise(step time.Duration) {
	k.srv.Clock.Pause()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	k.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		for seen := 0; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			looks := k.srv.Count("sqs", "ListMessageMoveTasks")
			k.srv.Clock.Advance(time.Duration(looks-seen) * step)
			seen = looks
		}
	}()
}

func (k *redriveKit) size(name string) string {
	k.Helper()
	out, err := k.client.GetQueueAttributes(k.Context(), &sqs.GetQueueAttributesInput{QueueUrl: k.url(name), AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(k, err)
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func (k *redriveKit) write(name, text string) {
	k.Helper()
	require.NoError(k, os.WriteFile(name, []byte(text), 0o600))
}

func dlqCommand(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func some(n int) []string {
	var all []string
	for i := range n {
		all = append(all, `{"n":`+strconv.Itoa(i)+`}`)
	}
	return all
}

func TestRedriveHasSQSMoveTheMessagesAndShowsHow(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(5)...)
	k.stepwise(50 * time.Millisecond)
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--watch", "--interval", "100ms", "--rate", "10")
	require.Zero(t, status, errs)
	require.Equal(t, "orders-dlq: SQS is moving about 5 messages to the queues they came from\norders-dlq: completed, moved 5 of about 5 messages to the queues they came from\n", out)
	require.Regexp(t, `(?m)^moved [1-4] of about 5 messages$`, errs)
	require.NotContains(t, errs, "\x1b")
	require.Equal(t, "5+0", k.size("orders"))

	status, out, _ = dlqCommand("redrive", "orders-dlq", "--status")
	require.Zero(t, status)
	require.Regexp(t, `(?m)^\S+Z  completed +5 +5  10/s  the queues they came from$`, out)
}

func TestRedriveWithoutWatchSaysThatItGoesOnAndHowToEndIt(t *testing.T) {
	k := newRedriveKit(t)
	k.queue("replay")
	k.fail(some(50)...)
	status, out, errs := dlqCommand("redrive", *k.url("orders-dlq"), "--rate", "1", "--to", "replay")
	require.Zero(t, status, errs)
	require.Equal(t, "orders-dlq: SQS is moving about 50 messages to arn:aws:sqs:us-east-1:000000000000:replay\nit goes on by itself; watch it with dlq redrive orders-dlq --watch, end it with dlq redrive orders-dlq --cancel\n", out)

	status, _, errs = dlqCommand("redrive", "orders-dlq", "--region", "us-east-1")
	require.Equal(t, 2, status)
	require.Regexp(t, `^dlq: a move task is running on orders-dlq already, since \S+, and has moved \d+ messages\n  to do: watch it with dlq redrive orders-dlq --watch --region us-east-1, or end it with dlq redrive orders-dlq --cancel --region us-east-1\n$`, errs)

	status, out, errs = dlqCommand("redrive", "orders-dlq", "--cancel")
	require.Zero(t, status, errs)
	require.Regexp(t, `^orders-dlq: the move task is cancelled; about \d+ messages are moved, and stay where they are\n$`, out)
	status, _, errs = dlqCommand("redrive", "orders-dlq", "--cancel")
	require.Equal(t, 2, status)
	require.Equal(t, "dlq: no move task is running on orders-dlq: there is nothing to cancel; dlq redrive orders-dlq --status shows the latest ones\n", errs)
}

func TestRedriveWatchesAMoveThatIsRunningAlready(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(10)...)
	k.stepwise(50 * time.Millisecond)
	status, _, errs := dlqCommand("redrive", "orders-dlq", "--rate", "20")
	require.Zero(t, status, errs)
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--watch", "--interval", "100ms")
	require.Zero(t, status, errs)
	require.Equal(t, "a move task is running already: watching that one\norders-dlq: completed, moved 10 of about 10 messages to the queues they came from\n", out)
}

func TestAnInterruptEndsTheWatchingOrTheMoveByChoice(t *testing.T) {
	for _, tt := range []struct {
		flags          []string
		want, becameOf string
	}{
		{nil, `^dlq: interrupted: the move task goes on by itself; watch it with dlq redrive orders-dlq --watch, end it with dlq redrive orders-dlq --cancel\n$`, "RUNNING"},
		{[]string{"--cancel-on-interrupt"}, `^dlq: interrupted: the move task is cancelled; about \d+ messages are moved, and stay where they are\n$`, "CANCELLED"},
	} {
		k := newRedriveKit(t)
		k.fail(some(100)...)
		go func() {
			for k.srv.Count("sqs", "ListMessageMoveTasks") < 3 { // the one of the start, and those of the watch
				time.Sleep(10 * time.Millisecond)
			}
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
		}()
		status, _, errs := dlqCommand(append([]string{"redrive", "orders-dlq", "--rate", "1", "--watch", "--interval", "100ms"}, tt.flags...)...)
		require.Equal(t, 130, status)
		lines := strings.SplitAfter(errs, "\n")
		require.Regexp(t, tt.want, lines[len(lines)-2])
		tasks, err := dlq.Moves(t.Context(), k.client, dlq.Queue{ARN: "arn:aws:sqs:us-east-1:000000000000:orders-dlq"})
		require.NoError(t, err)
		require.Equal(t, tt.becameOf, tasks[0].Status)
	}
}

func TestAMoveThatFailsIsForSomebodyToLookAt(t *testing.T) {
	k := newRedriveKit(t)
	_, err := k.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: k.url("orders-dlq"), MessageBody: aws.String("x")})
	require.NoError(t, err)
	status, out, _ := dlqCommand("redrive", "orders-dlq", "--watch")
	require.Equal(t, 3, status)
	require.Contains(t, out, "orders-dlq: failed, moved 0 of about 1 message to the queues they came from\nSQS says: CouldNotDetermineMessageSource\nto do: a message was sent to the DLQ and not dead-lettered")
}

func TestARedriveBySelectionShowsFirstAndThenDoes(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(12)...)
	k.write("rules.yaml", "otherwise: redrive\n")
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--select", "rules.yaml", "--samples", "1")
	require.Zero(t, status, errs)
	require.Contains(t, out, "orders-dlq: met 12 messages; this is what would be done\n\nACTION   MESSAGES  RULE\nredrive        12  (otherwise)\n")
	require.Regexp(t, `(?m)^  redrive: [0-9a-f-]{36}, \d+s old, 2 receives, 0 redrives\n    \{"n":\d+\}$`, out)
	require.Contains(t, out, "nothing was changed; --yes does it\n")
	require.Empty(t, errs)
	require.Equal(t, "12+0", k.size("orders-dlq"))

	status, out, errs = dlqCommand("redrive", "orders-dlq", "--select", "rules.yaml", "--yes")
	require.Zero(t, status, errs)
	require.Contains(t, out, "redriven 12, quarantined 0, discarded 0, left 0\n  12 to arn:aws:sqs:us-east-1:000000000000:orders\n")
	require.Equal(t, "ledger: dlq-redrive-us-east-1-000000000000-orders-dlq.ledger.jsonl\n", errs)
	require.FileExists(t, "dlq-redrive-us-east-1-000000000000-orders-dlq.ledger.jsonl")
	require.Equal(t, "0+0", k.size("orders-dlq"))
	require.Equal(t, "12+0", k.size("orders"))
}

func TestARedriveBySelectionInJSONForPrograms(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(2)...)
	k.write("rules.yaml", "otherwise: discard\n")
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--select", "rules.yaml", "--yes", "--discard-file", "gone.jsonl", "--ledger", "none", "-o", "json")
	require.Zero(t, status, errs)
	var got struct {
		Selection struct {
			Met, Discarded int
			Targets        map[string]int
			Ledger         string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, 2, got.Selection.Met)
	require.Equal(t, 2, got.Selection.Discarded)
	require.Equal(t, map[string]int{"gone.jsonl": 2}, got.Selection.Targets)
	require.Empty(t, got.Selection.Ledger)
	entries, err := filepath.Glob("*")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"gone.jsonl", "rules.yaml"}, entries)
}

func TestWhatSomebodyHasToLookAtIsSaidAndExits3(t *testing.T) {
	k := newRedriveKit(t)
	_, err := k.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: k.url("orders-dlq"), MessageBody: aws.String("x")})
	require.NoError(t, err)
	k.write("rules.yaml", "otherwise: redrive\n")
	status, out, _ := dlqCommand("redrive", "orders-dlq", "--select", "rules.yaml", "--yes")
	require.Equal(t, 3, status)
	require.Contains(t, out, "attention: 1 message left: it was sent to the DLQ and not dead-lettered, so that it has no source: say with --to where such go")
	require.Contains(t, out, "the DLQ has 1 message now")
	status, out, _ = dlqCommand("redrive", "orders-dlq", "--select", "rules.yaml", "--yes", "--to", "orders")
	require.Zero(t, status, out)
}

func TestCanariesThatComeBackEndTheCommand(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(20)...)
	// a consumer that fails
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				_, _ = k.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: k.url("orders"), MaxNumberOfMessages: 10})
			}
		}
	}()
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--canary", "2", "--canary-window", "2s")
	require.Equal(t, 3, status, errs)
	require.Contains(t, out, "canaries: 2 of 2 canary messages came back: the consumers still fail; nothing else was redriven\n  came back: ")
	require.Contains(t, errs, "canaries: 2 redriven, watching them for up to 2s\n")
	require.Equal(t, "20+0", k.size("orders-dlq"))
	require.Zero(t, k.srv.Count("sqs", "StartMessageMoveTask"))
}

func TestCanariesThatDoNotComeBackLetSQSMoveTheRest(t *testing.T) {
	k := newRedriveKit(t)
	k.fail(some(20)...)
	status, out, errs := dlqCommand("redrive", "orders-dlq", "--canary", "2", "--canary-window", "1ms", "--watch", "-o", "json")
	require.Zero(t, status, errs)
	var got redriveResult
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.True(t, got.Canary.Passed)
	require.Equal(t, 2, got.Canary.Sent)
	require.Equal(t, int64(18), got.Move.Moved)
	require.Equal(t, "20+0", k.size("orders"))
}

func TestFlagsThatContradictEachOtherAreRefusedWithWhatToDo(t *testing.T) {
	k := newRedriveKit(t)
	k.write("rules.yaml", "otherwise: redrive\n")
	k.write("discards.yaml", "otherwise: discard\n")
	k.write("quarantines.yaml", "otherwise: quarantine\n")
	for _, tt := range []struct{ args, want string }{
		{"", "takes one queue, by its URL, ARN or name, not 0 arguments"},
		{"orders-dlq --rate 501", "--rate is 501: give 1 to 500"},
		{"orders-dlq -o xml", "choose text or json"},
		{"orders-dlq --cancel --status", "choose one of"},
		{"orders-dlq --cancel --watch", "leave the other flags away"},
		{"orders-dlq --cancel-on-interrupt", "is for --watch"},
		{"orders-dlq --yes", "--yes is for a redrive with --select: give a file with rules"},
		{"orders-dlq --select rules.yaml --watch", "--watch is about SQS's move task"},
		{"orders-dlq --select rules.yaml --canary 3", "nothing is redriven without --yes"},
		{"orders-dlq --ledger x", "--ledger is for a redrive with --select or --canary"},
		{"orders-dlq --canary 0", "--canary is 0: give how many"},
		{"orders-dlq --canary-window 5s", "are for --canary n"},
		{"orders-dlq --interval 1ms", "give 100ms or more"},
		{"orders-dlq --select none.yaml", "reading the rules: open none.yaml"},
		{"orders-dlq --select discards.yaml --yes", "say with --discard-file which file keeps them"},
		{"orders-dlq --select quarantines.yaml --yes", "say where to with --quarantine-queue or --quarantine-file"},
		{"orders-dlq --to nowhere", "--to: finding queue nowhere"},
		{"orders-dlq --to orders-dlq", "can't be moved to that queue itself"},
		{"orders", "orders is the dead-letter queue of no SQS queue, and SQS moves messages only out of such; a selective redrive can redrive from any queue: give --select"},
		{"nothing-dlq", "dlq status shows the DLQs there are"},
	} {
		status, _, errs := dlqCommand(append([]string{"redrive"}, strings.Fields(tt.args)...)...)
		require.Equal(t, 2, status, tt.args)
		require.Contains(t, errs, tt.want, tt.args)
	}
}

func TestTheHelpOfRedriveNamesEveryVariable(t *testing.T) {
	status, out, _ := dlqCommand("redrive", "--help")
	require.Zero(t, status)
	for _, v := range dlq.Variables() {
		require.Contains(t, out, fmt.Sprintf("  %-14s %-10s %s\n", v.Name, v.Type, v.Meaning))
	}
}
