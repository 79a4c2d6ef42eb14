package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestManifest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("team/app", "1.0", acrtest.Image{Annotations: map[string]string{"org.example.note": "one"}})
	docker := registry.PutImage("team/app", "docker", acrtest.Image{Docker: true})
	arm := acrtest.Image{Architecture: "arm", Variant: "v7"}
	index := registry.PutIndex("team/app", "multi", acrtest.Index{Images: []acrtest.Image{{}, arm}, Attestation: true})
	amd64 := registry.PutImage("team/app", "", acrtest.Image{})
	armv7 := registry.PutImage("team/app", "", arm)
	subject := registry.Descriptor("team/app", image)
	sbom := registry.PutArtifact("team/app", "sbom", acrtest.Artifact{
		ArtifactType: "application/spdx+json", Subject: &subject, Body: []byte("{}"), LayerMediaType: "application/spdx+json",
	})
	pin := func(digest fmt.Stringer) string { return registry.Host() + "/team/app@" + digest.String() }
	descriptor := func(d ocispec.Descriptor) object {
		return object{"media_type": str(d.MediaType), "digest": str(d.Digest.String()), "size": number(d.Size)}
	}
	anyDescriptor := object{
		"media_type": knownvalue.StringRegexp(regexp.MustCompile(`^application/vnd\.oci\.image\.`)),
		"digest":     knownvalue.StringRegexp(regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)),
		"size":       knownvalue.NotNull(),
	}

	applyTwice(t, providerBlock(registry)+`
		data "acr_manifest" "image" {
		  repository = "team/app"
		  tag        = "1.0"
		}
		data "acr_manifest" "docker" {
		  repository = "team/app"
		  digest     = "`+docker.String()+`"
		}
		data "acr_manifest" "index" {
		  repository = "team/app"
		  tag        = "multi"
		}
		data "acr_manifest" "child" {
		  repository = "team/app"
		  digest     = "`+index.String()+`"
		  platform   = "linux/arm/v7"
		}
		data "acr_manifest" "artifact" {
		  repository = "team/app"
		  tag        = "sbom"
		}
		data "acr_manifest" "missing" {
		  repository    = "team/app"
		  tag           = "2.0"
		  allow_missing = true
		}
		data "acr_bearer_token" "own" {
		  repository = "team/app"
		}
		data "acr_manifest" "own_token" {
		  repository   = "team/app"
		  tag          = "1.0"
		  access_token = data.acr_bearer_token.own.access_token
		}`,
		attributes("data.acr_manifest.image", object{
			"exists":         boolean(true),
			"digest":         str(image.String()),
			"image":          str(pin(image)),
			"media_type":     str(ocispec.MediaTypeImageManifest),
			"artifact_type":  null(),
			"schema_version": number(2),
			"size":           number(subject.Size),
			"body":           knownvalue.StringRegexp(regexp.MustCompile(`^\{"schemaVersion":2,`)),
			"annotations":    knownvalue.MapExact(object{"org.example.note": str("one")}),
			"config":         knownvalue.ObjectExact(anyDescriptor),
			"subject":        null(),
			"layers": knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
				"media_type": str(ocispec.MediaTypeImageLayerGzip), "digest": anyDescriptor["digest"], "size": knownvalue.NotNull(), "annotations": null(),
			})}),
			"manifests": null(),
			"images":    null(),
		}),
		attributes("data.acr_manifest.docker", object{
			"digest":     str(docker.String()),
			"image":      str(pin(docker)),
			"media_type": str(acrtest.MediaTypeDockerManifest),
			"tag":        null(),
		}),
		attributes("data.acr_manifest.index", object{
			"digest":     str(index.String()),
			"media_type": str(ocispec.MediaTypeImageIndex),
			"config":     null(),
			"layers":     null(),
			"images":     knownvalue.MapExact(object{"linux/amd64": str(pin(amd64)), "linux/arm/v7": str(pin(armv7))}),
			"manifests": knownvalue.ListPartial(map[int]knownvalue.Check{
				1: knownvalue.ObjectExact(object{
					"media_type": str(ocispec.MediaTypeImageManifest), "digest": str(armv7.String()), "size": knownvalue.NotNull(),
					"artifact_type": null(), "annotations": null(),
					"platform": knownvalue.ObjectExact(object{"os": str("linux"), "architecture": str("arm"), "variant": str("v7"), "os_version": null()}),
				}),
				2: knownvalue.ObjectPartial(object{"platform": knownvalue.ObjectPartial(object{"os": str("unknown")})}),
			}),
		}),
		attributes("data.acr_manifest.child", object{
			"digest": str(armv7.String()),
			"image":  str(pin(armv7)),
			"images": null(),
		}),
		attributes("data.acr_manifest.artifact", object{
			"digest":        str(sbom.String()),
			"artifact_type": str("application/spdx+json"),
			"subject":       knownvalue.ObjectExact(descriptor(subject)),
		}),
		attributes("data.acr_manifest.missing", object{
			"exists": boolean(false),
			"digest": null(), "image": null(), "media_type": null(), "artifact_type": null(), "schema_version": null(), "size": null(), "body": null(),
			"annotations": null(), "config": null(), "subject": null(), "layers": null(), "manifests": null(), "images": null(),
		}),
		attributes("data.acr_manifest.own_token", object{"digest": str(image.String())}),
	)
}

