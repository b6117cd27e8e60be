package test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// TestAnInterruptedSuiteDestroysWhatItDeployed runs a suite in a process of its own against
// this process's endpoint, as it would run against an account, and interrupts it while
// Terraform applies.
func TestAnInterruptedSuiteDestroysWhatItDeployed(t *testing.T) {
	needsTerraform(t)
	srv := awstest.Start(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestExamples$/^minimal$", "-test.timeout", "20m")
	cmd.Env = append(os.Environ(), "DLQ_TARGET=endpoint", "TMPDIR="+t.TempDir())
	for name, value := range srv.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	client := sqs.NewFromConfig(srv.Config())
	queues := func(ctx context.Context) int {
		out, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
		require.NoError(t, err)
		return len(out.QueueUrls)
	}
	require.Eventually(t, func() bool { return queues(t.Context()) > 0 }, 2*time.Minute, 200*time.Millisecond, "it deploys")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait() // the status says it
	require.Equal(t, 1, cmd.ProcessState.ExitCode(), output.String())
	require.Contains(t, output.String(), "interrupted, or short of time")
	require.Zero(t, queues(t.Context()), output.String())
}
