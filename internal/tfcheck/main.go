// Command tfcheck checks the Terraform code of the repository, on any machine that
// internal/tfenv finds Terraform on: its format, that every module, example and fixture
// is valid, and the modules' own tests.
//
//	go run ./internal/tfcheck
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := check(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "tfcheck: %v\n", err)
		os.Exit(1)
	}
}

// atOnce is how many directories are checked side by side. Starting the provider is
// work for a processor, so more gains nothing.
const atOnce = 2

func check(ctx context.Context) error {
	env, err := tfenv.Find(ctx, tfenv.Options{})
	if err != nil {
		return err
	}
	if out, err := run(ctx, env, ".", "fmt", "-check", "-diff", "-recursive"); err != nil {
		return fmt.Errorf("terraform fmt would change these: %w\n%s", err, out)
	}
	var dirs []string
	for _, pattern := range []string{"modules/*/main.tf", "examples/*/main.tf", "test/fixtures/*/main.tf"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range files {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	if len(dirs) == 0 {
		return errors.New("there is no module here: run it in the root of the repository")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, dir := range dirs {
		group.Go(func() error { return checkDir(ctx, env, dir) })
	}
	return group.Wait()
}

// checkDir validates a copy of the directory and runs its tests.
func checkDir(ctx context.Context, env *tfenv.Env, dir string) (err error) {
	began := time.Now()
	work, err := tfenv.Copy(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	deployment, err := env.Deploy(work, tfenv.DeployOptions{})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{deployment.Init, deployment.Validate} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	verdict := "valid"
	if tests, _ := filepath.Glob(filepath.Join(work.Dir, "tests", "*.tftest.hcl")); len(tests) > 0 {
		out, err := run(ctx, env, work.Dir, "test")
		if err != nil {
			return fmt.Errorf("%s: terraform test: %w\n%s", dir, err, out)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		verdict = lines[len(lines)-1]
	}
	fmt.Printf("ok  %-28s %5.1fs  %s\n", dir, time.Since(began).Seconds(), verdict)
	return nil
}

func run(ctx context.Context, env *tfenv.Env, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, env.Binary, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for name, value := range env.TerratestEnv(nil, false) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "TF_CLI_ARGS=-no-color")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
