// The soak command reads from a registry in memory that fails a share of all requests, and reports how many reads
// succeeded all the same: through the client alone, and through a real `terraform apply` with a block for each image and
// with one block for all. It exits with 1 if a run misses its goal.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// run is one row of the table.
type run struct {
	name  string
	reads int
	rate  float64 // the share of all requests that fail
	goal  int     // reads that must succeed
	read  reader
}

// reader reads every image of a registry, and returns how many came as they were stored. The error is about one that
// did not.
type reader func(context.Context, *registry) (succeeded int, err error)

func main() {
	provider := flag.String("provider", "build/terraform-provider-acr", "path of the built provider")
	seed := flag.Int64("seed", time.Now().UnixNano(), "which requests fail; by default others each time")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := soak(ctx, *seed, []run{
		{name: "client", reads: 1000, rate: 0.10, goal: 1000, read: readByClient},
		{name: "client", reads: 500, rate: 0.25, goal: 499, read: readByClient},
		{name: "apply, acr_manifest", reads: 200, rate: 0.10, goal: 200, read: readByTerraform(*provider, workload.Manifest)},
		{name: "apply, acr_images", reads: 1000, rate: 0.10, goal: 1000, read: readByTerraform(*provider, workload.Images)},
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1)
	}
}

// soak makes the runs one after the other, and prints them. The error names those that missed their goal.
func soak(ctx context.Context, seed int64, runs []run) error {
	fmt.Printf("Of the requests that fail, a third each: 429 with Retry-After 1, 503, connection reset. Seed %d.\n\n", seed)
	table := newTable(os.Stdout)
	var missed []error
	for _, r := range runs {
		outcome, err := r.make(ctx, seed)
		if err != nil {
			return err
		}
		table.add(r, outcome)
		if outcome.succeeded < r.goal {
			missed = append(missed, fmt.Errorf("%s at %.0f %%: %d reads succeeded, the goal is %d: %w",
				r.name, r.rate*100, outcome.succeeded, r.goal, outcome.err))
		}
	}
	return errors.Join(missed...)
}

// make reads from a new registry. The error is for a run that could not be made or was interrupted.
func (r run) make(ctx context.Context, seed int64) (outcome, error) {
	registry, err := startRegistry(r.reads)
	if err != nil {
		return outcome{}, err
	}
	defer registry.Close()
	registry.fail(r.rate, seed)
	started := time.Now()
	succeeded, err := r.read(ctx, registry)
	return outcome{succeeded: succeeded, err: err, traffic: registry.traffic(), took: time.Since(started)}, ctx.Err()
}
