package tfenv

import (
	"fmt"
	"strings"
)

// SetupError is a problem with the machine or the configuration directory, not
// with what was deployed: its reader can put it right by doing what Do says.
type SetupError struct {
	Problem string // what is wrong
	Do      string // what to do about it; never empty
	Err     error  // the cause, or nil when Problem says it all
}

func (e *SetupError) Error() string {
	if e.Err == nil {
		return e.Problem + ": " + e.Do
	}
	return fmt.Sprintf("%s (%v): %s", e.Problem, e.Err, e.Do)
}

func (e *SetupError) Unwrap() error { return e.Err }

// CommandError is a Terraform command that ended with errors.
type CommandError struct {
	Command     string       // as typed, e.g. "terraform apply"
	Diagnostics []Diagnostic // the errors reported; may be empty
	Err         error        // how the process ended
}

// Error gives the summary, detail and place of each error, one a line. Only when
// Terraform reported none does it fall back on how the process ended.
func (e *CommandError) Error() string {
	switch len(e.Diagnostics) {
	case 0:
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	case 1:
		return e.Command + ": " + e.Diagnostics[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d errors", e.Command, len(e.Diagnostics))
	for _, d := range e.Diagnostics {
		b.WriteString("\n- " + strings.ReplaceAll(d.String(), "\n", "\n  "))
	}
	return b.String()
}

func (e *CommandError) Unwrap() error { return e.Err }
