package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func TestTheCommandComparesTheLayouts(t *testing.T) {
	if testing.Short() {
		t.Skip("deploys, which takes minutes and which -short leaves out")
	}
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.Fields("-pairs 1 -repeats 2 -markdown"), &out, io.Discard))
	for _, row := range []string{
		`\| data sources a pair \| 3\.0 \| 8\.0 \|  \|`,
		`\| no-op plan: wall time \| [\d.]+ s \([\d.]+ to [\d.]+\) \| [\d.]+ s \([\d.]+ to [\d.]+\) \| [\d.]+ \|`,
		`\| no-op plan: API calls a pair \| [\d.]+ \| [\d.]+ \| 0\.\d+ \|`,
		`\| sqs GetQueueAttributes \| \d+ \| \d+ \| 2 \| 6 \|`,
	} {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+row+`$`), out.String())
	}
	requireEmpty(t, os.TempDir())
}

// cancelling is where progress goes; the first word of it ends the context.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

func TestAnInterruptedCommandLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Terraform, which -short leaves out")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	err := run(ctx, strings.Fields("-pairs 1"), io.Discard, cancelling{cancel})
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, os.TempDir())
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-pairs 0", "must be positive"},
		{"-repeats 0", "must be positive"},
		{"-latency -1s", "must not be negative"},
	} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(tt.args), io.Discard, io.Discard), tt.want, tt.args)
	}
}

func TestLayoutsThatDeployDifferentlyAreNotCompared(t *testing.T) {
	deployed := func(t *testing.T, queues map[string]map[string]string) *awstest.Server {
		srv := awstest.Start(t)
		client := sqs.NewFromConfig(srv.Config())
		for name, attributes := range queues {
			_, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
			require.NoError(t, err)
		}
		return srv
	}
	here := map[string]map[string]string{"orders": {"VisibilityTimeout": "30"}, "orders-dlq": nil}
	for _, tt := range []struct {
		name  string
		there map[string]map[string]string
		want  string
	}{
		{"another attribute", map[string]map[string]string{"orders": {"VisibilityTimeout": "60"}, "orders-dlq": nil}, `orders is`},
		{"a missing queue", map[string]map[string]string{"orders": {"VisibilityTimeout": "30"}}, "and\nmissing"},
		{"one queue more", map[string]map[string]string{"orders": nil, "orders-dlq": nil, "payments": nil}, "payments is\nmissing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, sameDeployed(t.Context(), deployed(t, here), deployed(t, tt.there)), tt.want)
		})
	}
	require.ErrorContains(t, sameDeployed(t.Context(), deployed(t, here), deployed(t, here)), "nothing deployed", "there are no alarms")
}

func TestLayoutsWithOtherDocumentsAreNotCompared(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage","sqs:GetQueueUrl"],"Resource":["q"]}]}`
	here := map[string]string{"producer of orders": document}
	require.NoError(t, sameDocuments(here, map[string]string{
		"producer of orders": `{"Statement":{"Action":["sqs:GetQueueUrl","sqs:SendMessage"],"Effect":"Allow","Resource":"q"},"Version":"2012-10-17"}`,
	}))
	for _, tt := range []struct {
		name, document, want string
	}{
		{"one action more", strings.Replace(document, `"sqs:GetQueueUrl"`, `"sqs:GetQueueUrl","sqs:*"`, 1), "producer of orders is"},
		{"another resource", strings.Replace(document, `["q"]`, `["*"]`, 1), "producer of orders is"},
		{"not JSON", "{", "reading the policy of the producer of orders"},
	} {
		require.ErrorContains(t, sameDocuments(here, map[string]string{"producer of orders": tt.document}), tt.want, tt.name)
	}
	require.ErrorContains(t, sameDocuments(here, nil), "and\nmissing")
}

func TestTheTableHasMediansAndRatios(t *testing.T) {
	fleetOf := func(name string, calls int, noOp ...time.Duration) *fleet {
		f := &fleet{name: name, pairs: 10}
		for _, wall := range noOp {
			f.noOp = append(f.noOp, cost{wall: wall, cpu: 2 * wall, calls: map[string]int{"sqs GetQueueAttributes": calls}})
		}
		f.first, f.applied = f.noOp[:1], f.noOp[:1]
		return f
	}
	fleets := [2]*fleet{fleetOf("ours", 20, 9*time.Second, 3*time.Second, 4*time.Second), fleetOf("theirs", 60, 8*time.Second)}
	states := [2]state{
		{bytes: 500, resources: map[string]int{"sqs_queue": 20}},
		{bytes: 1000, resources: map[string]int{"sqs_queue": 20, "sqs_queue_policy": 20}, data: map[string]int{"aws_region": 10}},
	}
	var out bytes.Buffer
	write(&out, costTable(fleets, states, 10), true)
	for _, row := range []string{
		"|  | ours | theirs | first / second |\n|---|--:|--:|--:|\n",
		"| resources a pair | 2.0 | 4.0 | 0.50 |\n",
		"| data sources a pair | 0.0 | 1.0 |  |\n",
		"| no-op plan: wall time | 4.0 s (3.0 to 9.0) | 8.0 s | 0.50 |\n",
		"| no-op plan: CPU time of Terraform | 8.0 s | 16.0 s | 0.50 |\n",
		"| no-op plan: API calls a pair | 2.0 | 6.0 | 0.33 |\n",
		"| state | 500 bytes | 1000 bytes | 0.50 |\n",
	} {
		require.Contains(t, out.String(), row)
	}
	require.Equal(t, []string{"sqs GetQueueAttributes", "20", "60", "20", "60"}, callTable(fleets)[1])
}

func TestProgressIsToldOfWholeLines(t *testing.T) {
	var told []int
	c := &counter{of: []byte("complete"), tell: func(n int) { told = append(told, n) }}
	for _, part := range []string{"a: Creation comp", "lete\nb: Creating\n", "c: Creation complete"} {
		_, err := io.WriteString(c, part)
		require.NoError(t, err)
	}
	require.Equal(t, []int{1, 1}, told)
}
