package acr_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// fivePlatforms returns an index of five images, each with its own configuration and layer.
func fivePlatforms(registry *acrtest.Registry, repository string) digest.Digest {
	index := acrtest.Index{}
	for i, architecture := range []string{"386", "amd64", "arm", "arm64", "s390x"} {
		layer := registry.PutLayer(repository, int64(1000+i))
		index.Images = append(index.Images, acrtest.Image{Architecture: architecture, Layers: []ocispec.Descriptor{layer}})
	}
	return registry.PutIndex(repository, "1.0", index)
}

// oneImage returns an image with a layer of so many bytes.
func oneImage(registry *acrtest.Registry, repository string, size int64) digest.Digest {
	layer := registry.PutLayer(repository, size)
	return registry.PutImage(repository, "1.0", acrtest.Image{Layers: []ocispec.Descriptor{layer}})
}

// two starts a source and a target with a client of each; change alters both clients.
func two(t *testing.T, options acrtest.Options, change ...func(*acr.Config)) (source, target *acrtest.Registry, from, to *acr.Client) {
	t.Helper()
	source, target = acrtest.StartT(t, acrtest.Options{}), acrtest.StartT(t, options)
	from, to = newClient(t, source, change...).WithoutBackOff(), newClient(t, target, change...).WithoutBackOff()
	return source, target, from, to
}

// copyRequest copies app of the source to mirror/app.
func copyRequest(from *acr.Client, d digest.Digest) acr.CopyRequest {
	return acr.CopyRequest{Source: from, SourceRepository: "app", Digest: d.String(), Repository: "mirror/app", Tag: "1.0"}
}

// sent counts requests as "METHOD kind" lines: "5 PUT manifest".
func sent(registry *acrtest.Registry) []string {
	counts := map[string]int{}
	for _, request := range registry.Requests() {
		part := "other"
		for _, known := range []string{"manifests", "uploads", "blobs", "referrers", "token"} {
			if strings.Contains(request.Path, "/"+known) {
				part = known
				break
			}
		}
		if strings.Contains(request.RawQuery, "mount=") {
			part = "mount"
		}
		counts[request.Method+" "+part]++
	}
	var lines []string
	for what, count := range counts {
		lines = append(lines, fmt.Sprintf("%s: %d", what, count))
	}
	slices.Sort(lines)
	return lines
}

func received(registry *acrtest.Registry) (bytes int64) {
	for _, request := range registry.Requests() {
		if strings.Contains(request.Path, "/blobs/") {
			bytes += request.Received
		}
	}
	return bytes
}

func wantSent(t *testing.T, registry *acrtest.Registry, want ...string) {
	t.Helper()
	if got := sent(registry); !slices.Equal(got, want) {
		t.Errorf("requests:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// wantTag fails the test unless the tag names the manifest, and everything below it can be read.
func wantWhole(t *testing.T, client *acr.Client, d digest.Digest) {
	t.Helper()
	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "mirror/app", Tag: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != d {
		t.Errorf("the tag names %s, want %s", manifest.Digest, d)
	}
	for _, child := range manifest.Manifests {
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "mirror/app", Digest: child.Digest.String()}); err != nil {
			t.Error(err)
		}
	}
}

func TestCopyBetweenRegistriesSendsEachPartOnce(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := fivePlatforms(source, "app")

	manifest, err := to.CopyImage(t.Context(), copyRequest(from, d))
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != d || manifest.MediaType != ocispec.MediaTypeImageIndex {
		t.Errorf("copied %s, %s", manifest.Digest, manifest.MediaType)
	}
	wantSent(t, source, "GET blobs: 10", "GET manifests: 7", "GET token: 1")
	wantSent(t, target, "GET manifests: 8", "GET token: 1", "HEAD blobs: 10", "POST uploads: 10", "PUT manifests: 6", "PUT uploads: 10")
	if last := target.Requests()[len(target.Requests())-1]; last.Method != http.MethodPut || last.Path != "/v2/mirror/app/manifests/1.0" {
		t.Errorf("the last request is %s %s, want the PUT of the tag", last.Method, last.Path)
	}
	wantWhole(t, to, d)

	source.ResetLog()
	target.ResetLog()
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	wantSent(t, source, "GET manifests: 1")
	wantSent(t, target, "GET manifests: 7")
}

func TestCopyWithinARegistryMovesNoBytes(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	client := newClient(t, registry)
	d := fivePlatforms(registry, "app")

	if _, err := client.CopyImage(t.Context(), copyRequest(client, d)); err != nil {
		t.Fatal(err)
	}
	wantSent(t, registry, "GET manifests: 14", "GET token: 1", "POST mount: 10", "PUT manifests: 6")
	if bytes := received(registry); bytes != 0 {
		t.Errorf("%d bytes of blobs travelled", bytes)
	}
	wantWhole(t, client, d)
}

// A registry need not mount: it may begin an upload instead, or refuse.
func TestCopyUploadsWhatIsNotMounted(t *testing.T) {
	for name, refuse := range map[string]func(*acrtest.Registry){
		"an upload in its place": func(*acrtest.Registry) {},
		"refused with 401": func(registry *acrtest.Registry) {
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "mount=", Status: http.StatusUnauthorized})
		},
		"unknown": func(registry *acrtest.Registry) {
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "mount=", Status: http.StatusNotFound})
		},
		"not implemented": func(registry *acrtest.Registry) {
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "mount=", Status: http.StatusNotImplemented})
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{MountFallsBack: true})
			refuse(registry)
			client := newClient(t, registry)
			d := fivePlatforms(registry, "app")
			if _, err := client.CopyImage(t.Context(), copyRequest(client, d)); err != nil {
				t.Fatal(err)
			}
			wantWhole(t, client, d)
		})
	}
}

