package acr_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// Readers that share one answer do not share the values made from it. Referrers were not recorded: they follow the OCI
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

// withoutReferrersAPI are ways in which registries say that they lack the API.
var withoutReferrersAPI = map[string]acrtest.Fault{
	"404":                       {Status: http.StatusNotFound, ContentType: "text/plain"},
	"405":                       {Status: http.StatusMethodNotAllowed, Code: "UNSUPPORTED"},
	"406":                       {Status: http.StatusNotAcceptable, ContentType: "text/plain"},
	"400 of a web server":       {Status: http.StatusBadRequest, Body: "<html>Not a Docker request</html>", ContentType: "text/html"},
	"400 with a code":           {Status: http.StatusBadRequest, Code: "NAME_INVALID"},
	"401 without a challenge":   {Status: http.StatusUnauthorized, ContentType: "text/plain"},
	"403 of a gateway":          {Status: http.StatusForbidden, Body: "<html>Forbidden</html>", ContentType: "text/html"},
	"415":                       {Status: http.StatusUnsupportedMediaType, ContentType: "text/plain"},
	"422":                       {Status: http.StatusUnprocessableEntity, ContentType: "text/plain"},
	"501":                       {Status: http.StatusNotImplemented, ContentType: "text/plain"},
	"200 with a web page":       {Status: http.StatusOK, Body: "<html></html>", ContentType: "text/html"},
	"200 with other JSON":       {Status: http.StatusOK, Body: `{"message":"ok"}`, ContentType: "application/json"},
	"200 with an index as JSON": {Status: http.StatusOK, Body: `{"manifests":[]}`, ContentType: "application/json"},
	"200 with nothing":          {Status: http.StatusOK, ContentType: "application/octet-stream"},
}

func TestReferrersAreReadByTagWithoutTheAPI(t *testing.T) {
	for name, injected := range withoutReferrersAPI {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
			subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
			referrer := registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "example/note", Subject: &subject})
			injected.Path = "/referrers/"
			registry.Inject(injected)
			referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
			if err != nil || len(referrers) != 1 || referrers[0].Digest != referrer {
				t.Errorf("referrers = %v, %v; want %s", referrers, err, referrer)
			}
		})
	}
}

// Some registries send the list as nothing but JSON.
func TestListOfReferrersSentAsJSONIsRead(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
	registry.Inject(answering("/referrers/", `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[`+
		`{"mediaType":"a/b","digest":"`+subject.Digest.String()+`","size":2}]}`, "Content-Type: application/json; charset=utf-8"))
	referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
	if err != nil || len(referrers) != 1 || referrers[0].MediaType != "a/b" {
		t.Errorf("referrers = %v, %v; want one", referrers, err)
	}
}

// A list over the limit is one, whatever its type: it must not pass for a registry without the API, whose tag names none.
func TestListOfReferrersSentAsJSONIsNotCut(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
	one := `{"mediaType":"a/b","digest":"` + subject.Digest.String() + `","size":2}`
	registry.Inject(answering("/referrers/", `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[`+
		strings.Repeat(one+",", acr.MaxReferrers)+one+`]}`, "Content-Type: application/json"))
	_, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
	faulttest.Want(t, err, fault.TooLarge, "application/json")
}

// A refusal by the registry itself is no reason to read the tag.
func TestReferrersThatAreDenied(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Status: http.StatusForbidden, Code: "DENIED"})
	_, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: digest.FromString("x").String()})
	faulttest.Want(t, err, fault.Denied, "403", "DENIED")
	wantWire(t, registry, "1/1/1")
}

