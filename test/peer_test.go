//go:build peers

package test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// The proof is run on an endpoint that shares no code with awstest, on the wall clock: what
// the two disagree in is a mistake of one of them. Where fauxqs differs from AWS is stated
// literally, so that the test fails if that changes or if the proof no longer sees it.
//
// These tests need npm, and a registry that it is configured for:
//
//	go test -tags peers -run Peer ./test/

// peerDeviations are what the proof finds on fauxqs, by invariant. AWS differs in each: see
// docs/grounds.md.
func peerDeviations(maxReceiveCount int, fifo bool) map[dlqtest.Invariant][]string {
	found := map[dlqtest.Invariant][]string{
		dlqtest.DeadLettered: {
			fmt.Sprintf("its first receive from the DLQ had count %d, not %d", maxReceiveCount+2, maxReceiveCount+1),
			`names "" as its source queue, not the source`,
		},
		dlqtest.Intact: {
			"has another set of attributes in the DLQ than was sent", // it has no trace header
			"has another set of attributes in the source queue than was sent",
		},
	}
	if fifo {
		found[dlqtest.Intact] = append(found[dlqtest.Intact],
			"was sent at an instant by the DLQ, before it was received from the source queue at an instant: in a FIFO DLQ it counts as sent when it is moved")
	}
	return found
}

func TestPeer(t *testing.T) {
	const maxReceiveCount = 3
	peer := startFauxqs(t)
	control := awstest.Start(t) // the same proof on the same clock, but as AWS does it
	for _, fifo := range []bool{false, true} {
		kind := map[bool]string{false: "standard", true: "FIFO"}[fifo]
		t.Run("fauxqs/"+kind, func(t *testing.T) {
			t.Parallel()
			proof := proveOnWallClock(t, peer, fifo, maxReceiveCount)
			for _, v := range proof.Verdicts {
				want := peerDeviations(maxReceiveCount, fifo)[v.Invariant]
				require.ElementsMatch(t, want, whatWasFound(proof, v), "%s: %s", v.Invariant, v.Summary)
				status := dlqtest.Held
				if want != nil {
					status = dlqtest.Violated
				}
				require.Equal(t, status, v.Status, v.Invariant)
			}
		})
		t.Run("awstest/"+kind, func(t *testing.T) {
			t.Parallel()
			proof := proveOnWallClock(t, control.Config(), fifo, maxReceiveCount)
			require.True(t, proof.Proven(), reportText(t, proof))
		})
	}
	t.Run("fauxqs/what a proof doesn't look at", func(t *testing.T) {
		t.Parallel()
		client := sqs.NewFromConfig(peer)
		p := createPeerPair(t, client, "others", maxReceiveCount)

		require.ErrorContains(t, checkOnlySourceAllowed(t.Context(), client, p), "could make it its DLQ")

		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &p.QueueURL, MessageBody: aws.String("🧪")})
		require.ErrorContains(t, err, "InvalidMessageContents")

		_, err = client.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &p.DLQARN})
		var refusal smithy.APIError
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, "InvalidAction", refusal.ErrorCode())
	})
}

// proveOnWallClock proves a new pair with every fault. There is no alarm, and the DLQ is
// kept: the peer has neither CloudWatch nor message move tasks.
func proveOnWallClock(t *testing.T, cfg aws.Config, fifo bool, maxReceiveCount int) *dlqtest.Proof {
	name := "orders"
	if fifo {
		name += ".fifo"
	}
	p := createPeerPair(t, sqs.NewFromConfig(cfg), name, maxReceiveCount)
	var plan []dlqtest.Message
	for i, f := range []dlqtest.Fault{
		dlqtest.Crash(), dlqtest.Nack(), dlqtest.Stale(), dlqtest.PartialBatch(), dlqtest.SlowPoison(),
		dlqtest.SlowHeartbeat(), dlqtest.Killed(), dlqtest.Duplicate(),
		dlqtest.Flaky(maxReceiveCount-1, dlqtest.Leave), dlqtest.Flaky(maxReceiveCount-1, dlqtest.Return),
	} {
		m, behind := dlqtest.Message{Fault: f}, dlqtest.Message{Fault: dlqtest.Healthy()}
		if fifo {
			m.Group = fmt.Sprintf("group-%d", i)
			behind.Group = m.Group
		}
		plan = append(plan, m, behind)
	}
	proof, err := dlqtest.Prove(t.Context(), dlqtest.Target{Config: cfg, Ground: dlqtest.Endpoint}, dlqtest.Queue{
		URL: p.QueueURL, DLQ: p.DLQURL, MaxReceiveCount: maxReceiveCount, KeepDLQ: true,
	}, dlqtest.WithPlan(plan), dlqtest.WithConsumers(2), dlqtest.WithText(`größer, 大きい, "quoted" <&>`))
	require.NoError(t, err)
	return proof
}

