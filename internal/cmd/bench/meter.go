package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// usage is what the provider's processes of one run cost.
type usage struct {
	starts int
	cpu    time.Duration // of all together
	peak   int64         // KiB, the largest resident size of any
}

// The variables by which a meter knows that it is one.
const (
	meteredVariable = "ACR_BENCH_METERED"
	logVariable     = "ACR_BENCH_LOG"
)

// meter stands in for the provider: it runs it, waits for it, and logs what it cost. Only the process that waits for
// another learns that, and that would be Terraform.
type meter struct {
	provider string
	log      string // path; one JSON entry a line
}

// entry is a meter's log of one process.
type entry struct {
	CPU  time.Duration
	Peak int64 // KiB
}

func meterFromEnvironment() (meter, bool) {
	m := meter{os.Getenv(meteredVariable), os.Getenv(logVariable)}
	return m, m.provider != ""
}

// run returns the exit status.
func (m meter) run() int {
	command := exec.Command(m.provider, os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Run(); command.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if err := m.write(costOf(command.ProcessState)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return command.ProcessState.ExitCode()
}

func costOf(state *os.ProcessState) entry {
	return entry{CPU: state.UserTime() + state.SystemTime(), Peak: peakOf(state)}
}

func (m meter) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(m.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// weighed lets do run with a meter in the provider's place: in this folder, with these variables.
func weighed(provider string, do func(folder string, variables map[string]string) error) (u usage, err error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	program, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	if err := os.Symlink(program, filepath.Join(folder, "terraform-provider-acr")); err != nil {
		return usage{}, err
	}
	metered, err := filepath.Abs(provider)
	if err != nil {
		return usage{}, err
	}
	log := filepath.Join(folder, "log")
	if err := do(folder, map[string]string{meteredVariable: metered, logVariable: log}); err != nil {
		return usage{}, err
	}
	return readUsage(log)
}

func readUsage(log string) (usage, error) {
	file, err := os.Open(log)
	if err != nil {
		return usage{}, err
	}
	defer file.Close()
	var u usage
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return usage{}, err
		}
		u.starts++
		u.cpu += e.CPU
		u.peak = max(u.peak, e.Peak)
	}
	return u, lines.Err()
}

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

// startOnce starts the provider as Terraform does, waits for the line that tells where it serves, and kills it.
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
	return wall, costOf(command.ProcessState).CPU, err
}
