// The bench command measures the built provider as whole processes: real `terraform apply` runs that read from a
// registry in memory over TLS, with and without an injected delay, beside crane for the same images. It writes what it
// measured as Markdown tables.
//
// A reader finds: scenario.go (what is read, and from what kind of registry), readers.go (who reads), copies.go (who
// copies an image), meter.go (what the provider's processes cost), machine.go (what else the machine did) and report.go (the file).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if meter, ok := meterFromEnvironment(); ok {
		os.Exit(meter.run())
	}
	provider := flag.String("provider", "build/terraform-provider-acr", "path of the built provider")
	before := flag.String("before", "", "path of an older build of the provider, to measure in turn with this one")
	runs := flag.Int("runs", 5, "how often each measurement is made")
	file := flag.String("write", "BENCHMARKS.md", "path of the file to write")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, *provider, *before, *runs, *file); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func bench(ctx context.Context, provider, before string, runs int, file string) error {
	machine, err := describeMachine(ctx)
	if err != nil {
		return err
	}
	load := startLoad()
	start, err := measureStart(ctx, provider)
	if err != nil {
		return err
	}
	rows := rows(provider, before)
	if err := measure(ctx, rows, runs); err != nil {
		return err
	}
	copies := copyRows(provider)
	if err := measureCopies(ctx, copies, runs); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(report{machine: machine, load: load.String(), start: start, rows: rows, copies: copies, runs: runs}.markdown()), 0o644)
}

// measure measures every row once before it measures any row again. So whatever else the machine does for a while
// affects all rows alike, including the baseline.
func measure(ctx context.Context, rows []*row, runs int) error {
	for run := range runs {
		fmt.Printf("Run %d of %d.\n", run+1, runs)
		for _, row := range rows {
			m, err := row.scenario.measure(ctx, row.reader)
			if err != nil {
				return fmt.Errorf("%s by %s: %w", row.scenario, row.reader.name, err)
			}
			fmt.Printf("  %s by %s: %s\n", row.scenario, row.reader.name, milliseconds(m.wall))
			row.measured = append(row.measured, m)
		}
	}
	return nil
}
