package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommandMeasuresBothAndTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the command, which -short leaves out")
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.Fields("-messages 35 -rounds 2 -concurrency 1,2 -depths 25"), &out, io.Discard))
	require.Contains(t, out.String(), "35 messages, median of 2 rounds, dlq serve (")
	for _, c := range []string{"1", "2"} {
		require.Regexp(t, regexp.MustCompile(`(?m)^\| `+c+` \| \d+ \| \d+ \| \d+\.\d\dx \| \d+ µs \| \d+ µs \|$`), out.String())
	}
	require.Regexp(t, regexp.MustCompile(`(?m)^\| 25 \| redriven \| \d+\.\d MiB \| \d+\.\d MiB \|$`), out.String())
	require.Regexp(t, regexp.MustCompile(`(?m)^\| 25 \| left, in a dry run \| \d+\.\d MiB \| \d+\.\d MiB \|$`), out.String())
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-messages 0", "must be positive"},
		{"-rounds 0", "must be positive"},
		{"-concurrency many", `"many" is no positive number`},
		{"-depths 0", `"0" is no positive number`},
	} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(tt.args), io.Discard, io.Discard), tt.want, tt.args)
	}
}

func TestTheMedianOfRounds(t *testing.T) {
	of := func(rates ...float64) (all []measurement) {
		for _, r := range rates {
			all = append(all, measurement{rate: r, cpu: -r})
		}
		return all
	}
	require.Equal(t, 3.0, median(of(9, 1, 3), rate))
	require.Equal(t, -2.5, median(of(4, 1, 2, 3), cpuTime))
}