// What a source sends is checked, and the error names the source.
func TestCopyRefusesWhatTheSourceGetsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  acrtest.Fault
		reason fault.Reason
		detail string
	}{
		"another blob":       {acrtest.Fault{Path: "/blobs/", Tamper: true}, fault.DigestMismatch, "its bytes have another digest"},
		"an endless blob":    {acrtest.Fault{Path: "/blobs/", Oversize: math.MaxInt64}, fault.DigestMismatch, "its bytes have another digest"},
		"a missing blob":     {acrtest.Fault{Path: "/blobs/", Status: http.StatusNotFound, Code: "BLOB_UNKNOWN"}, fault.IncompleteImage, "a manifest names this blob"},
		"a blob always cut":  {acrtest.Fault{Path: "/blobs/", Truncate: 10}, fault.Unreachable, "broke"},
		"another manifest":   {acrtest.Fault{Path: "/manifests/", Tamper: true}, fault.DigestMismatch, "the bytes have the digest"},
		"no permission":      {acrtest.Fault{Path: "/manifests/", Status: http.StatusForbidden}, fault.Denied, ""},
		"a silent blob":      {acrtest.Fault{Path: "/blobs/", HangAfterHeaders: true}, fault.TimedOut, "neither accepted nor sent anything"},
		"too many requests":  {acrtest.Fault{Path: "/blobs/", Status: http.StatusTooManyRequests, RetryAfter: "3600"}, fault.RateLimited, "over the limit"},
		"a compressed bomb":  {acrtest.Fault{Path: "/blobs/", GzipBomb: 1 << 20}, fault.DigestMismatch, ""},
		"an oversized index": {acrtest.Fault{Path: "/manifests/", Oversize: 5 << 20}, fault.TooLarge, "over the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, target, from, to := two(t, acrtest.Options{}, func(config *acr.Config) {
				config.MaxRetries = 1
				if test.fault.HangAfterHeaders {
					config.RequestTimeout = 2 * time.Second
				}
			})
			d := oneImage(source, "app", 100_000)
			test.fault.Kind = acrtest.KindResource
			source.Inject(test.fault)

			_, err := to.CopyImage(t.Context(), copyRequest(from, d))
			failed, ok := fault.As(err)
			if !ok || failed.Reason != test.reason || !strings.Contains(failed.Detail, test.detail) {
				t.Fatalf("the error is %v, want the reason %q and %q", err, test.reason, test.detail)
			}
			if failed.Argument != "source" || !strings.Contains(failed.Operation, source.Host()) {
				t.Errorf("the error does not name the source: %v", err)
			}
			for _, request := range target.Requests() {
				if request.Method == http.MethodPut && request.Status == http.StatusCreated && strings.Contains(request.Path, "manifests") {
					t.Errorf("the target took %s", request.Path)
				}
			}
		})
	}
}

