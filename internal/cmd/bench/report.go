package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// report is the file that is written.
type report struct {
	machine string
	start   start
	results []result
	runs    int
}

const introduction = `# How fast it is

Written by ` + "`make bench`" + `. Ratios are what counts: absolute times are those of one machine, on which the registry ran too.

- Machine: %s.
- Date: %s.
- Each row is a ` + "`terraform apply`" + ` that reads each image by an ` + "`acr_manifest`" + ` of its own, from nothing, ten at a time, from a registry in
  memory over TLS that lets the delay pass before each answer; the median of %d.
- Network is the time from the first request's arrival at the registry to the last answer's end. Its limit is what the delay alone
  takes: the challenge, then a token for each repository and a manifest for each image, ten at a time.
- CPU is that of all the provider's processes in one apply, peak memory that of the largest.
- crane is ` + "`crane digest`" + `, one process for each image, ten at a time.

## Whole runs

`

func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, introduction, r.machine, time.Now().UTC().Format(time.DateOnly), r.runs)
	row := func(cells ...string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	row("reads", "HTTP", "delay", "wall", "network", "limit", "ratio", "challenges", "tokens", "manifests", "connections",
		"starts", "CPU", "peak memory", "crane: wall", "requests", "connections")
	row("---", "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, result := range r.results {
		row(result.cells()...)
	}
	fmt.Fprintf(&out, `
## One start of the provider

| until it serves | CPU | binary, stripped |
| --: | --: | --: |
| %s | %s | %.1f MB |
`, milliseconds(r.start.wall), milliseconds(r.start.cpu), r.start.size)
	return out.String()
}

func (r result) cells() []string {
	t, c := r.terraform, r.crane
	measured := []string{strconv.Itoa(r.provider.starts), milliseconds(r.provider.cpu), fmt.Sprintf("%.1f MiB", float64(r.provider.peak)/1024)}
	if r.repositories == 0 {
		return append(append([]string{r.reads(), "", "", milliseconds(t.wall), "", "", "", "0", "0", "0", "0"}, measured...), "", "", "")
	}
	limit, ratio := "", ""
	if r.delay > 0 {
		limit, ratio = milliseconds(r.limit()), fmt.Sprintf("%.2f", t.network.Seconds()/r.limit().Seconds())
	}
	cells := []string{r.reads(), strings.TrimPrefix(r.protocol(), "HTTP/"), milliseconds(r.delay), milliseconds(t.wall), milliseconds(t.network), limit, ratio,
		strconv.Itoa(t.challenges), strconv.Itoa(t.tokens), strconv.Itoa(t.resources), strconv.Itoa(t.connections)}
	return append(append(cells, measured...), milliseconds(c.wall), strconv.Itoa(c.requests()), strconv.Itoa(c.connections))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// describeMachine says what the figures depend on.
func describeMachine(ctx context.Context) (string, error) {
	cli, err := terraform.CLIVersion(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d cores, %s of memory, %s/%s, %s, %s", runtime.NumCPU(), memory(), runtime.GOOS, runtime.GOARCH, runtime.Version(), cli), nil
}

var total = regexp.MustCompile(`MemTotal: +(\d+) kB`)

// memory is the machine's, where Linux tells.
func memory() string {
	content, _ := os.ReadFile("/proc/meminfo")
	match := total.FindSubmatch(content)
	if match == nil {
		return "an unknown amount"
	}
	kib, _ := strconv.ParseFloat(string(match[1]), 64) // digits
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}
