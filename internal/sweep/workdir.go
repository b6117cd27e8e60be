package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// Workdir is a working directory that a process left when it was killed. Terraform's
// state of what that process deployed is in it.
type Workdir struct {
	Path    string    `json:"path"`
	Process int       `json:"process"` // its id
	Changed time.Time `json:"changed"`
	// Resources are those in the state, Problem why the state can't be read. Both are
	// empty if nothing was deployed, or onto an embedded endpoint, which is gone.
	Resources []string `json:"resources,omitempty"`
	Problem   string   `json:"problem,omitempty"`

	states    []string // the directories of state files with resources
	instances []tfenv.Resource
}

// embeddedMarker is a file that says that all that is deployed from a directory is on an
// endpoint inside the process.
const embeddedMarker = "sqs-dlq-embedded"

// MarkEmbedded notes that all that is deployed from the directory goes with this process.
func MarkEmbedded(dir string) error {
	return os.WriteFile(filepath.Join(dir, embeddedMarker), []byte("deployed to an AWS endpoint inside the process: gone when that ends\n"), 0o600)
}

// FindWorkdirs returns the working directories in temp, the directory for temporary files,
// that the filter's age fits and whose process is gone.
func FindWorkdirs(temp string, f Filter) ([]Workdir, error) {
	entries, err := os.ReadDir(temp)
	if err != nil {
		return nil, fmt.Errorf("looking for working directories: %w", err)
	}
	var found []Workdir
	for _, entry := range entries {
		process, ok := owner(entry.Name())
		if !ok || !entry.IsDir() || alive(process) {
			continue
		}
		info, err := entry.Info()
		if err != nil || f.now().Sub(info.ModTime()) < f.OlderThan {
			continue // gone meanwhile, or too young
		}
		w := Workdir{Path: filepath.Join(temp, entry.Name()), Process: process, Changed: info.ModTime().UTC()}
		if err := w.readStates(); err != nil {
			w.Problem = err.Error()
		}
		found = append(found, w)
	}
	return found, nil
}

// owner is the process that a directory's name says.
func owner(name string) (process int, ok bool) {
	rest, ok := strings.CutPrefix(name, tfenv.TempPrefix)
	id, _, named := strings.Cut(rest, "-")
	process, err := strconv.Atoi(id)
	return process, ok && named && err == nil && process > 0
}

// alive says whether there is a process of that id, ours or another's. In doubt there is.
func alive(process int) bool {
	p, err := os.FindProcess(process)
	if err != nil {
		return false // Windows says so at once
	}
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

// readStates reads all state files, but for those of an embedded endpoint.
func (w *Workdir) readStates() error {
	var files []string
	err := filepath.WalkDir(w.Path, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".terraform":
			return filepath.SkipDir
		case d.Type().IsRegular() && filepath.Ext(path) == ".tfstate":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(dir, embeddedMarker)); err == nil {
			continue
		}
		resources, err := tfenv.ReadState(file)
		if err != nil {
			return err
		}
		if len(resources) > 0 {
			w.states = append(w.states, dir)
		}
		w.instances = append(w.instances, resources...)
		for _, r := range resources {
			w.Resources = append(w.Resources, r.Address)
		}
	}
	return nil
}

// Advice is what to do if the directory cannot be removed; empty if it can. It can if all
// in its state was deleted.
func (w Workdir) Advice(deleted []Resource) string {
	if w.Problem != "" {
		return fmt.Sprintf("its state can't be read: %s", w.Problem)
	}
	gone := map[string]bool{}
	for _, r := range deleted {
		gone[r.ARN], gone[r.URL] = r.ARN != "", r.URL != ""
	}
	var left []string
	for _, r := range w.instances {
		known := r.Type == "terraform_data" // kept in the state and nowhere else
		for _, name := range []string{"arn", "id", "queue_url"} {
			value, _ := r.Attributes[name].(string)
			known = known || gone[value]
		}
		if !known {
			left = append(left, r.Address)
		}
	}
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("its state has %s: destroy that with `terraform -chdir=%s destroy`, or remove the directory if it is gone", strings.Join(left, ", "), w.states[0])
}

// Remove removes the directory. Links in it lead elsewhere, and are removed themselves.
func (w Workdir) Remove() error { return os.RemoveAll(w.Path) }
