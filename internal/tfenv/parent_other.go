//go:build !linux

package tfenv

import "syscall"

// endsWithParent has a child process end with this one where the system can do that.
func endsWithParent() *syscall.SysProcAttr { return nil }
