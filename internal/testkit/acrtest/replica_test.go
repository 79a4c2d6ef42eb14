package acrtest_test

import (
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// After a write, reads by tag see the old state so many times; reads by digest see the new one.
func TestReplicaLag(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true, ReplicaLag: 2})
	old := registry.PutImage("app", "v1", acrtest.Image{}).String()
	next := registry.PutImage("app", "next", acrtest.Image{OS: "windows"}).String()
	manifest := func(reference string) answer { return c.do("GET", "/v2/app/manifests/"+reference, "Accept", acceptAll) }
	body := manifest(next)
	put := func(tag string) {
		a := c.send("PUT", "/v2/app/manifests/"+tag, body.body, "Content-Type", body.header.Get("Content-Type"))
		wantStatus(t, a, 201)
	}

	put("v1")
	wantHeader(t, manifest("v1"), "Docker-Content-Digest", old)
	wantHeader(t, manifest(next), "Docker-Content-Digest", next)
	wantHeader(t, manifest("v1"), "Docker-Content-Digest", old)
	wantHeader(t, manifest("v1"), "Docker-Content-Digest", next)

	put("v2")
	wantStatus(t, manifest("v2"), 404)
	wantStatus(t, c.do("GET", "/acr/v1/app/_tags/v2"), 404)
	wantStatus(t, c.do("GET", "/acr/v1/app/_tags/v2"), 200)

	wantStatus(t, c.send("DELETE", "/acr/v1/app/_tags/v1", ""), 202)
	wantStatus(t, manifest("v1"), 200)
	wantStatus(t, manifest("v1"), 200)
	wantStatus(t, manifest("v1"), 404)
}

// Within a second, no more requests for manifests are answered than the limit allows, reads and writes together.
func TestManifestsPerSecond(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true, ManifestsPerSecond: 3})
	registry.PutImage("app", "v1", acrtest.Image{})
	var answered []time.Time
	refused := 0
	for len(answered) < 6 {
		sent := time.Now()
		a := c.do("GET", "/v2/app/manifests/v1", "Accept", acceptAll)
		if a.status == 200 {
			// There is a second between this answer and the third before it, measured so that a slow machine cannot
			// shorten it.
			if n := len(answered); n >= 3 && time.Since(answered[n-3]) < time.Second {
				t.Errorf("four answers within %v", time.Since(answered[n-3]))
			}
			answered = append(answered, sent)
			continue
		}
		refused++
		wantRefusal(t, a, 429, "TOOMANYREQUESTS", "too many requests", "")
		wantHeader(t, a, "Retry-After", "1")
		time.Sleep(20 * time.Millisecond)
	}
	if refused == 0 {
		t.Error("none was refused")
	}
	wantStatus(t, c.do("GET", "/v2/"), 200)
}