func TestCopyNamesTheTargetWhereItIsAtFault(t *testing.T) {
	for name, test := range map[string]struct {
		fault  acrtest.Fault
		reason fault.Reason
	}{
		"an upload to another host":    {acrtest.Fault{Method: http.MethodPost, Location: "https://elsewhere.example.com/v2/x?_state=x"}, fault.BadRedirect},
		"no Location":                  {acrtest.Fault{Method: http.MethodPost, Status: http.StatusAccepted}, fault.BadAnswer},
		"a locked repository":          {acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Status: http.StatusMethodNotAllowed, Code: "REGISTRY_DISALLOWED_OPERATION"}, fault.WriteDisallowed},
		"a wait of an hour":            {acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Status: http.StatusServiceUnavailable, RetryAfter: "3600"}, fault.RegistryFault},
		"an upload that always breaks": {acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Reset: true}, fault.Unreachable},
		"an upload always forgotten":   {acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Status: http.StatusNotFound, Code: "BLOB_UPLOAD_UNKNOWN"}, fault.UploadLost},
		"another digest stored":        {acrtest.Fault{Method: http.MethodPut, Path: "/manifests/", WrongDigest: true}, fault.DigestMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			source, target, from, to := two(t, acrtest.Options{}, func(config *acr.Config) { config.MaxRetries = 1 })
			d := oneImage(source, "app", 100_000)
			test.fault.Kind = acrtest.KindResource
			target.Inject(test.fault)
			_, err := to.CopyImage(t.Context(), copyRequest(from, d))
			failed, ok := fault.As(err)
			if !ok || failed.Reason != test.reason {
				t.Fatalf("the error is %v, want the reason %q", err, test.reason)
			}
			if failed.Argument == "source" || !strings.Contains(failed.Error(), target.Host()) {
				t.Errorf("the error does not name the target: %v", err)
			}
		})
	}
}

// A stream that breaks on either side starts again from the source. Two blobs are copied; uploads is how many uploads
// reach the target, complete or not.
func TestCopyBeginsABrokenUploadAgain(t *testing.T) {
	t.Parallel()
	atSource := func(fault acrtest.Fault) func(source, target *acrtest.Registry) {
		fault.Kind, fault.Path, fault.Times = acrtest.KindResource, "/blobs/", 1
		return func(source, _ *acrtest.Registry) { source.Inject(fault) }
	}
	atTarget := func(fault acrtest.Fault) func(source, target *acrtest.Registry) {
		fault.Method, fault.Path, fault.Times = http.MethodPut, "/uploads/", 1
		return func(_, target *acrtest.Registry) { target.Inject(fault) }
	}
	for name, test := range map[string]struct {
		breakOnce func(source, target *acrtest.Registry)
		uploads   int
	}{
		"the target leaves":             {atTarget(acrtest.Fault{Reset: true}), 3},
		"the target is overloaded":      {atTarget(acrtest.Fault{Status: 503}), 3},
		"the target has limits":         {atTarget(acrtest.Fault{Status: 429, RetryAfter: "1"}), 3},
		"the target's answer is lost":   {atTarget(acrtest.Fault{Reset: true, ActFirst: true}), 2},
		"the upload is forgotten":       {atTarget(acrtest.Fault{Status: 404, Code: "BLOB_UPLOAD_UNKNOWN"}), 3},
		"the upload's state is old":     {atTarget(acrtest.Fault{Status: 400, Code: "BLOB_UPLOAD_INVALID"}), 3},
		"the upload's range is off":     {atTarget(acrtest.Fault{Status: 416, Code: "BLOB_UPLOAD_RANGE_INVALID"}), 3},
		"the token ends with an upload": {atTarget(acrtest.Fault{Status: 401}), 3},
		"the source leaves":             {atSource(acrtest.Fault{Truncate: 50}), 3},
		"the source has limits":         {atSource(acrtest.Fault{Status: 429, RetryAfter: "1"}), 2},
		"the source is overloaded":      {atSource(acrtest.Fault{Status: 503}), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, target, from, to := two(t, acrtest.Options{})
			test.breakOnce(source, target)
			d := oneImage(source, "app", 1<<20)
			if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
				t.Fatal(err)
			}
			wantWhole(t, to, d)
			uploads := 0
			for _, request := range target.Requests() {
				if request.Method == http.MethodPut && strings.Contains(request.Path, "/uploads/") {
					uploads++
				}
			}
			if uploads != test.uploads {
				t.Errorf("%d uploads, want %d", uploads, test.uploads)
			}
		})
	}
}

