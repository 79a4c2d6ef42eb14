package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// usage is what processes cost: their total CPU time, and the largest resident size of any of them.
type usage struct {
	User, System time.Duration
	Peak         int64 // KiB
}

func usageOf(state *os.ProcessState) usage {
	return usage{User: state.UserTime(), System: state.SystemTime(), Peak: peakOf(state)}
}

func (u usage) plus(other usage) usage {
	return usage{User: u.User + other.User, System: u.System + other.System, Peak: max(u.Peak, other.Peak)}
}

// meter takes the provider's place: it runs the provider, waits for it, and logs what it cost. Only the process that
// waits for another learns that, and otherwise that is Terraform. It adds about 5 ms to each of the four starts of an
// apply, whatever is read.
type meter struct {
	provider string // path
	folder   string // holds this program under the provider's name, and the log: one JSON usage a line
}

// The variables by which this program knows that it is a meter.
const (
	providerVariable = "ACR_BENCH_PROVIDER"
	folderVariable   = "ACR_BENCH_FOLDER"
)

func newMeter(provider string) (m meter, err error) {
	if m.provider, err = filepath.Abs(provider); err != nil {
		return meter{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return meter{}, err
	}
	if m.folder, err = os.MkdirTemp("", "bench"); err != nil {
		return meter{}, err
	}
	return m, os.Symlink(program, filepath.Join(m.folder, "terraform-provider-acr"))
}

func (m meter) close() error { return os.RemoveAll(m.folder) }

func (m meter) log() string { return filepath.Join(m.folder, "log") }

// environment makes this program a meter.
func (m meter) environment() map[string]string {
	return map[string]string{providerVariable: m.provider, folderVariable: m.folder}
}

func meterFromEnvironment() (m meter, ok bool) {
	m = meter{provider: os.Getenv(providerVariable), folder: os.Getenv(folderVariable)}
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
	if err := m.write(usageOf(command.ProcessState)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return command.ProcessState.ExitCode()
}

func (m meter) write(u usage) error {
	line, err := json.Marshal(u)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(m.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// usage returns the usage of all processes so far.
func (m meter) usage() (usage, error) {
	file, err := os.Open(m.log())
	if err != nil {
		return usage{}, err
	}
	defer file.Close()
	var sum usage
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var u usage
		if err := json.Unmarshal(lines.Bytes(), &u); err != nil {
			return usage{}, err
		}
		sum = sum.plus(u)
	}
	return sum, lines.Err()
}
