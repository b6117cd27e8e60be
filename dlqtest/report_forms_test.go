package dlqtest_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

var (
	update = flag.Bool("update", false, "write the golden files of reports")
	pages  = flag.String("pages", "", "write all sample reports to this `directory`, to be looked at")
)

// allReports are proofs run here and reports made by hand.
func allReports(t *testing.T) map[string]dlqtest.Report {
	t.Helper()
	reports := handmade(t)
	for name, s := range samples() {
		if testing.Short() && (s.options != nil || s.maxReceiveCount > 100) {
			continue // hundreds of messages or receives take seconds
		}
		reports[name] = s.prove(t)
	}
	return reports
}

func TestEveryReportCanBeWrittenInEveryForm(t *testing.T) {
	reports := allReports(t)
	names := slices.Sorted(maps.Keys(reports))
	all := make([]dlqtest.Report, len(names))
	for i, name := range names {
		all[i] = reports[name]
	}
	look := func(name, form string, content []byte) {
		if *pages != "" {
			require.NoError(t, os.WriteFile(filepath.Join(*pages, name+"."+form), content, 0o644))
		}
	}
	for form, write := range writers() {
		for _, name := range names {
			t.Run(name+"/"+form, func(t *testing.T) {
				var out bytes.Buffer
				require.NoError(t, write(&out, reports[name]))
				require.NotEmpty(t, out.String())
				look(name, form, out.Bytes())
			})
		}
		t.Run("all/"+form, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, write(&out, all...))
			look("all", form, out.Bytes())
		})
		t.Run("none/"+form, func(t *testing.T) {
			require.NoError(t, write(&bytes.Buffer{}))
		})
		t.Run("to a full disk/"+form, func(t *testing.T) {
			require.ErrorIs(t, write(fullDisk{}, reports["good"]), errFull)
		})
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// Histories made by hand have reports that don't change from run to run.
func TestReportsOfKnownHistoriesReadAsBefore(t *testing.T) {
	reports := handmade(t)
	for _, name := range []string{"good", "early-by-hand", "broken-off", "nothing-known", "stranger"} {
		for _, form := range []string{"txt", "md", "xml"} {
			t.Run(name+"/"+form, func(t *testing.T) {
				var out bytes.Buffer
				require.NoError(t, writers()[form](&out, reports[name]))
				golden := filepath.Join("testdata", "reports", name+"."+form)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
					require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), out.String())
			})
		}
	}
}

func TestNoReportPrintsControlCharacters(t *testing.T) {
	for name, r := range handmade(t) {
		for form, write := range writers() {
			if form == "json" {
				continue // which escapes them itself
			}
			var out bytes.Buffer
			require.NoError(t, write(&out, r))
			require.True(t, utf8.Valid(out.Bytes()), "%s as %s", name, form)
			bad := strings.IndexFunc(out.String(), func(r rune) bool {
				return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			})
			require.Negative(t, bad, "%s as %s", name, form)
		}
	}
}

func TestAProofThatEndedEarlyIsNeverReportedAsProven(t *testing.T) {
	r := handmade(t)["held-but-interrupted"]
	require.True(t, r.Proven, "nothing speaks against it but that it ended early")
	for form, says := range map[string]string{"txt": "NOT PROVEN", "md": "❌ NOT PROVEN", "html": `<p class="verdict">NOT PROVEN</p>`, "xml": `errors="1"`} {
		var out bytes.Buffer
		require.NoError(t, writers()[form](&out, r))
		require.Contains(t, out.String(), says)
		require.Contains(t, out.String(), "interrupted", form)
	}
}

// junit is JUnit XML as CI systems read it.
type junit struct {
	Suites []struct {
		Tests      int `xml:"tests,attr"`
		Failures   int `xml:"failures,attr"`
		Errors     int `xml:"errors,attr"`
		Properties []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"properties>property"`
		Cases []struct {
			Name    string  `xml:"name,attr"`
			Failure *string `xml:"failure"`
			Error   *string `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestJUnitCountsWhatIsViolatedAndWhatIsUnknown(t *testing.T) {
	for name, r := range handmade(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, dlqtest.WriteJUnit(&out, r))
			var doc junit
			require.NoError(t, xml.Unmarshal(out.Bytes(), &doc))
			require.Len(t, doc.Suites, 1)
			s := doc.Suites[0]
			require.Len(t, s.Cases, s.Tests)
			failures, failed := 0, map[string]bool{}
			for _, c := range s.Cases {
				failed[c.Name] = c.Failure != nil
				if c.Failure != nil {
					failures++
				}
			}
			require.Equal(t, failures, s.Failures)
			for _, v := range r.Verdicts {
				require.Equal(t, v.Status == dlqtest.Violated, failed[string(v.Invariant)])
			}
			require.Equal(t, r.Proven && r.Error == "", s.Failures+s.Errors == 0, "CI is to fail exactly if the proof does")
		})
	}
}

func TestMarkdownTablesKeepTheirColumns(t *testing.T) {
	escaped := regexp.MustCompile(`\\.`)
	for name, r := range handmade(t) {
		var out bytes.Buffer
		require.NoError(t, dlqtest.WriteMarkdown(&out, r))
		columns := 0
		for line := range strings.Lines(out.String()) {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			n := strings.Count(escaped.ReplaceAllString(line, ""), "|")
			if columns == 0 {
				columns = n
			}
			require.Equal(t, columns, n, "%s: %s", name, line)
		}
		require.NotContains(t, out.String(), "<script", name)
		require.NotContains(t, out.String(), "<img", name)
	}
}

func TestTheSummaryOfThousandsOfMessagesIsShort(t *testing.T) {
	s := newStory(1)
	for i := range 3000 {
		key := strconv.Itoa(i)
		s.send(key, 0).receive(key, 1).deleted(key)
	}
	s.send("poison", dlqtest.Always).receive("poison", 1).drained(sourceARN, 0).land("poison", 3).drained(dlqARN, 1)
	h := s.History
	r := (&dlqtest.Proof{History: &h, Verdicts: dlqtest.Check(&h)}).Report()
	for form, most := range map[string]int{"txt": 3000, "md": 3000, "html": 60_000} {
		var out bytes.Buffer
		require.NoError(t, writers()[form](&out, r))
		require.Less(t, out.Len(), most, form)
		require.Contains(t, out.String(), "3000 messages", form)
		require.Contains(t, out.String(), "id-poison", form)
	}
}
