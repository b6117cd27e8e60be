// Command tfcheck checks the Terraform code of the repository, on any machine that
// internal/tfenv finds Terraform or OpenTofu on: its format, that every module, example
// and fixture is valid, and the modules' own tests.
//
//	go run ./internal/tfcheck        # all of it
//	go run ./internal/tfcheck fmt    # the format alone
//	DLQ_TERRAFORM=tofu go run ./internal/tfcheck
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := check(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "tfcheck: %v\n", err)
		os.Exit(1)
	}
}

// atOnce is how many directories are checked side by side. Starting the provider is
// work for a processor, so more gains nothing.
const atOnce = 2

func check(ctx context.Context, args []string) (err error) {
	onlyFormat := slices.Equal(args, []string{"fmt"})
	if len(args) > 0 && !onlyFormat {
		return fmt.Errorf("%q is nothing to check: name fmt, or nothing for everything", args)
	}
	env, err := tfenv.Find(ctx, tfenv.Options{})
	if err != nil {
		return err
	}
	if out, err := run(ctx, env, nil, ".", "fmt", "-check", "-diff", "-recursive"); err != nil {
		return fmt.Errorf("fmt would change these: %w\n%s", err, out)
	}
	if onlyFormat {
		return nil
	}
	fmt.Printf("%s %s, providers from %s\n", tool(env), env.Version, env.Providers)
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
	errs := make([]error, len(dirs))
	works := make([]*tfenv.Workdir, len(dirs))
	defer func() {
		for _, work := range works {
			if work != nil {
				err = errors.Join(err, work.Close())
			}
		}
	}()
	for i, dir := range dirs {
		if works[i], err = tfenv.Copy(dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	// Nothing here configures the provider, so that one process of it is enough, and one
	// module to install it for: each time Terraform would hash all of it.
	deployment, err := env.Deploy(works[0], tfenv.DeployOptions{})
	if err != nil {
		return err
	}
	if err := deployment.Init(ctx); err != nil {
		return fmt.Errorf("%s: %w", dirs[0], err)
	}
	provider, err := env.StartProvider(ctx, works[0].Dir, nil, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provider.Close()) }()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, dir := range dirs {
		group.Go(func() error {
			errs[i] = checkDir(ctx, env, provider, works[i].Dir, dir) // one that fails doesn't end the others
			return nil
		})
	}
	_ = group.Wait() // they are in errs
	return errors.Join(errs...)
}

// checkDir initializes and validates the copy of the directory, and runs its tests.
func checkDir(ctx context.Context, env *tfenv.Env, provider *tfenv.Provider, copied, dir string) error {
	began := time.Now()
	if out, err := initialize(ctx, env, provider, copied); err != nil {
		return fmt.Errorf("%s: %s init: %w\n%s", dir, tool(env), err, out)
	}
	if out, err := run(ctx, env, provider.Env(), copied, "validate"); err != nil {
		return fmt.Errorf("%s: %s validate: %w\n%s", dir, tool(env), err, out)
	}
	verdict := "valid"
	if tests, _ := filepath.Glob(filepath.Join(copied, "tests", "*.tftest.hcl")); len(tests) > 0 {
		out, err := run(ctx, env, provider.Env(), copied, "test")
		var beyond []string
		if env.Tofu {
			beyond = beyondTofu(out)
		}
		if err != nil && len(beyond) == 0 {
			return fmt.Errorf("%s: %s test: %w\n%s", dir, tool(env), err, out)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		verdict = lines[len(lines)-1]
		if len(beyond) > 0 {
			verdict = regexp.MustCompile(`\d+ passed`).FindString(verdict) + "; beyond OpenTofu: " + strings.Join(beyond, ", ")
		}
	}
	fmt.Printf("ok  %-28s %5.1fs  %s\n", dir, time.Since(began).Seconds(), verdict)
	return nil
}

// initialize links modules, and installs what providers there are besides the one running.
func initialize(ctx context.Context, env *tfenv.Env, provider *tfenv.Provider, dir string) (string, error) {
	unlock, err := env.LockInit(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	return run(ctx, env, provider.Env(), dir, "init", "-input=false")
}

// beyondTofu returns the test files that failed only by what OpenTofu's tests, unlike
// Terraform's, can't do: function calls in the variables of a run, and mocks of resources
// with a dynamic block that isn't known yet (real providers plan it). It is empty if
// anything else failed besides.
func beyondTofu(out string) []string {
	var files []string
	heads := regexp.MustCompile(`(?m)^(tests/\S+)\.\.\. (\w+)$`).FindAllStringSubmatchIndex(out, -1)
	for i, head := range heads {
		end := len(out)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		file, verdict, text := out[head[2]:head[3]], out[head[4]:head[5]], out[head[1]:end]
		if verdict == "pass" {
			continue
		}
		calls := strings.Count(text, "Error: Function calls not allowed")
		// a variable that can't be evaluated is missing as well
		missing := strings.Count(text, "Error: No value for required variable")
		blocks := strings.Count(strings.Join(strings.Fields(text), " "), "for unknown dynamic block.")
		if calls+blocks == 0 || strings.Count(text, "Error: ") != calls+missing+blocks {
			return nil
		}
		files = append(files, file)
	}
	return files
}

func tool(env *tfenv.Env) string {
	if env.Tofu {
		return "OpenTofu"
	}
	return "Terraform"
}

func run(ctx context.Context, env *tfenv.Env, extra map[string]string, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, env.Binary, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for name, value := range env.TerratestEnv(extra, false) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "TF_CLI_ARGS=-no-color")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
