package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestInspectShowsGroupsAndGivesBack(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	n.send(dead, `{"id":1,"mail":"a@b.c"}`, "card 17 declined")
	n.send(dead, `{"id":2,"mail":"d@e.f"}`, "card 18 declined")
	status, stdout, stderr := dlqRun("inspect", "orders-dlq", "--max", "2", "--redact", "mail")
	require.Equal(t, 0, status, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "orders-dlq: 2 messages seen, of about 2 visible and 0 in flight before\n")
	require.Contains(t, stdout, "2 x sent to it directly, error \"card # declined\", body {id, mail}\n")
	require.Contains(t, stdout, `{"id":1,"mail":"[redacted]"}`)
	require.Contains(t, stdout, "2 sent under 10m ago\n")
	require.Contains(t, stdout, "all messages are visible again")
	require.NotContains(t, stdout, "a@b.c")
	require.Equal(t, 2, n.receivable(dead))
}

// Who can send to a queue must not get hold of the terminal of whoever looks.
func TestHostileMessagesDoNotReachTheTerminal(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	// SQS lets no control codes of seven bits into a body but in JSON, and these of eight
	n.send(dead, "body \u009b2J \u202e turned", "error \u009b31m")
	n.send(dead, "{\"a\u009b\":\"\\u001b[2J\"}", "")
	file := filepath.Join(t.TempDir(), "out.jsonl")
	for _, form := range []string{"text", "json"} {
		_, stdout, stderr := dlqRun("inspect", "orders-dlq", "--max", "2", "-o", form, "--out", file, "--force")
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, text := range []string{stdout, stderr, string(b)} {
			require.NotContains(t, text, "\u009b")
			require.NotContains(t, text, "\u202e")
			require.NotContains(t, text, "\x1b")
		}
		require.Contains(t, stdout, `9b2J`)
	}
}

func TestInspectWritesMessagesToAFileOfItsOwner(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	for i := range 3 {
		n.send(dead, fmt.Sprintf(`{"id":%d}`, i), "")
	}
	file := filepath.Join(t.TempDir(), "out.jsonl")
	status, _, stderr := dlqRun("inspect", "orders-dlq", "--max", "3", "--out", file)
	require.Equal(t, 0, status, stderr)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 3)
	var m dlq.InspectedMessage
	require.NoError(t, json.Unmarshal([]byte(lines[2]), &m))
	require.Equal(t, `{"id":2}`, m.Body)

	status, _, stderr = dlqRun("inspect", "orders-dlq", "--max", "1", "--out", file)
	require.Equal(t, 2, status)
	require.Contains(t, stderr, "exists; name another file, or use --force to overwrite it")
	require.NoError(t, os.Chmod(file, 0o644))
	status, _, stderr = dlqRun("inspect", "orders-dlq", "--max", "1", "--out", file, "--force")
	require.Equal(t, 0, status, stderr)
	info, err = os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	b, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(b), "\n"))
}

func TestInspectRefusesWhatItCannotDo(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no queue", nil, "takes one queue, by its URL, ARN or name, not 0 arguments"},
		{"an unknown form", []string{"orders-dlq", "-o", "table"}, "choose text or json"},
		{"less than none", []string{"orders-dlq", "--max", "-1"}, "or 0 for all"},
		{"less than no samples", []string{"orders-dlq", "--samples", "-1"}, "or 0 for none"},
		{"force for nothing", []string{"orders-dlq", "--force"}, "--force is for the file of --out"},
		{"an unknown dimension", []string{"orders-dlq", "--group-by", "size"}, "choose among source, error, shape and age"},
		{"too short a visibility", []string{"orders-dlq", "--visibility", "1s"}, "give whole seconds between 10s and 12h"},
		{"a source queue", []string{"orders"}, "use --allow-redrive-policy to look all the same"},
		{"a queue that isn't there", []string{"nope"}, "dlq status shows the DLQs there are"},
		{"a directory that isn't there", []string{"orders-dlq", "--out", "/nowhere/out"}, "no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := dlqRun(append([]string{"inspect"}, tt.args...)...)
			require.Equal(t, 2, status)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tt.want)
		})
	}
}

func TestInterruptingInspectGivesMessagesBackAtOnce(t *testing.T) {
	asChild(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		n := newNight(t)
		_, dead := n.pair("orders")
		for range 10 {
			n.send(dead, "a", "")
		}
		// the second receive takes so long that the signal comes while it waits
		n.srv.Inject(awstest.Fault{Kind: awstest.Latency, Service: "sqs", Operation: "ReceiveMessage", Skip: 1, Delay: 500 * time.Millisecond})
		c := child(t, "inspect", "orders-dlq", "--max", "0")
		var stdout, stderr strings.Builder
		c.Stdout, c.Stderr = &stdout, &stderr
		require.NoError(t, c.Start())
		require.Eventually(t, func() bool { return n.srv.Count("sqs", "ReceiveMessage") >= 1 }, 20*time.Second, 5*time.Millisecond)
		require.NoError(t, c.Process.Signal(signal))
		_ = c.Wait() // its error says what the status says
		require.Equal(t, 130, c.ProcessState.ExitCode(), stderr.String())
		require.Contains(t, stderr.String(), "giving back 10 messages; interrupt again to leave them hidden until")
		require.Contains(t, stdout.String(), "10 messages seen")
		require.Contains(t, stdout.String(), "it was interrupted; all messages are visible again")
		require.Equal(t, 10, n.receivable(dead))
	}
}

func TestKillingInspectHidesMessagesForTheVisibilityTimeoutOnly(t *testing.T) {
	asChild(t)
	n := newNight(t)
	_, dead := n.pair("orders")
	n.send(dead, "a", "")
	n.srv.Inject(awstest.Fault{Kind: awstest.Latency, Service: "sqs", Operation: "ReceiveMessage", Skip: 1, Times: 1, Delay: 500 * time.Millisecond})
	c := child(t, "inspect", "orders-dlq", "--max", "0", "--visibility", "1m")
	require.NoError(t, c.Start())
	require.Eventually(t, func() bool { return n.srv.Count("sqs", "ReceiveMessage") >= 1 }, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, c.Process.Kill())
	_ = c.Wait() // its error says that it was killed
	require.Equal(t, 0, n.receivable(dead))
	n.srv.Clock.Advance(time.Minute)
	require.Equal(t, 1, n.receivable(dead))
}
