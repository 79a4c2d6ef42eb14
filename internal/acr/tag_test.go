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
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// tagNames fails the test unless a client that has written nothing finds this digest under the tag; empty for no tag.
func tagNames(t *testing.T, registry *acrtest.Registry, repository, tag string, want digest.Digest) {
	t.Helper()
	manifest, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: tag})
	switch {
	case want == "" && !fault.IsMissing(err):
		t.Errorf("%s:%s is there (%v), want none", repository, tag, err)
	case want != "" && err != nil:
		t.Errorf("reading %s:%s: %v", repository, tag, err)
	case want != "" && manifest.Digest != want:
		t.Errorf("%s:%s names %s, want %s", repository, tag, manifest.Digest, want)
	}
}

// methods lists what reached the registry with a token, in order.
func methods(registry *acrtest.Registry) []string {
	var list []string
	for _, request := range registry.Requests() {
		if request.Kind == acrtest.KindResource {
			list = append(list, request.Method)
		}
	}
	return list
}

func putTag(t *testing.T, client *acr.Client, tag string, d, was digest.Digest) (*oci.Manifest, error) {
	t.Helper()
	return client.PutTag(t.Context(), acr.TagRequest{Repository: "app", Tag: tag, Digest: d.String(), Was: was.String()})
}

func TestTagIsPutByteForByte(t *testing.T) {
	for name, put := range map[string]func(*acrtest.Registry) digest.Digest{
		"OCI image": func(r *acrtest.Registry) digest.Digest { return r.PutImage("app", "", acrtest.Image{}) },
		"Docker image": func(r *acrtest.Registry) digest.Digest {
			return r.PutImage("app", "", acrtest.Image{Docker: true})
		},
		"OCI index": func(r *acrtest.Registry) digest.Digest {
			return r.PutIndex("app", "", acrtest.Index{Images: []acrtest.Image{{Architecture: "arm64"}}})
		},
		"Docker list": func(r *acrtest.Registry) digest.Digest {
			return r.PutIndex("app", "", acrtest.Index{Docker: true, Images: []acrtest.Image{{Docker: true}}})
		},
		"artifact": func(r *acrtest.Registry) digest.Digest {
			return r.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "application/vnd.example.chart"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := put(registry)
			client := newClient(t, registry)
			manifest, err := putTag(t, client, "prod", d, "")
			if err != nil {
				t.Fatal(err)
			}
			if manifest.Digest != d {
				t.Errorf("digest = %s, want %s", manifest.Digest, d)
			}
			if got := methods(registry); !slices.Equal(got, []string{"GET", "GET", "PUT"}) {
				t.Errorf("requests = %v, want GET GET PUT", got)
			}
			wantWire(t, registry, "1/1/3")
			tagNames(t, registry, "app", "prod", d)
		})
	}
}

func TestTagThatIsThereAlreadyIsNotWritten(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	for _, was := range []digest.Digest{"", d} {
		registry.ResetLog()
		if _, err := putTag(t, newClient(t, registry), "prod", d, was); err != nil {
			t.Fatal(err)
		}
		wantWire(t, registry, "1/1/1")
	}
}

func TestTagThatIsNotWhatItWasStays(t *testing.T) {
	first, second, third := acrtest.Image{Author: "1"}, acrtest.Image{Author: "2"}, acrtest.Image{Author: "3"}
	for name, test := range map[string]struct {
		was    bool // the write is planned as a move from the first image
		now    *acrtest.Image
		reason fault.Reason
	}{
		"made, and there":  {false, &second, fault.TagElsewhere},
		"moved, elsewhere": {true, &second, fault.TagMoved},
		"moved, and gone":  {true, nil, fault.TagMoved},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			one, three := registry.PutImage("app", "", first), registry.PutImage("app", "", third)
			var was, now digest.Digest
			if test.was {
				was = one
			}
			if test.now != nil {
				now = registry.PutImage("app", "prod", *test.now)
			}
			_, err := putTag(t, newClient(t, registry), "prod", three, was)
			faulttest.Want(t, err, test.reason, "app:prod", three.String(), now.String(), was.String())
			wantWire(t, registry, "1/1/1")
			tagNames(t, registry, "app", "prod", now)
		})
	}
}

