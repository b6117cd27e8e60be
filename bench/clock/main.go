// Command clock measures how long it takes an embedded endpoint with many queues and
// alarms to have two weeks pass:
//
//	go run ./bench/clock
//
// Every minute of them, each queue reports its metrics and each alarm is evaluated. It
// prints a Markdown table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/command"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/cpu"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/fleet"
)

func main() { command.Main("clock", run) }

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("clock", flag.ContinueOnError)
	flags.SetOutput(stderr)
	queues := flags.Int("queues", 100, "how many queues there are, with three alarms each")
	days := flags.Int("days", 14, "how many days pass")
	rounds := flags.Int("rounds", 5, "how often it is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *queues < 1 || *days < 1 || *rounds < 1 {
		return errors.New("-queues, -days and -rounds must be positive")
	}
	var wall, used []time.Duration
	var alarmed int
	for range *rounds {
		m, err := measure(ctx, *queues, time.Duration(*days)*24*time.Hour)
		if err != nil {
			return err
		}
		wall, used, alarmed = append(wall, m.wall), append(used, m.cpu), m.alarmed
	}
	slices.Sort(wall)
	slices.Sort(used)
	fmt.Fprintf(stdout, "Advance(%d days), median of %d rounds:\n\n", *days, *rounds)
	fmt.Fprintf(stdout, "| queues | alarms | of these in ALARM | wall time | CPU time |\n|--:|--:|--:|--:|--:|\n")
	fmt.Fprintf(stdout, "| %d | %d | %d | %.2f s | %.2f s |\n", *queues, *queues*fleet.AlarmsPerQueue, alarmed,
		wall[len(wall)/2].Seconds(), used[len(used)/2].Seconds())
	return nil
}

type measurement struct {
	wall, cpu time.Duration
	alarmed   int // alarms in ALARM in the end
}

func measure(ctx context.Context, queues int, d time.Duration) (m measurement, err error) {
	srv, err := awstest.New()
	if err != nil {
		return m, err
	}
	defer srv.Close()
	srv.Clock.Pause()
	if err := fleet.SetUp(ctx, srv, queues); err != nil {
		return m, err
	}
	advance := func(d time.Duration) {
		used, begin := cpu.Time(), time.Now()
		srv.Clock.Advance(d)
		m.wall, m.cpu = m.wall+time.Since(begin), m.cpu+cpu.Time()-used
	}
	advance(d - time.Hour) // what was sent is still there
	alarms := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(srv.Config()), &cloudwatch.DescribeAlarmsInput{StateValue: types.StateValueAlarm})
	for alarms.HasMorePages() {
		page, err := alarms.NextPage(ctx)
		if err != nil {
			return m, fmt.Errorf("counting alarms: %w", err)
		}
		m.alarmed += len(page.MetricAlarms)
	}
	advance(time.Hour)
	return m, nil
}
