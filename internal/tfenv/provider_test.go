package tfenv

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneProviderServesManyCommands(t *testing.T) {
	env := terraform(t)
	work := copied(t, layout(t, map[string]string{"main.tf": "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n\nresource \"aws_sqs_queue\" \"orders\" {\n  name = 1\n  delay = 2\n}\n"}))
	d, err := env.Deploy(work, DeployOptions{})
	require.NoError(t, err)
	_, err = env.StartProvider(t.Context(), work.Dir, nil, false)
	require.ErrorContains(t, err, "initialize it first")
	require.NoError(t, d.Init(t.Context()))
	p, err := env.StartProvider(t.Context(), work.Dir, nil, false)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(work.Dir, ".terraform", "providers"))) // so that it can't be started
	validate := func() string {
		cmd := exec.Command(env.Binary, "validate", "-no-color")
		cmd.Dir = work.Dir
		cmd.Env = os.Environ()
		for name, value := range env.TerratestEnv(p.Env(), false) {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	for range 2 {
		require.Contains(t, validate(), `An argument named "delay" is not expected here`) // which only the provider knows
	}

	var reached map[string]struct {
		Addr struct{ String string }
	}
	require.NoError(t, json.Unmarshal([]byte(p.Env()["TF_REATTACH_PROVIDERS"]), &reached))
	require.Len(t, reached, 1)
	for source, how := range reached {
		require.True(t, strings.HasSuffix(source, "/hashicorp/aws"), source)
		require.FileExists(t, how.Addr.String)
		require.NoError(t, p.Close())
		require.NoFileExists(t, how.Addr.String)
	}
	require.NotContains(t, validate(), "is not expected here")
}

func TestAProviderThatDoesNotStartSaysSo(t *testing.T) {
	env := terraform(t)
	dir := filepath.Join(t.TempDir(), ".terraform", "providers", "registry.terraform.io", "hashicorp", "aws", "5.100.0", platform())
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "terraform-provider-aws"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	_, err := env.StartProvider(t.Context(), strings.TrimSuffix(dir, filepath.Join("/.terraform", "providers", "registry.terraform.io", "hashicorp", "aws", "5.100.0", platform())), nil, false)
	require.ErrorContains(t, err, "starting the AWS provider: it ended without saying how it is reached")
}
