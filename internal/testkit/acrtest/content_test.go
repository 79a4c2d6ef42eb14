package acrtest_test

import (
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestDeleteAndUntag(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	first := registry.PutImage("app", "v1", acrtest.Image{})
	second := registry.PutImage("app", "v2", acrtest.Image{OS: "windows"})
	registry.PutImage("app", "latest", acrtest.Image{OS: "windows"})
	manifest := func(reference string) answer { return c.get("/v2/app/manifests/"+reference, "Accept", acceptAll) }

	registry.Untag("app", "v1")
	wantStatus(t, manifest("v1"), 404)
	wantStatus(t, manifest(first.String()), 200)

	registry.Delete("app", "latest")
	wantStatus(t, manifest(second.String()), 404)
	wantBody(t, c.get("/v2/app/tags/list"), `{"name":"app","tags":[]}`+"\n")

	registry.Delete("app", first.String())
	wantBody(t, c.get("/acr/v1/_catalog"), `{"repositories":[]}`+"\n")
}

func TestImpossibleChangesPanic(t *testing.T) {
	registry, _ := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	for name, change := range map[string]func(){
		"repository": func() { registry.SetRepositoryAttributes("none", acrtest.Attributes{}) },
		"tag":        func() { registry.Untag("app", "v2") },
		"manifest":   func() { registry.Delete("app", "v2") },
		"subject":    func() { registry.Descriptor("app", digest.FromString("none")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the change was accepted")
				}
			}()
			change()
		})
	}
}
