package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestStatusShowsPairsAndExitsByTheirHealth(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	n.pair("payments")
	status, stdout, stderr := dlqRun("status")
	require.Equal(t, 0, status, stderr)
	require.Empty(t, stderr, "no progress bar where nobody looks")
	require.Equal(t, strings.TrimPrefix(`
DLQ           VISIBLE  IN FLIGHT  DELAYED  OLDEST  REDRIVE  SOURCE    WAITING  RECEIVES  HEALTH
orders-dlq          0          0        0       -  -        orders          0         1  healthy
payments-dlq        0          0        0       -  -        payments        0         1  healthy

healthy: 0 of 2 DLQs need attention, 0 messages in them (account 000000000000, us-east-1)
`, "\n"), stdout)

	n.send(dead, "a", "")
	status, stdout, stderr = dlqRun("status", "--prefix", "orders")
	require.Equal(t, 3, status)
	require.Empty(t, stderr)
	require.Equal(t, strings.TrimPrefix(`
DLQ         VISIBLE  IN FLIGHT  DELAYED  OLDEST  REDRIVE  SOURCE  WAITING  RECEIVES  HEALTH
orders-dlq        1          0        0       -  -        orders        0         1  needs_attention

orders-dlq: 1 message
degraded: 1 of 1 DLQ needs attention, 1 message in them (account 000000000000, us-east-1)
`, "\n"), stdout)
}

func TestStatusAsJSONIsTheDocumentedDocument(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	n.send(dead, "a", "")
	_, err := n.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &dead, Tags: map[string]string{"team": "money"}})
	require.NoError(t, err)
	status, stdout, _ := dlqRun("status", "--tag", "team=money", "-o", "json")
	require.Equal(t, 3, status)
	var s dlq.Status
	require.NoError(t, json.Unmarshal([]byte(stdout), &s))
	require.Equal(t, 1, s.Schema)
	require.Equal(t, dlq.Degraded, s.Health)
	require.Equal(t, "orders-dlq", s.DLQs[0].Name)
	require.Equal(t, map[string]string{"team": "money"}, s.DLQs[0].Tags)
	require.Equal(t, "orders", s.DLQs[0].Sources[0].Name)
}

func TestWhatAWholeFleetIsWarnedOfIsSaidOnce(t *testing.T) {
	warned := func(n int) string {
		s := &dlq.Status{Health: dlq.Healthy}
		for i := range n {
			s.DLQs = append(s.DLQs, dlq.DLQ{Queue: dlq.Queue{Name: "q" + string(rune('0'+i))}, Warnings: []dlq.Reason{{Code: "short_retention", Text: "too short"}}})
		}
		var b strings.Builder
		writeWarnings(&b, s, style{})
		return b.String()
	}
	require.Equal(t, "q0: warning: too short\nq1: warning: too short\n", warned(2))
	require.Equal(t, "q0 and 5 others (-o json names them): warning: too short\n", warned(6))
}

func TestStatusSaysWhatItCouldNotLearn(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	n.denying("ListMessageMoveTasks")
	status, stdout, _ := dlqRun("status")
	require.Equal(t, 0, status)
	require.Contains(t, stdout, "unknown: whether a redrive is running for 1 queue: orders-dlq: access denied, allow sqs:ListMessageMoveTasks")
}

func TestStatusShowsRunningRedrives(t *testing.T) {
	n := newNight(t)
	source, _ := n.pair("orders")
	for range 4 {
		n.send(source, "a", "")
	}
	require.Equal(t, 4, n.receivable(source))
	n.srv.Clock.Pause()
	n.srv.Clock.Advance(time.Minute)
	require.Equal(t, 0, n.receivable(source))
	_, err := n.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:orders-dlq"), MaxNumberOfMessagesPerSecond: aws.Int32(1),
	})
	require.NoError(t, err)
	n.srv.Clock.Advance(500 * time.Millisecond)
	_, stdout, _ := dlqRun("status")
	require.Contains(t, stdout, "1 of 4")
	require.Contains(t, stdout, "1 redrive running")
}

func TestStatusRefusesWhatItCannotDo(t *testing.T) {
	newNight(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown form", []string{"-o", "xml"}, `--output is "xml": choose table or json`},
		{"a tag without a value", []string{"--tag", "team"}, `--tag is "team": give key=value`},
		{"a tag with two values", []string{"--tag", "a=1", "--tag", "a=2"}, "no queue has both"},
		{"names and a prefix", []string{"--queue", "q", "--prefix", "p"}, "--queue doesn't go with --prefix and --tag"},
		{"a queue that isn't there", []string{"--queue", "nope"}, "to do: correct the name, or choose another account or region"},
		{"a hurry", []string{"--watch", "--interval", "10ms"}, "give 1s or more"},
		{"arguments", []string{"orders"}, `unknown command "orders" for "dlq status"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := dlqRun(append([]string{"status"}, tt.args...)...)
			require.Equal(t, 2, status)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tt.want)
		})
	}
}

// child is this command in a process of its own; the test that calls it calls asChild first.
func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	line, err := json.Marshal(args)
	require.NoError(t, err)
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), "DLQ_TEST_ARGS="+string(line))
	return c
}

func TestWatchingGoesOnUntilItIsInterrupted(t *testing.T) {
	asChild(t)
	n := newNight(t)
	_, dead := n.pair("orders")
	c := child(t, "status", "--watch", "--interval", "1s", "-o", "json")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	c.Stderr = &stderr
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() }) // it may have ended
	lines := bufio.NewScanner(out)
	next := func() dlq.Status {
		require.True(t, lines.Scan())
		var s dlq.Status
		require.NoError(t, json.Unmarshal(lines.Bytes(), &s), "a document a line")
		return s
	}
	require.Equal(t, dlq.Healthy, next().Health)
	n.send(dead, "a", "")
	remove := n.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "ListQueues", Times: 3}) // as often as the SDK tries
	s := next()
	remove()
	require.Equal(t, dlq.Degraded, s.Health)
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	for lines.Scan() { // to its end
	}
	_ = c.Wait() // its error says what the status says
	require.Equal(t, 3, c.ProcessState.ExitCode(), "as it was last")
	require.Contains(t, stderr.String(), "trying again")
}
