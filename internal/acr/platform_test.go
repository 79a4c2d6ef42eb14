package acr_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// putImage stores an image under its digest, with the given configuration.
func putImage(registry *acrtest.Registry, config string) oci.Descriptor {
	blob := registry.PutBlob("app", []byte(config))
	return putManifest(registry, "", ocispec.MediaTypeImageManifest, fmt.Sprintf(
		`{"schemaVersion":2,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`, ocispec.MediaTypeImageConfig, blob, len(config)))
}

// putIndex stores an index of the children, under the tag if there is one.
func putIndex(t *testing.T, registry *acrtest.Registry, tag string, children ...oci.Descriptor) oci.Descriptor {
	t.Helper()
	list, err := json.Marshal(children)
	if err != nil {
		t.Fatal(err)
	}
	return putManifest(registry, tag, ocispec.MediaTypeImageIndex, fmt.Sprintf(`{"schemaVersion":2,"manifests":%s}`, list))
}

func putManifest(registry *acrtest.Registry, tag, mediaType, body string) oci.Descriptor {
	return oci.Descriptor{MediaType: mediaType, Digest: registry.PutManifest("app", tag, mediaType, []byte(body)), Size: int64(len(body))}
}

// forPlatform returns a child for os/architecture.
func forPlatform(child oci.Descriptor, platform string) oci.Descriptor {
	system, architecture, _ := strings.Cut(platform, "/")
	child.Platform = &ocispec.Platform{OS: system, Architecture: architecture}
	return child
}

const (
	configAMD64 = `{"os":"linux","architecture":"amd64"}`
	configARM64 = `{"os":"linux","architecture":"arm64"}`
	attestation = `{"os":"unknown","architecture":"unknown"}`
)

