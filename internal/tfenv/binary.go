package tfenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// minVersion is the oldest release in which a variable's validation may refer
// to other variables, on which the modules rely.
const minVersion = "1.9.0"

// binaryVar chooses the binary where a machine has several, for every command and
// suite of the repository.
const binaryVar = "DLQ_TERRAFORM"

const howToInstall = "install Terraform >= 1.9 or OpenTofu >= 1.9 and put it on PATH"

// installTimeout bounds a whole download of some 30 MB; a machine without a
// network fails long before, when the connection does.
const installTimeout = 3 * time.Minute

// findBinary returns the absolute path of the binary to run.
func (o Options) findBinary(ctx context.Context, cache string) (string, error) {
	if name := orDefault(o.Binary, o.Getenv(binaryVar)); name != "" {
		path, err := o.LookPath(name)
		if err != nil {
			return "", &SetupError{Problem: fmt.Sprintf("%q is not an executable", name), Do: howToInstall + ", or name another binary in " + binaryVar}
		}
		return filepath.Abs(path)
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := o.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	path, err := o.installOnce(ctx, filepath.Join(cache, "bin"))
	if err != nil {
		return "", &SetupError{
			Problem: "neither terraform nor tofu is on PATH, and Terraform could not be downloaded",
			Err:     err,
			Do:      howToInstall + "; on a machine without the provider registry also set TF_PROVIDER_MIRROR to a directory that holds " + awsProvider,
		}
	}
	return path, nil
}

// installOnce downloads the binary into dir unless an earlier run did. It
// downloads next to it and renames, so that no one ever runs half a binary.
func (o Options) installOnce(ctx context.Context, dir string) (string, error) {
	name := "terraform"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	lock := flock.New(filepath.Join(dir, "install.lock"))
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for another download to end: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	if isFile(path) {
		return path, nil
	}
	tmp, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	got, err := o.Install(ctx, tmp)
	if err != nil {
		return "", err
	}
	return path, os.Rename(got, path)
}

// install fetches the latest Terraform that the modules accept; hc-install
// checks its signature. Its own HTTP client retries for a quarter of a minute
// when there is no network, so it gets one that gives up on the first failure.
func install(ctx context.Context, dir string) (string, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() // keeps the proxy settings
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	transport.TLSHandshakeTimeout = 5 * time.Second
	transport.ResponseHeaderTimeout = 10 * time.Second
	constraints, err := version.NewConstraint(">= " + minVersion)
	if err != nil {
		return "", err
	}
	return (&releases.LatestVersion{
		Product:     product.Terraform,
		Constraints: constraints,
		InstallDir:  dir,
		Timeout:     installTimeout,
		HTTPClient:  &http.Client{Transport: transport},
	}).Install(ctx)
}

// checkVersion runs the binary once, which also tells Terraform from OpenTofu
// whatever its file is called.
func checkVersion(ctx context.Context, binary, dir string) (tofu bool, v string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "version")
	cmd.Dir = dir // away from the caller's .terraform, whose providers it would list
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=", "TERRAFORM_CONFIG=", "TF_CLI_ARGS=", "TF_CLI_ARGS_version=", "TF_DATA_DIR=")
	cmd.WaitDelay = time.Second // a wrapper's child may hold the pipe
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, strings.Join(strings.Fields(string(exit.Stderr)), " "))
		}
		return false, "", &SetupError{Problem: binary + " does not run", Err: err, Do: howToInstall}
	}
	m := regexp.MustCompile(`(?m)^(Terraform|OpenTofu) v(\S+)`).FindSubmatch(out)
	if m == nil {
		return false, "", &SetupError{Problem: binary + " is neither Terraform nor OpenTofu", Do: howToInstall}
	}
	got, err := version.NewVersion(string(m[2]))
	if err != nil {
		return false, "", fmt.Errorf("reading the version of %s: %w", binary, err)
	}
	if got.Core().LessThan(version.Must(version.NewVersion(minVersion))) {
		return false, "", &SetupError{Problem: fmt.Sprintf("%s is %s %s, which is too old", binary, m[1], got), Do: howToInstall}
	}
	return string(m[1]) == "OpenTofu", got.String(), nil
}
