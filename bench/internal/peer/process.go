// Package peer starts SQS endpoints as child processes, for benchmarks:
//
//	p, err := peer.Ours(ctx, dir)
//	defer p.Stop()
//	… use p.URL …
//
// A peer that this machine doesn't have is an error of type *Missing.
package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Missing says why a peer can't be had here.
type Missing struct{ Reason string }

func (m *Missing) Error() string { return "missing: " + m.Reason }

func missing(format string, args ...any) error { return &Missing{fmt.Sprintf(format, args...)} }

// Process is a running endpoint.
type Process struct {
	Name, Version string
	// URL is the endpoint's address on the loopback interface.
	URL string

	cmd    *exec.Cmd
	exited chan struct{} // closed once the process has been waited for
	output head
}

// startTimeout bounds how long an endpoint takes to answer.
const startTimeout = 30 * time.Second

// start runs cmd, which listens on address, and waits until GET health answers.
func start(ctx context.Context, name, version, address, health string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{Name: name, Version: version, URL: "http://" + address, cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx, health); err != nil {
		p.Stop()
		return nil, fmt.Errorf("starting %s: %w: %s", name, err, p.output.String())
	}
	return p, nil
}

func (p *Process) await(ctx context.Context, health string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+health, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(r); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", health, ctx.Err())
		case <-p.exited:
			return errors.New("the process has ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the process and its children, and waits for it.
func (p *Process) Stop() {
	terminateGroup(p.cmd)
	select {
	case <-p.exited:
	case <-time.After(2 * time.Second):
	}
	killGroup(p.cmd)
	<-p.exited
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// freeAddress returns an address of the loopback interface that nothing listens on.
func freeAddress() (address, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("finding a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	address = l.Addr().String()
	_, port, err = net.SplitHostPort(address)
	return address, port, err
}

// run runs a command to its end and returns what it printed, without space around.
func run(ctx context.Context, timeout time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %.300s", name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

// head keeps the beginning of what a process prints, for when it doesn't start.
type head struct {
	mu   sync.Mutex
	kept []byte
}

func (t *head) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b[:min(len(b), 2<<10-len(t.kept))]...)
	return len(b), nil
}

func (t *head) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.kept))
}

// environment is this process's, with more.
func environment(more ...string) []string { return append(os.Environ(), more...) }
