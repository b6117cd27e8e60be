package test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
)

// All Terraform code in the documents is either part of what some test deploys, letter by
// letter but for space and comments, or is planned here as it stands. In such code
//
//   - the modules' addresses are taken for those in this working tree;
//   - a module, resource or variable that a snippet speaks of, but doesn't have, is added:
//     see standIns;
//   - a zip with a function's code, below dist, is there, with something in it;
//   - a line that is only "…" stands for what is left out. The inputs that a module can't
//     do without are added to the call that it is in.

// snippet is a block of Terraform code in a document.
type snippet struct {
	document string // its path from the root of the repository
	line     int    // of its first line of code
	text     string
}

func (s snippet) String() string { return fmt.Sprintf("%s:%d", s.document, s.line) }

// TestSnippetsAreDeployedOrPlanned checks every piece of Terraform code in the documents,
// with one plan for all of them. Then it makes a mistake in one, which must be noticed.
func TestSnippetsAreDeployedOrPlanned(t *testing.T) {
	needsTerraform(t)
	var toPlan []snippet
	deployed := deployedBlocks(t)
	for _, s := range snippetsOfDocuments(t) {
		if !isDeployed(t, s, deployed) {
			toPlan = append(toPlan, s)
		}
	}
	require.Greater(t, len(toPlan), 5)

	root := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(root, "modules"), os.DirFS("../modules")))
	write := func(name, text string) {
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	config := "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"
	for i, s := range toPlan {
		dir := fmt.Sprintf("snippets/%d", i)
		write(filepath.Join(dir, snippetFile(s)), planned(t, s))
		write(filepath.Join(dir, "stand_ins.tf"), standIns(t, s))
		for _, zip := range zips.FindAllStringSubmatch(s.text, -1) {
			write(zip[1], "a function's code")
		}
		config += fmt.Sprintf("\nmodule \"snippet_%d\" {\n  source = \"./%s\"\n}\n", i, dir)
	}
	write("main.tf", config)
	stack := prepare(t, root, nil)
	_, err := terraform.PlanContextE(t, t.Context(), stack.options)
	require.NoError(t, err)

	// a slip of the pen in one of them is noticed, and said where
	i := slices.IndexFunc(toPlan, func(s snippet) bool { return s.document == "README.md" && strings.Contains(s.text, "alarm_actions") })
	require.GreaterOrEqual(t, i, 0)
	wrong := toPlan[i]
	wrong.text = strings.Replace(wrong.text, "alarm_actions", "alarm_action ", 1)
	write(fmt.Sprintf("snippets/%d/%s", i, snippetFile(wrong)), planned(t, wrong))
	out, err := terraform.PlanContextE(t, t.Context(), stack.options)
	require.Error(t, err)
	said := out + err.Error()
	require.Contains(t, said, `An argument named "alarm_action" is not expected here`)
	line := wrong.line + strings.Count(wrong.text[:strings.Index(wrong.text, "alarm_action ")], "\n")
	require.Contains(t, said, fmt.Sprintf("README.md.tf line %d", line))
}

// TestSnippetsThatChangeAStateAreDeployed: what such code does depends on what is there, so
// that only a deployment tells whether it is right.
func TestSnippetsThatChangeAStateAreDeployed(t *testing.T) {
	deployed := deployedBlocks(t)
	found := 0
	for _, s := range snippetsOfDocuments(t) {
		for _, block := range parse(t, s).Blocks {
			if !slices.Contains([]string{"import", "moved", "removed", "provider", "terraform"}, block.Type) {
				continue
			}
			found++
			require.True(t, isDeployed(t, s, deployed), "%s has a block %s, and not all of its blocks are in test/fixtures or examples", s, block.Type)
		}
	}
	require.Greater(t, found, 5)
	require.False(t, isDeployed(t, snippet{text: "moved {\n  from = aws_sqs_queue.a\n  to = aws_sqs_queue.b\n}\n"}, deployed))
}

// documents are the paths of all Markdown files, from the root of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".terraform", "node_modules"}, d.Name()):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".md"):
			files = append(files, path)
		}
		return nil
	}))
	require.Contains(t, files, "README.md")
	return files
}

