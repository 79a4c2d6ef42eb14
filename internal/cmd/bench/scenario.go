package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// scenario is what is read, and from what kind of registry.
type scenario struct {
	tags         int // of each repository
	repositories int // 0 for the baseline, a configuration without data sources
	delay        time.Duration
	http2        bool
	perSecond    int // the manifests that the registry serves in a second; 0 for no limit
}

// row is one scenario read by one reader, as often as it was measured.
type row struct {
	scenario scenario
	reader   reader
	measured []measurement
}

// rows returns the measurements to be made. If there is an older build, it is measured beside the built provider, but
// not with what it may lack.
func rows(provider, before string) []*row {
	blocks := []reader{terraformReader(workload.Manifest, provider)}
	if before != "" {
		older := terraformReader(workload.Manifest, before)
		older.name = "acr_manifest, before"
		blocks = append(blocks, older)
	}
	providers := slices.Concat(blocks, []reader{terraformReader(workload.Images, provider)})
	everybody := slices.Concat(providers, []reader{craneReader()})
	var all []*row
	add := func(s scenario, readers ...reader) {
		for _, r := range readers {
			all = append(all, &row{scenario: s, reader: r})
		}
	}
	add(scenario{}, blocks...)
	for _, delay := range []time.Duration{0, delay} {
		for _, tags := range []int{1, 20, 100} {
			add(scenario{tags: tags, repositories: 1, delay: delay}, everybody...)
		}
		add(scenario{tags: 1, repositories: 100, delay: delay}, everybody...)
		for _, tags := range []int{300, 1000} {
			add(scenario{tags: tags, repositories: 1, delay: delay}, providers...)
		}
	}
	add(hundredTags.delayed().over2(), everybody...)
	add(hundredRepositories.delayed().over2(), everybody...)
	add(scenario{tags: 1, repositories: 100, perSecond: 20}, providers...)
	return all
}

func (s scenario) String() string {
	if s.repositories == 0 {
		return s.reads()
	}
	return fmt.Sprintf("%s, HTTP/%s, %d ms", s.reads(), s.protocol(), s.delay.Milliseconds())
}

// reads returns what is read, in a few words.
func (s scenario) reads() string {
	switch {
	case s.repositories == 0:
		return "nothing"
	case s.perSecond > 0:
		return fmt.Sprintf("%d repositories, %d manifests a second", s.repositories, s.perSecond)
	case s.repositories > 1:
		return fmt.Sprintf("%d repositories", s.repositories)
	case s.tags > 1:
		return fmt.Sprintf("%d tags", s.tags)
	}
	return "1 tag"
}

// protocol returns the version of HTTP.
func (s scenario) protocol() string {
	if s.http2 {
		return "2"
	}
	return "1.1"
}

// limit returns the least time that the network allows: the challenge, then a token for so many repositories each and a
// manifest for each image, ten at a time, or as fast as the registry serves manifests.
func (s scenario) limit(repositoriesPerToken int) time.Duration {
	manifests := s.tags * s.repositories
	if s.perSecond > 0 {
		return time.Duration(ceil(manifests, s.perSecond)-1) * time.Second
	}
	tokens := ceil(s.repositories, repositoriesPerToken)
	steps := 1 + ceil(tokens, workload.Parallelism) + ceil(manifests, workload.Parallelism)
	return time.Duration(steps) * s.delay
}

func ceil(n, by int) int { return (n + by - 1) / by }

// measurement is the time that one reading took, what the registry saw of it, and what the processes cost.
type measurement struct {
	wall                          time.Duration
	network                       time.Duration // from the first request's arrival to the last answer's end
	challenges, tokens, resources int
	connections                   int
	usage
}

// measure makes the reader read once, from a new registry.
func (s scenario) measure(ctx context.Context, r reader) (measurement, error) {
	registry, err := acrtest.Start(acrtest.Options{Delay: s.delay, DisableHTTP2: !s.http2, ManifestsPerSecond: s.perSecond})
	if err != nil {
		return measurement{}, err
	}
	defer registry.Close()
	var m measurement
	if m.wall, m.usage, err = r.read(ctx, registry, workload.Fill(registry, s.repositories, s.tags)); err != nil {
		return measurement{}, err
	}
	m.challenges, m.tokens = registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken)
	m.resources, m.connections = registry.Count(acrtest.KindResource), registry.Connections()
	m.network = span(registry.Requests())
	return m, nil
}

// span returns the time from the first arrival to the last answer.
func span(requests []acrtest.Request) time.Duration {
	if len(requests) == 0 {
		return 0
	}
	last := requests[0].Answered
	for _, request := range requests {
		if request.Answered.After(last) {
			last = request.Answered
		}
	}
	return last.Sub(requests[0].Arrived)
}
