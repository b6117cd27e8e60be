//go:build unix

// Package cpu tells how much CPU time this process has used.
package cpu

import (
	"syscall"
	"time"
)

// Time is the CPU time that this process has used so far, user and system.
func Time() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