// The token of a copy covers more than each challenge names, so only the error shows that it is invalid (RFC 6750
// section 3.1).
func TestCopyReplacesATokenThatIsRevokedDuringAnUpload(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{MountFallsBack: true})
	registry.Inject(acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Times: 1, Handler: func(w http.ResponseWriter, _ *http.Request) {
		registry.RevokeTokens()
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:mirror/app:push,pull",error="invalid_token"`,
			registry.URL(), registry.Host()))
		w.WriteHeader(http.StatusUnauthorized)
	}})
	client := newClient(t, registry).WithoutBackOff()
	d := oneImage(registry, "app", 1<<20)
	if _, err := client.CopyImage(t.Context(), copyRequest(client, d)); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, client, d)
}

// A blob may begin with the right bytes, and go on.
func TestCopyRefusesABlobThatGoesOn(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	layer := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: source.PutBlob("app", []byte("layer")), Size: 5}
	d := source.PutImage("app", "1.0", acrtest.Image{Layers: []ocispec.Descriptor{layer}})
	source.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: layer.Digest.String(), Handler: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("layer and more"))
	}})
	_, err := to.CopyImage(t.Context(), copyRequest(from, d))
	failed, ok := fault.As(err)
	if !ok || failed.Reason != fault.DigestMismatch || failed.Argument != "source" || !strings.Contains(failed.Detail, "does not end after its 5 bytes") {
		t.Errorf("the error is %v", err)
	}
	if target.Digest("mirror/app", "1.0") != "" {
		t.Error("the target has the image")
	}
}

func TestCopySendsNoTokenToTheOtherRegistry(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := fivePlatforms(source, "app")
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	tokens := func(registry *acrtest.Registry) map[string]bool {
		shown := map[string]bool{}
		for _, request := range registry.Requests() {
			if request.AuthScheme == "Bearer" {
				shown[request.Header.Get("Authorization")] = true
			}
		}
		return shown
	}
	atTarget := tokens(target)
	if len(atTarget) != 1 || len(tokens(source)) != 1 {
		t.Errorf("%d tokens at the target, %d at the source, want 1 each", len(atTarget), len(tokens(source)))
	}
	for token := range tokens(source) {
		if atTarget[token] {
			t.Error("one token was shown to both registries")
		}
	}
}

// Blobs may be on another host, which does not get the token.
func TestCopyReadsRedirectedBlobs(t *testing.T) {
	source, target := acrtest.StartT(t, acrtest.Options{BlobRedirect: true}), acrtest.StartT(t, acrtest.Options{})
	from, to := newClient(t, source), newClient(t, target)
	d := fivePlatforms(source, "app")
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	if source.Count(acrtest.KindBlob) != 10 {
		t.Errorf("%d blobs came from the storage, want 10", source.Count(acrtest.KindBlob))
	}
	wantWhole(t, to, d)
}

// Storage may send Content-Encoding for a layer that was stored compressed. The digest is that of the bytes as they come.
func TestCopyTakesBlobsAsTheyAreStored(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	const layer = "\x1f\x8b made-up, not really compressed"
	d := source.PutImage("app", "1.0", acrtest.Image{Layers: []ocispec.Descriptor{
		{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: source.PutBlob("app", []byte(layer)), Size: int64(len(layer))},
	}})
	source.Inject(answering("/blobs/"+digest.FromString(layer).String(), layer, "Content-Encoding: gzip"))
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, to, d)
}