func TestTagOfADigestThatIsNotInTheRepository(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	elsewhere := registry.PutImage("other", "v", acrtest.Image{Author: "elsewhere"})
	_, err := putTag(t, newClient(t, registry), "prod", elsewhere, "")
	faulttest.Want(t, err, fault.NotInRepository, elsewhere.String(), "MANIFEST_UNKNOWN")
	tagNames(t, registry, "app", "prod", "")
}

// If the connection breaks, the tag shows whether the registry has acted, not a second PUT.
func TestLostAnswerToAPutIsSettledByAsking(t *testing.T) {
	for name, test := range map[string]struct {
		fault acrtest.Fault
		want  []string
	}{
		"cut after acting":     {acrtest.Fault{Reset: true, ActFirst: true}, []string{"GET", "GET", "PUT", "GET"}},
		"500 after acting":     {acrtest.Fault{Status: 500, ActFirst: true}, []string{"GET", "GET", "PUT", "GET"}},
		"cut before acting":    {acrtest.Fault{Reset: true}, []string{"GET", "GET", "PUT", "GET", "PUT"}},
		"502 before acting":    {acrtest.Fault{Status: 502}, []string{"GET", "GET", "PUT", "GET", "PUT"}},
		"refused for a moment": {acrtest.Fault{Status: 429}, []string{"GET", "GET", "PUT", "GET", "PUT"}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := registry.PutImage("app", "", acrtest.Image{})
			test.fault.Method, test.fault.Kind, test.fault.Times = http.MethodPut, acrtest.KindResource, 1
			registry.Inject(test.fault)
			if _, err := putTag(t, newClient(t, registry).WithoutBackOff(), "prod", d, ""); err != nil {
				t.Fatal(err)
			}
			if got := methods(registry); !slices.Equal(got, test.want) {
				t.Errorf("requests = %v, want %v", got, test.want)
			}
			tagNames(t, registry, "app", "prod", d)
		})
	}
}

// If somebody else moves the tag between a failed PUT and the next one, their write is not overwritten, whichever PUT
// it was and however it failed.
func TestFailedPutDoesNotOverwriteAnotherWriter(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"408":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) },
		"429":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"500":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"503":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		for first, want := range [][]string{{"GET", "GET", "PUT", "GET"}, {"GET", "GET", "PUT", "GET", "PUT", "GET"}} {
			t.Run(fmt.Sprintf("%s to PUT %d", name, first+1), func(t *testing.T) {
				registry := acrtest.StartT(t, acrtest.Options{})
				mine, theirs := registry.PutImage("app", "", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "them"})
				puts := 0
				registry.Inject(acrtest.Fault{Method: http.MethodPut, Kind: acrtest.KindResource, Times: first + 1, Handler: func(w http.ResponseWriter, r *http.Request) {
					if puts++; puts == first+1 {
						registry.Tag("app", "prod", theirs)
					}
					fail(w, r)
				}})
				_, err := putTag(t, newClient(t, registry).WithoutBackOff(), "prod", mine, "")
				faulttest.Want(t, err, fault.TagElsewhere, theirs.String())
				if got := methods(registry); !slices.Equal(got, want) {
					t.Errorf("requests = %v, want %v", got, want)
				}
				tagNames(t, registry, "app", "prod", theirs)
			})
		}
	}
}

func TestOtherBytesUnderTheTagAreAnError(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "", acrtest.Image{})
	registry.Inject(acrtest.Fault{Method: http.MethodPut, WrongDigest: true})
	_, err := putTag(t, newClient(t, registry), "prod", d, "")
	faulttest.Want(t, err, fault.DigestMismatch, d.String(), "says that it stored")
}

func TestLockedWritesSaySo(t *testing.T) {
	locked := acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true}
	for name, lock := range map[string]func(*acrtest.Registry){
		"repository": func(r *acrtest.Registry) { r.SetRepositoryAttributes("app", locked) },
		"tag":        func(r *acrtest.Registry) { r.SetTagAttributes("app", "prod", locked) },
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			was := registry.PutImage("app", "prod", acrtest.Image{})
			d := registry.PutImage("app", "", acrtest.Image{Author: "new"})
			lock(registry)
			client := newClient(t, registry)
			_, err := putTag(t, client, "prod", d, was)
			faulttest.Want(t, err, fault.WriteDisallowed, "405", "REGISTRY_DISALLOWED_OPERATION")
			faulttest.Want(t, client.Untag(t.Context(), "app", "prod", was.String()), fault.WriteDisallowed)
			tagNames(t, registry, "app", "prod", was)
		})
	}
}