// createPeerPair creates a queue with a short visibility timeout, and its DLQ.
func createPeerPair(t *testing.T, client *sqs.Client, name string, maxReceiveCount int) pair {
	const region = "arn:aws:sqs:us-east-1:000000000000:"
	kind := map[string]string{}
	base, fifo := strings.CutSuffix(name, ".fifo")
	dlqName := base + "-dlq"
	if fifo {
		dlqName += ".fifo"
		kind["FifoQueue"] = "true"
	}
	create := func(name string, attributes map[string]string) string {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: with(kind, attributes)})
		require.NoError(t, err)
		return *out.QueueUrl
	}
	p := pair{QueueARN: region + name, DLQARN: region + dlqName}
	p.DLQURL = create(dlqName, map[string]string{
		"RedriveAllowPolicy": fmt.Sprintf(`{"redrivePermission":"byQueue","sourceQueueArns":[%q]}`, p.QueueARN),
	})
	p.QueueURL = create(name, map[string]string{
		"VisibilityTimeout": "3",
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, p.DLQARN, maxReceiveCount),
	})
	return p
}

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`)

// whatWasFound is what a verdict complains of, each once.
func whatWasFound(proof *dlqtest.Proof, v dlqtest.Verdict) []string {
	var found []string
	seen := map[string]bool{}
	for _, f := range v.Findings {
		what := instant.ReplaceAllString(strings.ReplaceAll(f.What, proof.History.SourceARN, "the source"), "an instant")
		if !seen[what] {
			seen[what] = true
			found = append(found, what)
		}
	}
	return found
}

func reportText(t *testing.T, proof *dlqtest.Proof) string {
	var text strings.Builder
	require.NoError(t, proof.Report().WriteText(&text))
	return text.String()
}

// startFauxqs installs the peer, in the versions that peer/package-lock.json states, runs it
// until the test ends, and returns the configuration of its clients.
func startFauxqs(t *testing.T) aws.Config {
	npm, err := exec.LookPath("npm")
	require.NoError(t, err, "the peers are packages of npm: install it, or leave out the build tag peers")
	dir := t.TempDir()
	for _, file := range []string{"package.json", "package-lock.json", "serve.js"} {
		b, err := os.ReadFile(filepath.Join("peer", file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), b, 0o600))
	}
	install := exec.CommandContext(t.Context(), npm, "ci", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund")
	out, err := install.CombinedOutput()
	require.NoError(t, err, "%s", out)

	// its own Node.js, whatever the machine has
	serve := exec.Command(filepath.Join(dir, "node_modules", ".bin", "node"), "serve.js")
	serve.Dir, serve.WaitDelay = dir, 10*time.Second
	var stderr strings.Builder
	serve.Stderr = &stderr
	stdin, err := serve.StdinPipe()
	require.NoError(t, err)
	stdout, err := serve.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, serve.Start())
	url, err := bufio.NewReader(stdout).ReadString('\n')
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		require.NoError(t, serve.Wait(), stderr.String())
	})
	require.NoError(t, err, "fauxqs said no URL: %s", &stderr)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(strings.TrimSpace(url)),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}
