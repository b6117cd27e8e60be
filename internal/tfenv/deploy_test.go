package tfenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// These tests run the real binary on configurations that need no provider.

const stack = `
variable "names" { type = list(string) }
variable "fail" {
  type    = bool
  default = false
}
variable "sleep" {
  type    = number
  default = 0
}
resource "terraform_data" "a" {
  for_each         = toset(var.names)
  input            = each.key
  triggers_replace = var.sleep
  provisioner "local-exec" { command = "sleep ${var.sleep}" }
  lifecycle {
    postcondition {
      condition     = !var.fail
      error_message = "it was told to fail"
    }
  }
}
output "names" {
  value     = [for r in terraform_data.a : r.output]
  sensitive = true
}
`

func terraform(t *testing.T) *Env {
	t.Helper()
	if testing.Short() {
		t.Skip("runs Terraform, which -short leaves out")
	}
	env, err := Find(t.Context(), Options{})
	require.NoError(t, err)
	return env
}

func deployment(t *testing.T, env *Env, files map[string]string, o DeployOptions) *Deployment {
	t.Helper()
	d, err := env.Deploy(copied(t, layout(t, files)), o)
	require.NoError(t, err)
	require.NoError(t, d.Init(t.Context()))
	return d
}

func TestDeploymentFromInitToDestroy(t *testing.T) {
	var events []Event
	d := deployment(t, terraform(t), map[string]string{"main.tf": stack}, DeployOptions{
		Vars: []string{`names=["x"]`},
		Progress: func(e Event) {
			e.Elapsed = 0 // depends on the machine
			events = append(events, e)
		},
	})
	const address = `terraform_data.a["x"]`
	ctx := t.Context()

	pending, err := d.PendingChanges(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{address + ": create"}, pending)

	require.NoError(t, d.Apply(ctx))
	require.Equal(t, []Event{{Address: address, Action: "create", Status: Started}, {Address: address, Action: "create", Status: Done}}, events)

	pending, err = d.PendingChanges(ctx)
	require.NoError(t, err)
	require.Empty(t, pending)

	outputs, err := d.Outputs(ctx)
	require.NoError(t, err)
	require.JSONEq(t, `["x"]`, string(outputs["names"]))

	resources, err := d.Resources(ctx)
	require.NoError(t, err)
	require.Len(t, resources, 1)
	require.Equal(t, address, resources[0].Address)
	require.NotEmpty(t, resources[0].Attributes["id"])

	events = nil
	require.NoError(t, d.Destroy(ctx))
	require.Equal(t, []Event{{Address: address, Action: "delete", Status: Started}, {Address: address, Action: "delete", Status: Done}}, events)
	resources, err = d.Resources(ctx)
	require.NoError(t, err)
	require.Empty(t, resources)
}

func TestDeploymentNeverTouchesADeclaredBackend(t *testing.T) {
	state := filepath.Join(t.TempDir(), "real.tfstate")
	d := deployment(t, terraform(t), map[string]string{
		"main.tf":    stack,
		"backend.tf": fmt.Sprintf("terraform {\n  backend \"local\" { path = %q }\n}", state),
	}, DeployOptions{Vars: []string{`names=["x"]`}})
	require.NoError(t, d.Apply(t.Context()))
	require.NoFileExists(t, state)
}

func TestDeploymentErrorsAreReadable(t *testing.T) {
	env := terraform(t)
	tests := []struct {
		name string
		vars []string
		want string
	}{
		{"a failed condition", []string{`names=["x"]`, "fail=true"}, ` apply: Resource postcondition failed: it was told to fail (`},
		{"a variable that is not declared", []string{`names=[]`, "nope=1"}, `A variable named "nope" was assigned on the command line`},
		{"a variable without a value", nil, `No value for required variable`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := deployment(t, env, map[string]string{"main.tf": stack}, DeployOptions{Vars: tt.vars})
			err := d.Apply(t.Context())
			var command *CommandError
			require.ErrorAs(t, err, &command)
			require.Len(t, command.Diagnostics, 1)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "@level")
		})
	}
}

func TestInitErrorsAreReadable(t *testing.T) {
	work := copied(t, layout(t, map[string]string{"main.tf": "terraform {\n  required_version = \"< 1.0\"\n}"}))
	d, err := terraform(t).Deploy(work, DeployOptions{})
	require.NoError(t, err)
	err = d.Init(t.Context())
	require.ErrorContains(t, err, " init: Unsupported ")
	require.NotContains(t, err.Error(), "│")
}