func TestMissingPermissionsOfWrites(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	d := registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	_, err := putTag(t, client, "prod", d, "")
	faulttest.Want(t, err, fault.MayNotPush, "repository:app:pull,push")
	faulttest.Want(t, client.Untag(t.Context(), "app", "v", d.String()), fault.MayNotDelete, "repository:app:delete")
}

func TestHundredTagsCostThreeRequestsEachToPutAndTwoToRemove(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	digests := make([]digest.Digest, 100)
	for i := range digests {
		digests[i] = registry.PutImage("app", "", acrtest.Image{Author: fmt.Sprint(i)})
	}
	client := newClient(t, registry)
	err := together(100, parallelism, func(i int) error {
		_, err := putTag(t, client, fmt.Sprintf("v%d", i), digests[i], "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/300")

	registry.ResetLog()
	client = newClient(t, registry)
	err = together(100, parallelism, func(i int) error {
		return client.Untag(t.Context(), "app", fmt.Sprintf("v%d", i), digests[i].String())
	})
	if err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/200")
}

// Writes of one repository, even of one digest, do not wait for each other.
func TestWritesOfOneRepositoryDoNotWait(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "", acrtest.Image{})
	reached, hold := make(chan struct{}, 1), make(chan struct{})
	registry.Inject(acrtest.Fault{Method: http.MethodPut, Path: "/slow", Handler: func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		<-hold
		w.WriteHeader(http.StatusCreated)
	}})
	client := newClient(t, registry)
	slow := make(chan error, 1)
	go func() {
		_, err := putTag(t, client, "slow", d, "")
		slow <- err
	}()
	<-reached
	if _, err := putTag(t, client, "quick", d, ""); err != nil {
		t.Error(err)
	}
	close(hold)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func TestTwoWritersOfOneTagTheSecondLearnsIt(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	digests := []digest.Digest{registry.PutImage("app", "", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "second"})}
	client := newClient(t, registry)
	for i := range 30 { // one of them would go wrong if a write did not wait for the other of its tag
		tag := fmt.Sprintf("prod%d", i)
		failures := make([]error, 2)
		_ = together(2, 2, func(writer int) error {
			_, failures[writer] = putTag(t, client, tag, digests[writer], "")
			return nil
		})
		won := slices.Index(failures, nil)
		if won < 0 {
			t.Fatalf("both writers failed: %v", failures)
		}
		faulttest.Want(t, failures[1-won], fault.TagElsewhere, digests[won].String(), digests[1-won].String())
		tagNames(t, registry, "app", tag, digests[won])
	}
}

// A replica that the write has not reached answers as before.
func TestWhatWasWrittenIsTrusted(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{ReplicaLag: 1})
	was, is := registry.PutImage("app", "prod", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "new"})
	client := newClient(t, registry)
	for range 3 { // up to date before the change, late after it, then up to date again
		if _, err := putTag(t, client, "prod", is, was); err != nil {
			t.Fatal(err)
		}
		was, is = is, was
		for range 2 { // late, then up to date
			manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "prod"})
			if err != nil {
				t.Fatal(err)
			}
			if manifest.Digest != was {
				t.Errorf("the tag names %s, want %s, which was just written", manifest.Digest, was)
			}
		}
	}
	client = newClient(t, registry)
	if err := client.Untag(t.Context(), "app", "prod", was.String()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "prod"}); !fault.IsMissing(err) {
			t.Errorf("error = %v, want that of a tag that is gone", err)
		}
	}
}

