package acr_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const (
	signatureType = "application/vnd.example.signature.v1"
	sbomType      = "application/vnd.example.sbom.v1"
)

// refer attaches an artifact to a manifest of app.
func refer(registry *acrtest.Registry, subject digest.Digest, artifactType string) digest.Digest {
	of := registry.Descriptor("app", subject)
	return registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: artifactType, Subject: &of, Body: []byte(artifactType + subject.String())})
}

// cosignTag returns where cosign keeps what it says of an image.
func cosignTag(d digest.Digest, suffix string) string {
	return strings.Replace(d.String(), ":", "-", 1) + suffix
}

// cosigned stores what cosign keeps under a tag: a layer for each signature.
func cosigned(registry *acrtest.Registry, repository, tag string, signatures ...string) digest.Digest {
	image := acrtest.Image{}
	for _, signature := range signatures {
		body := []byte(signature)
		image.Layers = append(image.Layers, ocispec.Descriptor{
			MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: registry.PutBlob(repository, body), Size: int64(len(body)),
		})
	}
	return registry.PutImage(repository, tag, image)
}

// wantReferrers fails the test unless the target lists these, and has them.
func wantReferrers(t *testing.T, client *acr.Client, subject digest.Digest, want ...digest.Digest) {
	t.Helper()
	referrers, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "mirror/app", Digest: subject.String()})
	if err != nil {
		t.Fatal(err)
	}
	var got []digest.Digest
	for _, referrer := range referrers {
		got = append(got, referrer.Digest)
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "mirror/app", Digest: referrer.Digest.String()}); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("referrers of %s: %v, want %v", subject, got, want)
	}
}

func withReferrers(req acr.CopyRequest) acr.CopyRequest {
	req.Referrers = true
	return req
}

// Registries with the referrers API and without it, in each role.
var referrersAPIs = map[string]struct{ source, target acrtest.Options }{
	"API to API": {},
	"API to tag": {target: acrtest.Options{WithoutReferrersAPI: true}},
	"tag to API": {source: acrtest.Options{WithoutReferrersAPI: true}},
	"tag to tag": {source: acrtest.Options{WithoutReferrersAPI: true}, target: acrtest.Options{WithoutReferrersAPI: true}},
}

func TestCopyBringsReferrersOfReferrersAlong(t *testing.T) {
	for name, options := range referrersAPIs {
		t.Run(name, func(t *testing.T) {
			source, target := acrtest.StartT(t, options.source), acrtest.StartT(t, options.target)
			from, to := newClient(t, source), newClient(t, target)
			d := fivePlatforms(source, "app")
			index, err := from.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: d.String()})
			if err != nil {
				t.Fatal(err)
			}
			child := index.Manifests[1].Digest
			signature, sbom := refer(source, d, signatureType), refer(source, d, sbomType)
			ofChild := refer(source, child, signatureType)
			ofSBOM := refer(source, sbom, signatureType)

			if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
				t.Fatal(err)
			}
			wantWhole(t, to, d)
			wantReferrers(t, to, d, signature, sbom)
			wantReferrers(t, to, child, ofChild)
			wantReferrers(t, to, sbom, ofSBOM)

			later := refer(source, d, "application/vnd.example.later.v1")
			target.ResetLog()
			if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
				t.Fatal(err)
			}
			puts := 0
			for _, request := range target.Requests() {
				if request.Method == "PUT" && strings.Contains(request.Path, "/manifests/sha256:") {
					puts++
				}
			}
			if puts != 1 {
				t.Errorf("%d manifests were put again, want the new referrer alone", puts)
			}
			wantReferrers(t, to, d, signature, sbom, later)
		})
	}
}

// A tag on a referrer says that its subject's list has it: whatever fails on the way, the next write completes the
// list.
func TestReferrerIsListedBeforeItIsTagged(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"the list cannot be read":               {Method: http.MethodGet, Path: "/manifests/sha256-", Status: http.StatusForbidden},
		"the list cannot be written":            {Method: http.MethodPut, Path: "/manifests/sha256-", Status: http.StatusForbidden},
		"the answer about the tag is lost":      {Method: http.MethodPut, Path: "/manifests/signed", Reset: true, ActFirst: true},
		"the answer about the referrer is lost": {Method: http.MethodPut, Path: "/manifests/sha256:", Reset: true, ActFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
			image := oneImage(registry, "mirror/app", 1000)
			of := registry.Descriptor("mirror/app", image)
			signature := registry.PutArtifact("mirror/app", "", acrtest.Artifact{ArtifactType: signatureType, Subject: &of})
			registry.Untag("mirror/app", cosignTag(image, ""))
			client := newClient(t, registry).WithoutBackOff()
			injected.Kind, injected.Times = acrtest.KindResource, 1
			registry.Inject(injected)
			put := func() error {
				_, err := client.PutTag(t.Context(), acr.TagRequest{Repository: "mirror/app", Tag: "signed", Digest: signature.String()})
				return err
			}
			if err := put(); err != nil {
				tagNames(t, registry, "mirror/app", "signed", "")
				if err := put(); err != nil {
					t.Fatal(err)
				}
			}
			tagNames(t, registry, "mirror/app", "signed", signature)
			wantReferrers(t, client, image, signature)
		})
	}
}