// snippetsOfDocuments are all blocks of Terraform code in the documents.
func snippetsOfDocuments(t *testing.T) []snippet {
	t.Helper()
	var found []snippet
	for _, document := range documents(t) {
		text, err := os.ReadFile(filepath.Join("..", document))
		require.NoError(t, err)
		var now *snippet
		indent := ""
		for i, line := range strings.Split(string(text), "\n") {
			language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
			switch {
			case now != nil && fence:
				found = append(found, *now)
				now = nil
			case now != nil:
				now.text += strings.TrimPrefix(line, indent) + "\n"
			case fence && slices.Contains([]string{"hcl", "terraform", "tf"}, language):
				now = &snippet{document: document, line: i + 2}
				indent = line[:strings.Index(line, "`")]
			}
		}
		require.Nil(t, now, "%s: a block of code doesn't end", document)
	}
	require.NotEmpty(t, found)
	return found
}

var (
	zips          = regexp.MustCompile(`filename += "(dist/[a-z-]+\.zip)"`)
	moduleAddress = regexp.MustCompile(`"(?:github\.com/sqs-dlq/sqs-dlq//|(?:\.\./)+)modules/([a-z-]+)(?:\?ref=[^"]*)?"`)
	leftOut       = regexp.MustCompile(`(?m)^[ \t]*…[ \t]*$`)
)

// parse parses a snippet.
func parse(t *testing.T, s snippet) *hclsyntax.Body {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(leftOut.ReplaceAllString(s.text, "")), s.document, hcl.Pos{Line: s.line, Column: 1})
	require.False(t, diags.HasErrors(), "%s: %s", s, diags)
	return file.Body.(*hclsyntax.Body)
}

// deployedBlocks are all blocks, in their pure form, of what the suites deploy.
func deployedBlocks(t *testing.T) map[string]bool {
	t.Helper()
	blocks := map[string]bool{}
	for _, dir := range []string{"../examples", "fixtures"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".tf" {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil {
				maps.Copy(blocks, pureBlocks(t, snippet{document: path, line: 1, text: string(text)}))
			}
			return err
		}))
	}
	return blocks
}

// isDeployed says whether each block of the snippet is one of those that are deployed.
func isDeployed(t *testing.T, s snippet, deployed map[string]bool) bool {
	t.Helper()
	for block := range pureBlocks(t, s) {
		if !deployed[block] {
			return false
		}
	}
	return true
}

// pureBlocks are the blocks of the code without comments and space. What the fixtures'
// names begin with, so that they are nobody else's, is left out.
func pureBlocks(t *testing.T, s snippet) map[string]bool {
	t.Helper()
	s.text = moduleAddress.ReplaceAllString(strings.ReplaceAll(s.text, "${var.prefix}-", ""), `"modules/$1"`)
	blocks := map[string]bool{}
	for _, block := range parse(t, s).Blocks {
		code := block.Range().SliceBytes([]byte(leftOut.ReplaceAllString(s.text, "")))
		tokens, diags := hclsyntax.LexConfig(code, s.document, hcl.InitialPos)
		require.False(t, diags.HasErrors(), "%s: %s", s, diags)
		var pure bytes.Buffer
		for _, token := range tokens {
			if token.Type != hclsyntax.TokenComment && token.Type != hclsyntax.TokenNewline {
				pure.Write(token.Bytes)
				pure.WriteByte(' ')
			}
		}
		blocks[pure.String()] = true
	}
	return blocks
}

// snippetFile is named after the document, for Terraform's messages.
func snippetFile(s snippet) string { return strings.ReplaceAll(s.document, "/", "_") + ".tf" }

// planned is the code as it is planned, on the lines on which it is in the document.
func planned(t *testing.T, s snippet) string {
	t.Helper()
	text := s.text
	for _, call := range parse(t, s).Blocks {
		if call.Type != "module" || !leftOut.MatchString(text) {
			continue
		}
		address := moduleAddress.FindStringSubmatch(text)
		require.NotNil(t, address, "%s: something is left out, and not of a module of ours", s)
		var missing []string
		for input, value := range otherwiseGood()[address[1]] {
			if call.Body.Attributes[input] == nil {
				missing = append(missing, input+" = "+value)
			}
		}
		require.LessOrEqual(t, len(missing), 1, "%s leaves too much out", s)
		text = leftOut.ReplaceAllString(text, strings.Join(missing, ""))
	}
	return strings.Repeat("\n", s.line-1) + moduleAddress.ReplaceAllString(text, `"../../modules/$1"`)
}

