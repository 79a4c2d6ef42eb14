package acr_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// The configuration's blob is checked against the manifest that names it.
func TestConfigurationWithAnotherDigestIsRefused(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/blobs/", Tamper: true})
	config, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.DigestMismatch, "sha256:", "while the manifest says")
	if config != nil {
		t.Error("a configuration came with the error")
	}
}

// Older clients gave the configuration of a schema 2 image other types, and wrote its command as one text.
func TestConfigurationOfAnOldDockerImageIsRead(t *testing.T) {
	const config = `{"os":"linux","architecture":"amd64","config":{"Entrypoint":"/bin/start","Labels":{"a":"b"}}}`
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutManifest("app", "v", acrtest.MediaTypeDockerManifest, []byte(fmt.Sprintf(
		`{"schemaVersion":2,"config":{"mediaType":"application/octet-stream","digest":"%s","size":%d},"layers":[]}`, registry.PutBlob("app", []byte(config)), len(config))))
	client := newClient(t, registry)
	request := acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"}
	got, err := client.ImageConfig(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Entrypoint, []string{"/bin/start"}) || got.Labels["a"] != "b" {
		t.Errorf("entry point %q, labels %v", got.Entrypoint, got.Labels)
	}
	if _, err := client.Manifest(t.Context(), request); err != nil {
		t.Errorf("the manifest for its platform: %v", err)
	}
}

// The storage that a blob is redirected to may lack it.
func TestMissingBlobBehindTheRedirect(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{BlobRedirect: true})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Status: http.StatusNotFound})
	_, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.IncompleteImage, "404", "the registry does not have it")
}

// An error from behind a redirect names the host.
func TestRefusalBehindTheRedirect(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{BlobRedirect: true})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Status: http.StatusForbidden})
	_, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.Denied, "403", "after a redirect to https://"+registry.BlobHost())
}
