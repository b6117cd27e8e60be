package test

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// TestLinksOfDocumentsLeadSomewhere follows each relative link in the documents, to its
// heading if it names one.
func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings := map[string]map[string]bool{}
	read := func(document string) string {
		text, err := os.ReadFile(filepath.Join("..", document))
		require.NoError(t, err)
		return withoutCode(string(text))
	}
	for _, document := range documents(t) {
		headings[document] = headingsOf(read(document))
	}
	followed := 0
	for _, document := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(document), -1) {
			to, err := url.Parse(m[1])
			require.NoError(t, err, document)
			if to.Scheme != "" {
				continue
			}
			followed++
			target := document
			if to.Path != "" {
				target = path.Join(path.Dir(document), to.Path)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s links to %s, which doesn't exist", document, m[1])
			} else if to.Fragment != "" && !headings[target][to.Fragment] {
				t.Errorf("%s links to %s, but %s has no such heading", document, m[1], target)
			}
		}
	}
	require.Greater(t, followed, 50)
}

func TestHeadingsAreNamedAsGitHubNamesThem(t *testing.T) {
	require.Equal(t, map[string]bool{
		"a-source-queue-its-dlq": true, "why-maxreceivecount--5": true, "twice": true, "twice-1": true, "see-this_one-or-that": true,
	}, headingsOf(withoutCode("# A source queue, its DLQ\n## Why `maxReceiveCount = 5`?\n### Twice\n```sh\n# no heading\n```\n### Twice\n## See [this_one](x.md) or *that*\n")))
}

// withoutCode leaves out the blocks of code.
func withoutCode(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			b.WriteString(line)
		}
	}
	return b.String()
}

// headingsOf are the names by which links reach the text's headings.
func headingsOf(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#{1,6} +(.*?)#* *$`).FindAllStringSubmatch(text, -1) {
		shown := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(shown))
		for n, first := 1, name; names[name]; n++ {
			name = fmt.Sprintf("%s-%d", first, n)
		}
		names[name] = true
	}
	return names
}
