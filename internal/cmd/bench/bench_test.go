package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	const delay = 50 * time.Millisecond
	for _, c := range []struct {
		scenario scenario
		rounds   int // challenge + tokens + manifests
	}{
		{scenario{tags: 1, repositories: 1, delay: delay}, 1 + 1 + 1},
		{scenario{tags: 20, repositories: 1, delay: delay}, 1 + 1 + 2},
		{scenario{tags: 21, repositories: 1, delay: delay}, 1 + 1 + 3},
		{scenario{tags: 100, repositories: 1, delay: delay}, 1 + 1 + 10},
		{scenario{tags: 1, repositories: 100, delay: delay}, 1 + 10 + 10},
		{scenario{tags: 100, repositories: 1}, 0},
	} {
		if got, want := c.scenario.limit(), time.Duration(c.rounds)*delay; got != want {
			t.Errorf("%s: limit %v, want %v", c.scenario, got, want)
		}
	}
}

func TestMedianTakesEachFigureAlone(t *testing.T) {
	got := median([]traffic{
		{wall: 3, network: 1, tokens: 7, connections: 1},
		{wall: 1, network: 2, tokens: 9, connections: 10},
		{wall: 2, network: 3, tokens: 8, connections: 2},
	})
	if want := (traffic{wall: 2, network: 2, tokens: 8, connections: 2}); got != want {
		t.Errorf("median = %+v, want %+v", got, want)
	}
}

// A meter runs the program in its place, with its arguments and its exit status, and leaves what it cost.
func TestMeter(t *testing.T) {
	folder := t.TempDir()
	program, log := filepath.Join(folder, "program"), filepath.Join(folder, "log")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	m := meter{provider: program, log: log}
	for range 2 {
		if status := m.run(); status != 3 {
			t.Errorf("the exit status is %d, want the program's, 3", status)
		}
	}
	u, err := readUsage(log)
	if err != nil || u.starts != 2 || u.cpu <= 0 {
		t.Errorf("usage %+v, %v, want two starts that took time", u, err)
	}
}

func TestMarkdown(t *testing.T) {
	r := report{machine: "2 cores", runs: 3, start: start{wall: 13 * time.Millisecond, cpu: 14 * time.Millisecond, size: 19.87}, results: []result{
		{terraform: traffic{wall: 500 * time.Millisecond}, provider: usage{starts: 4, cpu: 60 * time.Millisecond, peak: 20480}},
		{
			scenario:  scenario{tags: 100, repositories: 1, delay: 50 * time.Millisecond, http2: true},
			terraform: traffic{wall: time.Second, network: 660 * time.Millisecond, challenges: 1, tokens: 1, resources: 100, connections: 1},
			provider:  usage{starts: 4, cpu: 300 * time.Millisecond, peak: 30720},
			crane:     traffic{wall: 2 * time.Second, challenges: 100, tokens: 100, resources: 100, connections: 100},
		},
	}}
	written := r.markdown()
	for _, want := range []string{
		"- Machine: 2 cores.\n",
		"| nothing |  |  | 500 ms |  |  |  | 0 | 0 | 0 | 0 | 4 | 60 ms | 20.0 MiB |  |  |  |\n",
		"| 100 tags | 2 | 50 ms | 1000 ms | 660 ms | 600 ms | 1.10 | 1 | 1 | 100 | 1 | 4 | 300 ms | 30.0 MiB | 2000 ms | 300 | 100 |\n",
		"| 13 ms | 14 ms | 19.9 MB |\n",
	} {
		if !strings.Contains(written, want) {
			t.Errorf("the file does not hold %q:\n%s", want, written)
		}
	}
}
