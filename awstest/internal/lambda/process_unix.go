//go:build unix

package lambda

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup starts a process in a group of its own, which killGroup ends.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
