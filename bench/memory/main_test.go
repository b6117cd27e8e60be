package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommandMeasuresEachDepth(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the command, which -short leaves out")
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.Fields("-depths 0,7,25 -receives 3 -size 10"), &out, io.Discard))
	for _, depth := range []string{"0", "7", "25"} {
		require.Regexp(t, regexp.MustCompile(`(?m)^\| `+depth+` \| \d+ µs \| \d+ µs \| (\d+ MiB|unknown) \| (\d+ MiB|unknown) \|$`), out.String())
	}
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-depths 5,1", "the depths must be rising"},
		{"-depths many", `"many" is no number of messages`},
		{"-receives 0", "must be positive"},
	} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(tt.args), io.Discard, io.Discard), tt.want, tt.args)
	}
}
