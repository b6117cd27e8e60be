package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/load"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/peer"
)

func TestTheCommandMeasuresTheEndpointWithBothClients(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the command, which -short leaves out")
	}
	var out bytes.Buffer
	err := run(t.Context(), strings.Fields("-peers dlq -rounds 2 -for 50ms -warm-up 10ms -clients 2 -size 10"), &out, io.Discard)
	require.NoError(t, err)
	require.Contains(t, out.String(), "2 clients, messages of 10 bytes, median of 2 rounds of 50ms:")
	require.Regexp(t, regexp.MustCompile(`(?m)^\| dlq serve \| \S.* \| SDK \| [1-9]\d* \|`), out.String())
	require.Regexp(t, regexp.MustCompile(`(?m)^\| dlq serve \| \S.* \| lean \| [1-9]\d* \|`), out.String())
}

func TestAnEndpointThatIsNotHereIsSaidToBeMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := run(t.Context(), []string{"-peers", "fauxqs,moto", "-cache", t.TempDir()}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "fauxqs is missing: there is no node on PATH")
	require.ErrorContains(t, err, "moto is missing: there is neither a moto_server on PATH nor a module moto.server in python3")
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-peers nothing", `there is no "nothing"`},
		{"-rounds 0", "must be positive"},
		{"-for 0s", "must be positive"},
	} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(tt.args), io.Discard, io.Discard), tt.want, tt.args)
	}
}

func TestTheTableHasMediansAndHowMuchFasterTheFirstIs(t *testing.T) {
	of := func(name string, cycles ...int) *measurements {
		m := &measurements{process: &peer.Process{Name: name, Version: "1"}, rounds: map[string][]measurement{}}
		for _, k := range kinds {
			for _, n := range cycles {
				m.rounds[k.name] = append(m.rounds[k.name], measurement{
					Result:      load.Result{Cycles: n, Elapsed: 2 * time.Second, Median: time.Millisecond, P99: 3 * time.Millisecond},
					endpointCPU: 70 * time.Microsecond, clientCPU: 90 * time.Microsecond,
				})
			}
		}
		return m
	}
	got := table([]*measurements{of("fast", 900, 300, 400), of("slow", 90, 110)})
	require.Contains(t, got, "| fast | 1 | SDK | 200 |  | 1.00 ms | 3.00 ms | 70 µs | 90 µs |\n")
	require.Contains(t, got, "| slow | 1 | lean | 50 | 4.0x | 1.00 ms | 3.00 ms | 70 µs | 90 µs |\n")
}
