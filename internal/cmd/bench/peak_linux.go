package main

import (
	"os"
	"syscall"
)

// peakOf is the largest resident size that a process had, in KiB.
func peakOf(state *os.ProcessState) int64 {
	if resources, ok := state.SysUsage().(*syscall.Rusage); ok {
		return resources.Maxrss
	}
	return 0
}