func TestInitWithoutRegistryOrMirrorSaysWhatToDo(t *testing.T) {
	// A proxy that refuses connections stands for a machine without a network.
	m := newMachine(t)
	o := m.options()
	o.LookPath = nil
	env, err := Find(t.Context(), o)
	require.NoError(t, err)
	work := copied(t, layout(t, map[string]string{"main.tf": "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}"}))
	d, err := env.Deploy(work, DeployOptions{Env: map[string]string{
		"HTTPS_PROXY": "http://127.0.0.1:1", "TF_CLI_CONFIG_FILE": "", "TERRAFORM_CONFIG": "",
		"HOME": m.at("home"), "XDG_DATA_HOME": m.at("none"), "XDG_DATA_DIRS": m.at("none"),
	}})
	require.NoError(t, err)
	start := time.Now()
	err = d.Init(t.Context())
	require.Less(t, time.Since(start), 30*time.Second)
	var setup *SetupError
	require.ErrorAs(t, err, &setup)
	require.Contains(t, setup.Do, "TF_PROVIDER_MIRROR")
	require.NotContains(t, err.Error(), "\n")
}

func TestVariablesComeInTerraformsOrder(t *testing.T) {
	const config = `
variable "from_environment" { default = "default" }
variable "from_file" { default = "default" }
variable "from_named_file" { default = "default" }
variable "from_option" { default = "default" }
output "all" { value = [var.from_environment, var.from_file, var.from_named_file, var.from_option] }
`
	for _, name := range []string{"from_environment", "from_file", "from_named_file", "from_option", "of_another_stack"} {
		t.Setenv("TF_VAR_"+name, "environment")
	}
	named := filepath.Join(layout(t, map[string]string{"x.tfvars": "from_named_file = \"named file\"\nfrom_option = \"named file\""}), "x.tfvars")
	d := deployment(t, terraform(t), map[string]string{
		"main.tf": config, "terraform.tfvars": `from_file = "file"`,
	}, DeployOptions{VarFiles: []string{named}, Vars: []string{"from_option=option"}})
	require.NoError(t, d.Apply(t.Context()))
	outputs, err := d.Outputs(t.Context())
	require.NoError(t, err)
	require.JSONEq(t, `["environment", "file", "named file", "option"]`, string(outputs["all"]))
}

func TestDeployRefusesWhatIsNoVariable(t *testing.T) {
	work := copied(t, layout(t, map[string]string{"main.tf": stack}))
	env := &Env{Binary: "terraform"}
	for name, o := range map[string]DeployOptions{
		"a word without a value":         {Vars: []string{"name"}},
		"a value without a name":         {Vars: []string{"=value"}},
		"a variable file that is absent": {VarFiles: []string{"missing.tfvars"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := env.Deploy(work, o)
			var setup *SetupError
			require.ErrorAs(t, err, &setup)
		})
	}
}

func TestDeploymentsRunSideBySide(t *testing.T) {
	env := terraform(t)
	var group errgroup.Group
	for i := range 3 {
		name := fmt.Sprintf("n%d", i)
		work := copied(t, layout(t, map[string]string{"main.tf": stack}))
		group.Go(func() error {
			d, err := env.Deploy(work, DeployOptions{Vars: []string{fmt.Sprintf("names=[%q]", name)}})
			if err != nil {
				return err
			}
			if err := d.Init(t.Context()); err != nil {
				return err
			}
			if err := d.Apply(t.Context()); err != nil {
				return err
			}
			outputs, err := d.Outputs(t.Context())
			if err != nil {
				return err
			}
			if got := string(outputs["names"]); got != fmt.Sprintf("[\n      %q\n    ]", name) {
				return fmt.Errorf("deployment %s has outputs %s", name, got)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

func TestAnInterruptedApplyEndsGracefullyAndCanBeDestroyed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := deployment(t, terraform(t), map[string]string{"main.tf": stack}, DeployOptions{
		Vars: []string{`names=["x"]`, "sleep=60"},
		Progress: func(e Event) {
			if e.Status == Started && e.Action == "create" {
				cancel()
			}
		},
	})
	start := time.Now()
	err := d.Apply(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, " apply interrupted: ")
	require.Less(t, time.Since(start), 30*time.Second)

	resources, err := d.Resources(t.Context())
	require.NoError(t, err)
	require.Len(t, resources, 1, "what was being created is in the state")
	require.NoError(t, d.Destroy(t.Context()))
}

func TestALogIsWrittenWhereItIsAskedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "terraform.log")
	t.Setenv("TF_LOG_PATH", file)
	t.Setenv("TF_LOG", "INFO")
	d := deployment(t, terraform(t), map[string]string{"main.tf": stack}, DeployOptions{Vars: []string{"names=[]"}})
	require.NoError(t, d.Apply(t.Context()))
	log, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(log), "[INFO]")
}
