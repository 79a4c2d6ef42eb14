package main

import (
	"net/http"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// repositories share the images: each needs its own token.
const repositories = 20

// registry is a test registry with many images.
type registry struct {
	*acrtest.Registry
	images []workload.Image
}

// startRegistry runs a registry with so many images, a multiple of repositories. It speaks HTTP/1.1, in which a reset
// is that of the connection and not that of a stream.
func startRegistry(images int) (*registry, error) {
	started, err := acrtest.Start(acrtest.Options{DisableHTTP2: true})
	if err != nil {
		return nil, err
	}
	return &registry{started, workload.Fill(started, repositories, images/repositories)}, nil
}

// fail makes a share of all requests fail from now on, in three equally likely ways. Each fault strikes only what those
// before it let through, so the later ones have a higher rate.
func (r *registry) fail(rate float64, seed int64) {
	faults := []acrtest.Fault{
		{Status: http.StatusTooManyRequests, RetryAfter: "1"},
		{Status: http.StatusServiceUnavailable},
		{Reset: true},
	}
	each := rate / float64(len(faults))
	for i, fault := range faults {
		fault.Rate, fault.Seed = each/(1-each*float64(i)), seed+int64(i)
		r.Inject(fault)
	}
}

// traffic counts what reached a registry.
type traffic struct {
	requests int
	retries  int         // requests that had been made before: no two reads ask for the same
	answers  map[int]int // how many there were of each status
}

// noAnswer is the status of a request that met a reset.
const noAnswer = 0

func (r *registry) traffic() traffic {
	t := traffic{answers: map[int]int{}}
	seen := map[string]bool{}
	for _, request := range r.Requests() {
		t.requests++
		asked := string(request.Kind) + request.Path + "?" + request.RawQuery
		if seen[asked] {
			t.retries++
		}
		seen[asked] = true
		t.answers[request.Status]++
	}
	return t
}
