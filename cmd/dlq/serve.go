package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// serveOptions are the flags of dlq serve.
type serveOptions struct {
	listen     string
	anyAddress bool
	stateFile  string
	functions  bool
}

func serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the embedded AWS endpoint by itself",
		Long: `Run the embedded AWS endpoint by itself, for the AWS CLI, for Terraform and for
programs in any language, until it is interrupted.

What it holds is gone then, unless --state-file says where to keep it: that file is
read at the start, if it exists, and written at the end and, after changes, every few
seconds. What fell due while the endpoint was away is caught up with at the start.

Its clock runs with the wall clock and can be advanced:

  curl -d '{"duration":"15m"}' http://127.0.0.1:4566/_clock/advance
  curl http://127.0.0.1:4566/_health

With --run-functions, Lambda functions run as processes of this machine, with your rights
and without a sandbox: whoever reaches the endpoint can run any program. It therefore
doesn't go with --allow-non-loopback.`,
		Example: `  dlq serve --listen 127.0.0.1:4566 --state-file endpoint.state
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 aws sqs list-queues`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:4566", "`host:port` to listen on; port 0 takes a free one")
	f.BoolVar(&o.anyAddress, "allow-non-loopback", false, "let --listen be an address that other machines can reach; callers are not authenticated")
	f.StringVar(&o.stateFile, "state-file", "", "`file` to keep the state in over restarts")
	f.BoolVar(&o.functions, "run-functions", false, "run the code of Lambda functions that callers upload, with your rights and without a sandbox")
	return c
}

// serve runs the endpoint until ctx is done. Standard output has its URL once it is ready.
func serve(ctx context.Context, o serveOptions, stdout, stderr io.Writer) error {
	if err := checkListen(o.listen, o.anyAddress); err != nil {
		return err
	}
	if o.functions && o.anyAddress {
		return errors.New("--run-functions and --allow-non-loopback: callers are not authenticated, so that other machines could run any program on this one; use either")
	}
	defer limitGarbage()()
	options := []awstest.Option{
		awstest.Listen(o.listen),
		awstest.WithoutCallLog(), // nobody asks for it here
		awstest.OnError(func(err error) { fmt.Fprintf(stderr, "dlq: %v; trying again\n", err) }),
	}
	if o.stateFile != "" {
		options = append(options, awstest.StateFile(o.stateFile))
	}
	if o.functions {
		options = append(options, awstest.RunFunctions())
	}
	srv, err := awstest.New(options...)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "AWS endpoint at %s\n", srv.URL)
	<-ctx.Done()
	if err := srv.Stop(); err != nil {
		return fmt.Errorf("%w: %w", errNotSaved, err)
	}
	return nil
}

// errNotSaved says that an interrupt, by which dlq serve ends well, did not do so.
var errNotSaved = errors.New("stopping the endpoint")

// checkListen refuses addresses that other machines can reach.
func checkListen(listen string, anyAddress bool) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w; give host:port, e.g. 127.0.0.1:4566", listen, err)
	}
	if ip := net.ParseIP(host); anyAddress || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s: other machines could reach that address, and callers are not authenticated; use 127.0.0.1, or add --allow-non-loopback", listen)
}