// The list that a lost answer was about is found, and remembered: what a late replica has instead is not added to.
func TestListOfReferrersIsRememberedWhenItsAnswerIsLost(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true, ReplicaLag: 1})
	image := oneImage(registry, "mirror/app", 1000)
	list := cosignTag(image, "")
	of := registry.Descriptor("mirror/app", image)
	var referrers []digest.Digest
	for _, artifactType := range []string{signatureType, sbomType} {
		referrers = append(referrers, registry.PutArtifact("mirror/app", "", acrtest.Artifact{ArtifactType: artifactType, Subject: &of}))
	}
	registry.Untag("mirror/app", list)
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Method: http.MethodPut, Path: list, Times: 1, Reset: true, ActFirst: true})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Method: http.MethodGet, Path: list, Skip: 1, Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/v2/mirror/app/manifests/"+registry.Digest("mirror/app", list).String(), http.StatusTemporaryRedirect) // not late
	}})
	client := newClient(t, registry).WithoutBackOff()
	for i, referrer := range referrers {
		if _, err := client.PutTag(t.Context(), acr.TagRequest{Repository: "mirror/app", Tag: fmt.Sprint(i), Digest: referrer.String()}); err != nil {
			t.Fatal(err)
		}
	}
	wantReferrers(t, client, image, referrers...)
}

// The target's own list is kept.
func TestCopyAddsToTheTargetsListOfReferrers(t *testing.T) {
	source, target := acrtest.StartT(t, acrtest.Options{}), acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
	from, to := newClient(t, source), newClient(t, target)
	d := oneImage(source, "app", 1000)
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	of := target.Descriptor("mirror/app", d)
	own := target.PutArtifact("mirror/app", "", acrtest.Artifact{ArtifactType: "application/vnd.example.own.v1", Subject: &of})
	signature := refer(source, d, signatureType)
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	wantReferrers(t, to, d, own, signature)
}

// Whoever may push can give the list a subject, even its own. It is still a list, and not a referrer to be listed.
func TestListOfReferrersThatHasASubjectIsJustAList(t *testing.T) {
	source, target := acrtest.StartT(t, acrtest.Options{}), acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
	from, to := newClient(t, source), newClient(t, target)
	d := oneImage(source, "app", 1000)
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[],"subject":{"mediaType":%q,"digest":%q,"size":1}}`,
		ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, d)
	list := target.PutManifest("mirror/app", "list", ocispec.MediaTypeImageIndex, []byte(body))
	signature := refer(source, d, signatureType)

	done := make(chan error, 1)
	go func() {
		_, err := to.PutTag(t.Context(), acr.TagRequest{
			Repository: "mirror/app", Tag: cosignTag(d, ""), Digest: list.String(), Was: target.Digest("mirror/app", cosignTag(d, "")).String(),
		})
		if err == nil {
			_, err = to.CopyImage(t.Context(), withReferrers(copyRequest(from, d)))
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the list waits for itself")
	}
	wantReferrers(t, to, d, signature)
}

func TestCopyBringsCosignsTagsAlong(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	want := map[string]digest.Digest{}
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		want[suffix] = cosigned(source, "app", cosignTag(d, suffix), "one"+suffix)
	}
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	// Another signature is one more layer.
	want[".sig"] = cosigned(source, "app", cosignTag(d, ".sig"), "one.sig", "two")
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	for suffix, digest := range want {
		manifest, err := to.Manifest(t.Context(), acr.ManifestRequest{Repository: "mirror/app", Tag: cosignTag(d, suffix)})
		if err != nil || manifest.Digest != digest {
			t.Errorf("%s: %v, want %s", suffix, err, digest)
		}
	}
}

func TestCopyLosesNoSignatureOfTheTarget(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	cosigned(source, "app", cosignTag(d, ".sig"), "the source's")
	own := cosigned(target, "mirror/app", cosignTag(d, ".sig"), "the target's")
	_, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d)))
	failed, ok := fault.As(err)
	if !ok || failed.Reason != fault.SignaturesDiffer || !strings.Contains(failed.Error(), own.String()) || !strings.Contains(failed.Error(), cosignTag(d, ".sig")) {
		t.Errorf("the error is %v", err)
	}
}

// A signature is copied without the image that it is about, since the request names only the signature.
func TestCopyOfASignatureLeavesItsImage(t *testing.T) {
	for name, options := range referrersAPIs {
		t.Run(name, func(t *testing.T) {
			source, target := acrtest.StartT(t, options.source), acrtest.StartT(t, options.target)
			from, to := newClient(t, source), newClient(t, target)
			image := oneImage(source, "app", 1000)
			signature := refer(source, image, signatureType)
			if _, err := to.CopyImage(t.Context(), copyRequest(from, signature)); err != nil {
				t.Fatal(err)
			}
			wantReferrers(t, to, image, signature)
		})
	}
}

// The source writes its lists of referrers, and they may form a cycle.
func TestCopyEndsWhereReferrersLeadInACircle(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	signature := refer(source, d, signatureType)
	image := source.Descriptor("app", d)
	source.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/referrers/" + signature.String(), Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, image.MediaType, image.Digest, image.Size)
	}})
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	wantReferrers(t, to, d, signature)
}

// They may also have no end.
func TestCopyEndsWhereReferrersDoNot(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	for i := range 1001 {
		refer(source, d, fmt.Sprintf("application/vnd.example.%d", i))
	}
	_, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d)))
	if failed, ok := fault.As(err); !ok || failed.Reason != fault.TooLarge || failed.Argument != "source" {
		t.Errorf("the error is %v", err)
	}
}

// Under cosign's tags, a source can have a signature of each signature, without end.
func TestCopyEndsWhereCosignsTagsDoNot(t *testing.T) {
	t.Parallel()
	source, _, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	source.PutBlob("app", []byte("{}"))
	source.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: ".sig", Handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		_, _ = fmt.Fprintf(w, `%s,"annotations":{"of":%q}}`, strings.TrimSuffix(anImage, "}"), r.URL.Path)
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := to.CopyImage(ctx, withReferrers(copyRequest(from, d)))
	if failed, ok := fault.As(err); !ok || failed.Reason != fault.TooLarge || failed.Argument != "source" {
		t.Errorf("the error is %v", err)
	}
}

// Old artifact manifests name their parts as blobs.
func TestCopyTakesArtifactManifestsWhole(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	body := []byte("content")
	blob := source.PutBlob("app", body)
	d := source.PutManifest("app", "", "application/vnd.oci.artifact.manifest.v1+json", []byte(fmt.Sprintf(
		`{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":%q,"blobs":[{"mediaType":"text/plain","digest":%q,"size":%d}]}`, sbomType, blob, len(body))))
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	wantSent(t, target, "GET manifests: 3", "GET token: 1", "HEAD blobs: 1", "POST uploads: 1", "PUT manifests: 1", "PUT uploads: 1")
}

