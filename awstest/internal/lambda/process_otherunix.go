//go:build unix && !linux

package lambda

import "syscall"

// dieWithParent can't be told to these systems.
func dieWithParent(*syscall.SysProcAttr) {}