// That a blob is in the target is known from the redirect to its storage, which need not answer: addresses are signed for
// GET alone, and a firewall may be between. Registries in Go send a redirect as text/html.
func TestCopyDoesNotAskTheTargetsStorage(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	target.PutImage("mirror/app", "other", acrtest.Image{Layers: []ocispec.Descriptor{target.PutLayer("mirror/app", 1000)}})
	target.Inject(acrtest.Fault{Kind: acrtest.KindResource, Method: http.MethodHead, Handler: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://storage.example.invalid/x", http.StatusTemporaryRedirect)
	}})
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	if sent := received(target); sent != 0 {
		t.Errorf("%d bytes of blobs were sent, want none", sent)
	}
	wantWhole(t, to, d)
}

// Quay answers 202 to a manifest.
func TestCopyToARegistryThatAcceptsManifests(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 1000)
	target.Inject(acrtest.Fault{Kind: acrtest.KindResource, Method: http.MethodPut, Path: "/manifests/", ActFirst: true, Status: http.StatusAccepted, ContentType: "text/plain"})
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, to, d)
}

func TestCopyThatIsCancelledLeavesNoTag(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := oneImage(source, "app", 64<<20)
	target.Inject(acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := to.CopyImage(ctx, copyRequest(from, d))
		ended <- err
	}()
	awaitRequest(t, target, http.MethodPut)
	cancel()
	select {
	case err := <-ended:
		if failed, ok := fault.As(err); !ok || failed.Reason != fault.Canceled {
			t.Errorf("the error is %v", err)
		}
	case <-time.After(2 * time.Second):
		t.Fatal("the copy goes on 2 s after it was cancelled")
	}
	for _, request := range target.Requests() {
		if request.Method == http.MethodPut && strings.Contains(request.Path, "/manifests/") {
			t.Errorf("%s was put", request.Path)
		}
	}
}

func awaitRequest(t *testing.T, registry *acrtest.Registry, method string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if slices.ContainsFunc(registry.Requests(), func(r acrtest.Request) bool { return r.Method == method }) {
			return
		}
	}
	t.Fatalf("no %s came", method)
}

// The tag belongs to somebody else: nothing is copied.
func TestCopyLeavesATagAloneThatNamesAnotherImage(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	d := fivePlatforms(source, "app")
	other := target.PutImage("mirror/app", "1.0", acrtest.Image{Author: "another"})
	_, err := to.CopyImage(t.Context(), copyRequest(from, d))
	faulttest.Want(t, err, fault.TagElsewhere, "to "+target.Host()+"/mirror/app:1.0", other.String())
	wantSent(t, source)
	req := copyRequest(from, d)
	req.Was = other.String()
	if _, err := to.CopyImage(t.Context(), req); err != nil {
		t.Error(err)
	}
	wantWhole(t, to, d)
}

// A foreign layer is stored elsewhere: it is requested neither from its urls nor from the source.
func TestCopyLeavesForeignLayersWhereTheyAre(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	foreign := ocispec.Descriptor{
		MediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest: digest.FromString("base"), Size: 4,
		URLs: []string{"https://" + source.Host() + "/base"},
	}
	d := source.PutImage("app", "1.0", acrtest.Image{Layers: []ocispec.Descriptor{foreign, source.PutLayer("app", 1000)}})
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	wantSent(t, source, "GET blobs: 2", "GET manifests: 2", "GET token: 1")
	wantWhole(t, to, d)
	_ = target
}

// A digest may have an unknown algorithm, so that nothing can be checked against it.
func TestCopyRefusesAPartThatCannotBeVerified(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	unverifiable := "sha999:" + strings.Repeat("a", 64)
	body := strings.Replace(anImage, `"layers":[]`, fmt.Sprintf(`"layers":[{"mediaType":%q,"digest":%q,"size":2}]`, ocispec.MediaTypeImageLayer, unverifiable), 1)
	d := source.PutManifest("app", "1.0", ocispec.MediaTypeImageManifest, []byte(body))
	source.Inject(answering("/blobs/", "{}"))
	_, err := to.CopyImage(t.Context(), copyRequest(from, d))
	if failed, ok := fault.As(err); !ok || failed.Reason != fault.MalformedImage || failed.Argument != "source" || !strings.Contains(failed.Operation, d.String()) {
		t.Errorf("the error is %v", err)
	}
	wantSent(t, target, "GET manifests: 2", "GET token: 1")
}

