package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// onEndpoint runs dlq in a process of its own against the endpoint, with that directory
// for temporary files.
func onEndpoint(t *testing.T, srv *awstest.Server, temp string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DLQ_RUN_AS_COMMAND=1", "TMPDIR="+temp, "TMP="+temp)
	for name, value := range srv.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// output runs the command, requires that it does well and returns its standard output.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	return stdout.String()
}

// holdings are what an endpoint has, by service.
type holdings struct{ queues, topics, subscriptions, alarms int }

func holdingsOf(t *testing.T, srv *awstest.Server) holdings {
	t.Helper()
	queues, err := sqs.NewFromConfig(srv.Config()).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	topics, err := sns.NewFromConfig(srv.Config()).ListTopics(t.Context(), &sns.ListTopicsInput{})
	require.NoError(t, err)
	subscriptions, err := sns.NewFromConfig(srv.Config()).ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	require.NoError(t, err)
	alarms, err := cloudwatch.NewFromConfig(srv.Config()).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	return holdings{len(queues.QueueUrls), len(topics.Topics), len(subscriptions.Subscriptions), len(alarms.MetricAlarms)}
}

// makeQueue makes a queue with those tags.
func makeQueue(t *testing.T, srv *awstest.Server, name string, tags map[string]string) {
	t.Helper()
	_, err := sqs.NewFromConfig(srv.Config()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Tags: tags})
	require.NoError(t, err)
}

// descendants are the processes below a process.
func descendants(t *testing.T, process int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	require.NoError(t, err)
	children := map[int][]int{}
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	var all []int
	for next := children[process]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}

// TestAKilledRunIsSwept kills a proof while it deploys, which no teardown outlives.
func TestAKilledRunIsSwept(t *testing.T) {
	needsTerraform(t)
	srv := awstest.Start(t)
	makeQueue(t, srv, "theirs", map[string]string{"team": "orders"})
	_, err := sns.NewFromConfig(srv.Config()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("theirs")})
	require.NoError(t, err)
	before := holdingsOf(t, srv)
	temp := t.TempDir()

	// so that it is under way still when it is killed, however slow this machine is
	srv.Inject(awstest.Fault{Kind: awstest.Throttle, Operation: "PutMetricAlarm"})
	prove := onEndpoint(t, srv, temp, "prove", "../../examples/minimal", "--target", "endpoint")
	stderr, err := prove.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, prove.Start())
	said := killAt(t, prove, stderr, "aws_sns_topic_subscription.ops: created")
	require.Contains(t, said, "aws_sns_topic_subscription.ops: created")
	require.Equal(t, holdings{queues: 1 + 3, topics: 1 + 1, subscriptions: 1}, holdingsOf(t, srv), "the alarm isn't reached")
	left, err := filepath.Glob(filepath.Join(temp, "sqs-dlq-*"))
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.Contains(t, output(t, onEndpoint(t, srv, temp, "sweep", "--target", "endpoint")), "nothing is left of proofs older than 2h0m0s")
	shown := output(t, onEndpoint(t, srv, temp, "sweep", "--target", "endpoint", "--older-than", "0s"))
	for _, want := range []string{"orders-dlq", "orders-alarms to orders-ops", left[0], "nothing was removed; --yes removes"} {
		require.Contains(t, shown, want)
	}
	require.NotContains(t, shown, "theirs")
	require.NotEqual(t, before, holdingsOf(t, srv), "it was to be shown only")
	require.DirExists(t, left[0])

	var result swept
	require.NoError(t, json.Unmarshal([]byte(output(t, onEndpoint(t, srv, temp, "sweep", "--target", "endpoint", "--older-than", "0s", "--yes", "-o", "json"))), &result))
	require.Len(t, result.Resources, 5)
	for _, r := range result.Resources {
		require.True(t, r.Deleted, r.Name)
		require.Equal(t, result.Resources[0].Run, r.Run)
	}
	require.Len(t, result.Directories, 1)
	require.True(t, result.Directories[0].Deleted, result.Directories[0].Advice)
	require.Equal(t, before, holdingsOf(t, srv))
	require.NoDirExists(t, left[0])
}

