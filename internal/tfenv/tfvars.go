package tfenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
)

// inheritedVars turns the TF_VAR_ variables into "name=value". As in Terraform,
// one for which the root module has no variable is ignored, and any variable
// file wins.
func inheritedVars(environ []string, dir string, files []string) []string {
	module, _ := tfconfig.LoadModule(dir) // Copy has found it valid
	assigned := assignedIn(append(autoLoaded(dir), files...))
	var out []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(name, "TF_VAR_")
		if ok && module.Variables[name] != nil && !assigned[name] {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}

// autoLoaded returns the variable files that Terraform loads by itself.
func autoLoaded(dir string) []string {
	var files []string
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		name := entry.Name()
		if name == "terraform.tfvars" || name == "terraform.tfvars.json" || strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json") {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files
}

// assignedIn returns the variables that the files assign. Terraform itself will
// complain of what does not parse.
func assignedIn(files []string) map[string]bool {
	names := map[string]bool{}
	parser := hclparse.NewParser()
	for _, file := range files {
		parse := parser.ParseHCLFile
		if strings.HasSuffix(file, ".json") {
			parse = parser.ParseJSONFile
		}
		var attributes hcl.Attributes
		if f, _ := parse(file); f != nil && f.Body != nil {
			attributes, _ = f.Body.JustAttributes()
		}
		for name := range attributes {
			names[name] = true
		}
	}
	return names
}
