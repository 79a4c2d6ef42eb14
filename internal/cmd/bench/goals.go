package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// goal is an upper limit for a figure of the measured rows of acr_images. Times are compared with others of the same
// run, so that a goal means the same on any machine.
type goal struct {
	text     string
	most     float64
	measured func(finder) float64
}

// finder returns a scenario's measurements by the built provider with a data source.
type finder func(dataSource string, s scenario) []measurement

const delay = 50 * time.Millisecond

// What the goals are about.
var (
	oneTag              = scenario{tags: 1, repositories: 1}
	hundredTags         = scenario{tags: 100, repositories: 1}
	hundredRepositories = scenario{tags: 1, repositories: 100}
)

func (s scenario) delayed() scenario { s.delay = delay; return s }
func (s scenario) over2() scenario   { s.http2 = true; return s }

// goals returns the goals of acr_images.
func goals() []goal {
	var all []goal
	add := func(text string, most float64, measured func(finder) float64) {
		all = append(all, goal{text, most, measured})
	}

	requests := func(s scenario) func(finder) float64 {
		return func(find finder) float64 { return median(find(workload.Images, s), measurement.requests) }
	}
	add("requests for 100 tags", 102, requests(hundredTags))
	add("requests for 100 repositories", 106, requests(hundredRepositories))

	span := func(s scenario) func(finder) float64 {
		return func(find finder) float64 {
			network := median(find(workload.Images, s), func(m measurement) time.Duration { return m.network })
			return network.Seconds() / s.limit(repositoriesPerToken[workload.Images]).Seconds()
		}
	}
	add("network over its limit, 100 tags, 50 ms, HTTP/1.1", 1.10, span(hundredTags.delayed()))
	add("network over its limit, 100 tags, 50 ms, HTTP/2", 1.10, span(hundredTags.delayed().over2()))
	add("network over its limit, 100 repositories, 50 ms, HTTP/1.1", 1.15, span(hundredRepositories.delayed()))
	add("network over its limit, 100 repositories, 50 ms, HTTP/2", 1.15, span(hundredRepositories.delayed().over2()))

	wall := func(many, one scenario) func(finder) float64 {
		figure := func(m measurement) time.Duration { return m.wall }
		return func(find finder) float64 {
			return median(find(workload.Images, many), figure).Seconds() / median(find(workload.Manifest, one), figure).Seconds()
		}
	}
	add("wall of 100 tags over that of one read, 0 ms", 1.3, wall(hundredTags, oneTag))
	add("wall of 100 tags over that of one read, 50 ms", 1.65, wall(hundredTags.delayed(), oneTag.delayed()))
	add("wall of 100 repositories over that of one read, 50 ms", 1.71, wall(hundredRepositories.delayed(), oneTag.delayed()))

	add("CPU of 100 tags over that of one, 0 ms", 1.3, func(find finder) float64 {
		figure := func(m measurement) time.Duration { return m.User + m.System }
		return median(find(workload.Images, hundredTags), figure).Seconds() / median(find(workload.Images, oneTag), figure).Seconds()
	})
	add("peak memory of 100 tags less that of one, 0 ms, in MB", 3, func(find finder) float64 {
		figure := func(m measurement) int64 { return m.Peak }
		return float64(median(find(workload.Images, hundredTags), figure)-median(find(workload.Images, oneTag), figure)) * 1024 / 1e6
	})
	add("seconds for 100 repositories at 20 manifests a second", 5.8, func(find finder) float64 {
		s := hundredRepositories
		s.perSecond = 20
		return median(find(workload.Images, s), func(m measurement) time.Duration { return m.wall }).Seconds()
	})
	return all
}

func (m measurement) requests() float64 { return float64(m.challenges + m.tokens + m.resources) }

// goalTable returns a table with the goals and what was measured.
func goalTable(rows []*row) string {
	find := func(dataSource string, s scenario) []measurement {
		for _, row := range rows {
			if row.reader.name == dataSource && row.scenario == s {
				return row.measured
			}
		}
		panic(fmt.Sprintf("no row for %s by %s", s, dataSource)) // goals and rows disagree
	}
	var out strings.Builder
	out.WriteString("| `acr_images` | at most | measured | |\n| --- | --: | --: | --- |\n")
	for _, goal := range goals() {
		measured, verdict := goal.measured(find), "met"
		if measured > goal.most {
			verdict = "**missed**"
		}
		fmt.Fprintf(&out, "| %s | %.4g | %.4g | %s |\n", goal.text, goal.most, measured, verdict)
	}
	return out.String()
}
