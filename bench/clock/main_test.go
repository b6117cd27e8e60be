package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommandHasTimePassAndAlarmsGoOff(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.Fields("-queues 4 -days 1 -rounds 1"), &out, io.Discard))
	// of four queues two hold a message, which is not a week old yet
	require.Regexp(t, regexp.MustCompile(`(?m)^\| 4 \| 12 \| 2 \| \d+\.\d\d s \| \d+\.\d\d s \|$`), out.String())
}

func TestTheAlarmsOnOldMessagesGoOffToo(t *testing.T) {
	m, err := measure(t.Context(), 2, 6*24*60*60*1e9)
	require.NoError(t, err)
	require.Equal(t, 2, m.alarmed, "not empty, and expiring")
}

func TestBadArgumentsAreRefused(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), []string{"-queues", "0"}, io.Discard, io.Discard), "must be positive")
}
