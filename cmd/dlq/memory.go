package main

import (
	"runtime"
	"runtime/debug"
)

// limitGarbage has the garbage collector run once garbage makes up half of what is in use,
// where Go's default is as much again: an endpoint may hold a gigabyte of messages. So
// that a small heap isn't collected all the time, 64 MiB count as in use that are never
// touched, and so take no memory, until the returned function is called.
func limitGarbage() (stop func()) {
	before := debug.SetGCPercent(50)
	untouched := make([]byte, 64<<20)
	return func() {
		debug.SetGCPercent(before)
		runtime.KeepAlive(untouched)
	}
}