// Buildx keeps an image and its attestation in their own index, within that of all platforms.
func TestIndexWithinAnIndexIsFollowed(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	amd64, arm64, note := putImage(registry, configAMD64), putImage(registry, configARM64), putImage(registry, attestation)
	inner := putIndex(t, registry, "", forPlatform(amd64, "linux/amd64"), forPlatform(note, "unknown/unknown"))
	outer := putIndex(t, registry, "v", forPlatform(inner, "linux/amd64"), forPlatform(arm64, "linux/arm64"))
	client := newClient(t, registry)

	request := acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"}
	manifest, err := client.Manifest(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != amd64.Digest || manifest.Layers == nil {
		t.Errorf("manifest = %s with layers %v, want %s", manifest.Digest, manifest.Layers, amd64.Digest)
	}
	config, err := client.ImageConfig(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if config.Digest != amd64.Digest || string(config.Body) != configAMD64 {
		t.Errorf("configuration = %s of %s, want that of %s", config.Body, config.Digest, amd64.Digest)
	}

	request.Platform = ""
	index, err := client.Manifest(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if index.Digest != outer.Digest {
		t.Errorf("without a platform the manifest is %s, want the index %s", index.Digest, outer.Digest)
	}
	before := registry.Count(acrtest.KindResource)
	images, err := client.PlatformImages(t.Context(), request, index)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]digest.Digest{"linux/amd64": amd64.Digest, "linux/arm64": arm64.Digest}; !maps.Equal(images, want) {
		t.Errorf("images = %v, want %v", images, want)
	}
	if got := registry.Count(acrtest.KindResource) - before; got != 1 {
		t.Errorf("naming the images took %d requests, want 1 for the index within", got)
	}
}

func TestIndexWithinAnIndexWithoutThePlatform(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	inner := putIndex(t, registry, "", forPlatform(putImage(registry, configARM64), "linux/arm64"))
	putIndex(t, registry, "v", forPlatform(inner, "linux/amd64"))
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"})
	faulttest.Want(t, err, fault.PlatformNotFound, "the index "+inner.Digest.String()+" within it has no child for linux/amd64; it has linux/arm64")
}

// Three indexes may be nested, whatever they say about platforms; deeper ones are not read.
func TestIndexesWithinIndexesAreBounded(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := putImage(registry, configAMD64)
	third := putIndex(t, registry, "", forPlatform(image, "linux/amd64"))
	second := putIndex(t, registry, "", forPlatform(third, "linux/amd64"))
	first := putIndex(t, registry, "three", second) // without a platform
	putIndex(t, registry, "four", forPlatform(first, "linux/amd64"))
	client := newClient(t, registry)

	request := acr.ManifestRequest{Repository: "app", Tag: "three", Platform: "linux/amd64"}
	manifest, err := client.Manifest(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != image.Digest {
		t.Errorf("three deep: %s, want %s", manifest.Digest, image.Digest)
	}
	request.Tag = "four"
	_, err = client.Manifest(t.Context(), request)
	faulttest.Want(t, err, fault.MalformedImage, "nested more than 3 deep")
	for tag, want := range map[string]int{"three": 1, "four": 0} {
		request := acr.ManifestRequest{Repository: "app", Tag: tag}
		index, err := client.Manifest(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		images, err := client.PlatformImages(t.Context(), request, index)
		if err != nil || len(images) != want {
			t.Errorf("%s deep: images = %v, %v; want %d", tag, images, err, want)
		}
	}
}

// A sparse copy of an index lacks some of the manifests that it names.
func TestImagesOfASparseIndex(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	missing := oci.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("missing"), Size: 7}
	amd64 := putImage(registry, configAMD64)
	putIndex(t, registry, "v", forPlatform(missing, "linux/arm64"), forPlatform(amd64, "linux/amd64"))
	request := acr.ManifestRequest{Repository: "app", Tag: "v"}
	client := newClient(t, registry)
	index, err := client.Manifest(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	images, err := client.PlatformImages(t.Context(), request, index)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]digest.Digest{"linux/amd64": amd64.Digest}; !maps.Equal(images, want) {
		t.Errorf("images = %v, want %v", images, want)
	}
	request.Platform = "linux/arm64"
	_, err = client.Manifest(t.Context(), request)
	faulttest.Want(t, err, fault.IncompleteImage, "the index names this manifest for linux/arm64", missing.Digest.String())
}

// If the index does not say which platform a child is for, the child's configuration does, but only if the index names
// no child for the platform.
func TestConfigurationDecidesWhereTheIndexNamesNoPlatform(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	amd64, arm64 := putImage(registry, configAMD64), putImage(registry, configARM64)
	chart := putManifest(registry, "", ocispec.MediaTypeImageManifest,
		`{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"`+digest.FromString("{}").String()+`","size":2},"layers":[]}`)
	empty := amd64
	empty.Platform = &ocispec.Platform{}
	putIndex(t, registry, "one", amd64)
	putIndex(t, registry, "empty", empty)
	putIndex(t, registry, "several", chart, arm64, amd64)
	putIndex(t, registry, "named", arm64, forPlatform(amd64, "linux/amd64"))
	for _, test := range []struct {
		tag      string
		requests int // of acr_manifest, beside the challenge: 2 for index and child, 1 for each configuration and further child
	}{
		{"one", 3}, {"empty", 3}, {"several", 6}, {"named", 2},
	} {
		t.Run(test.tag, func(t *testing.T) {
			client := newClient(t, registry)
			request := acr.ManifestRequest{Repository: "app", Tag: test.tag, Platform: "linux/amd64"}
			before := registry.Count(acrtest.KindResource)
			manifest, err := client.Manifest(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if manifest.Digest != amd64.Digest {
				t.Errorf("manifest = %s, want %s", manifest.Digest, amd64.Digest)
			}
			if got := registry.Count(acrtest.KindResource) - before; got != test.requests {
				t.Errorf("%d requests, want %d", got, test.requests)
			}
			before = registry.Count(acrtest.KindResource)
			config, err := client.ImageConfig(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if config.Digest != amd64.Digest {
				t.Errorf("configuration of %s, want %s", config.Digest, amd64.Digest)
			}
			if got, want := registry.Count(acrtest.KindResource)-before, max(test.requests, 3); got != want {
				t.Errorf("%d requests for the configuration, want %d: nothing is read twice", got, want)
			}
		})
	}
	t.Run("another", func(t *testing.T) {
		_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "one", Platform: "windows/amd64"})
		faulttest.Want(t, err, fault.PlatformNotFound, "no child for windows/amd64; it has children without a platform, such as "+amd64.Digest.String())
	})
}

// A hostile index does not cause endless work.
func TestManifestsReadForOnePlatformAreBounded(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	putIndex(t, registry, "v", slices.Repeat([]oci.Descriptor{putImage(registry, configARM64)}, 150)...)
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"})
	faulttest.Want(t, err, fault.TooLarge, "over 100 manifests")
}

// A plain image is checked against the platform, including its variant.
func TestPlainImageOfAnotherVariantIsRefused(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := putImage(registry, `{"os":"linux","architecture":"arm","variant":"v6"}`)
	client := newClient(t, registry)
	for platform, fits := range map[string]bool{"linux/arm/v6": true, "linux/arm": true, "linux/arm/v7": false, "linux/arm64": false} {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: image.Digest.String(), Platform: platform})
		if fits && err != nil {
			t.Errorf("for %s: %v", platform, err)
		}
		if !fits {
			faulttest.Want(t, err, fault.PlatformNotFound, "the image is for linux/arm/v6, not for "+platform)
		}
	}
}
