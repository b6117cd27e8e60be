package tfenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// machine is a made-up machine: nothing of the real one shows through.
type machine struct {
	root string
	env  map[string]string
	path map[string]string // name -> binary
}

func newMachine(t *testing.T) *machine {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	m := &machine{root: root, path: map[string]string{}}
	m.env = map[string]string{"XDG_DATA_DIRS": m.at("share")}
	require.NoError(t, os.MkdirAll(m.at("home"), 0o755))
	return m
}

func (m *machine) at(path string) string { return filepath.Join(m.root, filepath.FromSlash(path)) }

func (m *machine) options() Options {
	return Options{
		Getenv: func(name string) string { return m.env[name] },
		LookPath: func(name string) (string, error) {
			if path, ok := m.path[name]; ok {
				return path, nil
			}
			return "", exec.ErrNotFound
		},
		Home:     m.at("home"),
		OptDir:   m.at("opt"),
		CacheDir: m.at("cache"),
		Install: func(context.Context, string) (string, error) {
			return "", errors.New("dial tcp: network is unreachable")
		},
	}
}

func (m *machine) write(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(m.at(path)), 0o755))
	require.NoError(t, os.WriteFile(m.at(path), []byte(content), 0o755))
	return m.at(path)
}

// install puts a program on PATH that answers "version" as the real one does.
func (m *machine) install(t *testing.T, name, answer string) {
	t.Helper()
	m.path[name] = m.write(t, "bin/"+name, "#!/bin/sh\necho '"+answer+"'\n")
}

// mirror makes a directory hold one package of the AWS provider.
func (m *machine) mirror(t *testing.T, dir string) {
	t.Helper()
	m.write(t, dir+"/registry.terraform.io/hashicorp/aws/5.100.0/"+platform()+"/terraform-provider-aws", "")
}

func TestFindBinary(t *testing.T) {
	tests := []struct {
		name    string
		setup   func(*testing.T, *machine, *Options)
		binary  string // under the machine's root
		version string
		tofu    bool
		problem string
	}{
		{
			name:  "terraform on PATH is used",
			setup: func(t *testing.T, m *machine, _ *Options) { m.install(t, "terraform", "Terraform v1.11.4") }, binary: "bin/terraform", version: "1.11.4",
		},
		{
			name: "terraform is preferred to tofu",
			setup: func(t *testing.T, m *machine, _ *Options) {
				m.install(t, "tofu", "OpenTofu v1.10.2")
				m.install(t, "terraform", "Terraform v1.9.0")
			}, binary: "bin/terraform", version: "1.9.0",
		},
		{
			name:  "tofu is used where there is no terraform",
			setup: func(t *testing.T, m *machine, _ *Options) { m.install(t, "tofu", "OpenTofu v1.10.2") }, binary: "bin/tofu", version: "1.10.2", tofu: true,
		},
		{
			name: "the binary that is asked for is used, and told by what it says",
			setup: func(t *testing.T, m *machine, o *Options) {
				m.install(t, "terraform", "Terraform v1.11.4")
				m.install(t, "iac", "OpenTofu v1.9.1")
				o.Binary = "iac"
			}, binary: "bin/iac", version: "1.9.1", tofu: true,
		},
		{
			name: "a binary that is asked for and missing is not replaced by another",
			setup: func(t *testing.T, m *machine, o *Options) {
				m.install(t, "terraform", "Terraform v1.11.4")
				o.Binary = "tofu"
			}, problem: `"tofu" is not an executable`,
		},
		{
			name: "DLQ_TERRAFORM chooses among several",
			setup: func(t *testing.T, m *machine, _ *Options) {
				m.install(t, "terraform", "Terraform v1.11.4")
				m.install(t, "tofu", "OpenTofu v1.10.6")
				m.env["DLQ_TERRAFORM"] = "tofu"
			}, binary: "bin/tofu", version: "1.10.6", tofu: true,
		},
		{
			name: "what the caller asks for wins over DLQ_TERRAFORM",
			setup: func(t *testing.T, m *machine, o *Options) {
				m.install(t, "terraform", "Terraform v1.11.4")
				m.install(t, "tofu", "OpenTofu v1.10.6")
				m.env["DLQ_TERRAFORM"] = "tofu"
				o.Binary = "terraform"
			}, binary: "bin/terraform", version: "1.11.4",
		},
		{
			name: "DLQ_TERRAFORM that names nothing is not replaced by another",
			setup: func(t *testing.T, m *machine, _ *Options) {
				m.install(t, "terraform", "Terraform v1.11.4")
				m.env["DLQ_TERRAFORM"] = "/gone/tofu"
			}, problem: `"/gone/tofu" is not an executable`,
		},
		{
			name:    "a version below 1.9 is refused",
			setup:   func(t *testing.T, m *machine, _ *Options) { m.install(t, "terraform", "Terraform v1.5.7") },
			problem: "is Terraform 1.5.7, which is too old",
		},
		{
			name:    "a program of another kind is refused",
			setup:   func(t *testing.T, m *machine, _ *Options) { m.install(t, "terraform", "hello") },
			problem: "is neither Terraform nor OpenTofu",
		},
		{
			name: "a wrapper that fails is refused with what it said",
			setup: func(t *testing.T, m *machine, _ *Options) {
				m.path["terraform"] = m.write(t, "bin/terraform", "#!/bin/sh\necho no version is set >&2\nexit 126\n")
			}, problem: "no version is set",
		},
		{
			name: "what is missing is downloaded",
			setup: func(t *testing.T, m *machine, o *Options) {
				o.Install = func(_ context.Context, dir string) (string, error) {
					path := filepath.Join(dir, "terraform")
					return path, os.WriteFile(path, []byte("#!/bin/sh\necho Terraform v1.12.0\n"), 0o755)
				}
			}, binary: "cache/bin/terraform", version: "1.12.0",
		},
		{
			name: "what an earlier run downloaded needs no network",
			setup: func(t *testing.T, m *machine, _ *Options) {
				m.write(t, "cache/bin/terraform", "#!/bin/sh\necho Terraform v1.12.0\n")
			}, binary: "cache/bin/terraform", version: "1.12.0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			o := m.options()
			tt.setup(t, m, &o)
			env, err := Find(t.Context(), o)
			if tt.problem != "" {
				var setup *SetupError
				require.ErrorAs(t, err, &setup)
				require.ErrorContains(t, err, tt.problem)
				require.Contains(t, setup.Do, "Terraform >= 1.9")
				return
			}
			require.NoError(t, err)
			require.Equal(t, m.at(tt.binary), env.Binary)
			require.Equal(t, tt.version, env.Version)
			require.Equal(t, tt.tofu, env.Tofu)
		})
	}
}

