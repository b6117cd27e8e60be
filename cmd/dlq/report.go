package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// reportOptions are the flags that say where reports go.
type reportOptions struct {
	output string
	files  []string
}

func (o *reportOptions) register(c *cobra.Command) {
	c.Flags().StringVarP(&o.output, "output", "o", "text", "form of the report on standard output: text, json, junit, markdown or html")
	c.Flags().StringArrayVar(&o.files, "report", nil, "also write the report to a `file`, in the form that its ending says: .txt, .json, .xml (JUnit), .md or .html; may be repeated")
	completeFlag(c, "output", "text", "json", "junit", "markdown", "html")
}

// forms are the forms of reports, by name and by the ending of file names.
func forms() map[string]func(io.Writer, ...dlqtest.Report) error {
	each := func(write func(dlqtest.Report, io.Writer) error) func(io.Writer, ...dlqtest.Report) error {
		return func(w io.Writer, reports ...dlqtest.Report) error {
			for _, r := range reports {
				if err := write(r, w); err != nil {
					return err
				}
			}
			return nil
		}
	}
	text, json := each(dlqtest.Report.WriteText), each(dlqtest.Report.WriteJSON)
	return map[string]func(io.Writer, ...dlqtest.Report) error{
		"text": text, "json": json, "junit": dlqtest.WriteJUnit, "markdown": dlqtest.WriteMarkdown, "html": dlqtest.WriteHTML,
		".txt": text, ".json": json, ".xml": dlqtest.WriteJUnit, ".md": dlqtest.WriteMarkdown, ".html": dlqtest.WriteHTML,
	}
}

func (o reportOptions) check() error {
	if !slices.Contains([]string{"text", "json", "junit", "markdown", "html"}, o.output) {
		return fmt.Errorf("--output is %q: choose text, json, junit, markdown or html", o.output)
	}
	for _, file := range o.files {
		if ending := filepath.Ext(file); ending == "" || forms()[ending] == nil {
			return fmt.Errorf("--report %s: end the file's name in .txt, .json, .xml (JUnit), .md or .html", file)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return fmt.Errorf("--report %s: there is no directory %s", file, filepath.Dir(file))
		}
	}
	return nil
}

// write writes the reports to standard output and to the files.
func (o reportOptions) write(stdout io.Writer, reports []dlqtest.Report) error {
	err := forms()[o.output](stdout, reports...)
	for _, file := range o.files {
		err = errors.Join(err, writeFile(file, func(w io.Writer) error {
			return forms()[filepath.Ext(file)](w, reports...)
		}))
	}
	return err
}

// writeFile writes a file whole, or says that it couldn't.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// historyFile is the file for the history of the i-th of n queues.
func historyFile(name, queue string, n int) string {
	if n == 1 {
		return name
	}
	ending := filepath.Ext(name)
	return strings.TrimSuffix(name, ending) + "-" + queue + ending
}
