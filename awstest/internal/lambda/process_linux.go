package lambda

import "syscall"

// dieWithParent ends the process when this one is killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
