// The bench command measures the built provider as whole processes: real `terraform apply` runs that read from a
// registry in memory over TLS, with and without an injected delay, beside crane for the same images. It writes what it
// measured as Markdown tables.
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
	runs := flag.Int("runs", 3, "how often each measurement is made; the median counts")
	file := flag.String("write", "BENCHMARKS.md", "path of the file to write")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, *provider, *runs, *file); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func bench(ctx context.Context, provider string, runs int, file string) error {
	machine, err := describeMachine(ctx)
	if err != nil {
		return err
	}
	start, err := measureStart(ctx, provider)
	if err != nil {
		return err
	}
	var results []result
	for _, s := range scenarios() {
		r, err := s.measure(ctx, provider, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		fmt.Printf("%s: %s\n", s, r)
		results = append(results, r)
	}
	return os.WriteFile(file, []byte(report{machine, start, results, runs}.markdown()), 0o644)
}
