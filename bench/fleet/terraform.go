package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// terraform runs the binary in a directory. It doesn't go through terraform-exec, which
// runs the binary once more for its version: only the command itself is to be measured.
type terraform struct {
	binary, directory string
	environment       map[string]string // beside the process's own
}

// run runs a command and tells what it cost, but for the calls, and its exit status if that
// is 0 or 2. When ctx ends, Terraform is interrupted once and has a minute to end its
// provider.
func (t terraform) run(ctx context.Context, stdout io.Writer, args ...string) (c cost, status int, err error) {
	cmd := exec.CommandContext(ctx, t.binary, args...)
	cmd.Dir = t.directory
	cmd.Env = os.Environ()
	for name, value := range t.environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	ownGroup(cmd) // or a terminal's Ctrl-C comes to it twice, and it leaves its provider behind
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	begin := time.Now()
	err = cmd.Run()
	c.wall = time.Since(begin)
	if ctx.Err() != nil {
		return c, 0, ctx.Err()
	}
	if cmd.ProcessState != nil {
		c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // the provider's included
		status = cmd.ProcessState.ExitCode()
	}
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && status == hasChanges) {
		return c, status, fmt.Errorf("terraform %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return c, status, nil
}

// counter counts the lines that contain some text, and tells how many now and then.
type counter struct {
	of    []byte
	every time.Duration
	tell  func(n int)

	n    int
	rest []byte
	last time.Time
}

// Write never fails.
func (c *counter) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		if c.rest = rest; bytes.Contains(line, c.of) {
			c.n++
		}
		if now := time.Now(); now.Sub(c.last) >= c.every {
			c.last = now
			c.tell(c.n)
		}
	}
}
