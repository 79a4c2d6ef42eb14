package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// start is what it costs to start the provider, until it serves and no further.
type start struct {
	wall, cpu time.Duration // medians
	size      float64       // of the binary, MB
}

// starts is how many are measured.
const starts = 21

func measureStart(ctx context.Context, provider string) (start, error) {
	var walls, cpus []time.Duration
	for range starts {
		wall, cpu, err := startOnce(ctx, provider)
		if err != nil {
			return start{}, fmt.Errorf("starting the provider: %w", err)
		}
		walls, cpus = append(walls, wall), append(cpus, cpu)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	info, err := os.Stat(provider)
	if err != nil {
		return start{}, err
	}
	return start{walls[starts/2], cpus[starts/2], float64(info.Size()) / 1e6}, nil
}

// startOnce starts the provider as Terraform does, waits for the line that says where it serves, and kills it.
func startOnce(ctx context.Context, provider string) (wall, cpu time.Duration, err error) {
	command := exec.CommandContext(ctx, provider)
	command.Env = append(os.Environ(), "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		"PLUGIN_PROTOCOL_VERSIONS=6")
	output, err := command.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	started := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	wall = time.Since(started)
	_ = command.Process.Kill()
	_ = command.Wait() // it was killed
	if fields := strings.Split(line, "|"); err == nil && len(fields) > 3 && fields[2] == "unix" {
		_ = os.Remove(fields[3]) // the socket, which a killed process leaves behind
	}
	cost := usageOf(command.ProcessState)
	return wall, cost.User + cost.System, err
}
