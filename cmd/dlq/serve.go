package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func serveCommand() *cobra.Command {
	var listen string
	var anyAddress bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the embedded AWS endpoint by itself",
		Long: `Run the embedded AWS endpoint by itself, for the AWS CLI, for Terraform and for
programs in any language, until it is interrupted. What it holds is gone then.

Its clock runs with the wall clock and can be advanced:

  curl -d '{"duration":"15m"}' http://127.0.0.1:4566/_clock/advance
  curl http://127.0.0.1:4566/_health`,
		Example: `  dlq serve --listen 127.0.0.1:4566
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws sqs list-queues`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkListen(listen, anyAddress); err != nil {
				return err
			}
			srv, err := awstest.New(awstest.Listen(listen))
			if err != nil {
				return err
			}
			defer srv.Close()
			fmt.Fprintf(cmd.OutOrStdout(), "AWS endpoint at %s\n", srv.URL)
			<-cmd.Context().Done()
			return nil
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "`host:port` to listen on")
	c.Flags().BoolVar(&anyAddress, "allow-non-loopback", false, "let --listen be an address that other machines can reach; callers are not authenticated")
	return c
}

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
