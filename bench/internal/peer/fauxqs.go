package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	fauxqsVersion = "2.4.1"
	// fauxqs needs a Node.js that has node:sqlite; an older one is helped out with the
	// npm package that carries Node.js itself.
	nodeNeeded  = 22
	nodePackage = "node@22"
)

// fauxqsServer starts fauxqs as its documentation has it for use within a program: without
// the request log that its command line writes, and on a loopback address only.
const fauxqsServer = `import { buildApp } from "fauxqs";
await buildApp({ logger: false }).listen({ host: "127.0.0.1", port: Number(process.env.FAUXQS_PORT) });`

// Fauxqs installs fauxqs with npm into a directory below dir, unless it is there already,
// and starts it.
func Fauxqs(ctx context.Context, dir string) (*Process, error) {
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, missing("there is no node on PATH")
	}
	dir = filepath.Join(dir, "fauxqs")
	packages := []string{"fauxqs@" + fauxqsVersion}
	if major(ctx, node) < nodeNeeded {
		packages = append(packages, nodePackage)
		node = filepath.Join(dir, "node_modules", "node", "bin", "node")
	}
	if installed(dir) != fauxqsVersion || major(ctx, node) < nodeNeeded {
		npm, err := exec.LookPath("npm")
		if err != nil {
			return nil, missing("there is no npm on PATH to install fauxqs with")
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("installing fauxqs: %w", err)
		}
		if _, err := run(ctx, 3*time.Minute, npm, append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir}, packages...)...); err != nil {
			return nil, missing("installing it: %v", err)
		}
	}
	version, err := run(ctx, 10*time.Second, node, "--version")
	if err != nil {
		return nil, missing("running Node.js: %v", err)
	}
	cmd := exec.Command(node, "--no-warnings", "--input-type=module", "--eval", fauxqsServer)
	cmd.Dir = dir // where the package is looked for
	cmd.Env = environment("FAUXQS_PORT=" + port)
	return start(ctx, "fauxqs", installed(dir)+" (npm), Node.js "+version, address, "/health", cmd)
}

// installed is the version of fauxqs that is installed in dir, "" if none is.
func installed(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", "fauxqs", "package.json"))
	if err != nil {
		return ""
	}
	var manifest struct{ Version string }
	if json.Unmarshal(b, &manifest) != nil {
		return ""
	}
	return manifest.Version
}

// major is the major version of a Node.js, 0 if it doesn't run.
func major(ctx context.Context, node string) int {
	version, err := run(ctx, 10*time.Second, node, "--version")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, _ := strconv.Atoi(first)
	return n
}
