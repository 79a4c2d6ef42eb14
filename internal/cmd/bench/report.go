package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// report is the file that is written.
type report struct {
	machine string
	load    string // what else the machine did
	start   start
	rows    []*row
	copies  []*copyRow
	runs    int
}

const introduction = `# How fast it is

Written by ` + "`make bench`" + `. Compare ratios: absolute times depend on the machine, on which the registry ran too.

- Machine: %s.
- Load: %s.
- Date: %s.
- Each row is one reading of all the images from scratch, ten at a time, from a registry in memory over TLS that waits for the delay before
  each answer. The reading is done by a ` + "`terraform apply`" + ` with an ` + "`acr_manifest`" + ` for each image, by one with a single ` + "`acr_images`" + `, or by
  ` + "`crane digest`" + `, with a process for each image.
- Figures are the median of %d runs, with the lowest and the highest in brackets. Every row is measured once before any is measured again.
- Network is the time from the first request's arrival at the registry to the end of the last answer. Its limit is the time that the delay
  alone takes: for the challenge, then the tokens and a manifest for each image, ten at a time. One token opens one repository, or %d with
  ` + "`acr_images`" + `.
- CPU is the total of all processes of the provider, or of crane, in one reading. Peak memory is that of the provider's largest process.
  Terraform itself, which starts a provider four times for an apply, counts only in the wall time.
- ` + "`acr_manifest`" + `, before, is an older build of the provider, if one was measured.
- The Docker provider's ` + "`docker_registry_image`" + ` sends a challenge request, a token request and a manifest request for each image: 300
  requests for 100. It is not run here.

## Goals

%s
## Whole runs

`

const startSection = `
## One start of the provider

| until it serves | CPU | binary, stripped |
| --: | --: | --: |
| %s | %s | %.1f MB |

Most of the binary is what Terraform's plugins need: gRPC, the framework, and the methods of every type in them. The linker drops methods
that nothing calls, unless the program looks up methods at run time. go-plugin's net/rpc does that, although Terraform's plugins never use
it. A trial build without that look-up is 3.1 MB smaller and takes 1.2 MB less memory when idle. Only go-plugin can change that.
`

func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, introduction, r.machine, r.load, time.Now().UTC().Format(time.DateOnly), r.runs, acr.RepositoriesPerToken, goalTable(r.rows))
	line := func(cells ...string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line("reads", "by", "HTTP", "delay", "wall", "network", "limit", "ratio", "challenges", "tokens", "manifests", "connections",
		"CPU, user", "CPU, system", "peak memory")
	line("---", "---", "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, row := range r.rows {
		line(row.cells()...)
	}
	out.WriteString(copyTable(r.copies))
	fmt.Fprintf(&out, startSection, milliseconds(r.start.wall), milliseconds(r.start.cpu), r.start.size)
	return out.String()
}

func (r *row) cells() []string {
	wall := spread(r.measured, func(m measurement) time.Duration { return m.wall })
	cost := []string{
		spread(r.measured, func(m measurement) time.Duration { return m.User }),
		spread(r.measured, func(m measurement) time.Duration { return m.System }),
		memorySpread(r.measured),
	}
	s := r.scenario
	if s.repositories == 0 {
		return append([]string{s.reads(), r.reader.name, "", "", wall, "", "", "", "0", "0", "0", "0"}, cost...)
	}
	limit, ratio := "", ""
	if least := s.limit(r.reader.repositoriesPerToken); least > 0 {
		network := median(r.measured, func(m measurement) time.Duration { return m.network })
		limit, ratio = milliseconds(least), fmt.Sprintf("%.2f", network.Seconds()/least.Seconds())
	}
	count := func(figure func(measurement) int) string { return strconv.Itoa(median(r.measured, figure)) }
	return append([]string{
		s.reads(), r.reader.name, s.protocol(), milliseconds(s.delay), wall,
		spread(r.measured, func(m measurement) time.Duration { return m.network }), limit, ratio,
		count(func(m measurement) int { return m.challenges }), count(func(m measurement) int { return m.tokens }),
		count(func(m measurement) int { return m.resources }), count(func(m measurement) int { return m.connections }),
	}, cost...)
}

// sorted returns one figure of each measurement, the lowest first.
func sorted[F cmp.Ordered](all []measurement, figure func(measurement) F) []F {
	var figures []F
	for _, m := range all {
		figures = append(figures, figure(m))
	}
	slices.Sort(figures)
	return figures
}

func median[F cmp.Ordered](all []measurement, figure func(measurement) F) F {
	return sorted(all, figure)[len(all)/2]
}

// spread returns the median with the lowest and the highest.
func spread(all []measurement, figure func(measurement) time.Duration) string {
	figures := sorted(all, figure)
	for i := range figures {
		figures[i] = figures[i].Round(time.Millisecond)
	}
	least, middle, most := figures[0], figures[len(figures)/2], figures[len(figures)-1]
	return fmt.Sprintf("%d ms (%d–%d)", middle.Milliseconds(), least.Milliseconds(), most.Milliseconds())
}

// memorySpread returns the same for the peak memory, empty if that was not measured.
func memorySpread(all []measurement) string {
	if all[0].Peak == 0 {
		return ""
	}
	peaks := sorted(all, func(m measurement) float64 { return float64(m.Peak) / (1 << 10) })
	return fmt.Sprintf("%.1f MiB (%.1f–%.1f)", peaks[len(peaks)/2], peaks[0], peaks[len(peaks)-1])
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}
