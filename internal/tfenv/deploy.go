package tfenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// DeployOptions says what to deploy with.
type DeployOptions struct {
	// Vars are "name=value" as after -var on the command line, so values of
	// lists and maps are in HCL syntax. They hold for every command, destroy
	// included.
	Vars []string
	// VarFiles are as after -var-file, relative to the current directory. Vars
	// come after them and win.
	VarFiles []string
	// Env is added to the environment of the commands. Variables about AWS that
	// the process has are dropped first, and the SDK is kept from the user's
	// profiles, unless KeepAWS.
	Env     map[string]string
	KeepAWS bool
	// Progress, if set, is called for every step of Apply and Destroy, one call
	// at a time.
	Progress func(Event)
}

// Deployment is one root module being deployed from its own [Workdir]. Any
// number may run side by side in a process; a single one takes one command at a
// time. When the context of a command ends, Terraform is interrupted once and
// has a minute to finish what is in flight and to write its state; the
// error then is the context's. Destroy takes a context that is still alive.
type Deployment struct {
	env      *Env
	tf       *tfexec.Terraform
	vars     []string
	files    []string
	progress func(Event)
}

// Deploy prepares a deployment of work; nothing runs before [Deployment.Init].
//
// TF_VAR_ variables and TF_LOG with TF_LOG_PATH are honoured; TF_WORKSPACE,
// TF_DATA_DIR and TF_CLI_ARGS are not, being about the original directory.
func (e *Env) Deploy(work *Workdir, o DeployOptions) (*Deployment, error) {
	tf, err := tfexec.NewTerraform(work.Dir, e.Binary)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", work.Source, err)
	}
	if err := tf.SetEnv(e.environ(o.Env, o.KeepAWS)); err != nil {
		return nil, fmt.Errorf("preparing the environment of %s: %w", e.tool(), err)
	}
	if err := logToFile(tf); err != nil {
		return nil, fmt.Errorf("turning on the log of %s: %w", e.tool(), err)
	}
	d := &Deployment{env: e, tf: tf, progress: o.Progress}
	for _, file := range o.VarFiles {
		if !isFile(file) {
			return nil, &SetupError{Problem: "variable file " + file + " does not exist", Do: "name an existing .tfvars file"}
		}
		d.files = append(d.files, absolute(file))
	}
	for _, v := range o.Vars {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return nil, &SetupError{Problem: fmt.Sprintf("%q is not a variable", v), Do: "write it as name=value"}
		}
	}
	// tfexec refuses TF_VAR_, so they go onto the command line.
	d.vars = append(inheritedVars(os.Environ(), work.Dir, d.files), o.Vars...)
	return d, nil
}

