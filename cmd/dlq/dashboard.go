package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// dashboardOptions are the flags of dlq dashboard.
type dashboardOptions struct {
	account    accountFlags
	selection  selectionFlags
	listen     string
	anyAddress bool
	hosts      []string
	interval   time.Duration
}

func dashboardCommand() *cobra.Command {
	var o dashboardOptions
	c := &cobra.Command{
		Use:   "dashboard",
		Short: "Show the status of DLQs as a page in the browser, kept up to date",
		Long: `Show what dlq status shows as a page for a browser, kept up to date until it is
interrupted: every DLQ with its sources, its depth over time since the dashboard began,
and running redrives. It changes nothing, and neither does the page.

GET /api/dlq-status answers with the JSON of dlq status -o json. If the last attempt to
read the queues failed, page and JSON say so, and how old what they show is.

However many browsers look, AWS is asked once an --interval: about one call a queue and
two a DLQ, and CloudWatch for a metric of each DLQ and source that holds messages.

Whoever reaches the page can read it; it has no login. So only this machine can, unless
--allow-non-loopback lets others. Then name with --host by which names they may call it:
pages of other names are refused, so that no web page can read it by a name of its own.

` + accountHelp,
		Example: `  dlq dashboard
  dlq dashboard --prefix orders --interval 10s
  curl -s http://127.0.0.1:8080/api/dlq-status | jq .health
  dlq dashboard --listen 0.0.0.0:8080 --allow-non-loopback --host wall.example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dashboard(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	o.account.register(c)
	o.selection.register(c)
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	f.BoolVar(&o.anyAddress, "allow-non-loopback", false, "let --listen be an address that other machines can reach; callers are not authenticated")
	f.StringArrayVar(&o.hosts, "host", nil, "a host `name` by which browsers may call the page, beside localhost and addresses; may be repeated")
	f.DurationVar(&o.interval, "interval", 30*time.Second, "how long to wait between two readings, 1s or more")
	return c
}

func (o dashboardOptions) check() error {
	if o.interval < time.Second {
		return fmt.Errorf("--interval is %s: give 1s or more; each round calls AWS about once a queue", o.interval)
	}
	return checkListen(o.listen, o.anyAddress)
}

// dashboard serves the page until ctx is done. Standard output has its URL once it is ready.
func dashboard(ctx context.Context, o dashboardOptions, stdout io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	selection, err := o.selection.selection()
	if err != nil {
		return err
	}
	account, err := o.account.load(ctx)
	if err != nil {
		return err
	}
	fleet := account.fleet()
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	w := newWatcher(func(ctx context.Context) (*statusOf, error) { return fleet.Status(ctx, selection) }, o.interval)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.run(ctx)
	}()
	server := &http.Server{
		Handler:           guard(pages(w), o.anyAddress, o.hosts),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	fmt.Fprintf(stdout, "dashboard at http://%s/\n", l.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("serving the dashboard: %w", err)
	case <-ctx.Done():
	}
	<-watched
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping the dashboard: %w", err)
	}
	return server.Close()
}
