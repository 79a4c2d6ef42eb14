package acrtest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// blankDigest is what one recorder wrote instead of a digest. It breaks the grammar, so those exchanges are replayed
// with a valid one.
const blankDigest = "sha256:00"

// seed fills the registry so that the recorded request can be answered, and
// makes the request fit what the registry holds.
func (r *replay) seed() {
	e := r.recorded
	name, reference := splitPath(e.path())
	body := string(e.Response.Body)
	r.target = strings.ReplaceAll(r.target, blankDigest, missingDigest)
	switch {
	case strings.HasPrefix(e.Request.Path, "/oauth2/"):
		r.seedForm()
	case e.is("ping"):
	case strings.Contains(body, "NAME_UNKNOWN"), e.Response.Status == 401, name == "Nonexistent", strings.HasPrefix(body, "404 page"):
	case e.Response.Status == 404:
		r.registry.PutImage(name, "another", acrtest.Image{})
	case e.is("catalog"):
		r.seedCatalog()
	case e.is("manifest.get"):
		r.seedManifestBytes(name, reference)
	case e.is("manifest.put"):
		r.seedPut(name)
	case e.is("manifest.delete"):
		r.registry.PutManifestAs(name, "latest", acrtest.MediaTypeDockerManifest, digest.Digest(reference), []byte("{}"))
	case strings.Contains(e.path(), "/blobs/uploads/"):
		r.seedUpload(name)
	case e.is("blob.get"), e.is("blob.head"):
		r.seedBlob(name)
	case e.is("blob.delete.202"):
		r.registry.PutUnknown(name, ocispec.Descriptor{Digest: digest.Digest(reference), Size: 1})
	case strings.HasSuffix(e.path(), "/tags/list"):
		r.seedTagNames(strings.TrimSuffix(name, "/tags/list"))
	case e.is("acr_manifests") && reference == "":
		r.seedManifestList(name)
	case e.is("acr_manifests"):
		r.seedManifest(name, digest.Digest(reference))
	case e.is("acr_tags") && reference == "":
		r.seedTagList(name)
	case e.is("acr_tags"), e.is("acr_repo"):
		r.seedTag(name, reference)
	default:
		r.Fatalf("nothing is known of the kind %s", e.Kind)
	}
}

// seedForm puts this registry's service and tokens into a form.
func (r *replay) seedForm() {
	service := url.QueryEscape(r.registry.Host())
	if r.recorded.Request.Method == "GET" {
		r.target = "/oauth2/token?service=" + service + "&scope=registry%3Acatalog%3A%2A"
		return
	}
	form, err := url.ParseQuery(string(r.body))
	if err != nil {
		r.Fatal(err)
	}
	if r.recorded.Response.Status != 400 { // that was for a garbled service
		form.Set("service", r.registry.Host())
	}
	if form.Get("grant_type") == "refresh_token" && r.recorded.Response.Status == 200 {
		form.Set("refresh_token", r.registry.RefreshToken("someone"))
	}
	r.body = []byte(form.Encode())
}

// query returns a member of the recorded query.
func (r *replay) query(name string) string {
	query, err := url.ParseQuery(r.recorded.Request.Query)
	if err != nil {
		r.Fatal(err)
	}
	return query.Get(name)
}

// listed returns the entries of the list that the recorded page was cut from: those of the page, and one after them if
// there is a next page.
func (r *replay) listed(page []string) []string {
	link := r.recorded.header("Link")
	if link == "" || len(page) == 0 {
		return page
	}
	// One recorder left out the query; the Link has it.
	if _, query, _ := strings.Cut(link, "&"); r.recorded.Request.Query == "" && strings.HasPrefix(query, fmt.Sprintf("n=%d&", len(page))) {
		r.target += fmt.Sprintf("?n=%d", len(page))
	}
	return append(page, page[len(page)-1]+"z")
}

func (r *replay) seedCatalog() {
	var page struct{ Repositories []string }
	r.unmarshal(r.recorded.Response.Body, &page)
	for _, name := range r.listed(page.Repositories) {
		r.registry.PutImage(name, "latest", acrtest.Image{})
	}
}

func (r *replay) seedTagList(name string) {
	var page struct{ Tags []struct{ Name string } }
	r.unmarshal(r.recorded.Response.Body, &page)
	names := []string{}
	for _, tag := range page.Tags {
		names = append(names, tag.Name)
	}
	r.seedTags(name, names)
}

