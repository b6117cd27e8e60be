package tfenv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const (
	terraformRegistry = "registry.terraform.io"
	tofuRegistry      = "registry.opentofu.org"
	awsProvider       = terraformRegistry + "/hashicorp/aws"
)

// providerSource is where init takes providers from.
type providerSource struct {
	describe string
	vars     map[string]string // for child processes; an empty value unsets
	shared   bool              // several inits may write to one plugin cache
	registry bool
}

// chooseProviders prefers what the user said most explicitly: a CLI
// configuration named in the environment, TF_PROVIDER_MIRROR, a CLI
// configuration in the home directory; then a mirror that is found; then the
// registry.
func (o Options) chooseProviders(tofu bool, cache string) (providerSource, error) {
	src := providerSource{vars: map[string]string{}}
	if dir := o.Getenv("TF_PLUGIN_CACHE_DIR"); dir != "" {
		if isDir(dir) {
			src.vars["TF_PLUGIN_CACHE_DIR"] = absolute(dir)
			src.shared = true
		} else {
			src.vars["TF_PLUGIN_CACHE_DIR"] = "" // Terraform refuses to run with one that does not exist
		}
	}
	for _, name := range []string{"TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"} {
		file := o.Getenv(name)
		switch {
		case file == "":
		case isFile(file):
			src.vars[name] = absolute(file) // children run in another directory
			return src.configured(file), nil
		default:
			src.vars[name] = "" // names nothing: Terraform would warn at every command
		}
	}
	if dir := o.Getenv("TF_PROVIDER_MIRROR"); dir != "" {
		m := scanMirror(absolute(dir))
		if !m.holdsAWS() {
			return src, &SetupError{
				Problem: fmt.Sprintf("TF_PROVIDER_MIRROR=%s holds no %s for %s", dir, awsProvider, platform()),
				Do:      "name the directory that holds " + terraformRegistry + ", as `terraform providers mirror` makes it, or unset it",
			}
		}
		return src.mirrored([]mirror{m}, tofu, cache)
	}
	if file := o.cliConfigFile(tofu); file != "" {
		return src.configured(file), nil
	}
	if found := o.findMirrors(); len(found) > 0 {
		return src.mirrored(found, tofu, cache)
	}
	return src.fetched(cache)
}

// configured leaves everything to the user's CLI configuration, which may name
// a plugin cache.
func (s providerSource) configured(file string) providerSource {
	s.describe, s.shared = "CLI configuration "+file, true
	return s
}

// fetched takes providers from the registry through one plugin cache. Since 1.4
// Terraform passes over a cached provider that the lock file does not list;
// ours works on throw-away copies without a lock file, so it may "break" it.
func (s providerSource) fetched(cache string) (providerSource, error) {
	dir := s.vars["TF_PLUGIN_CACHE_DIR"]
	if dir == "" {
		dir = filepath.Join(cache, "plugins")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return s, fmt.Errorf("making the plugin cache: %w", err)
		}
		s.vars["TF_PLUGIN_CACHE_DIR"] = dir
	}
	s.vars["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
	s.describe, s.shared, s.registry = "registry, cached in "+dir, true, true
	return s, nil
}

// mirrored writes a CLI configuration that takes from the mirrors whatever they
// hold, and only the rest from the registry: what Terraform does by itself with
// its implied directories.
func (s providerSource) mirrored(mirrors []mirror, tofu bool, cache string) (providerSource, error) {
	if tofu {
		for _, m := range mirrors {
			renamed, err := m.forTofu(cache)
			if err != nil {
				return s, fmt.Errorf("mirroring %s for OpenTofu: %w", m.dir, err)
			}
			mirrors = append(mirrors[:len(mirrors):len(mirrors)], renamed)
		}
	}
	var b strings.Builder
	var all, dirs []string
	b.WriteString("provider_installation {\n")
	for _, m := range mirrors {
		if len(m.packages) == 0 {
			continue
		}
		dirs, all = append(dirs, m.dir), append(all, m.providers()...)
		fmt.Fprintf(&b, "  filesystem_mirror {\n    path    = %q\n    include = [%s]\n  }\n", filepath.ToSlash(m.dir), quoted(m.providers()))
	}
	fmt.Fprintf(&b, "  direct {\n    exclude = [%s]\n  }\n}\n", quoted(all))

	// Named by its content, so it never changes under a running command.
	file := filepath.Join(cache, "cli-"+digest(b.String())+".tfrc")
	if err := writeAtomically(file, b.String()); err != nil {
		return s, fmt.Errorf("writing a CLI configuration: %w", err)
	}
	s.describe = "mirror " + strings.Join(dirs, ", ")
	s.vars["TF_CLI_CONFIG_FILE"] = file
	return s, nil
}

