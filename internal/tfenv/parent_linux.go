package tfenv

import "syscall"

// endsWithParent has a child process end when this one does, even if it is killed.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
