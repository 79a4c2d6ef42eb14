package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// parallelism is Terraform's default: so many data sources are read at the same time. crane gets as many processes.
const parallelism = 10

// configuration reads each image by a data source of its own.
const configuration = `
terraform {
  required_providers {
    acr = { source = "acrkit/acr" }
  }
}

variable "ca_cert_pem" { type = string }

variable "images" { type = list(object({ repository = string, tag = string })) }

provider "acr" { ca_cert_pem = var.ca_cert_pem }

data "acr_manifest" "image" {
  count      = length(var.images)
  repository = var.images[count.index].repository
  tag        = var.images[count.index].tag
}

output "digests" { value = data.acr_manifest.image[*].digest }
`

// scenario is what a configuration reads, and from where.
type scenario struct {
	tags         int // of each repository
	repositories int // 0 for the baseline, a configuration without data sources
	delay        time.Duration
	http2        bool
}

func scenarios() []scenario {
	all := []scenario{{}}
	for _, http2 := range []bool{false, true} {
		for _, delay := range []time.Duration{0, 50 * time.Millisecond} {
			for _, size := range []scenario{{tags: 1, repositories: 1}, {tags: 20, repositories: 1}, {tags: 100, repositories: 1}, {tags: 1, repositories: 100}} {
				all = append(all, scenario{size.tags, size.repositories, delay, http2})
			}
		}
	}
	return all
}

func (s scenario) String() string {
	if s.repositories == 0 {
		return s.reads()
	}
	return fmt.Sprintf("%s, %s, %d ms", s.reads(), s.protocol(), s.delay.Milliseconds())
}

// reads says what is read, in a few words.
func (s scenario) reads() string {
	switch {
	case s.repositories == 0:
		return "nothing"
	case s.repositories > 1:
		return fmt.Sprintf("%d repositories", s.repositories)
	case s.tags > 1:
		return fmt.Sprintf("%d tags", s.tags)
	}
	return "1 tag"
}

func (s scenario) protocol() string {
	if s.http2 {
		return "HTTP/2"
	}
	return "HTTP/1.1"
}

// limit is the least time that the network allows: the challenge, then for each repository a token and for each image a
// manifest, so many at a time as Terraform reads.
func (s scenario) limit() time.Duration {
	rounds := func(n int) int { return (n + parallelism - 1) / parallelism }
	steps := 1 + rounds(s.repositories) + rounds(s.tags*s.repositories)
	return time.Duration(steps) * s.delay
}

type image struct {
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
}

// fill puts the images into the registry, each with a digest of its own.
func (s scenario) fill(registry *acrtest.Registry) []image {
	images := []image{}
	for repository := range s.repositories {
		for tag := range s.tags {
			at := image{Repository: fmt.Sprintf("app%d", repository), Tag: fmt.Sprintf("v%d", tag)}
			registry.PutImage(at.Repository, at.Tag, acrtest.Image{Annotations: map[string]string{"name": at.Repository + at.Tag}})
			images = append(images, at)
		}
	}
	return images
}

// result is what was measured of a scenario.
type result struct {
	scenario
	terraform traffic // medians
	provider  usage
	crane     traffic // medians; empty for the baseline
}

func (r result) String() string {
	return fmt.Sprintf("%v, %d requests, %d connections; crane %v", r.terraform.wall.Round(time.Millisecond), r.terraform.requests(),
		r.terraform.connections, r.crane.wall.Round(time.Millisecond))
}

// measure runs the scenario several times, once more to weigh the provider's processes, and then crane.
func (s scenario) measure(ctx context.Context, provider string, runs int) (result, error) {
	registry, err := acrtest.Start(acrtest.Options{Delay: s.delay, DisableHTTP2: !s.http2})
	if err != nil {
		return result{}, err
	}
	defer registry.Close()
	images := s.fill(registry)

	r := result{scenario: s}
	var all []traffic
	for range runs {
		one, err := applied(ctx, registry, images, filepath.Dir(provider), nil)
		if err != nil {
			return result{}, err
		}
		all = append(all, one)
	}
	r.terraform = median(all)

	if r.provider, err = weighed(provider, func(folder string, variables map[string]string) error {
		_, err := applied(ctx, registry, images, folder, variables)
		return err
	}); err != nil || len(images) == 0 {
		return r, err
	}

	crane, err := newCrane(registry)
	if err != nil {
		return result{}, err
	}
	defer crane.close()
	all = nil
	for range runs {
		one, err := observe(registry, func() error { return crane.digests(ctx, images) })
		if err != nil {
			return result{}, err
		}
		all = append(all, one)
	}
	r.crane = median(all)
	return r, nil
}

// applied observes one apply, of a new workspace, with the provider in this folder.
func applied(ctx context.Context, registry *acrtest.Registry, images []image, folder string, variables map[string]string) (_ traffic, err error) {
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": folder})
	if err != nil {
		return traffic{}, err
	}
	defer func() { err = errors.Join(err, workspace.Close()) }()
	input, err := json.Marshal(map[string]any{"ca_cert_pem": registry.CAPEM(), "images": images})
	if err != nil {
		return traffic{}, err
	}
	if err := errors.Join(workspace.Write("main.tf", configuration), workspace.Write("terraform.tfvars.json", string(input))); err != nil {
		return traffic{}, err
	}
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	for name, value := range variables {
		workspace.Set(name, value)
	}
	return observe(registry, func() error {
		_, err := workspace.Run(ctx, "apply", "-auto-approve", "-no-color")
		return err
	})
}

// traffic is the time that something took, and what the registry saw of it.
type traffic struct {
	wall                          time.Duration
	network                       time.Duration // from the first request's arrival to the last answer's end
	challenges, tokens, resources int
	connections                   int
}

func (t traffic) requests() int { return t.challenges + t.tokens + t.resources }

func observe(registry *acrtest.Registry, do func() error) (traffic, error) {
	registry.ResetLog()
	connections, started := registry.Connections(), time.Now()
	if err := do(); err != nil {
		return traffic{}, err
	}
	t := traffic{
		wall:        time.Since(started),
		challenges:  registry.Count(acrtest.KindChallenge),
		tokens:      registry.Count(acrtest.KindToken),
		resources:   registry.Count(acrtest.KindResource),
		connections: registry.Connections() - connections,
	}
	var first, last time.Time
	for _, request := range registry.Requests() {
		if first.IsZero() {
			first = request.Arrived
		}
		if request.Answered.After(last) {
			last = request.Answered
		}
	}
	t.network = last.Sub(first)
	return t, nil
}

// median takes each figure's own.
func median(all []traffic) traffic {
	middle := all[0]
	middle.wall = middleOf(all, func(t traffic) time.Duration { return t.wall })
	middle.network = middleOf(all, func(t traffic) time.Duration { return t.network })
	middle.challenges = middleOf(all, func(t traffic) int { return t.challenges })
	middle.tokens = middleOf(all, func(t traffic) int { return t.tokens })
	middle.resources = middleOf(all, func(t traffic) int { return t.resources })
	middle.connections = middleOf(all, func(t traffic) int { return t.connections })
	return middle
}

func middleOf[F int | time.Duration](all []traffic, figure func(traffic) F) F {
	var figures []F
	for _, t := range all {
		figures = append(figures, figure(t))
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}
