package acr_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func digestsOf(manifests []acr.ManifestDetails) []string {
	var digests []string
	for _, m := range manifests {
		digests = append(digests, m.Digest)
	}
	return digests
}

func TestManifestsTellWhatTheRegistryDoes(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	tagged := registry.PutImage("app", "b", acrtest.Image{Docker: true, Architecture: "arm64"}).String()
	registry.Tag("app", "a", registry.PutImage("app", "", acrtest.Image{Docker: true, Architecture: "arm64"}))
	registry.PutImage("app", "", acrtest.Image{Author: "untagged"})
	registry.SetQuarantine("app", tagged, "Passed", `{"state":"scan passed"}`)
	registry.SetManifestAttributes("app", tagged, acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true})

	yes, no := true, false
	client := newClient(t, registry)
	all, err := client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || !slices.IsSorted(digestsOf(all)) {
		t.Fatalf("manifests = %v, want two in the order of their digests", digestsOf(all))
	}
	with, err := client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app", Untagged: &no})
	if err != nil || len(with) != 1 {
		t.Fatalf("tagged: %v, %v", with, err)
	}
	m := with[0]
	if m.Digest != tagged || m.OS != "linux" || m.Architecture != "arm64" || m.MediaType != acrtest.MediaTypeDockerManifest || !slices.Equal(m.Tags, []string{"a", "b"}) {
		t.Errorf("manifest = %+v", m)
	}
	if m.Size == nil || *m.Size <= 0 || m.CreatedTime == "" || m.LastUpdateTime == "" || m.ConfigMediaType == "" {
		t.Errorf("manifest = %+v, want size, times and the configuration's type", m)
	}
	if want := (acr.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true}); *m.Attributes != want {
		t.Errorf("locks = %+v, want %+v", *m.Attributes, want)
	}
	if m.QuarantineState != "Passed" || m.QuarantineDetails != `{"state":"scan passed"}` {
		t.Errorf("quarantine = %q %q", m.QuarantineState, m.QuarantineDetails)
	}
	without, err := client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app", Untagged: &yes})
	if err != nil || len(without) != 1 || without[0].Digest == tagged || len(without[0].Tags) != 0 {
		t.Errorf("untagged: %+v, %v", without, err)
	}
}

func TestManifestsOfManyPages(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for i := range 2_500 {
		registry.PutManifest("app", "", "application/vnd.oci.image.manifest.v1+json", fmt.Appendf(nil, `{"schemaVersion":2,"annotations":{"n":"%d"}}`, i))
	}
	client := newClient(t, registry)
	all, err := client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
	if err != nil || len(all) != 2_500 {
		t.Fatalf("%d manifests, %v; want 2,500", len(all), err)
	}
	wantWire(t, registry, "1/1/3")
	registry.ResetLog()
	newest, err := client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app", OrderBy: acr.OrderByTimeDesc, Limit: 2})
	if err != nil || len(newest) != 2 || newest[0].LastUpdateTime <= newest[1].LastUpdateTime {
		t.Errorf("newest = %+v, %v; want two, the last updated first", newest, err)
	}
	wantWire(t, registry, "0/0/1")
	_, err = client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "absent"})
	faulttest.Want(t, err, fault.RepositoryNotFound)
}

func TestManifestsThatAreNoList(t *testing.T) {
	for body, want := range map[string]fault.Reason{
		`{}`: fault.UnsupportedAPI, `{"manifests":{}}`: fault.BadAnswer, `{"manifests":[{}]}`: fault.BadAnswer,
		`{"manifests":[{"digest":"x"}]}`: fault.BadAnswer, `{"manifests":[`: fault.BadAnswer,
	} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(answering("/acr/v1/", body, "Content-Type: application/json"))
		_, err := newClient(t, registry).Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
		faulttest.Want(t, err, want, "listing the manifests of ")
	}
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/acr/v1/", `{"manifests":null}`, "Content-Type: application/json"))
	if list, err := newClient(t, registry).Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"}); err != nil || len(list) != 0 {
		t.Errorf("manifests = %v, %v; want an empty list", list, err)
	}
}

// Whoever pushes or scans one image chooses some of these texts, and must not spoil the list for all others.
func TestOverlongTextsOfOneManifestAreLeftOut(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	findings := func(length int) string { return `{"link":"` + strings.Repeat("a", length-11) + `"}` }
	long := registry.PutImage("app", "long", acrtest.Image{Architecture: strings.Repeat("a", 300)}).String()
	longest := registry.PutImage("app", "longest", acrtest.Image{Author: "1"}).String()
	longer := registry.PutImage("app", "longer", acrtest.Image{Author: "2"}).String()
	registry.SetQuarantine("app", longest, "Passed", findings(64<<10))
	registry.SetQuarantine("app", longer, "Failed", findings(64<<10+1))

	list, err := newClient(t, registry).Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
	if err != nil || len(list) != 3 {
		t.Fatalf("%d manifests, %v; want 3", len(list), err)
	}
	for _, m := range list {
		switch m.Digest {
		case long:
			if m.Architecture != "" || m.OS != "linux" {
				t.Errorf("platform = %q %q, want linux alone", m.OS, m.Architecture)
			}
		case longest:
			if m.QuarantineState != "Passed" || m.QuarantineDetails != findings(64<<10) {
				t.Errorf("quarantine = %q and %d bytes, want Passed and 65536", m.QuarantineState, len(m.QuarantineDetails))
			}
		case longer:
			if m.QuarantineState != "Failed" || m.QuarantineDetails != "" {
				t.Errorf("quarantine = %q and %d bytes, want Failed and none", m.QuarantineState, len(m.QuarantineDetails))
			}
		}
	}
}

// The total size of many manifests has a limit, and so has their number.
func TestFindingsOfAWholeListAreBounded(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	entry := fmt.Sprintf(`{"digest":%q,"changeableAttributes":{"quarantineDetails":%q}}`, digest.FromString("").String(), strings.Repeat("a", 64<<10))
	page := `{"manifests":[` + strings.Repeat(entry+",", 99) + entry + "]}"
	pages := 0
	registry.Inject(acrtest.Fault{Path: "/acr/v1/", Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		pages++
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Link", fmt.Sprintf(`</acr/v1/app/_manifests?last=%d>; rel="next"`, pages))
		_, _ = w.Write([]byte(page))
	}})
	_, err := newClient(t, registry).Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.TooLarge, "findings", "64 MiB")
	if pages != 11 { // 10 have 62.5 MiB
		t.Errorf("%d pages were read, want 11", pages)
	}
}
