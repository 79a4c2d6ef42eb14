package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peakOf returns the largest resident size that a process had, in KiB.
func peakOf(state *os.ProcessState) int64 {
	if resources, ok := state.SysUsage().(*syscall.Rusage); ok {
		return resources.Maxrss
	}
	return 0
}

// loadAverage returns how many processes wanted to run in the minute before, as Linux writes it.
func loadAverage() string {
	content, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(content), " ")
	return average
}

// busyTime returns the CPU time that the machine has spent on anything so far.
func busyTime() time.Duration {
	content, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(content), "\n")
	var sum time.Duration
	for i, field := range strings.Fields(strings.TrimPrefix(line, "cpu ")) {
		const idle, wait, guest = 3, 4, 8 // guest time is counted as user time too
		if i == idle || i == wait || i >= guest {
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64)         // digits
		sum += time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
	}
	return sum
}

// ownTime returns the CPU time of this program and of all processes that it, or they, waited for.
func ownTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err == nil {
			sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	return sum
}
