package tfenv

import (
	"maps"
	"os"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// Vars returns the environment variables that every Terraform command needs on
// this machine. An empty value stands for unset, which Terraform treats alike.
func (e *Env) Vars() map[string]string { return maps.Clone(e.vars) }

// TerratestEnv returns what to put into the EnvVars of terratest's Options, to
// go with Env.Binary as its TerraformBinary: [Env.Vars], then extra. terratest
// adds them to the process's own environment and cannot remove anything, so the
// variables that would lead Terraform astray are set to the empty string:
// TF_CLI_ARGS, TF_DATA_DIR, TF_WORKSPACE and, unless keepAWS, everything about
// AWS that extra does not set.
func (e *Env) TerratestEnv(extra map[string]string, keepAWS bool) map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); misleads(name, keepAWS) {
			env[name] = ""
		}
	}
	return e.overlay(env, extra, keepAWS)
}

// environ is the whole environment of a command run through tfexec, which sets
// TF_LOG and a few more itself and refuses them here.
func (e *Env) environ(extra map[string]string, keepAWS bool) map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if name != "" && !misleads(name, keepAWS) {
			env[name] = value
		}
	}
	return tfexec.CleanEnv(e.overlay(env, extra, keepAWS))
}

func (e *Env) overlay(env, extra map[string]string, keepAWS bool) map[string]string {
	if !keepAWS {
		// Without these the SDK falls back on the user's default profile, or on
		// the role of the machine, and so on a real account.
		env["AWS_CONFIG_FILE"] = os.DevNull
		env["AWS_SHARED_CREDENTIALS_FILE"] = os.DevNull
		env["AWS_EC2_METADATA_DISABLED"] = "true"
	}
	maps.Copy(env, e.vars)
	maps.Copy(env, extra)
	return env
}

// misleads tells the variables that a command on a copy must not inherit: they
// carry options for other directories, or point at an account.
func misleads(name string, keepAWS bool) bool {
	switch {
	case name == "TF_DATA_DIR", name == "TF_WORKSPACE", name == "TF_CLI_ARGS", strings.HasPrefix(name, "TF_CLI_ARGS_"):
		return true
	}
	return !keepAWS && strings.HasPrefix(name, "AWS_")
}
