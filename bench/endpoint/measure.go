package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/cpu"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/load"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/peer"
)

// kind is a kind of client.
type kind struct {
	name string
	dial func(ctx context.Context, endpoint, queue string) (load.Client, error)
}

var kinds = []kind{
	{"SDK", load.NewSDK},
	{"lean", func(ctx context.Context, endpoint, queue string) (load.Client, error) {
		return load.NewLean(ctx, endpoint, queue)
	}},
}

// measurements are those of one endpoint: of each round, by kind of client.
type measurements struct {
	process *peer.Process
	rounds  map[string][]measurement
}

type measurement struct {
	load.Result
	endpointCPU, clientCPU time.Duration // per cycle; 0 if it isn't known
}

// measure runs the load once and adds what it measured.
func (m *measurements) measure(ctx context.Context, k kind, plan load.Plan, queue string) error {
	client, err := k.dial(ctx, m.process.URL, queue)
	if err != nil {
		return err
	}
	var before peer.Usage
	var own time.Duration
	result, err := load.Cycles(ctx, client, plan, func() {
		before, _ = m.process.Usage()
		own = cpu.Time()
	})
	if err != nil {
		return err
	}
	got := measurement{Result: result, clientCPU: (cpu.Time() - own) / time.Duration(result.Cycles)}
	if after, err := m.process.Usage(); err == nil {
		got.endpointCPU = (after.CPU - before.CPU) / time.Duration(result.Cycles)
	}
	if m.rounds == nil {
		m.rounds = map[string][]measurement{}
	}
	m.rounds[k.name] = append(m.rounds[k.name], got)
	return client.Close(ctx)
}

// latest tells of the latest round.
func (m *measurements) latest() string {
	line := m.process.Name
	for _, k := range kinds {
		all := m.rounds[k.name]
		line += fmt.Sprintf(", %s client %.0f cycles/s", k.name, all[len(all)-1].PerSecond())
	}
	return line
}

// of is the median over the rounds of what value tells of each.
func (m *measurements) of(kind string, value func(measurement) float64) float64 {
	var all []float64
	for _, r := range m.rounds[kind] {
		all = append(all, value(r))
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func perSecond(r measurement) float64   { return r.PerSecond() }
func median(r measurement) float64      { return milliseconds(r.Median) }
func p99(r measurement) float64         { return milliseconds(r.P99) }
func endpointCPU(r measurement) float64 { return float64(r.endpointCPU.Nanoseconds()) / 1e3 }
func clientCPU(r measurement) float64   { return float64(r.clientCPU.Nanoseconds()) / 1e3 }

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// table is the Markdown table of the medians, of cycles a second, what a cycle takes, and the CPU
// time that it costs either side.
func table(all []*measurements) string {
	var b strings.Builder
	b.WriteString("| endpoint | version | client | cycles/s | first is faster by | cycle p50 | cycle p99 | endpoint's CPU | client's CPU |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, k := range kinds {
		for i, m := range all {
			rate, times := m.of(k.name, perSecond), ""
			if i > 0 {
				times = fmt.Sprintf("%.1fx", all[0].of(k.name, perSecond)/rate)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %s | %.2f ms | %.2f ms | %s | %s |\n", m.process.Name, m.process.Version, k.name,
				rate, times, m.of(k.name, median), m.of(k.name, p99), microseconds(m.of(k.name, endpointCPU)), microseconds(m.of(k.name, clientCPU)))
		}
	}
	return b.String()
}

func microseconds(us float64) string {
	if us == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f µs", us)
}
