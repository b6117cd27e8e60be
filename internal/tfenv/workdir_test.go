package tfenv

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// layout writes files below a new directory and returns it.
func layout(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return root
}

func copied(t *testing.T, dir string) *Workdir {
	t.Helper()
	w, err := Copy(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func TestCopyTakesTheRootModuleAndEveryLocalModuleItCalls(t *testing.T) {
	root := layout(t, map[string]string{
		"repo/examples/minimal/main.tf":                  `module "q" { source = "../../modules/queue" }`,
		"repo/examples/minimal/terraform.tfvars":         "",
		"repo/examples/minimal/x.auto.tfvars":            "",
		"repo/examples/minimal/templates/policy.tpl":     "",
		"repo/examples/minimal/terraform.tfstate":        "",
		"repo/examples/minimal/terraform.tfstate.backup": "",
		"repo/examples/minimal/.terraform.lock.hcl":      "",
		"repo/examples/minimal/.terraform/modules.json":  "",
		"repo/modules/queue/main.tf":                     `module "n" { source = "./naming" }`,
		"repo/modules/queue/naming/main.tf":              "",
		"repo/modules/other/main.tf":                     "",
	})
	w := copied(t, filepath.Join(root, "repo/examples/minimal"))
	require.Equal(t, filepath.Join(root, "repo/examples/minimal"), w.Source)

	for _, name := range []string{
		"main.tf", "terraform.tfvars", "x.auto.tfvars", "templates/policy.tpl",
		"../../modules/queue/main.tf", "../../modules/queue/naming/main.tf",
	} {
		info, err := os.Lstat(filepath.Join(w.Dir, name))
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular(), "%s is a file of its own", name)
	}
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup", ".terraform.lock.hcl", ".terraform"} {
		require.NoFileExists(t, filepath.Join(w.Dir, name))
		require.NoDirExists(t, filepath.Join(w.Dir, name))
	}
}

func TestCopyReachesFilesNextToTheModules(t *testing.T) {
	root := layout(t, map[string]string{
		"repo/.git/HEAD":           "",
		"repo/infra/stack/main.tf": "",
		"repo/src/handler.py":      "def handler(): pass",
		"unrelated/secret":         "",
	})
	w := copied(t, filepath.Join(root, "repo/infra/stack"))
	got, err := os.ReadFile(filepath.Join(w.Dir, "../../src/handler.py"))
	require.NoError(t, err)
	require.Equal(t, "def handler(): pass", string(got))
	require.NoDirExists(t, filepath.Join(w.Dir, "../../.git"))
	require.NoDirExists(t, filepath.Join(w.Dir, "../../../unrelated"))
}

func TestCopyFollowsSymbolicLinksWithoutWritingThroughThem(t *testing.T) {
	root := layout(t, map[string]string{
		"stack/main.tf":         `module "a" { source = "./linked" }`,
		"shared/module/main.tf": "",
		"shared/versions.tf":    "terraform {}",
		"shared/data/file":      "data",
	})
	link := func(target, name string) {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	link("../shared/module", "stack/linked")      // a module
	link("../shared/versions.tf", "stack/own.tf") // a file
	link("../shared/data", "stack/data")          // a directory
	link("..", "stack/loop")                      // a cycle
	link("../nowhere", "stack/dangling")          // nothing
	link("stack", "alias")                        // the root module itself
	w := copied(t, filepath.Join(root, "alias"))

	require.Equal(t, filepath.Join(root, "stack"), w.Source)
	info, err := os.Lstat(filepath.Join(w.Dir, "linked"))
	require.NoError(t, err)
	require.True(t, info.IsDir(), "a module behind a link is copied")
	info, err = os.Lstat(filepath.Join(w.Dir, "own.tf"))
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular(), "a file behind a link is copied")
	require.FileExists(t, filepath.Join(w.Dir, "data/file"))
	_, err = os.Lstat(filepath.Join(w.Dir, "dangling"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCopyLeavesTheOriginalAlone(t *testing.T) {
	root := layout(t, map[string]string{"stack/main.tf": "", "stack/sub/f": "original"})
	w, err := Copy(filepath.Join(root, "stack"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(w.Dir, "sub/f"), []byte("changed"), 0o644))
	require.NoError(t, w.Close())

	require.NoDirExists(t, w.Dir)
	got, err := os.ReadFile(filepath.Join(root, "stack/sub/f"))
	require.NoError(t, err)
	require.Equal(t, "original", string(got))
	entries, err := os.ReadDir(filepath.Join(root, "stack"))
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

func TestCopyOfWhatIsNoRootModuleSaysSo(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		dir     string
		problem string
	}{
		{name: "a directory that does not exist", dir: "missing", problem: "is not a directory"},
		{name: "a file", files: map[string]string{"main.tf": ""}, dir: "main.tf", problem: "is not a directory"},
		{name: "a directory without configuration", files: map[string]string{"stack/README.md": ""}, dir: "stack", problem: "holds no .tf files"},
		{name: "a configuration that does not parse", files: map[string]string{"stack/main.tf": "\nresource \"a\" {"}, dir: "stack", problem: "main.tf:2"},
		{
			name:    "a call of a module that is not there",
			files:   map[string]string{"stack/main.tf": "module \"q\" {\n  source = \"../gone\"\n}"},
			dir:     "stack",
			problem: `main.tf:1 calls ../gone, which is not a directory`,
		},
		{
			name:    "a called module without configuration",
			files:   map[string]string{"stack/main.tf": "module \"q\" {\n  source = \"./q\"\n}", "stack/q/README.md": ""},
			dir:     "stack",
			problem: "holds no .tf files",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Copy(filepath.Join(layout(t, tt.files), tt.dir))
			var setup *SetupError
			require.ErrorAs(t, err, &setup)
			require.ErrorContains(t, err, tt.problem)
			require.NotEmpty(t, setup.Do)
		})
	}
}
