package realregistry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// startLimit bounds the time between a registry's start and its first listening line.
const startLimit = time.Minute

// listening matches the line in which both registries say where they serve.
var listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)

// process is a registry's process, and the loopback address at which it serves.
type process struct {
	address string
	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	output  []string      // what it said until it listened; complete once ended or address is known
}

// startProcess runs a tool that serves on a loopback port that it chooses, and returns once it listens.
func startProcess(tool string, arguments ...string) (*process, error) {
	path, err := Tool(tool)
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(path, arguments...), ended: make(chan struct{})}
	// The registry takes REGISTRY_* variables for configuration and sends traces to a collector unless told not to.
	p.command.Env = []string{"PATH=" + os.Getenv("PATH"), "OTEL_TRACES_EXPORTER=none"}
	dieWithParent(p.command)
	output, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}

	address := make(chan string, 1)
	go p.watch(output, address)
	select {
	case p.address = <-address:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s ended before it served: %s", tool, strings.Join(p.output, "\n"))
	case <-time.After(startLimit):
		p.stop()
		return nil, errors.New(tool + " did not serve within " + startLimit.String())
	}
}

// watch reads what the process says, reports its address, and waits for its end.
func (p *process) watch(output io.Reader, address chan<- string) {
	defer close(p.ended)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.output = append(p.output, lines.Text())
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			address <- match[1]
			break
		}
	}
	_, _ = io.Copy(io.Discard, output) // an unread pipe would block the process
	_ = p.command.Wait()
}

// stop kills the process and waits until it is gone.
func (p *process) stop() {
	_ = p.command.Process.Kill()
	<-p.ended
}
