// Command build makes the zips of the example's Lambda functions, each with one program
// called bootstrap, as the runtime provided.al2023 wants it:
//
//	go run ./examples/task-processor/build
//
// The same code and the same Go make the same zips, to the byte, on any machine, so that
// Terraform sees a change only where there is one.
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "", "`directory` for the zips, by architecture; dist beside main.tf unless given")
	arch := flag.String("arch", "x86_64,arm64", "`architectures`, as Lambda calls them")
	flag.Parse()
	if err := build(*out, strings.Split(*arch, ",")); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n", err)
		os.Exit(1)
	}
}

// functions are the programs in cmd that are Lambda functions.
func functions() []string { return []string{"consumer", "dead-letters"} }

func build(out string, architectures []string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this program doesn't know its own package: run it by go run")
	}
	example := path.Dir(info.Path) // wherever it was copied to
	if out == "" {
		dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", info.Path).Output()
		if err != nil {
			return fmt.Errorf("finding %s (run this in its Go module, or give -o): %w", info.Path, err)
		}
		out = filepath.Join(filepath.Dir(strings.TrimSpace(string(dir))), "dist")
	}
	temp, err := os.MkdirTemp("", "build-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(temp)
	for _, arch := range architectures {
		goarch, ok := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[arch]
		if !ok {
			return fmt.Errorf("architecture %q: Lambda has x86_64 and arm64", arch)
		}
		for _, function := range functions() {
			program := filepath.Join(temp, arch+"-"+function)
			// what differs from machine to machine is left out
			cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-tags=lambda.norpc", "-o", program, path.Join(example, "cmd", function))
			cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("building %s for %s: %w", function, arch, err)
			}
			to := filepath.Join(out, arch, function+".zip")
			if err := pack(to, program); err != nil {
				return fmt.Errorf("packing %s: %w", to, err)
			}
			fmt.Println(to)
		}
	}
	return nil
}

// pack writes a zip with the program as bootstrap in it.
func pack(to, program string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := zip.NewWriter(file)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	entry, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	if _, err := io.Copy(entry, in); err != nil {
		return err
	}
	return w.Close()
}