// cliConfigFile returns the CLI configuration in the home directory, or "". A
// file of credentials alone says nothing of providers and does not count.
func (o Options) cliConfigFile(tofu bool) string {
	var files []string
	if runtime.GOOS == "windows" {
		if tofu {
			files = append(files, filepath.Join(o.Getenv("APPDATA"), "tofu.rc"))
		}
		files = append(files, filepath.Join(o.Getenv("APPDATA"), "terraform.rc"))
	} else if o.Home != "" {
		if tofu {
			config := orDefault(o.Getenv("XDG_CONFIG_HOME"), filepath.Join(o.Home, ".config"))
			files = append(files, filepath.Join(o.Home, ".tofurc"), filepath.Join(config, "opentofu", "tofurc"))
		}
		files = append(files, filepath.Join(o.Home, ".terraformrc"))
	}
	if dir := o.configDir(); dir != "" {
		for _, pattern := range []string{"*.tfrc", "*.tfrc.json"} {
			found, _ := fs.Glob(os.DirFS(dir), pattern) // the pattern is well formed
			for _, name := range found {
				if name != "credentials.tfrc.json" {
					files = append(files, filepath.Join(dir, name))
				}
			}
		}
	}
	if i := slices.IndexFunc(files, isFile); i >= 0 {
		return files[i]
	}
	return ""
}

// configDir is Terraform's own directory, ~/.terraform.d.
func (o Options) configDir() string {
	switch {
	case runtime.GOOS == "windows":
		return filepath.Join(o.Getenv("APPDATA"), "terraform.d")
	case o.Home == "":
		return ""
	}
	return filepath.Join(o.Home, ".terraform.d")
}

// findMirrors returns the mirrors to use: none unless one of them holds the AWS
// provider, then with whatever the implied directories hold besides.
func (o Options) findMirrors() []mirror {
	var found []mirror
	aws := false
	for _, dir := range o.impliedDirs() {
		if m := scanMirror(dir); len(m.packages) > 0 {
			found = append(found, m)
			aws = aws || m.holdsAWS()
		}
	}
	if aws {
		return found
	}
	entries, _ := os.ReadDir(o.OptDir) // absent on many machines
	for _, entry := range entries {
		if m := scanMirror(filepath.Join(o.OptDir, entry.Name())); m.holdsAWS() {
			return append(found, m)
		}
	}
	return nil
}

// impliedDirs are the directories in which Terraform and OpenTofu look by
// themselves: "Implied Local Mirror Directories" in the documentation of the
// CLI configuration file.
func (o Options) impliedDirs() []string {
	var dirs []string
	if dir := o.configDir(); dir != "" {
		dirs = append(dirs, filepath.Join(dir, "plugins"))
	}
	var data []string // XDG data directories
	switch runtime.GOOS {
	case "windows":
		return append(dirs, filepath.Join(o.Getenv("APPDATA"), "HashiCorp", "Terraform", "plugins"))
	case "darwin":
		for _, root := range []string{o.Home, "/"} {
			dirs = append(dirs, filepath.Join(root, "Library", "Application Support", "io.terraform", "plugins"))
		}
		return dirs
	default:
		if home := o.Getenv("XDG_DATA_HOME"); home != "" {
			data = append(data, home)
		} else if o.Home != "" {
			data = append(data, filepath.Join(o.Home, ".local", "share"))
		}
		data = append(data, filepath.SplitList(orDefault(o.Getenv("XDG_DATA_DIRS"), "/usr/local/share:/usr/share"))...)
	}
	for _, dir := range data {
		dirs = append(dirs, filepath.Join(dir, "terraform", "plugins"), filepath.Join(dir, "opentofu", "plugins"))
	}
	return dirs
}

// mirror is a directory in the layout of a filesystem mirror. Its packages for
// this platform, relative to it and with slashes, are unpacked
// (host/namespace/type/version/os_arch) or packed
// (host/namespace/type/terraform-provider-type_version_os_arch.zip).
type mirror struct {
	dir      string
	packages []string
}

func scanMirror(dir string) mirror {
	m := mirror{dir: dir}
	for _, pattern := range []string{"*.*/*/*/*/" + platform(), "*.*/*/*/terraform-provider-*_" + platform() + ".zip"} {
		found, _ := fs.Glob(os.DirFS(dir), pattern) // absent or unreadable: holds nothing
		m.packages = append(m.packages, found...)
	}
	return m
}

// providers returns the source addresses of what the mirror holds.
func (m mirror) providers() []string {
	var out []string
	for _, pkg := range m.packages {
		out = append(out, strings.Join(strings.Split(pkg, "/")[:3], "/"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (m mirror) holdsAWS() bool { return slices.Contains(m.providers(), awsProvider) }

// forTofu returns a mirror of the same packages under the host from which
// OpenTofu takes "hashicorp/aws". Only the package itself is a link: no other
// level of a mirror may be one.
func (m mirror) forTofu(cache string) (mirror, error) {
	out := mirror{dir: filepath.Join(cache, "tofu-mirror-"+digest(m.dir+"\n"+strings.Join(m.packages, "\n")))}
	for _, pkg := range m.packages {
		rest, ok := strings.CutPrefix(pkg, terraformRegistry+"/")
		renamed := path.Join(tofuRegistry, rest)
		if !ok || slices.Contains(m.packages, renamed) {
			continue
		}
		link := filepath.Join(out.dir, filepath.FromSlash(renamed))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return out, err
		}
		if err := os.Symlink(filepath.Join(m.dir, filepath.FromSlash(pkg)), link); err != nil && !os.IsExist(err) {
			return out, err
		}
		out.packages = append(out.packages, renamed)
	}
	return out, nil
}

func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

func absolute(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, ", ")
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

func writeAtomically(file, content string) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	if _, err := f.WriteString(content); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
