package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// describeMachine says what the figures depend on.
func describeMachine(ctx context.Context) (string, error) {
	cli, err := terraform.CLIVersion(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d cores, %s of memory, %s/%s, %s, %s", runtime.NumCPU(), memory(), runtime.GOOS, runtime.GOARCH, runtime.Version(), cli), nil
}

var total = regexp.MustCompile(`MemTotal: +(\d+) kB`)

// memory returns the size of the machine's memory, in words. Only Linux says it.
func memory() string {
	content, _ := os.ReadFile("/proc/meminfo")
	match := total.FindSubmatch(content)
	if match == nil {
		return "an unknown amount"
	}
	kib, _ := strconv.ParseFloat(string(match[1]), 64) // digits
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

// load is what else the machine does while this program measures.
type load struct {
	average   string        // of the minute before
	busy, own time.Duration // CPU time at the start: the machine's, and that of this program and the processes it waited for
	started   time.Time
}

func startLoad() load {
	return load{average: loadAverage(), busy: busyTime(), own: ownTime(), started: time.Now()}
}

// String returns it in words, "unknown" if the system does not say.
func (l load) String() string {
	if l.average == "" {
		return "unknown"
	}
	others := (busyTime() - l.busy) - (ownTime() - l.own)
	share := max(0, others.Seconds()/time.Since(l.started).Seconds()/float64(runtime.NumCPU()))
	text := fmt.Sprintf("%s in the minute before; other processes took %.0f %% of the CPU while this was measured", l.average, 100*share)
	if share > busy {
		text += ". **The times below are those of a busy machine**; requests, CPU and memory are what they are on a quiet one"
	}
	return text
}

// busy is the share of the CPU above which other processes affect the times.
const busy = 0.1