func (r *replay) seedTagNames(name string) {
	var page struct{ Tags []string }
	r.unmarshal(r.recorded.Response.Body, &page)
	r.seedTags(name, page.Tags)
}

// seedTags stores an image under each tag of a page, and under the tag before it.
func (r *replay) seedTags(name string, page []string) {
	for _, tag := range append(r.listed(page), r.query("last")) {
		r.registry.PutImage(name, tag, acrtest.Image{Docker: true})
	}
}

// recordedManifest is what a recording says about a manifest.
type recordedManifest struct {
	MediaType            string
	Tags                 []string
	References           []json.RawMessage
	ChangeableAttributes struct{ QuarantineState, QuarantineDetails string }
}

// seedManifestList stores as many manifests after the page's start as the recorded page has, and one more if there is a
// next page. Lists are sorted by digest, so it tries images until they sort there.
func (r *replay) seedManifestList(name string) {
	var page struct{ Manifests []recordedManifest }
	r.unmarshal(r.recorded.Response.Body, &page)
	manifests := page.Manifests
	for range r.listed(make([]string, len(manifests)))[len(manifests):] {
		manifests = append(manifests, manifests[0])
	}
	last, tried := r.query("last"), 0
	for _, m := range manifests {
		var d digest.Digest
		for d.String() <= last {
			if d != "" {
				r.registry.Delete(name, d.String())
			}
			tried++
			d = r.putLike(name, fmt.Sprint(tried), m)
		}
	}
	// The Link names the page's last entry, which is another one here.
	if link := r.recorded.header("Link"); link != "" {
		digests := r.digests(name, last)
		_, recorded, _ := strings.Cut(link, "last=")
		recorded, _, _ = strings.Cut(recorded, "&")
		r.rename(recorded, url.QueryEscape(digests[len(page.Manifests)-1]))
	}
}

// digests returns the digests that a list of manifests has after one.
func (r *replay) digests(name, after string) []string {
	var list struct{ Manifests []struct{ Digest string } }
	read(r.T, r.client.get("/acr/v1/"+name+"/_manifests?last="+url.QueryEscape(after)), &list)
	var digests []string
	for _, m := range list.Manifests {
		digests = append(digests, m.Digest)
	}
	return digests
}

// putLike stores a manifest about which the registry says the same as was recorded about another.
func (r *replay) putLike(name, number string, m recordedManifest) digest.Digest {
	annotations := map[string]string{"number": number}
	var d digest.Digest
	if m.MediaType == acrtest.MediaTypeDockerList {
		var images []acrtest.Image
		if m.References != nil {
			images = []acrtest.Image{{}, {Architecture: "arm64"}, {OS: "windows"}}
		}
		d = r.registry.PutIndex(name, "", acrtest.Index{Docker: true, Images: images, Annotations: annotations})
	} else {
		d = r.registry.PutImage(name, "", acrtest.Image{Docker: true, Annotations: annotations})
	}
	for _, tag := range m.Tags {
		r.registry.Tag(name, tag, d)
	}
	quarantine := m.ChangeableAttributes
	r.registry.SetQuarantine(name, d.String(), quarantine.QuarantineState, quarantine.QuarantineDetails)
	return d
}

// seedManifest stores a manifest about which the registry says what was recorded, and requests it by its own digest.
func (r *replay) seedManifest(name string, recorded digest.Digest) {
	var answer struct{ Manifest recordedManifest }
	r.unmarshal(r.recorded.Response.Body, &answer)
	d := r.putLike(name, "1", answer.Manifest)
	r.target = strings.NewReplacer(recorded.String(), d.String(), url.QueryEscape(recorded.String()), url.QueryEscape(d.String())).Replace(r.target)
}

// seedTag stores an image under the requested tag. The answer to the removal of a repository shows whether there was
// any.
func (r *replay) seedTag(name, tag string) {
	if tag == "" && !strings.Contains(string(r.recorded.Response.Body), `"tagsDeleted":null`) {
		tag = "latest"
	}
	d := r.registry.PutImage(name, tag, acrtest.Image{Docker: true})
	if recorded := r.recorded.header("X-Ms-Int-Docker-Content-Digest"); recorded != "" {
		r.rename(recorded, d.String())
	}
}

