package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// The guide for stacks that don't use this repository's modules is held to what it says.

const guide = "../docs/prove-your-own-stack.md"

// snippets returns the guide's code blocks in the language.
func snippets(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, match[1])
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// TestTheGuideShowsWhatIsTested holds the guide's Terraform code to the fixture, letter by
// letter.
func TestTheGuideShowsWhatIsTested(t *testing.T) {
	var tested strings.Builder
	for _, pattern := range []string{"fixtures/own-stack/*.tf", "fixtures/own-stack/registry-module/*.tf"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			tested.Write(text)
		}
	}
	for _, snippet := range snippets(t, "hcl") {
		require.Contains(t, tested.String(), snippet)
	}
}

// TestOwnStack deploys the guide's stack and proves its queues.
func TestOwnStack(t *testing.T) {
	needsTerraform(t)
	s := deploy(t, "fixtures/own-stack", map[string]any{"name": uniqueName("orders")})
	s.requireNoChanges(t)
	orders := pair{
		QueueURL: s.text(t, "queue_url"), DLQURL: s.text(t, "dlq_url"),
		AlarmName: s.text(t, "not_empty_alarm_name"), Notification: s.text(t, "notification_queue_url"),
	}
	t.Run("orders, whose alarm counts visible messages and tells of ALARM only", func(t *testing.T) {
		require.NoError(t, checkQueue(t.Context(), s.target.Target, ownQueue(orders)))
	})
	if s.virtual() {
		t.Run("orders, if it were to tell of OK as well", func(t *testing.T) {
			q := ownQueue(orders)
			q.NoOKNotification = false
			require.ErrorContains(t, checkQueue(t.Context(), s.target.Target, q), "no notification of the alarm's change to OK arrived")
		})
	}
	var fleet map[string]pair
	s.output(t, "queues", &fleet)
	require.Len(t, fleet, 2)
	for name, p := range fleet {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, checkQueue(t.Context(), s.target.Target, ownQueue(p)))
		})
	}
}

// ownQueue is what the guide's stack is expected to be.
func ownQueue(p pair) dlqtest.Queue {
	return dlqtest.Queue{
		URL: p.QueueURL, DLQ: p.DLQURL, MaxReceiveCount: 5,
		Alarm: p.AlarmName, Notifications: p.Notification, NoOKNotification: true,
		Force: true, // the suite's own queue, which an earlier check may have used
	}
}

func checkQueue(ctx context.Context, t dlqtest.Target, q dlqtest.Queue, opts ...dlqtest.Option) error {
	proof, err := dlqtest.Prove(ctx, t, q, opts...)
	if proof == nil || err == nil && proof.Proven() {
		return err
	}
	var text strings.Builder
	return errors.Join(proof.Report().WriteText(&text), err, errors.New(text.String()))
}

// TestOwnSuite runs the guide's Go test as it stands, in a module of its own beside the
// guide's stack.
func TestOwnSuite(t *testing.T) {
	needsTerraform(t)
	env, err := findTerraform()
	require.NoError(t, err)
	tests := snippets(t, "go")
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	repository, err := filepath.Abs("..")
	require.NoError(t, err)
	const module = "github.com/sqs-dlq/sqs-dlq"
	gomod := strings.Replace(read("../go.mod"), "module "+module, "module example.com/orders", 1)
	write("go.mod", gomod+fmt.Sprintf("\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", module, repository))
	write("go.sum", read("../go.sum"))
	for _, file := range []string{"main.tf", "alarm.tf"} {
		write(filepath.Join("infra", file), read(filepath.Join("fixtures/own-stack", file)))
	}
	for i, text := range tests {
		write(fmt.Sprintf("test%d/orders_test.go", i+1), text)
	}

	// As this test is built itself, or Go compiles all that it needs once more.
	race := "-race=" + strconv.FormatBool(builtWithRace())
	vet := exec.CommandContext(t.Context(), "go", "vet", race, "-mod=mod", "./...")
	vet.Dir = root
	out, err := vet.CombinedOutput()
	require.NoError(t, err, "%s", out)

	// the first is the one that needs no account
	run := exec.CommandContext(t.Context(), "go", "test", race, "-mod=mod", "-count=1", "-v", "./test1")
	run.Dir, run.Env = root, os.Environ()
	for name, value := range env.TerratestEnv(nil, false) {
		run.Env = append(run.Env, name+"="+value)
	}
	out, err = run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestOrdersDeadLetters")
	require.Contains(t, string(out), "PROVEN")
	require.NotContains(t, string(out), "NOT PROVEN")
}

// builtWithRace tells whether this program watches for data races.
func builtWithRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
