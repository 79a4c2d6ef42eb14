// The runtests command runs `go test` with its arguments, and reports progress: a line for each package as soon as it
// ends, however slow those before it are, a sign of life while nothing ends, and at the end what failed, what was
// skipped and how many passed. It leaves no process and no file of the tests behind, even after Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// patience is the longest time that the report is silent.
const patience = 10 * time.Second

// stopLimit is the time that interrupted tests have to end by themselves.
const stopLimit = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
		stop()
		os.Exit(1)
	}
}

// run runs `go test -json` with the arguments and reports on it. The error is for tests that failed, that did not run,
// or that left something behind.
func run(ctx context.Context, w io.Writer, arguments []string) (err error) {
	temporary, err := newTemporary()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.remove()) }()

	command := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, arguments...)...)
	command.Env = append(os.Environ(), temporary.variable())
	command.Stderr = os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopLimit
	events, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	report := newProgress(w)
	defer report.finish()
	stop := every(time.Second, func() { report.signOfLife(patience) })
	defer stop()
	if err := report.read(events); err != nil {
		return err
	}
	if err := command.Wait(); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		return err
	}
	return nil
}

// every calls a function at each tick until it is stopped.
func every(tick time.Duration, call func()) (stop func()) {
	ticker, done := time.NewTicker(tick), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				call()
			case <-done:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(done) }
}
