package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// command runs dlq in a process of its own, with an empty directory for temporary files,
// and returns its exit status and what it wrote. interrupt, if not nil, says by what is on
// standard error when the process is to be interrupted.
func command(t *testing.T, interrupt func(stderr string) bool, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	temp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DLQ_RUN_AS_COMMAND=1", "TMPDIR="+temp)
	var out bytes.Buffer
	cmd.Stdout = &out
	pipe, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var errs bytes.Buffer
	for buf := make([]byte, 4096); ; {
		n, err := pipe.Read(buf)
		errs.Write(buf[:n])
		if interrupt != nil && interrupt(errs.String()) {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			interrupt = nil
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // the status says it
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left, "temporary files are left behind")
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestMain(m *testing.M) {
	if os.Getenv("DLQ_RUN_AS_COMMAND") != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil { // Terraform's waits need no processor
		panic(err)
	}
	os.Exit(m.Run())
}

func TestMisuseIsExplained(t *testing.T) {
	t.Setenv("DLQ_ALLOW_AWS", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	const minimal = "../../examples/minimal"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no directory", []string{"prove"}, "takes one directory"},
		{"a directory that isn't there", []string{"prove", "nowhere"}, "nowhere is not a directory"},
		{"a directory without Terraform files", []string{"prove", "."}, "holds no .tf files"},
		{"no receives", []string{"prove", minimal, "--max-receive-count", "0"}, "SQS takes 1 to 1000"},
		{"an unknown form", []string{"prove", minimal, "-o", "yaml"}, "choose text, json"},
		{"a report without a form", []string{"prove", minimal, "--report", "report"}, "end the file's name in"},
		{"a report to nowhere", []string{"prove", minimal, "--report", "nowhere/report.html"}, "there is no directory nowhere"},
		{"an unknown target", []string{"prove", minimal, "--target", "mars"}, "choose embedded, endpoint or aws"},
		{"a real account without leave", []string{"prove", minimal, "--target", "aws"}, "set DLQ_ALLOW_AWS=1"},
		{"an endpoint without its URL", []string{"prove", minimal, "--target", "endpoint"}, "AWS_ENDPOINT_URL is not set"},
		{"a variable without a value", []string{"prove", minimal, "--var", "name"}, "write it as name=value"},
		{"an unknown command", []string{"prov"}, "unknown command"},
		{"an unknown flag", []string{"prove", "--bogus"}, "unknown flag"},
		{"no history", []string{"check"}, "takes one file"},
		{"a history that isn't there", []string{"check", "nowhere"}, "opening the history"},
		{"a history that is none", []string{"check", "main.go"}, "dlq prove --history writes such files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, 2, run(tt.args, &stdout, &stderr), stderr.String())
			require.Contains(t, stderr.String(), tt.want)
			require.NotContains(t, stderr.String(), "goroutine")
			require.Empty(t, stdout.String())
		})
	}
}

// TestAMachineWithoutAnything gets one clear error, and soon.
func TestAMachineWithoutAnything(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // as good as no network
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var stdout, stderr bytes.Buffer
	require.Equal(t, 2, run([]string{"prove", "../../examples/minimal"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "neither terraform nor tofu is on PATH")
	require.Contains(t, stderr.String(), "install Terraform >= 1.9 or OpenTofu >= 1.9")
	require.NotContains(t, stderr.String(), "goroutine")
}

func needsTerraform(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("deploys with Terraform, which -short leaves out")
	}
	t.Parallel()
}

func TestProveAnExample(t *testing.T) {
	needsTerraform(t)
	dir := t.TempDir()
	page, history := filepath.Join(dir, "report.html"), filepath.Join(dir, "history.jsonl")
	status, stdout, stderr := command(t, nil, "prove", "../../examples/minimal", "-o", "json", "--report", page, "--history", history,
		"--var", "max_receive_count=3", "--max-receive-count", "3")
	require.Zero(t, status, stderr)
	var report dlqtest.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.True(t, report.Proven)
	require.Equal(t, 3, report.MaxReceiveCount)
	require.Equal(t, "arn:aws:sqs:us-east-1:000000000000:orders", report.Source)
	poison := 0
	for _, m := range report.Messages {
		if m.Fault != "crash" && m.Fault != "nack" {
			continue
		}
		poison++
		require.Len(t, m.Receives, 3)
		require.Equal(t, 4, m.DeadLettered.Count)
	}
	require.Equal(t, 4, poison)
	require.Contains(t, stderr, "still creating", "Terraform's waits show progress")
	require.Contains(t, stderr, "destroying the stack")
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "<svg")

	var checked, complaints bytes.Buffer
	require.Zero(t, run([]string{"check", history}, &checked, &complaints), complaints.String())
	require.Contains(t, checked.String(), "PROVEN")
	require.NotContains(t, checked.String(), "NOT PROVEN")
}

func TestAnotherExpectationIsNotProven(t *testing.T) {
	needsTerraform(t)
	status, stdout, stderr := command(t, nil, "prove", "../../examples/minimal", "--max-receive-count", "4")
	require.Equal(t, 1, status, stderr)
	require.Contains(t, stdout, "NOT PROVEN")
	require.Contains(t, stdout, "was received with count 5")
	require.Contains(t, stdout, "history of message")
}

func TestAnInterruptCleansUp(t *testing.T) {
	needsTerraform(t)
	began := time.Now()
	status, stdout, stderr := command(t, func(stderr string) bool { return strings.Contains(stderr, "aws_sqs_queue.dlq[0]: creating") },
		"prove", "../../examples/minimal")
	require.Equal(t, 130, status, stderr)
	require.Contains(t, stderr, "dlq: interrupted")
	require.Empty(t, stdout)
	require.Less(t, time.Since(began), time.Minute, "it doesn't wait for Terraform's waits to end")
}

func TestKeepLeavesTheStackUntilInterrupted(t *testing.T) {
	needsTerraform(t)
	status, stdout, stderr := command(t, func(stderr string) bool { return strings.Contains(stderr, "export AWS_ENDPOINT_URL=") },
		"prove", "../../examples/minimal", "--keep", "-o", "markdown")
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "orders")
	require.NotContains(t, stderr, "destroying")
}