func (r *replay) seedManifestBytes(name, reference string) {
	tag := reference
	if strings.Contains(reference, ":") {
		tag = ""
	}
	d := r.registry.PutManifest(name, tag, r.recorded.header("Content-Type"), r.recorded.Response.Body)
	if d.String() != r.recorded.header("Docker-Content-Digest") {
		r.Fatalf("the recorded bytes hash to %s", d)
	}
}

// seedPut stores the blobs and children of the manifest that is put. If its bytes were not recorded, bytes with the
// same JSON are put under their own digest.
func (r *replay) seedPut(name string) {
	var manifest ocispec.Manifest
	r.unmarshal(r.body, &manifest)
	var index ocispec.Index
	r.unmarshal(r.body, &index)
	for _, blob := range append(manifest.Layers, manifest.Config) {
		r.registry.PutUnknown(name, blob)
	}
	for _, child := range index.Manifests {
		r.registry.PutManifestAs(name, "", child.MediaType, child.Digest, []byte("{}"))
	}
	recorded, d := r.recorded.header("Docker-Content-Digest"), digest.FromBytes(r.body).String()
	if recorded != "" && recorded != d {
		r.Logf("the recorded bytes were %s, those put are %s", recorded, d)
		r.rename(recorded, d)
	}
	_, reference := splitPath(r.recorded.path())
	if strings.Contains(reference, ":") {
		r.target = "/v2/" + url.PathEscape(name) + "/manifests/" + url.QueryEscape(d)
	}
}

// seedBlob stores the recorded bytes, or as many others if the recording has none, and requests them.
func (r *replay) seedBlob(name string) {
	e := r.recorded
	if strings.Contains(name, "docker/registry") {
		name = "recorded" // a request to the storage, which names no repository
	}
	body := e.Response.Body
	if e.Response.Status == 206 {
		body = r.wholeBlob()
	}
	if e.Response.Status == 307 || e.Request.Method == "HEAD" {
		length := 28
		_, _ = fmt.Sscan(e.header("Content-Length"), &length)
		body = make([]byte, length)
	}
	d := r.registry.PutBlob(name, body)
	if recorded := e.header("Docker-Content-Digest"); recorded != "" {
		r.rename(recorded, d.String())
	}
	r.target = "/v2/" + url.PathEscape(name) + "/blobs/" + d.String()
}

// wholeBlob returns the blob that a recorded range was cut from.
func (r *replay) wholeBlob() []byte {
	for _, e := range r.all {
		if e.Request.Path == r.recorded.Request.Path && e.Response.Status == 200 && e.Request.Method == "GET" {
			return e.Response.Body
		}
	}
	return nil
}

// seedUpload stores what a mount names, and advances an upload until the recorded request is its next.
func (r *replay) seedUpload(name string) {
	if from := r.query("from"); from != "" {
		r.registry.PutUnknown(from, ocispec.Descriptor{Digest: digest.Digest(r.query("mount")), Size: 1})
	}
	if r.recorded.Request.Method == "POST" {
		return
	}
	p := push{r.client, "Bearer " + r.client.tokenFor("POST", "/v2/"+name+"/blobs/uploads/")}
	begun, location := p.step("POST", "/v2/"+name+"/blobs/uploads/", "")
	wantStatus(r.T, begun, 202)
	if d := r.query("digest"); d != "" {
		_, location = p.step("PATCH", location, r.uploaded(digest.Digest(d)))
		location += "&digest=" + url.QueryEscape(d)
	}
	var first int
	if n, _ := fmt.Sscanf(strings.Join(values(r.recorded.Request.Headers, "Content-Range"), ""), "%d-", &first); n == 1 && first > 0 {
		_, location = p.step("PATCH", location, strings.Repeat("x", first))
	}
	r.target = location
}

// uploaded returns the bytes of a digest, from another recording; other bytes if the digest was refused.
func (r *replay) uploaded(d digest.Digest) string {
	for _, e := range r.all {
		if body := e.body(); len(body) > 0 && digest.FromBytes(body) == d {
			return string(body)
		}
	}
	if r.recorded.Response.Status == 201 {
		r.Fatalf("the bytes of %s were not recorded", d)
	}
	return "others"
}