// allow_missing applies only to a 404, and only to the registry's own.
func TestAllowMissing(t *testing.T) {
	missing := values{"repository": "missing", "tag": "1.0", "allow_missing": true}
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry).plus(values{"max_retries": 0}))

	state := p.mustRead("acr_manifest", missing)
	var exists bool
	if err := state["exists"].As(&exists); err != nil || exists {
		t.Errorf("exists = %v, %v", exists, err)
	}
	for status, summary := range map[int]string{403: "Access denied", 500: "Registry failed"} {
		remove := registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: status})
		_, diagnostics := p.read("acr_manifest", missing)
		wanted{summary: summary}.check(t, diagnostics)
		remove()
	}
	remove := registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
	}})
	_, diagnostics := p.read("acr_manifest", missing)
	wanted{summary: "Not a container registry"}.check(t, diagnostics)
	remove()
	_, diagnostics = configuredFor(t, defaultUser(registry).plus(values{"password": "sesame"})).read("acr_manifest", missing)
	wanted{summary: "Wrong user name or password", hides: []string{"sesame"}}.check(t, diagnostics)
}

// A cold read takes three requests: challenge, token, manifest. A second one in the same repository takes one.
func TestRequestsOfARead(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	registry.PutImage("app", "2.0", acrtest.Image{Architecture: "arm64"})
	p := configuredFor(t, defaultUser(registry))

	p.mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	counts := func() [3]int {
		return [3]int{registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken), registry.Count(acrtest.KindResource)}
	}
	if got := counts(); got != [3]int{1, 1, 1} {
		t.Errorf("a cold read took %v requests (challenge, token, resource), want 1 each", got)
	}
	registry.ResetLog()
	p.mustRead("acr_manifest", values{"repository": "app", "tag": "2.0"})
	if got := counts(); got != [3]int{0, 0, 1} {
		t.Errorf("a second read took %v requests (challenge, token, resource), want one resource request", got)
	}
}

// If a repository is deleted between plan and apply, the error is a clear "not found".
func TestRepositoryDeletedBetweenReads(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("app", "1.0", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	p.mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	registry.Delete("app", image.String())
	_, diagnostics := p.read("acr_manifest", values{"repository": "app", "tag": "1.0"})
	wanted{attribute: "repository", summary: "Repository not found", says: []string{"404 Not Found NAME_UNKNOWN"}}.check(t, diagnostics)
}

// The error for an access token of another repository is on the access token.
func TestAccessTokenOfAnotherRepository(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	token := text(p.mustRead("acr_bearer_token", values{"repository": "other"})["access_token"])

	_, diagnostics := p.read("acr_manifest", values{"repository": "app", "tag": "1.0", "access_token": token})

	wanted{
		attribute: "access_token",
		summary:   "Permission missing",
		says:      []string{"repository:app:pull", "401", "`actions` of `acr_bearer_token`"},
		hides:     []string{token},
	}.check(t, diagnostics)
}

// 200 reads at once use one challenge, one token for each repository, and ten sockets.
func TestManyReadsAtOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true})
	for i := range 200 {
		registry.PutImage(fmt.Sprintf("app%d", i%20), fmt.Sprintf("v%d", i/20), acrtest.Image{})
	}
	p := configuredFor(t, defaultUser(registry))
	var reads sync.WaitGroup
	for i := range 200 {
		reads.Go(func() {
			_, diagnostics := p.read("acr_manifest", values{"repository": fmt.Sprintf("app%d", i%20), "tag": fmt.Sprintf("v%d", i/20)})
			if len(diagnostics) > 0 {
				t.Error(describe(diagnostics))
			}
		})
	}
	reads.Wait()
	if got := [3]int{registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken), registry.Count(acrtest.KindResource)}; got != [3]int{1, 20, 200} {
		t.Errorf("%v requests (challenge, token, resource), want 1, 20, 200", got)
	}
	if n := registry.UsedConnections(); n > 10 {
		t.Errorf("%d connections, want at most 10", n)
	}
}

