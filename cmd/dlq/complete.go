package main

import (
	"context"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
)

// completeFlag lets the shell complete a flag's value to one of these.
func completeFlag(c *cobra.Command, flag string, values ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// completeQueues completes the name of a queue, of the account and region that the flags
// before it say. It gives up rather than let somebody wait.
func completeQueues(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
	defer cancel()
	var f accountFlags
	f.region, _ = cmd.Flags().GetString("region")
	f.profile, _ = cmd.Flags().GetString("profile")
	account, err := f.load(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	in := &sqs.ListQueuesInput{MaxResults: aws.Int32(100)}
	if begun != "" {
		in.QueueNamePrefix = &begun
	}
	out, err := sqs.NewFromConfig(account.Config).ListQueues(ctx, in)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, q := range out.QueueUrls {
		if u, err := url.Parse(q); err == nil && strings.HasPrefix(path.Base(u.Path), begun) {
			names = append(names, path.Base(u.Path))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeDLQ completes the one argument of a command that takes a queue.
func completeDLQ(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeQueues(cmd, args, begun)
}