func TestFindOnABareMachineSaysAtOnceWhatToDo(t *testing.T) {
	start := time.Now()
	_, err := Find(t.Context(), newMachine(t).options())
	require.Less(t, time.Since(start), 5*time.Second)
	var setup *SetupError
	require.ErrorAs(t, err, &setup)
	for _, part := range []string{"neither terraform nor tofu is on PATH", "network is unreachable", "install Terraform >= 1.9 or OpenTofu >= 1.9", "TF_PROVIDER_MIRROR"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "\n")
}

func TestFindProviders(t *testing.T) {
	tests := []struct {
		name      string
		tofu      bool
		setup     func(*testing.T, *machine)
		providers string // with $ for the machine's root
		vars      map[string]string
		config    []string // parts of the generated CLI configuration; nil when there is none
		locked    bool
		problem   string
	}{
		{
			name: "a CLI configuration named in the environment is respected",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_CLI_CONFIG_FILE"] = m.write(t, "my.tfrc", "")
				m.mirror(t, "opt/mirror")
			},
			providers: "CLI configuration $/my.tfrc", vars: map[string]string{"TF_CLI_CONFIG_FILE": "$/my.tfrc"}, locked: true,
		},
		{
			name: "a CLI configuration in the home directory is respected",
			setup: func(t *testing.T, m *machine) {
				m.write(t, "home/.terraformrc", "")
				m.mirror(t, "opt/mirror")
			},
			providers: "CLI configuration $/home/.terraformrc", locked: true,
		},
		{
			name: "one for tofu counts with tofu", tofu: true,
			setup:     func(t *testing.T, m *machine) { m.write(t, "home/.config/opentofu/tofurc", "") },
			providers: "CLI configuration $/home/.config/opentofu/tofurc", locked: true,
		},
		{
			name: "one for tofu does not count with terraform",
			setup: func(t *testing.T, m *machine) {
				m.write(t, "home/.tofurc", "")
				m.mirror(t, "opt/mirror")
			},
			providers: "mirror $/opt/mirror", config: []string{`path    = "$/opt/mirror"`},
		},
		{
			name: "credentials alone are no CLI configuration",
			setup: func(t *testing.T, m *machine) {
				m.write(t, "home/.terraform.d/credentials.tfrc.json", "{}")
				m.mirror(t, "opt/mirror")
			},
			providers: "mirror $/opt/mirror", config: []string{`path    = "$/opt/mirror"`},
		},
		{
			name: "TF_CLI_CONFIG_FILE that names nothing counts as unset and is replaced",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_CLI_CONFIG_FILE"] = m.at("missing")
				m.mirror(t, "opt/mirror")
			},
			providers: "mirror $/opt/mirror",
			config:    []string{`include = ["registry.terraform.io/hashicorp/aws"]`, `exclude = ["registry.terraform.io/hashicorp/aws"]`},
		},
		{
			name:      "TF_CLI_CONFIG_FILE that names nothing is unset where nothing replaces it",
			setup:     func(t *testing.T, m *machine) { m.env["TF_CLI_CONFIG_FILE"] = m.at("missing") },
			providers: "registry, cached in $/cache/plugins", vars: map[string]string{"TF_CLI_CONFIG_FILE": ""}, locked: true,
		},
		{
			name: "TF_PROVIDER_MIRROR is preferred to what is found",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_PROVIDER_MIRROR"] = m.at("mine")
				m.write(t, "home/.terraformrc", "")
				m.mirror(t, "mine")
				m.mirror(t, "opt/mirror")
			},
			providers: "mirror $/mine", config: []string{`path    = "$/mine"`},
		},
		{
			name: "a packed mirror serves",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_PROVIDER_MIRROR"] = m.at("mine")
				m.write(t, "mine/registry.terraform.io/hashicorp/aws/terraform-provider-aws_5.100.0_"+platform()+".zip", "")
			},
			providers: "mirror $/mine", config: []string{`include = ["registry.terraform.io/hashicorp/aws"]`},
		},
		{
			name:    "TF_PROVIDER_MIRROR without the provider is an error",
			setup:   func(t *testing.T, m *machine) { m.env["TF_PROVIDER_MIRROR"] = m.at("empty") },
			problem: "holds no registry.terraform.io/hashicorp/aws",
		},
		{
			name: "implied directories are used together",
			setup: func(t *testing.T, m *machine) {
				rel, err := filepath.Rel(m.root, m.options().impliedDirs()[1])
				require.NoError(t, err)
				m.mirror(t, rel)
				m.write(t, "home/.terraform.d/plugins/example.com/me/mine/1.0.0/"+platform()+"/terraform-provider-mine", "")
			},
			providers: "mirror $/home/.terraform.d/plugins, $/home/",
			config:    []string{`include = ["example.com/me/mine"]`, `exclude = ["example.com/me/mine", "registry.terraform.io/hashicorp/aws"]`},
		},
		{
			name: "a mirror for another platform does not count",
			setup: func(t *testing.T, m *machine) {
				m.write(t, "opt/mirror/registry.terraform.io/hashicorp/aws/5.100.0/plan9_arm/terraform-provider-aws", "")
			},
			providers: "registry, cached in $/cache/plugins", locked: true,
		},
		{
			name: "tofu finds the same packages under its own registry", tofu: true,
			setup:     func(t *testing.T, m *machine) { m.mirror(t, "opt/mirror") },
			providers: "mirror $/opt/mirror, $/cache/tofu-mirror-",
			config:    []string{`include = ["registry.opentofu.org/hashicorp/aws"]`},
		},
		{
			name:      "the registry comes last, through one plugin cache",
			setup:     func(*testing.T, *machine) {},
			providers: "registry, cached in $/cache/plugins", locked: true,
			vars: map[string]string{"TF_PLUGIN_CACHE_DIR": "$/cache/plugins", "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"},
		},
		{
			name: "the user's plugin cache is kept",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_PLUGIN_CACHE_DIR"] = filepath.Dir(m.write(t, "mycache/x", ""))
			},
			providers: "registry, cached in $/mycache", locked: true,
		},
		{
			name: "a plugin cache that does not exist is unset",
			setup: func(t *testing.T, m *machine) {
				m.env["TF_PLUGIN_CACHE_DIR"] = m.at("missing")
				m.mirror(t, "opt/mirror")
			},
			providers: "mirror $/opt/mirror", vars: map[string]string{"TF_PLUGIN_CACHE_DIR": ""}, config: []string{"filesystem_mirror"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			m.install(t, "terraform", "Terraform v1.11.4")
			if tt.tofu {
				m.install(t, "terraform", "OpenTofu v1.9.0")
			}
			tt.setup(t, m)
			here := func(s string) string { return strings.ReplaceAll(s, "$", m.root) }

			env, err := Find(t.Context(), m.options())
			if tt.problem != "" {
				var setup *SetupError
				require.ErrorAs(t, err, &setup)
				require.ErrorContains(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(env.Providers, here(tt.providers)), env.Providers)
			require.Equal(t, tt.locked, env.initLock != "")
			vars := env.Vars()
			for name, value := range tt.vars {
				require.Contains(t, vars, name)
				require.Equal(t, here(value), vars[name], name)
			}
			if tt.config == nil {
				return
			}
			config, err := os.ReadFile(vars["TF_CLI_CONFIG_FILE"])
			require.NoError(t, err)
			for _, part := range tt.config {
				require.Contains(t, string(config), here(part))
			}
		})
	}
}