func TestManifestRefuses(t *testing.T) {
	refused{
		"an empty repository": {
			values{"repository": "", "tag": "1.0"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{"empty"}},
		},
		"a repository with capitals": {
			values{"repository": "App", "tag": "1.0"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{`"App"`, "lower-case"}},
		},
		"a tag that breaks the grammar": {
			values{"repository": "app", "tag": "-1.0"},
			wanted{attribute: "tag", summary: "Invalid value", says: []string{`"-1.0"`, "128"}},
		},
		"a digest that is none": {
			values{"repository": "app", "digest": "sha256:123"},
			wanted{attribute: "digest", summary: "Invalid value", says: []string{`"sha256:123"`}},
		},
		"both tag and digest": {
			values{"repository": "app", "tag": "1.0", "digest": someDigest},
			wanted{attribute: "tag", summary: "Invalid value", says: []string{"exactly one of tag and digest is needed, and both are given"}},
		},
		"neither tag nor digest": {
			values{"repository": "app"},
			wanted{attribute: "tag", summary: "Invalid value", says: []string{"exactly one of tag and digest is needed, and neither is given"}},
		},
		"a platform without an architecture": {
			values{"repository": "app", "tag": "1.0", "platform": "linux"},
			wanted{attribute: "platform", summary: "Invalid value", says: []string{`"linux"`, "linux/amd64"}},
		},
		"an access token with a line break": {
			values{"repository": "app", "tag": "1.0", "access_token": "open sesame\n"},
			wanted{attribute: "access_token", summary: "Invalid value", says: []string{"line break"}, hides: []string{"sesame"}},
		},
	}.check(t, "acr_manifest")
}

func TestManifestFails(t *testing.T) {
	failing{
		"a repository that does not exist": {
			arguments: values{"repository": "missing", "tag": "1.0"},
			want:      wanted{attribute: "repository", summary: "Repository not found", says: []string{"/missing:1.0", "404 Not Found NAME_UNKNOWN", "correlation id ", "allow_missing"}},
		},
		"a tag that does not exist": {
			arguments: values{"repository": "app", "tag": "9.9"},
			want:      wanted{attribute: "tag", summary: "Tag or digest not found", says: []string{"/app:9.9", "404 Not Found MANIFEST_UNKNOWN", "correlation id ", "acr_tags"}},
		},
		"a digest that does not exist": {
			arguments: values{"repository": "app", "digest": someDigest},
			want:      wanted{attribute: "digest", summary: "Tag or digest not found", says: []string{someDigest, "404 Not Found MANIFEST_UNKNOWN"}},
		},
		"a platform that the index lacks": {
			arguments: values{"repository": "multi", "tag": "1.0", "platform": "linux/s390x"},
			want:      wanted{attribute: "platform", summary: "Platform not found", says: []string{"linux/s390x", "linux/amd64, linux/arm64"}},
		},
		"an access token that is refused": {
			arguments: values{"repository": "app", "tag": "1.0", "access_token": "sesame"},
			want:      wanted{attribute: "access_token", summary: "Bearer token refused", says: []string{"401", "acr_bearer_token"}, hides: []string{"sesame"}},
		},
		"an image locked against reading": {
			arrange: func(registry *acrtest.Registry) {
				registry.SetTagAttributes("app", "1.0", acrtest.Attributes{ListEnabled: true})
			},
			arguments: values{"repository": "app", "tag": "1.0", "allow_missing": true},
			want:      wanted{summary: "Image locked or in quarantine", says: []string{"405", "REGISTRY_DISALLOWED_OPERATION", "--read-enabled true", "`acr_lock`"}},
		},
	}.check(t, "acr_manifest")
}

// An index within an index, as Buildx keeps an image with its attestation, is followed, and its images are named.
func TestManifestOfAnIndexWithinAnIndex(t *testing.T) {
	const asIndex = "application/vnd.oci.image.index.v1+json"
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("app", "", acrtest.Image{})
	child := func(digest, system, architecture string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1,"platform":{"os":%q,"architecture":%q}}`, digest, system, architecture)
	}
	inner := []byte(`{"schemaVersion":2,"manifests":[` + child(image.String(), "linux", "amd64") + "," + child("sha256:"+strings.Repeat("0", 64), "unknown", "unknown") + "]}")
	outer := []byte(fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"amd64"}}]}`,
		asIndex, registry.PutManifest("app", "", asIndex, inner), len(inner)))
	index := registry.PutManifest("app", "v", asIndex, outer)
	pinned := registry.Host() + "/app@" + image.String()
	applyTwice(t, providerBlock(registry)+`
		data "acr_manifest" "index" {
		  repository = "app"
		  tag        = "v"
		}
		data "acr_manifest" "image" {
		  repository = "app"
		  tag        = "v"
		  platform   = "linux/amd64"
		}
		data "acr_image_config" "image" {
		  repository = "app"
		  tag        = "v"
		  platform   = "linux/amd64"
		}`,
		attributes("data.acr_manifest.index", object{
			"digest": str(index.String()), "images": knownvalue.MapExact(object{"linux/amd64": str(pinned)}), "layers": null(),
		}),
		attributes("data.acr_manifest.image", object{"digest": str(image.String()), "image": str(pinned), "layers": knownvalue.NotNull(), "images": null()}),
		attributes("data.acr_image_config.image", object{"digest": str(image.String()), "architecture": str("amd64")}),
	)
}
