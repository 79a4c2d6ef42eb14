package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

func TestLimit(t *testing.T) {
	const delay = 50 * time.Millisecond
	for _, c := range []struct {
		scenario             scenario
		repositoriesPerToken int
		want                 time.Duration
	}{
		// challenge + tokens + manifests
		{scenario{tags: 1, repositories: 1, delay: delay}, 1, (1 + 1 + 1) * delay},
		{scenario{tags: 20, repositories: 1, delay: delay}, 1, (1 + 1 + 2) * delay},
		{scenario{tags: 21, repositories: 1, delay: delay}, 1, (1 + 1 + 3) * delay},
		{scenario{tags: 100, repositories: 1, delay: delay}, 20, (1 + 1 + 10) * delay},
		{scenario{tags: 1, repositories: 100, delay: delay}, 1, (1 + 10 + 10) * delay},
		{scenario{tags: 1, repositories: 100, delay: delay}, 20, (1 + 1 + 10) * delay},
		{scenario{tags: 100, repositories: 1}, 1, 0},
		{scenario{tags: 1, repositories: 100, perSecond: 20}, 1, 4 * time.Second},
	} {
		if got := c.scenario.limit(c.repositoriesPerToken); got != c.want {
			t.Errorf("%s, %d repositories a token: limit %v, want %v", c.scenario, c.repositoriesPerToken, got, c.want)
		}
	}
}

// A meter runs the program with its own arguments, returns its exit status, and records what it cost.
func TestMeter(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := newMeter(program)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	var costs []usage
	for range 2 {
		if status := m.run(); status != 3 {
			t.Errorf("the exit status is %d, want the program's, 3", status)
		}
		cost, err := m.usage()
		if err != nil {
			t.Fatal(err)
		}
		costs = append(costs, cost)
	}
	once, twice := costs[0].User+costs[0].System, costs[1].User+costs[1].System
	if once <= 0 || twice <= once {
		t.Errorf("one run cost %v, two %v, want more each time", once, twice)
	}
}

func TestMarkdown(t *testing.T) {
	of := func(wall time.Duration, peak int64) measurement {
		return measurement{wall: wall, network: 660 * time.Millisecond, challenges: 1, tokens: 1, resources: 100, connections: 10,
			usage: usage{User: 300 * time.Millisecond, System: 40 * time.Millisecond, Peak: peak}}
	}
	r := report{
		machine: "2 cores", load: "0.10 in the minute before", runs: 3,
		start: start{wall: 13 * time.Millisecond, cpu: 14 * time.Millisecond, size: 19.87},
		rows: []*row{
			{scenario{}, reader{name: "acr_manifest"}, []measurement{{wall: time.Second}}},
			{
				hundredRepositories.delayed().over2(), reader{name: "acr_images", repositoriesPerToken: acr.RepositoriesPerToken},
				[]measurement{of(2*time.Second, 30720), of(time.Second, 20480), of(4*time.Second, 25600)},
			},
		},
	}
	for _, rest := range rows("provider", "") {
		if row := *rest; row.scenario != r.rows[0].scenario && row.scenario != r.rows[1].scenario {
			row.measured = []measurement{of(time.Second, 20480)}
			r.rows = append(r.rows, &row)
		}
	}
	written := r.markdown()
	for _, want := range []string{
		"- Machine: 2 cores.\n",
		"- Load: 0.10 in the minute before.\n",
		"the median of 3 runs",
		"| requests for 100 tags | 102 | 102 | met |\n",
		"| network over its limit, 100 tags, 50 ms, HTTP/2 | 1.1 | 1.1 | met |\n",
		"| wall of 100 repositories over that of one read, 50 ms | 1.71 | 1 | met |\n",
		"| nothing | acr_manifest |  |  | 1000 ms (1000–1000) |  |  |  | 0 | 0 | 0 | 0 | 0 ms (0–0) | 0 ms (0–0) |  |\n",
		"| 100 repositories | acr_images | 2 | 50 ms | 2000 ms (1000–4000) | 660 ms (660–660) | 600 ms | 1.10 | 1 | 1 | 100 | 10 | 300 ms (300–300) | 40 ms (40–40) | 25.0 MiB (20.0–30.0) |\n",
		"| 13 ms | 14 ms | 19.9 MB |\n",
	} {
		if !strings.Contains(written, want) {
			t.Errorf("the file does not hold %q:\n%s", want, written)
		}
	}
}
