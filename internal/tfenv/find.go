package tfenv

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Options says where [Find] looks. The zero value looks at this machine; the
// fields are there to choose the binary and for tests.
type Options struct {
	// Binary is a name on PATH, or a path, to use and nothing else. Empty means
	// what the variable DLQ_TERRAFORM names, else terraform, else tofu, else a
	// download.
	Binary string

	Getenv   func(name string) string                              // default os.Getenv
	LookPath func(name string) (string, error)                     // default exec.LookPath
	Home     string                                                // default the user's home directory
	OptDir   string                                                // holds directories that may be mirrors; default /opt
	CacheDir string                                                // default "sqs-dlq" in the user's cache directory
	Install  func(ctx context.Context, dir string) (string, error) // puts a binary into dir; default hc-install
}

// Env is a Terraform that works on this machine. It is safe for concurrent use.
type Env struct {
	Binary    string // absolute path
	Version   string // such as "1.11.4"
	Tofu      bool   // OpenTofu rather than Terraform
	Providers string // where providers come from, for people

	vars     map[string]string
	initLock string // path of the lock that guards init; "" when init needs none
	registry bool   // providers are fetched, so init needs the network
}

// Find locates a binary of version 1.9 or later and a source of providers. When
// the machine has no binary and cannot fetch one, or what it has cannot be
// used, the error is a [*SetupError]. It takes seconds without a network, and
// minutes at most while a download makes progress.
func Find(ctx context.Context, o Options) (*Env, error) {
	o = o.withDefaults()
	cache, err := o.cacheDir()
	if err != nil {
		return nil, err
	}
	e := &Env{}
	if e.Binary, err = o.findBinary(ctx, cache); err != nil {
		return nil, err
	}
	if e.Tofu, e.Version, err = checkVersion(ctx, e.Binary, cache); err != nil {
		return nil, err
	}
	src, err := o.chooseProviders(e.Tofu, cache)
	if err != nil {
		return nil, err
	}
	e.Providers, e.registry = src.describe, src.registry
	if src.shared {
		e.initLock = filepath.Join(cache, "init.lock")
	}
	e.vars = map[string]string{
		"CHECKPOINT_DISABLE": "1", // else Terraform calls home and writes into the home directory
		"TF_IN_AUTOMATION":   "1",
		"TF_INPUT":           "0",
		// Few and short tries: without a network the answer should come at once.
		"TF_REGISTRY_CLIENT_TIMEOUT":  orDefault(o.Getenv("TF_REGISTRY_CLIENT_TIMEOUT"), "10"),
		"TF_REGISTRY_DISCOVERY_RETRY": orDefault(o.Getenv("TF_REGISTRY_DISCOVERY_RETRY"), "1"),
	}
	maps.Copy(e.vars, src.vars)
	return e, nil
}

// LockInit waits until no other process and no other goroutine runs init on the
// shared plugin cache, which is not safe for concurrent use, and returns the
// function that lets the next one in. [Deployment.Init] does it itself; it is
// for callers that run init by other means, such as terratest. Where no plugin
// cache is shared it returns at once.
func (e *Env) LockInit(ctx context.Context) (unlock func(), err error) {
	if e.initLock == "" {
		return func() {}, nil
	}
	l := flock.New(e.initLock)
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("waiting for another terraform init to end: %w", err)
	}
	return func() { _ = l.Unlock() }, nil // closing the file cannot leave it locked
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // none: nothing is looked for below it
	}
	if o.OptDir == "" {
		o.OptDir = "/opt"
	}
	if o.Install == nil {
		o.Install = install
	}
	return o
}

// cacheDir returns a directory that can be written to, on machines with a
// read-only or absent home too. The last resort has a random name since a fixed
// one in a shared temporary directory could be planted by someone else.
func (o Options) cacheDir() (string, error) {
	dir := o.CacheDir
	if dir == "" {
		if user, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(user, "sqs-dlq")
		}
	}
	if dir != "" && writable(dir) {
		return filepath.Abs(dir)
	}
	dir, err := os.MkdirTemp("", "sqs-dlq-cache-")
	if err != nil {
		return "", fmt.Errorf("making a cache directory: %w", err)
	}
	return dir, nil
}

func writable(dir string) bool {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false
	}
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return false
	}
	_ = f.Close()
	return os.Remove(f.Name()) == nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