// What has removed a tag is not forgotten when the tag is found gone, by a second resource that gives it up or by a second
// try: late replicas have it still.
func TestTagThatWasRemovedStaysGone(t *testing.T) {
	for name, test := range map[string]struct {
		untags int
		faults []acrtest.Fault
	}{
		"removed twice": {untags: 2},
		"lost answer": {1, []acrtest.Fault{
			{Method: http.MethodDelete, Times: 1, Reset: true, ActFirst: true},
			{Method: http.MethodGet, Path: "/manifests/prod", Kind: acrtest.KindResource, Skip: 1, Times: 1, Status: http.StatusNotFound}, // not late
		}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{ReplicaLag: 2})
			d := registry.PutImage("app", "prod", acrtest.Image{})
			for _, f := range test.faults {
				registry.Inject(f)
			}
			client := newClient(t, registry).WithoutBackOff()
			for range test.untags {
				if err := client.Untag(t.Context(), "app", "prod", d.String()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "prod"}); !fault.IsMissing(err) {
				t.Errorf("error = %v, want that of a tag that is gone", err)
			}
			if _, err := putTag(t, client, "prod", d, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChangeBySomebodyElseIsBelieved(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	mine, theirs := registry.PutImage("app", "", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "them"})
	client := newClient(t, registry)
	if _, err := putTag(t, client, "prod", mine, ""); err != nil {
		t.Fatal(err)
	}
	registry.Tag("app", "prod", theirs)
	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "prod"})
	if err != nil || manifest.Digest != theirs {
		t.Errorf("the tag names %v (%v), want %s", manifest, err, theirs)
	}
}

func TestUntagKeepsTheManifest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	client := newClient(t, registry)
	for range 2 { // a tag that is already gone is fine
		if err := client.Untag(t.Context(), "app", "prod", d.String()); err != nil {
			t.Fatal(err)
		}
	}
	if got := methods(registry); !slices.Equal(got, []string{"GET", "DELETE", "GET"}) {
		t.Errorf("requests = %v, want GET DELETE, then GET", got)
	}
	tagNames(t, registry, "app", "prod", "")
	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: d.String()}); err != nil {
		t.Error(err)
	}
	if err := client.Untag(t.Context(), "absent", "prod", d.String()); err != nil {
		t.Errorf("untagging in a repository that is gone: %v", err)
	}
}

// A tag that somebody has moved since then belongs to them.
func TestUntagLeavesATagThatHasMoved(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	mine, theirs := registry.PutImage("app", "prod", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "them"})
	registry.Tag("app", "prod", theirs)
	faulttest.Want(t, newClient(t, registry).Untag(t.Context(), "app", "prod", mine.String()), fault.TagMoved, "app:prod", mine.String(), theirs.String())
	if got := methods(registry); !slices.Equal(got, []string{"GET"}) {
		t.Errorf("requests = %v, want one GET", got)
	}
	tagNames(t, registry, "app", "prod", theirs)
}

// Two resources may have one tag in one run: the one that ends does not take it from the other.
func TestUntagLeavesATagThatThisClientHasPut(t *testing.T) {
	for name, tag := range map[string]string{"put": "prod", "found as wanted": "v"} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := registry.PutImage("app", "v", acrtest.Image{})
			client := newClient(t, registry)
			if _, err := putTag(t, client, tag, d, ""); err != nil {
				t.Fatal(err)
			}
			registry.ResetLog()
			for range 2 {
				if err := client.Untag(t.Context(), "app", tag, d.String()); err != nil {
					t.Fatal(err)
				}
			}
			wantWire(t, registry, "0/0/0")
			tagNames(t, registry, "app", tag, d)
		})
	}
}

// The registry's own digests are sha256; a configuration may name the same bytes by another.
func TestUntagKnowsTheManifestByAnotherAlgorithm(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	client := newClient(t, registry)
	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: d.String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Untag(t.Context(), "app", "prod", digest.SHA512.FromBytes(manifest.Body).String()); err != nil {
		t.Fatal(err)
	}
	tagNames(t, registry, "app", "prod", "")
}

// The tag shows whether the registry has acted, not a second DELETE.
func TestLostAnswerToAnUntag(t *testing.T) {
	for name, test := range map[string]struct {
		fault acrtest.Fault
		want  []string
	}{
		"after acting":  {acrtest.Fault{Reset: true, ActFirst: true}, []string{"GET", "DELETE", "GET"}},
		"before acting": {acrtest.Fault{Reset: true}, []string{"GET", "DELETE", "GET", "DELETE"}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := registry.PutImage("app", "prod", acrtest.Image{})
			test.fault.Method, test.fault.Times = http.MethodDelete, 1
			registry.Inject(test.fault)
			if err := newClient(t, registry).WithoutBackOff().Untag(t.Context(), "app", "prod", d.String()); err != nil {
				t.Fatal(err)
			}
			if got := methods(registry); !slices.Equal(got, test.want) {
				t.Errorf("requests = %v, want %v", got, test.want)
			}
			tagNames(t, registry, "app", "prod", "")
		})
	}
}