// standIns declares what a snippet refers to and doesn't declare.
func standIns(t *testing.T, s snippet) string {
	t.Helper()
	body := parse(t, s)
	declared := map[string]bool{}
	for _, block := range body.Blocks {
		switch block.Type {
		case "module", "variable":
			declared[strings.TrimSuffix(block.Type, "iable")+"."+block.Labels[0]] = true
		case "resource":
			declared[strings.Join(block.Labels, ".")] = true
		case "data":
			declared["data."+strings.Join(block.Labels, ".")] = true
		case "locals":
			for name := range block.Body.Attributes {
				declared["local."+name] = true
			}
		}
	}
	var text strings.Builder
	for _, reference := range slices.Sorted(maps.Keys(references(body))) {
		if declared[reference] {
			continue
		}
		kind, name, _ := strings.Cut(reference, ".")
		switch {
		case reference == "module.queues": // a module with for_each
			text.WriteString("module \"queues\" {\n  source = \"../../modules/queue-with-dlq\"\n  for_each = toset([\"orders\", \"payments\"])\n  name = each.key\n}\n")
		case reference == "module.alarms":
			text.WriteString("module \"alarms\" {\n  source = \"../../modules/dlq-alarms\"\n  dlqs = {}\n}\n")
		case reference == "module.redrive":
			text.WriteString("module \"redrive\" {\n  source = \"../../modules/dlq-redrive\"\n  name = \"redrive\"\n  redrives = {}\n}\n")
		case kind == "module":
			fmt.Fprintf(&text, "module %q {\n  source = \"../../modules/queue-with-dlq\"\n  name = %q\n  publishers = { account_ids = [\"444455556666\"] }\n}\n", name, name)
		case kind == "var":
			fmt.Fprintf(&text, "variable %q {\n  type = string\n  default = %q\n}\n", name, name)
		case kind == "aws_cloudwatch_event_rule":
			fmt.Fprintf(&text, "resource %q %q {\n  schedule_expression = \"rate(1 day)\"\n}\n", kind, name)
		case kind == "aws_iam_role":
			fmt.Fprintf(&text, "resource %q %q {\n  assume_role_policy = jsonencode({})\n}\n", kind, name)
		case kind == "aws_lambda_function":
			fmt.Fprintf(&text, "resource %q %q {\n  function_name = %q\n  role = \"arn:aws:iam::111122223333:role/functions\"\n  runtime = \"provided.al2023\"\n  handler = \"bootstrap\"\n  filename = \"function.zip\"\n}\n", kind, name, name)
		case slices.Contains([]string{"aws_sns_topic", "aws_sqs_queue", "aws_s3_bucket", "aws_kms_key"}, kind):
			fmt.Fprintf(&text, "resource %q %q {}\n", kind, name)
		default:
			require.Fail(t, "no stand-in", "%s refers to %s", s, reference)
		}
	}
	return text.String()
}

// references are the modules, variables, locals, resources and data sources that
// expressions speak of.
func references(body *hclsyntax.Body) map[string]bool {
	found := map[string]bool{}
	for _, attribute := range body.Attributes {
		for _, traversal := range hclsyntax.Variables(attribute.Expr) {
			names := []string{traversal.RootName()}
			for _, step := range traversal[1:] {
				attr, ok := step.(hcl.TraverseAttr)
				if !ok {
					break
				}
				names = append(names, attr.Name)
			}
			n := 2
			if names[0] == "data" {
				n = 3
			}
			if len(names) >= n && !slices.Contains([]string{"each", "count", "self", "path", "terraform"}, names[0]) {
				found[strings.Join(names[:n], ".")] = true
			}
		}
	}
	for _, block := range body.Blocks {
		maps.Copy(found, references(block.Body))
	}
	return found
}
