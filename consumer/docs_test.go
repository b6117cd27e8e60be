package consumer_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The Go code in docs/writing-consumers.md is that of the examples, which are compiled and
// run. A line that is only "…" stands for what is left out, and so is silent() everywhere.
func TestTheCodeInTheDocumentIsThatOfTheExamples(t *testing.T) {
	document, err := os.ReadFile("../docs/writing-consumers.md")
	require.NoError(t, err)
	examples := examplesWithoutSpace(t)
	snippets := strings.Split(string(document), "```go\n")[1:]
	require.GreaterOrEqual(t, len(snippets), 8)
	for _, s := range snippets {
		code, _, ended := strings.Cut(s, "```")
		require.True(t, ended)
		for part := range strings.SplitSeq(withoutSpace(code), "…\n") {
			require.True(t, strings.Contains(examples, part), "in no example:\n%s", part)
		}
	}
	changed := strings.Replace(withoutSpace(snippets[0]), "return ship(ctx", "return sell(ctx", 1)
	require.False(t, strings.Contains(examples, strings.Split(changed, "```")[0]))
}

func examplesWithoutSpace(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	return strings.ReplaceAll(withoutSpace(string(text)), "silent(),\n", "")
}

func withoutSpace(code string) string {
	var lines strings.Builder
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			lines.WriteString(line + "\n")
		}
	}
	return lines.String()
}