// If somebody else moves the tag between a failed DELETE and the next one, it is not removed.
func TestFailedUntagDoesNotRemoveAnothersTag(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	mine, theirs := registry.PutImage("app", "prod", acrtest.Image{}), registry.PutImage("app", "", acrtest.Image{Author: "them"})
	registry.Inject(acrtest.Fault{Method: http.MethodDelete, Times: 1, Handler: func(w http.ResponseWriter, _ *http.Request) {
		registry.Tag("app", "prod", theirs)
		w.WriteHeader(http.StatusServiceUnavailable)
	}})
	err := newClient(t, registry).WithoutBackOff().Untag(t.Context(), "app", "prod", mine.String())
	faulttest.Want(t, err, fault.TagMoved, mine.String(), theirs.String())
	tagNames(t, registry, "app", "prod", theirs)
}

func TestRegistryWithoutACRsAPIIsSentNoDelete(t *testing.T) {
	for name, registry := range map[string]*acrtest.Registry{
		"404":  acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true}),
		"open": acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true, NoAuth: true}),
	} {
		t.Run(name, func(t *testing.T) {
			d := registry.PutImage("app", "prod", acrtest.Image{})
			faulttest.Want(t, newClient(t, registry).Untag(t.Context(), "app", "prod", d.String()), fault.CannotUntag, "app:prod")
			for _, request := range registry.Requests() {
				if request.Method == http.MethodDelete {
					t.Errorf("%s %s was sent", request.Method, request.Path)
				}
			}
			tagNames(t, registry, "app", "prod", d)
		})
	}
}

func TestWritesToAnOpenRegistry(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{NoAuth: true})
	d := registry.PutImage("app", "", acrtest.Image{})
	client := newClient(t, registry)
	if _, err := putTag(t, client, "prod", d, ""); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "3/0/0")
	tagNames(t, registry, "app", "prod", d)
	if err := newClient(t, registry).Untag(t.Context(), "app", "prod", d.String()); err != nil {
		t.Fatal(err)
	}
	tagNames(t, registry, "app", "prod", "")
}

// A read may follow a redirect to another origin, but a write may not: it is meant only for the registry.
func TestWriteFollowsNoRedirectToAnotherOrigin(t *testing.T) {
	elsewhere := acrtest.StartT(t, acrtest.Options{})
	for name, redirect := range map[string]acrtest.Fault{
		"another origin":     {Redirect: elsewhere.URL() + "/v2/app/manifests/prod"},
		"a GET in its place": {Redirect: "/v2/app/manifests/v", RedirectStatus: http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := registry.PutImage("app", "v", acrtest.Image{})
			redirect.Method = http.MethodPut
			registry.Inject(redirect)
			_, err := putTag(t, newClient(t, registry), "prod", d, "")
			faulttest.Want(t, err, fault.BadRedirect)
			if n := elsewhere.Connections(); n != 0 {
				t.Errorf("%d connections to the other origin", n)
			}
		})
	}
}

func TestTagRequestsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	client := newClient(t, registry)
	d := digest.FromString("x").String()
	for argument, req := range map[string]acr.TagRequest{
		"repository": {Repository: "App", Tag: "v", Digest: d},
		"tag":        {Repository: "app", Tag: d, Digest: d},
		"digest":     {Repository: "app", Tag: "v", Digest: strings.TrimSuffix(d, d[len(d)-1:])},
	} {
		_, err := client.PutTag(t.Context(), req)
		faulttest.WantArgument(t, err, argument)
	}
	faulttest.WantArgument(t, client.Untag(t.Context(), "app", d, d), "tag")
	faulttest.WantArgument(t, client.Untag(t.Context(), "", "v", d), "repository")
	faulttest.WantArgument(t, client.Untag(t.Context(), "app", "v", ""), "digest")
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// The answer to a write has a limit too, though nobody reads it.
func TestOversizedAnswerToAWriteIsRefused(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "", acrtest.Image{})
	registry.Inject(acrtest.Fault{Method: http.MethodPut, Oversize: 1 << 20})
	_, err := putTag(t, newClient(t, registry), "prod", d, "")
	faulttest.Want(t, err, fault.TooLarge, "201", "8192")
}