func TestFindTwiceForTofuReusesTheMirror(t *testing.T) {
	m := newMachine(t)
	m.install(t, "tofu", "OpenTofu v1.9.0")
	m.mirror(t, "opt/mirror")
	first, err := Find(t.Context(), m.options())
	require.NoError(t, err)
	second, err := Find(t.Context(), m.options())
	require.NoError(t, err)
	require.Equal(t, first, second)

	links, err := filepath.Glob(m.at("cache/tofu-mirror-*/registry.opentofu.org/hashicorp/aws/5.100.0/*/terraform-provider-aws"))
	require.NoError(t, err)
	require.Len(t, links, 1)
}

func TestChildrenNeverCallHomeNorAsk(t *testing.T) {
	m := newMachine(t)
	m.install(t, "terraform", "Terraform v1.11.4")
	m.env["TF_REGISTRY_CLIENT_TIMEOUT"] = "60"
	env, err := Find(t.Context(), m.options())
	require.NoError(t, err)
	vars := env.Vars()
	require.Equal(t, "1", vars["CHECKPOINT_DISABLE"])
	require.Equal(t, "0", vars["TF_INPUT"])
	require.Equal(t, "60", vars["TF_REGISTRY_CLIENT_TIMEOUT"], "the user's own setting stays")
	require.Equal(t, "1", vars["TF_REGISTRY_DISCOVERY_RETRY"])
}

