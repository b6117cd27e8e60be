package tfenv

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Provider is a provider's process that serves many commands. Terraform otherwise starts one
// anew, several times for a command, and reads all that it can do each time: with the AWS
// provider that is seconds of CPU time for each.
//
// See "Running the provider as a server" in HashiCorp's page on debugging providers
// (TF_REATTACH_PROVIDERS). Commands may follow each other; those that run side by side
// must not configure the provider, or want the same.
type Provider struct {
	reattach string
	kill     context.CancelFunc
	ended    <-chan error
}

// StartProvider starts the AWS provider that the root module in dir, which was initialized,
// has got. The process has the environment that a command of Terraform would give it, with
// extra and keepAWS as in [Env.TerratestEnv]; what a command's own environment says about
// AWS doesn't reach it.
func (e *Env) StartProvider(ctx context.Context, dir string, extra map[string]string, keepAWS bool) (*Provider, error) {
	found, err := filepath.Glob(filepath.Join(dir, ".terraform", "providers", "*", "hashicorp", "aws", "*", platform(), "terraform-provider-aws*"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no AWS provider: initialize it first, with a module that needs one", dir)
	}
	ctx, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, found[0], "-debug")
	for name, value := range e.environ(extra, keepAWS) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = endsWithParent()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it then removes its socket
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		kill()
		return nil, err
	}
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// The process ends with the thread that started it (see endsWithParent).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		kill()
		return nil, fmt.Errorf("starting the AWS provider: %w", err)
	}
	p := &Provider{kill: kill, ended: ended}
	if p.reattach, err = reattachOf(stdout, sourceOf(found[0])); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the AWS provider: %w", err), p.Close())
	}
	go io.Copy(io.Discard, stdout) // it says nothing more that matters
	return p, nil
}

// Env is what a command's environment must have to use the provider. A command still reads
// all that the provider can do, and collects garbage for a third of its time unless GOGC,
// which is set here to what the user has, or else to 400, lets it use more memory.
func (p *Provider) Env() map[string]string {
	return map[string]string{"TF_REATTACH_PROVIDERS": p.reattach, "GOGC": cmp.Or(os.Getenv("GOGC"), "400")}
}

// Close ends the process.
func (p *Provider) Close() error {
	p.kill()
	var interrupted *exec.ExitError
	if err := <-p.ended; err != nil && !errors.As(err, &interrupted) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("ending the AWS provider: %w", err)
	}
	return nil
}

// sourceOf is the source address of a provider, by the path that Terraform keeps it at.
func sourceOf(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	return strings.Join(parts[len(parts)-6:len(parts)-3], "/")
}

// reattachOf reads from the provider's output how it is reached. The provider calls itself
// by the address in Terraform's registry; OpenTofu knows it by that in its own.
func reattachOf(output io.Reader, source string) (string, error) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "TF_REATTACH_PROVIDERS='")
		if !ok {
			continue
		}
		var byName map[string]json.RawMessage
		if err := json.Unmarshal([]byte(strings.TrimSuffix(value, "'")), &byName); err != nil {
			return "", fmt.Errorf("reading how it is reached: %w", err)
		}
		for _, how := range byName {
			b, err := json.Marshal(map[string]json.RawMessage{source: how})
			return string(b), err
		}
	}
	return "", errors.New("it ended without saying how it is reached")
}
