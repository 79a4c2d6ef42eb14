package acr_test

import (
	"net/http"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// The configuration's blob is held to the manifest that names it.
func TestConfigurationWithAnotherDigestIsRefused(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/blobs/", Tamper: true})
	config, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.DigestMismatch, "sha256:", "while the manifest says")
	if config != nil {
		t.Error("a configuration came with the error")
	}
}

// The storage that a blob is redirected to may have lost it.
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