// killAt kills the process, and what it leaves running, once it has said something. It
// returns all that it said.
func killAt(t *testing.T, cmd *exec.Cmd, stderr io.Reader, at string) string {
	t.Helper()
	var said bytes.Buffer
	var orphans []int
	for buf := make([]byte, 4096); ; {
		n, err := stderr.Read(buf)
		said.Write(buf[:n])
		if orphans == nil && strings.Contains(said.String(), at) {
			orphans = descendants(t, cmd.Process.Pid)
			require.NoError(t, cmd.Process.Kill())
			break // the orphans hold the pipe
		}
		if err != nil {
			break
		}
	}
	for _, pid := range orphans { // a provider outlives its Terraform
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
	_ = cmd.Wait() // it was killed
	return said.String()
}

func TestSweepingShowsFirstAndDeletesWhenTold(t *testing.T) {
	srv := awstest.Start(t)
	for name, value := range srv.Env() {
		t.Setenv(name, value)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	started := func(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format("20060102T150405Z") }
	makeQueue(t, srv, "theirs", nil)
	makeQueue(t, srv, "ours", map[string]string{"dlq_proof": "a", "dlq_proof_started": started(3 * time.Hour)})
	makeQueue(t, srv, "older", map[string]string{"dlq_proof": "b", "dlq_proof_started": started(30 * time.Hour)})
	makeQueue(t, srv, "new", map[string]string{"dlq_proof": "c", "dlq_proof_started": started(time.Hour)})
	sweep := func(want int, args ...string) (string, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		require.Equal(t, want, run(append([]string{"sweep", "--target", "endpoint"}, args...), &stdout, &stderr), stderr.String())
		return stdout.String(), stderr.String()
	}

	shown, _ := sweep(0)
	require.Regexp(t, `(?m)^queue  ours +a +3h0m\d+s +0$`, shown)
	require.Contains(t, shown, "older")
	require.NotContains(t, shown, "theirs")
	require.NotContains(t, shown, "new")
	require.Contains(t, shown, "--yes removes 2 of these")
	require.Equal(t, 4, holdingsOf(t, srv).queues)

	deleted, progress := sweep(0, "--yes", "--run", "a")
	require.Contains(t, deleted, "removed 1 of 1")
	require.Contains(t, progress, "deleted queue ours")
	require.Equal(t, 3, holdingsOf(t, srv).queues)

	srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "DeleteQueue"})
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	deleted, complaint := sweep(2, "--yes")
	require.Contains(t, deleted, "removed 0 of 1")
	require.Contains(t, complaint, "deleting queue older")

	nothing, _ := sweep(0, "--older-than", "240h", "--yes")
	require.Equal(t, "nothing is left of proofs older than 240h0m0s\n", nothing)
	var result map[string][]any
	found, _ := sweep(0, "--older-than", "240h", "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(found), &result))
	require.Equal(t, map[string][]any{"resources": {}, "directories": {}}, result)
}

func TestSweepingThisMachineOnly(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("DLQ_TARGET", "")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	ended := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, ended.Run())
	dir := filepath.Join(temp, "sqs-dlq-"+strconv.Itoa(ended.Process.Pid)+"-1")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "copy"), 0o755))
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"sweep", "--local", "--older-than", "0s"}, &stdout, &stderr), stderr.String())
	require.Contains(t, stdout.String(), dir)
	require.DirExists(t, dir)
	require.Zero(t, run([]string{"sweep", "--local", "--older-than", "0s", "--yes"}, &stdout, &stderr), stderr.String())
	require.NoDirExists(t, dir)
}

func TestMisuseOfSweepIsExplained(t *testing.T) {
	t.Setenv("DLQ_ALLOW_AWS", "")
	t.Setenv("DLQ_TARGET", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"an endpoint that is gone by now", nil, "an embedded endpoint ends with its process"},
		{"a real account without leave", []string{"--target", "aws"}, "set DLQ_ALLOW_AWS=1"},
		{"an endpoint without its URL", []string{"--target", "endpoint"}, "AWS_ENDPOINT_URL is not set"},
		{"an age in the future", []string{"--target", "aws", "--older-than", "-1h"}, "give an age"},
		{"an unknown form", []string{"--target", "aws", "-o", "html"}, "choose text or json"},
		{"a run on this machine", []string{"--local", "--run", "a"}, "--local and --run don't go together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, 2, run(append([]string{"sweep"}, tt.args...), &stdout, &stderr), stderr.String())
			require.Contains(t, stderr.String(), tt.want)
			require.Empty(t, stdout.String())
		})
	}
}
