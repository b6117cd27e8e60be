package peer

import (
	"context"
	"os/exec"
	"path/filepath"
	"time"
)

// Ours builds `dlq` of this repository into dir and starts `dlq serve`. The working
// directory is in the repository.
func Ours(ctx context.Context, dir string) (*Process, error) {
	address, _, err := freeAddress()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "dlq")
	if _, err := run(ctx, 5*time.Minute, "go", "build", "-o", program, "github.com/sqs-dlq/sqs-dlq/cmd/dlq"); err != nil {
		return nil, err
	}
	version := "this repository"
	if commit, err := run(ctx, 10*time.Second, "git", "describe", "--always", "--dirty"); err == nil {
		version = commit
	}
	return start(ctx, "dlq serve", version, address, "/_health", exec.Command(program, "serve", "--listen", address))
}
