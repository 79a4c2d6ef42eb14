package acr_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// Readers that share one answer do not share what they make of it. Referrers were not recorded: they follow the OCI
// distribution spec.
func TestReadersOfOneAnswerDoNotDisturbEachOther(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
	subject := registry.PutImage("app", "v", acrtest.Image{})
	about := registry.Descriptor("app", subject)
	for i := range 10 {
		registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: fmt.Sprint("example/", i%2), Subject: &about, Body: []byte(fmt.Sprint(i))})
	}
	client := newClient(t, registry)
	err := together(60, 60, func(i int) error {
		wanted := []string{"", "example/0", "example/1"}[i%3]
		referrers, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.String(), ArtifactType: wanted})
		if want := map[bool]int{true: 10, false: 5}[wanted == ""]; err == nil && len(referrers) != want {
			t.Errorf("%d referrers of the type %q, want %d", len(referrers), wanted, want)
		}
		for _, referrer := range referrers {
			if referrer.Digest == "" || wanted != "" && referrer.ArtifactType != wanted {
				t.Errorf("a referrer of the type %q is %+v", wanted, referrer)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReferrersFallBackOnAnyNotFound(t *testing.T) {
	for _, code := range []string{"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", ""} {
		registry := acrtest.StartT(t, acrtest.Options{})
		subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
		registry.PutManifest("app", strings.Replace(subject.Digest.String(), ":", "-", 1), "application/vnd.oci.image.index.v1+json",
			[]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"`+subject.Digest.String()+`","size":2}]}`))
		registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: code})
		referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
		if err != nil || len(referrers) != 1 {
			t.Errorf("after 404 %s, referrers = %v, %v; want one", code, referrers, err)
		}
	}
}
