// Package trivy runs trivy's checks of Terraform code, the same as `trivy config` with
// the checks that it carries along, and without the nine tenths of trivy that look at
// other things and take many minutes to build:
//
//	go -C tools/trivy test -count=1 .
//
// What is found and accepted is in the root's .trivyignore.yaml, with the reason.
package trivy

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/aquasecurity/trivy/pkg/iac/rego"
	"github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/terraform"
	"github.com/aquasecurity/trivy/pkg/iac/severity"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const root = "../.."

// TestNothingInsecure fails for each finding of medium severity or more that nobody has
// given a reason for.
func TestNothingInsecure(t *testing.T) {
	accepted := readAccepted(t)
	used := map[[2]string]bool{}
	for _, dir := range []string{"modules", "examples"} {
		results, err := scanDir(t.Context(), os.DirFS(root), dir)
		require.NoError(t, err)
		passed := results.GetPassed()
		t.Logf("%s: %d checks passed, %d of SQS", dir, len(passed), count(passed, "sqs"))
		require.NotZero(t, count(passed, "sqs"), "the queues in %s were seen", dir)
		for _, f := range findings(results) {
			i := slices.IndexFunc(accepted, func(a [2]string) bool { return f.rule.HasID(a[0]) && f.file == a[1] })
			if i < 0 {
				t.Error(f)
				continue
			}
			used[accepted[i]] = true
		}
	}
	for _, a := range accepted {
		if !used[a] {
			t.Errorf(".trivyignore.yaml: %s is not found in %s, so take it out", a[0], a[1])
		}
	}
}

// TestWhatIsInsecureIsFound plants what the scan is there to find.
func TestWhatIsInsecureIsFound(t *testing.T) {
	for _, tt := range []struct{ name, config, id string }{
		{"a queue without encryption", `
			resource "aws_sqs_queue" "it" {
			  name                    = "orders"
			  sqs_managed_sse_enabled = false
			}`, "AWS-0096"},
		{"a queue without encryption, made by a module", `
			module "it" {
			  source = "../../modules/queue"
			}`, "AWS-0096"},
		{"a queue policy that allows every action", `
			resource "aws_sqs_queue" "it" {
			  name                    = "orders"
			  sqs_managed_sse_enabled = true
			  policy = jsonencode({
			    Version   = "2012-10-17"
			    Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:*", Resource = "*" }]
			  })
			}`, "AWS-0097"},
		{"a topic without encryption", `
			resource "aws_sns_topic" "it" {
			  name = "alarms"
			}`, "AWS-0095"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, err := scanDir(t.Context(), fstest.MapFS{
				"examples/it/main.tf":    {Data: []byte(tt.config)},
				"modules/queue/main.tf":  {Data: []byte(`resource "aws_sqs_queue" "q" { sqs_managed_sse_enabled = var.encrypted }`)},
				"modules/queue/input.tf": {Data: []byte("variable \"encrypted\" {\n  default = false\n}")},
			}, "examples")
			require.NoError(t, err)
			found := findings(results)
			require.True(t, slices.ContainsFunc(found, func(f finding) bool { return f.rule.HasID(tt.id) }), "found only %v", found)
		})
	}
}

// scanDir scans all root modules in the directory, with the modules that they call.
func scanDir(ctx context.Context, files fs.FS, dir string) (scan.Results, error) {
	return terraform.New(
		rego.WithEmbeddedPolicies(true),
		rego.WithEmbeddedLibraries(true),
		rego.WithMaxAllowedErrors(0),
		terraform.ScannerWithAllDirectories(true),
		terraform.ScannerWithDownloadsAllowed(false),
		terraform.ScannerWithSkipCachedModules(true),
		terraform.ScannerWithStopOnHCLError(true),
	).ScanFS(ctx, files, dir)
}

func count(results scan.Results, service string) int {
	n := 0
	for _, r := range results {
		if r.Rule().Service == service {
			n++
		}
	}
	return n
}

// finding is what failed a check.
type finding struct {
	rule scan.Rule
	file string
	line int
	what string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s %s: %s", f.file, f.line, f.rule.ID, f.rule.Severity, f.what)
}

// findings returns what failed a check of medium severity or more, once for each place.
func findings(results scan.Results) []finding {
	var all []finding
	seen := map[string]bool{}
	for _, r := range results.GetFailed() {
		if !slices.Contains([]severity.Severity{severity.Medium, severity.High, severity.Critical}, r.Severity()) {
			continue
		}
		f := finding{r.Rule(), path.Clean(r.Range().GetFilename()), r.Range().GetStartLine(), r.Description()}
		if !seen[f.String()] {
			seen[f.String()] = true
			all = append(all, f)
		}
	}
	return all
}

// readAccepted returns the pairs of ID and file in .trivyignore.yaml. Each must have a
// reason.
func readAccepted(t *testing.T) [][2]string {
	t.Helper()
	b, err := os.ReadFile(path.Join(root, ".trivyignore.yaml"))
	require.NoError(t, err)
	var file struct {
		Misconfigurations []struct {
			ID, Statement string
			Paths         []string
		}
	}
	require.NoError(t, yaml.Unmarshal(b, &file))
	var pairs [][2]string
	for _, m := range file.Misconfigurations {
		require.NotEmpty(t, m.Statement, "%s in .trivyignore.yaml doesn't say why", m.ID)
		require.NotEmpty(t, m.Paths, "%s in .trivyignore.yaml holds everywhere", m.ID)
		for _, p := range m.Paths {
			pairs = append(pairs, [2]string{m.ID, p})
		}
	}
	return pairs
}
