package tfenv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-config-inspect/tfconfig"
)

// backendOverride keeps state in the copy whatever backend the root module
// declares: deploying a copy must never touch the state of the original.
const (
	backendOverrideFile = "sqs_dlq_backend_override.tf"
	backendOverride     = "terraform {\n  backend \"local\" {}\n}\n"
)

// TempPrefix begins the names of the directories that Copy makes among the temporary
// files; the id of the process follows, then a dash.
const TempPrefix = "sqs-dlq-"

// Workdir is a copy of a root module that Terraform may write to.
type Workdir struct {
	Source string // the root module copied, absolute and free of symbolic links
	Dir    string // its copy, where Terraform runs

	temp string
}

// Copy copies the root module at dir, and every local module that it calls, to
// a new temporary directory in the same layout, so that nothing is left behind
// in the original and copies can be deployed side by side. Variable files that
// Terraform loads by itself come along; state, lock file and .terraform do not,
// and the state of the copy is kept in it, whatever backend is declared.
//
// Files next to the modules ("../src/handler.zip") are reached through symbolic
// links to the originals, up to the root of the git work tree.
//
// A directory that is not a root module, or does not parse, is a [*SetupError].
func Copy(dir string) (*Workdir, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil || !isDir(root) {
		return nil, &SetupError{Problem: dir + " is not a directory", Do: "name the directory of a Terraform root module"}
	}
	modules := map[string]bool{}
	if err := findModules(root, dir, modules); err != nil {
		return nil, err
	}
	top := root
	for m := range modules {
		top = commonAncestor(top, m)
	}
	top = workTree(top)

	// the process is in its name, so that what a killed one left is known for that
	temp, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", TempPrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("making a working directory: %w", err)
	}
	c := copier{top: top, temp: temp, modules: modules}
	w := &Workdir{Source: root, Dir: c.target(root), temp: temp}
	if err := c.copyAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("copying %s: %w", dir, err), w.Close())
	}
	if err := os.WriteFile(filepath.Join(w.Dir, backendOverrideFile), []byte(backendOverride), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("copying %s: %w", dir, err), w.Close())
	}
	return w, nil
}

// Close removes the copy, with the state in it: destroy first.
func (w *Workdir) Close() error { return os.RemoveAll(w.temp) }

// findModules adds dir and the local modules below it in the call tree to seen.
// Paths are joined lexically, as Terraform does.
func findModules(dir, shown string, seen map[string]bool) error {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	if !tfconfig.IsModuleDir(dir) {
		return &SetupError{Problem: shown + " holds no .tf files", Do: "name the directory of a Terraform root module"}
	}
	module, diags := tfconfig.LoadModule(dir)
	for _, d := range diags {
		if d.Severity == tfconfig.DiagError {
			return &SetupError{Problem: "invalid configuration in " + shown, Err: problem(dir, d), Do: "correct it; `terraform validate` shows more"}
		}
	}
	for _, call := range module.ModuleCalls {
		if !isLocal(call.Source) {
			continue
		}
		child := filepath.Join(dir, filepath.FromSlash(call.Source))
		if !isDir(child) {
			return &SetupError{
				Problem: fmt.Sprintf("module %q at %s:%d calls %s, which is not a directory", call.Name, filepath.Join(shown, filepath.Base(call.Pos.Filename)), call.Pos.Line, call.Source),
				Do:      "correct its source, or check out the missing module",
			}
		}
		if err := findModules(child, child, seen); err != nil {
			return err
		}
	}
	return nil
}

func problem(dir string, d tfconfig.Diagnostic) error {
	text := d.Summary
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	if d.Pos == nil {
		return errors.New(text)
	}
	file := d.Pos.Filename
	if rel, err := filepath.Rel(dir, file); err == nil {
		file = rel
	}
	return fmt.Errorf("%s:%d: %s", file, d.Pos.Line, text)
}

func isLocal(source string) bool {
	return slices.ContainsFunc([]string{"./", "../", `.\`, `..\`}, func(p string) bool { return strings.HasPrefix(source, p) })
}

// copier reproduces everything below top under temp: modules as files of their
// own, their surroundings as links.
type copier struct {
	top, temp string
	modules   map[string]bool
}

// target is where path, which is below top, goes. One level more than needed
// gives a module right at top a parent that is ours as well.
func (c copier) target(path string) string {
	rel, err := filepath.Rel(c.top, path)
	if err != nil {
		rel = "." // both are absolute and path is below top
	}
	return filepath.Join(c.temp, "copy", rel)
}

func (c copier) copyAll() error { return c.surroundings(c.top) }

// surroundings walks down to the modules. On the way it links what is beside
// them.
func (c copier) surroundings(dir string) error {
	if c.modules[dir] {
		return c.tree(dir)
	}
	if err := os.MkdirAll(c.target(dir), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case excluded(entry.Name()):
		case c.leadsToModule(path):
			if err := c.surroundings(path); err != nil {
				return err
			}
		default:
			// Most configurations need none of them, and Windows may forbid links.
			if err := os.Symlink(path, c.target(path)); err != nil && runtime.GOOS != "windows" {
				return err
			}
		}
	}
	return nil
}

// tree copies a module with all below it. A symbolic link to a file becomes a
// file; one to a directory stays a link to the original, which cannot recurse,
// except where a called module lies behind it.
func (c copier) tree(dir string) error {
	if err := os.MkdirAll(c.target(dir), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if excluded(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a dangling link
		case err != nil:
			return err
		case info.IsDir() && (entry.IsDir() || c.leadsToModule(path)):
			err = c.tree(path)
		case info.IsDir():
			var real string
			if real, err = filepath.EvalSymlinks(path); err == nil {
				err = os.Symlink(real, c.target(path))
			}
		case info.Mode().IsRegular():
			err = copyFile(path, c.target(path), info.Mode().Perm())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// leadsToModule tells whether path is a module or has one below it.
func (c copier) leadsToModule(path string) bool {
	for m := range c.modules {
		if m == path || strings.HasPrefix(m, path+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func excluded(name string) bool {
	switch name {
	case ".git", ".terraform", ".terraform.lock.hcl":
		return true
	}
	return strings.HasSuffix(name, ".tfstate") || strings.Contains(name, ".tfstate.")
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

func commonAncestor(a, b string) string {
	for a != b && !strings.HasPrefix(b, strings.TrimSuffix(a, string(filepath.Separator))+string(filepath.Separator)) {
		a = filepath.Dir(a)
	}
	return a
}

// workTree returns the nearest directory at or above dir that holds .git, or
// dir itself when there is none.
func workTree(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}