func TestLockInitLetsOneInAtATime(t *testing.T) {
	m := newMachine(t)
	m.install(t, "terraform", "Terraform v1.11.4")
	env, err := Find(t.Context(), m.options())
	require.NoError(t, err)

	unlock, err := env.LockInit(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = env.LockInit(ctx)
	require.ErrorIs(t, err, context.Canceled)

	unlock()
	unlock, err = env.LockInit(t.Context())
	require.NoError(t, err)
	unlock()
}

func TestEnvironmentOfChildren(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("AWS_ENDPOINT_URL", "http://elsewhere")
	t.Setenv("TF_CLI_ARGS_plan", "-refresh=false")
	t.Setenv("TF_WORKSPACE", "other")
	t.Setenv("TF_DATA_DIR", "/shared")
	t.Setenv("TF_VAR_name", "orders")
	t.Setenv("UNRELATED", "kept")
	env := &Env{vars: map[string]string{"CHECKPOINT_DISABLE": "1", "TF_INPUT": "0"}}
	extra := map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

	tests := []struct {
		name    string
		got     map[string]string
		want    map[string]string
		without []string
	}{
		{
			name:    "a command through tfexec inherits all but what misleads",
			got:     env.environ(extra, false),
			want:    map[string]string{"UNRELATED": "kept", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_CONFIG_FILE": os.DevNull, "CHECKPOINT_DISABLE": "1"},
			without: []string{"AWS_PROFILE", "TF_CLI_ARGS_plan", "TF_WORKSPACE", "TF_DATA_DIR", "TF_VAR_name", "TF_INPUT"},
		},
		{
			name:    "a command for real AWS keeps the user's credentials",
			got:     env.environ(nil, true),
			want:    map[string]string{"AWS_PROFILE": "production", "AWS_ENDPOINT_URL": "http://elsewhere"},
			without: []string{"AWS_CONFIG_FILE", "TF_WORKSPACE"},
		},
		{
			name:    "terratest gets empty strings for what it cannot remove",
			got:     env.TerratestEnv(extra, false),
			want:    map[string]string{"AWS_PROFILE": "", "TF_CLI_ARGS_plan": "", "TF_WORKSPACE": "", "TF_DATA_DIR": "", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "TF_INPUT": "0", "AWS_EC2_METADATA_DISABLED": "true"},
			without: []string{"UNRELATED", "TF_VAR_name"},
		},
		{
			name:    "terratest for real AWS leaves the user's credentials alone",
			got:     env.TerratestEnv(nil, true),
			want:    map[string]string{"TF_WORKSPACE": ""},
			without: []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.want {
				require.Contains(t, tt.got, name)
				require.Equal(t, value, tt.got[name], name)
			}
			for _, name := range tt.without {
				require.NotContains(t, tt.got, name)
			}
		})
	}
}

func TestSetupErrorKeepsItsCause(t *testing.T) {
	cause := errors.New("no route")
	err := fmt.Errorf("proving: %w", &SetupError{Problem: "nothing works", Do: "try again", Err: cause})
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "proving: nothing works (no route): try again")
}
