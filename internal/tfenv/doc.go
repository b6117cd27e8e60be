// Package tfenv runs Terraform, or OpenTofu, on any machine: it finds the
// binary and the providers, copies a root module to a directory of its own, and
// deploys it there.
//
//	env, err := tfenv.Find(ctx, tfenv.Options{})
//	work, err := tfenv.Copy("examples/minimal")
//	defer work.Close()
//	d, err := env.Deploy(work, tfenv.DeployOptions{
//		Vars: []string{"name=orders"},
//		Env:  map[string]string{"AWS_ENDPOINT_URL": url},
//	})
//	err = d.Init(ctx)
//	defer d.Destroy(context.WithoutCancel(ctx)) // before Apply, which may fail halfway
//	err = d.Apply(ctx)
//
// What the user of the machine has to put right is a [*SetupError]; what
// Terraform itself reports is a [*CommandError]. The environment variables that
// a suite on terratest gives to its Options come from [Env.TerratestEnv].
package tfenv