// One token is enough for a whole copy, including signatures.
func TestCopyAsksForOneTokenOfEachRegistry(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := fivePlatforms(source, "app")
	refer(source, d, signatureType)
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	if atSource, atTarget := source.Count(acrtest.KindToken), target.Count(acrtest.KindToken); atSource != 1 || atTarget != 1 {
		t.Errorf("%d tokens of the source and %d of the target, want one each", atSource, atTarget)
	}
}

// A child of an index may be a referrer itself. A copy that ended between the child and its subject's list is completed
// by the next one, although the child exists by then.
func TestCopyThatEndedBeforeAChildWasListedIsCompleted(t *testing.T) {
	for name, options := range referrersAPIs {
		t.Run(name, func(t *testing.T) {
			source, target := acrtest.StartT(t, options.source), acrtest.StartT(t, options.target)
			from, to := newClient(t, source), newClient(t, target, func(config *acr.Config) { config.MaxRetries = 0 })
			subject := source.Descriptor("app", source.PutImage("app", "", acrtest.Image{}))
			d := source.PutIndex("app", "1.0", acrtest.Index{Images: []acrtest.Image{{Author: "child", Subject: &subject}}})
			index, err := from.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: d.String()})
			if err != nil {
				t.Fatal(err)
			}
			target.Inject(acrtest.Fault{
				Kind: acrtest.KindResource, Method: http.MethodPut, Path: cosignTag(subject.Digest, ""), Times: 1, Status: http.StatusServiceUnavailable,
			})
			_, first := to.CopyImage(t.Context(), copyRequest(from, d))
			if failed := first != nil; failed != options.target.WithoutReferrersAPI {
				t.Errorf("the first copy ended with %v", first)
			}
			if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
				t.Fatal(err)
			}
			wantWhole(t, to, d)
			wantReferrers(t, to, subject.Digest, index.Manifests[0].Digest)
		})
	}
}

// If another client adds to a list while this one waits for its next try, nothing is lost.
func TestListOfReferrersIsReadAgainBeforeItIsPutAgain(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{WithoutReferrersAPI: true})
	d := source.PutImage("app", "1.0", acrtest.Image{})
	of, mine := source.Descriptor("app", d), refer(source, d, signatureType)
	theirs := source.PutArtifact("theirs", "", acrtest.Artifact{ArtifactType: sbomType, Subject: &of})
	target.Inject(acrtest.Fault{Method: http.MethodPut, Path: cosignTag(d, ""), Times: 1, Handler: func(w http.ResponseWriter, r *http.Request) {
		other := acr.CopyRequest{Source: from, SourceRepository: "theirs", Digest: theirs.String(), Repository: "mirror/app"}
		if _, err := newClient(t, target).CopyImage(r.Context(), other); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}})
	if _, err := to.CopyImage(t.Context(), withReferrers(copyRequest(from, d))); err != nil {
		t.Fatal(err)
	}
	wantReferrers(t, to, d, mine, theirs)
}