func TestCopyNamesAMissingChild(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	d := fivePlatforms(source, "app")
	index, err := from.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	source.Delete("app", index.Manifests[3].Digest.String())
	_, err = to.CopyImage(t.Context(), copyRequest(from, d))
	failed, ok := fault.As(err)
	if !ok || failed.Reason != fault.IncompleteImage || !strings.Contains(failed.Operation, index.Manifests[3].Digest.String()) || failed.Argument != "source" {
		t.Errorf("the error is %v", err)
	}
}

func TestCopyRefusesAnIndexOf10000Children(t *testing.T) {
	source, target, from, to := two(t, acrtest.Options{})
	child := source.Descriptor("app", source.PutImage("app", "", acrtest.Image{}))
	body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, ocispec.MediaTypeImageIndex,
		strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d},`, child.MediaType, child.Digest, child.Size), 10_000), ","))
	d := source.PutManifest("app", "1.0", ocispec.MediaTypeImageIndex, []byte(body))
	_, err := to.CopyImage(t.Context(), copyRequest(from, d))
	if failed, ok := fault.As(err); !ok || failed.Reason != fault.TooLarge || failed.Argument != "source" {
		t.Errorf("the error is %v", err)
	}
	wantSent(t, target, "GET manifests: 2", "GET token: 1")
}

// If a registry does not mount, each blob is downloaded from it and uploaded to it: some of its ten connections stay
// free.
func TestCopiesWithinARegistryDoNotWaitForEachOther(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{MountFallsBack: true, DisableHTTP2: true})
	client := newClient(t, registry)
	d := fivePlatforms(registry, "app")
	err := together(12, 12, func(i int) error {
		req := copyRequest(client, d)
		req.Repository = fmt.Sprintf("mirror/app%d", i)
		_, err := client.CopyImage(t.Context(), req)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// An index can name itself only by a wrong digest.
func TestCopyEndsWhereAnIndexNamesItself(t *testing.T) {
	source, _, from, to := two(t, acrtest.Options{})
	child := digest.FromString("itself")
	body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%[1]q,"digest":%q,"size":300}]}`, ocispec.MediaTypeImageIndex, child)
	d := source.PutManifest("app", "1.0", ocispec.MediaTypeImageIndex, []byte(body))
	source.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: child.String(), Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		_, _ = w.Write([]byte(body))
	}})
	_, err := to.CopyImage(t.Context(), copyRequest(from, d))
	if failed, ok := fault.As(err); !ok || failed.Reason != fault.DigestMismatch || failed.Argument != "source" {
		t.Errorf("the error is %v", err)
	}
}

func TestCopyTakesEmptyBlobs(t *testing.T) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			source, target := acrtest.StartT(t, options), acrtest.StartT(t, options)
			from, to := newClient(t, source), newClient(t, target)
			d := oneImage(source, "app", 0)
			if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
				t.Fatal(err)
			}
			wantWhole(t, to, d)
		})
	}
}

// The log shows the progress of a large layer.
func TestCopyTellsTheLogHowFarABlobIs(t *testing.T) {
	var mu sync.Mutex
	var told []string
	source, _, from, to := two(t, acrtest.Options{}, func(config *acr.Config) {
		config.Log = func(_ context.Context, message string, fields map[string]any) {
			mu.Lock()
			defer mu.Unlock()
			if message == "copying a blob" {
				told = append(told, fmt.Sprint(fields["digest"], " ", fields["progress"]))
			}
		}
	})
	now := time.Now()
	from.SetClock(func() time.Time { // each reading of the clock is 11 seconds later
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(11 * time.Second)
		return now
	})
	layer := source.PutLayer("app", 1<<20)
	d := source.PutImage("app", "1.0", acrtest.Image{Layers: []ocispec.Descriptor{layer}})
	if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(told, func(line string) bool {
		return strings.HasPrefix(line, layer.Digest.String()) && strings.HasSuffix(line, " of 1048576 bytes")
	}) {
		t.Errorf("the log was told %q", told)
	}
	for i, line := range told {
		if i > 0 && line == told[i-1] {
			t.Errorf("the log was told twice: %q", line)
		}
	}
}
