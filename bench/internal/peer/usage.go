package peer

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a process has used so far, as Linux tells it.
type Usage struct {
	CPU            time.Duration // user and system
	Resident, Peak int64         // memory, bytes
}

// Usage returns what the process has used. It is an error on systems without /proc.
func (p *Process) Usage() (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return u, fmt.Errorf("reading what %s used: %w", p.Name, err)
	}
	// the fields after the name in parentheses; utime and stime are the 14th and 15th of
	// all, in ticks of 10 ms on every Linux that there is
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	for _, i := range []int{11, 12} {
		ticks, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return u, fmt.Errorf("reading what %s used: %w", p.Name, err)
		}
		u.CPU += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return u, fmt.Errorf("reading what %s used: %w", p.Name, err)
	}
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) == "VmHWM" || string(name) == "VmRSS" {
			kib, err := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			if err != nil {
				return u, fmt.Errorf("reading what %s used: %w", p.Name, err)
			}
			if string(name) == "VmHWM" {
				u.Peak = kib << 10
			} else {
				u.Resident = kib << 10
			}
		}
	}
	return u, nil
}