// A gateway that refuses the API says nothing of the referrers, of which the tag knows only those that clients listed: a
// signed image must not pass for an unsigned one.
func TestReferrersRefusedByAGatewayAreNotNone(t *testing.T) {
	for status, reason := range map[int]fault.Reason{http.StatusUnauthorized: fault.NotARegistry, http.StatusForbidden: fault.Denied} {
		registry := acrtest.StartT(t, acrtest.Options{})
		subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
		registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "example/note", Subject: &subject})
		registry.Inject(acrtest.Fault{Path: "/referrers/", Status: status, Body: `{"errors":[{"message":"not for you"}]}`, ContentType: "application/json"})
		_, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
		faulttest.Want(t, err, reason, strconv.Itoa(status), "not for you")
	}
}

// A cache rule reads from another registry, which need not have the API. That it fails is another matter.
func TestReferrersBehindACacheRule(t *testing.T) {
	for status, lacking := range map[int]bool{303: true, 404: true, 405: true, 401: false, 429: false, 500: false} {
		registry := acrtest.StartT(t, acrtest.Options{WithoutReferrersAPI: true})
		subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
		referrer := registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "example/note", Subject: &subject})
		registry.Inject(acrtest.Fault{Path: "/referrers/", Status: http.StatusFailedDependency, Code: "UNKNOWN",
			Message: fmt.Sprintf("request to fetch referrers from source 'owner/app' for cache rule 'x' returned status code %d. For more information, visit https://aka.ms/acr/cache", status)})
		referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
		switch {
		case !lacking:
			faulttest.Want(t, err, fault.CacheRule, "424", strconv.Itoa(status))
		case err != nil || len(referrers) != 1 || referrers[0].Digest != referrer:
			t.Errorf("after %d of the source, referrers = %v, %v; want %s", status, referrers, err, referrer)
		}
	}
}

// The referrers tag need not name a list: GitLab's registry answers with the subject itself.
func TestReferrersTagThatIsNoListNamesNone(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := putImage(registry, configAMD64)
	index := putIndex(t, registry, "v", forPlatform(image, "linux/amd64"), forPlatform(putImage(registry, configARM64), "linux/arm64"))
	tag := func(d digest.Digest) string { return strings.Replace(d.String(), ":", "-", 1) }
	putIndex(t, registry, tag(index.Digest), forPlatform(image, "linux/amd64"), forPlatform(putImage(registry, configARM64), "linux/arm64"))
	registry.PutImage("app", tag(image.Digest), acrtest.Image{})
	schema1 := putImage(registry, `{"os":"linux","architecture":"s390x"}`)
	putManifest(registry, tag(schema1.Digest), "application/vnd.docker.distribution.manifest.v1+json", `{"schemaVersion":1}`)
	client := newClient(t, registry)

	registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Status: http.StatusNotFound})
	for name, subject := range map[string]digest.Digest{"itself": index.Digest, "an image": image.Digest, "a schema 1 image": schema1.Digest} {
		referrers, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.String()})
		if err != nil || referrers == nil || len(referrers) > 0 {
			t.Errorf("behind the tag is %s: referrers = %v, %v; want an empty list", name, referrers, err)
		}
	}
}

// The same applies to the API: a registry may treat its path as that of a manifest.
func TestReferrersAPIThatAnswersTheSubjectNamesNone(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	body := []byte(`{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"` + putImage(registry, configAMD64).Digest.String() + `","size":2}]}`)
	subject := putManifest(registry, "v", "application/vnd.oci.image.index.v1+json", string(body))
	registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", subject.MediaType)
		_, _ = w.Write(body)
	}})
	referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
	if err != nil || len(referrers) > 0 {
		t.Errorf("referrers = %v, %v; want none", referrers, err)
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

// The tag has 64 characters of a digest, however long that is (OCI distribution spec 1.1, "Referrers Tag Schema").
func TestReferrersTagOfALongDigest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Status: http.StatusNotFound})
	subject := digest.SHA512.FromString("x")
	putIndex(t, registry, "sha512-"+subject.Encoded()[:64], forPlatform(putImage(registry, configAMD64), "linux/amd64"))
	referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.String()})
	if err != nil || len(referrers) != 1 {
		t.Errorf("referrers = %v, %v; want one", referrers, err)
	}
}
