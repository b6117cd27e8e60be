package sweep_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/internal/sweep"
	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// deadProcess returns the id of a process that has ended.
func deadProcess(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, cmd.Run())
	return cmd.Process.Pid
}

// leave makes a working directory of that process in temp, with that state if not empty.
func leave(t *testing.T, temp string, process int, state string) string {
	t.Helper()
	dir, err := os.MkdirTemp(temp, fmt.Sprintf("%s%d-", tfenv.TempPrefix, process))
	require.NoError(t, err)
	root := filepath.Join(dir, "copy", "stack")
	require.NoError(t, os.MkdirAll(root, 0o755))
	if state != "" {
		require.NoError(t, os.WriteFile(filepath.Join(root, "terraform.tfstate"), []byte(state), 0o600))
	}
	return dir
}

const (
	queueState = `{"version":4,"resources":[{"mode":"managed","type":"aws_sqs_queue","name":"dlq","instances":[{"attributes":{"arn":"arn:aws:sqs:us-east-1:000000000000:dlq","id":"http://aws/000000000000/dlq"}}]},
		{"mode":"managed","type":"aws_sqs_queue_policy","name":"dlq","instances":[{"attributes":{"id":"http://aws/000000000000/dlq","queue_url":"http://aws/000000000000/dlq"}}]},
		{"mode":"data","type":"aws_region","name":"here","instances":[{"attributes":{"id":"us-east-1"}}]}]}`
	roleState = `{"version":4,"resources":[{"mode":"managed","type":"aws_iam_role","name":"r","instances":[{"attributes":{"arn":"arn:aws:iam::000000000000:role/r","id":"r"}}]}]}`
)

func TestWorkingDirectoriesOfProcessesThatAreGoneAreFound(t *testing.T) {
	temp := t.TempDir()
	gone := deadProcess(t)
	want := leave(t, temp, gone, "")
	leave(t, temp, os.Getpid(), "") // of this process
	leave(t, temp, os.Getppid(), "")
	for _, name := range []string{"sqs-dlq-cache-123", "sqs-dlq-123", "sqs-dlq-x-1", "other"} {
		require.NoError(t, os.Mkdir(filepath.Join(temp, name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(temp, fmt.Sprintf("sqs-dlq-%d-file", gone)), nil, 0o600))
	require.NoError(t, os.Symlink(want, filepath.Join(temp, fmt.Sprintf("sqs-dlq-%d-link", gone))))

	found, err := sweep.FindWorkdirs(temp, sweep.Filter{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, want, found[0].Path)
	require.Equal(t, gone, found[0].Process)

	found, err = sweep.FindWorkdirs(temp, sweep.Filter{OlderThan: time.Hour})
	require.NoError(t, err)
	require.Empty(t, found)
	found, err = sweep.FindWorkdirs(temp, sweep.Filter{OlderThan: time.Hour, Now: time.Now().Add(2 * time.Hour)})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestAWorkingDirectoryStaysWhileItsStateMayBeNeeded(t *testing.T) {
	dlq := sweep.Resource{Kind: sweep.DLQ, ARN: "arn:aws:sqs:us-east-1:000000000000:dlq", URL: "http://aws/000000000000/dlq"}
	topic := sweep.Resource{Kind: sweep.Topic, ARN: "arn:aws:sns:us-east-1:000000000000:dlq"}
	process := deadProcess(t)
	for _, tt := range []struct {
		name     string
		state    string
		embedded bool
		deleted  []sweep.Resource
		advice   string // empty: it can be removed
	}{
		{name: "nothing was deployed"},
		{name: "its state is empty", state: `{"version":4,"resources":[]}`},
		{name: "all in its state was deleted", state: queueState, deleted: []sweep.Resource{topic, dlq}},
		{name: "what is left is in the state only", state: `{"version":4,"resources":[{"mode":"managed","type":"terraform_data","name":"names","instances":[{"attributes":{"id":"x"}}]}]}`},
		{name: "it was deployed onto an embedded endpoint", state: queueState, embedded: true},
		{name: "something in its state is still there", state: queueState, deleted: []sweep.Resource{topic}, advice: "its state has aws_sqs_queue.dlq, aws_sqs_queue_policy.dlq: destroy that with `terraform -chdir="},
		{name: "its state has what isn't swept", state: roleState, deleted: []sweep.Resource{dlq}, advice: "aws_iam_role.r"},
		{name: "its state can't be read", state: `{"version":`, deleted: []sweep.Resource{dlq}, advice: "its state can't be read"},
		{name: "its state is of another version", state: `{"version":5}`, advice: "version 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			temp := t.TempDir()
			dir := leave(t, temp, process, tt.state)
			if tt.embedded {
				require.NoError(t, sweep.MarkEmbedded(filepath.Join(dir, "copy", "stack")))
			}
			found, err := sweep.FindWorkdirs(temp, sweep.Filter{})
			require.NoError(t, err)
			require.Len(t, found, 1)
			advice := found[0].Advice(tt.deleted)
			if tt.advice != "" {
				require.Contains(t, advice, tt.advice)
				return
			}
			require.Empty(t, advice)
			require.NoError(t, found[0].Remove())
			require.NoDirExists(t, dir)
		})
	}
}

func TestRemovingAWorkingDirectoryLeavesWhatItsLinksLeadTo(t *testing.T) {
	temp, outside := t.TempDir(), t.TempDir()
	dir := leave(t, temp, deadProcess(t), "")
	require.NoError(t, os.WriteFile(filepath.Join(outside, "terraform.tfstate"), []byte(queueState), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "copy", "src")))
	found, err := sweep.FindWorkdirs(temp, sweep.Filter{})
	require.NoError(t, err)
	require.Empty(t, found[0].Advice(nil), "that state is none of its own")
	require.NoError(t, found[0].Remove())
	require.FileExists(t, filepath.Join(outside, "terraform.tfstate"))
}

// The names that Copy gives are those that are looked for.
func TestTheWorkingDirectoryOfThisProcessIsLeftAlone(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	stack := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(stack, "main.tf"), nil, 0o600))
	work, err := tfenv.Copy(stack)
	require.NoError(t, err)
	entries, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Regexp(t, fmt.Sprintf(`^sqs-dlq-%d-\d+$`, os.Getpid()), entries[0].Name())
	found, err := sweep.FindWorkdirs(temp, sweep.Filter{})
	require.NoError(t, err)
	require.Empty(t, found)
	require.NoError(t, work.Close())
}
