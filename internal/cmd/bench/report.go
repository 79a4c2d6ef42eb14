package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
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

Written by ` + "`make bench`" + `. Ratios are what counts: absolute times are those of one machine, on which the registry ran too.

- Machine: %s.
- Load: %s.
- Date: %s.
- Each row is a reading of all the images from nothing, ten at a time, from a registry in memory over TLS that lets the delay pass before
  each answer: by a ` + "`terraform apply`" + ` with an ` + "`acr_manifest`" + ` for each image, by one with a single ` + "`acr_images`" + `, or by ` + "`crane digest`" + `, a
  process for each image.
- Figures are the median of %d runs, with the least and the most in brackets. Every row is measured once before any is measured again.
- Network is the time from the first request's arrival at the registry to the last answer's end. Its limit is what the delay alone
  takes: the challenge, then the tokens and a manifest for each image, ten at a time. One token opens one repository, of
  ` + "`acr_images`" + ` 20.
- CPU is that of all processes of the provider, or of crane, in one reading; peak memory that of the provider's largest. Terraform
  itself, which starts a provider four times for an apply, is counted in the wall time alone.
- ` + "`acr_manifest`, before" + `, is an older build of the provider, where one was measured.
- The Docker provider's ` + "`docker_registry_image`" + ` asks for a challenge, a token and a manifest for each image: 300 requests for 100. It
  is not run here.

## Goals

%s
## Whole runs

`

const startSection = `
## One start of the provider

| until it serves | CPU | binary, stripped |
| --: | --: | --: |
| %s | %s | %.1f MB |

What Terraform needs is most of the binary: gRPC, the framework, and the methods of every type in them. The linker drops methods that
nothing calls, unless something looks methods up at run time, and go-plugin's net/rpc does, which Terraform's plugins never use. With its
look-up left out of a build for trial, the binary is 3.1 MB smaller, and an idle provider takes 1.2 MB less. That is go-plugin's to mend.
`

func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, introduction, r.machine, r.load, time.Now().UTC().Format(time.DateOnly), r.runs, goalTable(r.rows))
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

// sorted takes one figure of each measurement, the least first.
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

// spread is the median with the least and the most.
func spread(all []measurement, figure func(measurement) time.Duration) string {
	figures := sorted(all, figure)
	for i := range figures {
		figures[i] = figures[i].Round(time.Millisecond)
	}
	least, middle, most := figures[0], figures[len(figures)/2], figures[len(figures)-1]
	return fmt.Sprintf("%d ms (%d–%d)", middle.Milliseconds(), least.Milliseconds(), most.Milliseconds())
}

// memorySpread is empty if memory was not measured.
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