// Init installs the providers. A registry that cannot be reached is a
// [*SetupError].
func (d *Deployment) Init(ctx context.Context) error {
	unlock, err := d.env.LockInit(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	err = d.tf.Init(ctx)
	if err == nil {
		return nil
	}
	err = d.failed(ctx, "init", nil, err)
	// As Terraform and OpenTofu word it, respectively.
	unfetched := regexp.MustCompile(`(?i)failed to (query available|resolve) provider packages|failed to install provider`)
	if ctx.Err() == nil && d.env.registry && unfetched.MatchString(err.Error()) {
		return &SetupError{
			Problem: "the providers could not be fetched from the registry",
			Err:     err,
			Do:      "connect to the network, or set TF_PROVIDER_MIRROR to a directory that holds " + awsProvider + ", as `terraform providers mirror` makes it",
		}
	}
	return err
}

// Apply creates or updates everything.
func (d *Deployment) Apply(ctx context.Context) error {
	var opts []tfexec.ApplyOption
	for _, o := range d.assignments() {
		opts = append(opts, o)
	}
	ui := &uiWriter{onEvent: d.progress}
	defer d.tf.SetStdout(nil) // ApplyJSON leaves ui there for later commands
	return d.failed(ctx, "apply", ui, d.tf.ApplyJSON(ctx, ui, opts...))
}

// Destroy removes everything that is in the state.
func (d *Deployment) Destroy(ctx context.Context) error {
	var opts []tfexec.DestroyOption
	for _, o := range d.assignments() {
		opts = append(opts, o)
	}
	ui := &uiWriter{onEvent: d.progress}
	defer d.tf.SetStdout(nil)
	return d.failed(ctx, "destroy", ui, d.tf.DestroyJSON(ctx, ui, opts...))
}

// PendingChanges plans and returns what an apply would change, each as
// "address: action". After an apply it should be empty.
func (d *Deployment) PendingChanges(ctx context.Context) ([]string, error) {
	var opts []tfexec.PlanOption
	for _, o := range d.assignments() {
		opts = append(opts, o)
	}
	ui := &uiWriter{}
	defer d.tf.SetStdout(nil)
	changed, err := d.tf.PlanJSON(ctx, ui, opts...)
	if err := d.failed(ctx, "plan", ui, err); err != nil {
		return nil, err
	}
	if changed && len(ui.planned) == 0 {
		return []string{"outputs: update"}, nil
	}
	return ui.planned, nil
}

// Outputs returns the values of the root module's outputs as JSON, sensitive
// ones included.
func (d *Deployment) Outputs(ctx context.Context) (map[string]json.RawMessage, error) {
	metas, err := d.tf.Output(ctx)
	if err := d.failed(ctx, "output", nil, err); err != nil {
		return nil, err
	}
	values := make(map[string]json.RawMessage, len(metas))
	for name, meta := range metas {
		values[name] = meta.Value
	}
	return values, nil
}

// assignment is a -var or -var-file of any command.
type assignment interface {
	tfexec.ApplyOption
	tfexec.DestroyOption
	tfexec.PlanOption
}

func (d *Deployment) assignments() []assignment {
	var out []assignment
	for _, file := range d.files {
		out = append(out, tfexec.VarFile(file))
	}
	for _, v := range d.vars {
		out = append(out, tfexec.Var(v))
	}
	return out
}

// failed makes an error readable: the context's if that has ended, else the
// diagnostics that Terraform reported, else what it wrote to stderr.
func (d *Deployment) failed(ctx context.Context, command string, ui *uiWriter, err error) error {
	if err == nil {
		return nil
	}
	// First, since tfexec's error of a command that was interrupted but still
	// ended well wraps nil, and panics when asked for its text.
	if ctx.Err() != nil {
		return fmt.Errorf("%s interrupted: %w", d.command(command), ctx.Err())
	}
	failure := &CommandError{Command: d.command(command), Err: errors.New(plain(err.Error()))}
	if ui != nil {
		failure.Diagnostics = ui.errors
	}
	return failure
}

func (d *Deployment) command(name string) string { return d.env.tool() + " " + name }

func (e *Env) tool() string {
	if e.Tofu {
		return "tofu"
	}
	return "terraform"
}

// plain takes the frames off Terraform's errors, joins their lines, and drops
// what comes before the first one: the exit status and warnings.
func plain(text string) string {
	text = strings.NewReplacer("╷", "", "│", "", "╵", "").Replace(text)
	text = strings.Join(strings.Fields(text), " ")
	if _, after, ok := strings.Cut(text, "Error: "); ok {
		return after
	}
	return text
}

// logToFile honours TF_LOG_PATH. A log to stderr, which TF_LOG alone asks for,
// would drown the error messages.
func logToFile(tf *tfexec.Terraform) error {
	file := os.Getenv("TF_LOG_PATH")
	if file == "" {
		return nil
	}
	if err := tf.SetLogPath(absolute(file)); err != nil {
		return err
	}
	if level := os.Getenv("TF_LOG"); level != "" {
		return tf.SetLog(level)
	}
	return nil
}
