package acrtest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// exchange is one recorded request of an Azure SDK to the real registry, with
// its answer.
type exchange struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Request struct {
		Method  string      `json:"method"`
		Host    string      `json:"host"`
		Path    string      `json:"path"`
		Query   string      `json:"query"`
		Headers [][2]string `json:"headers"`
	} `json:"request"`
	Response struct {
		Status  int         `json:"status"`
		Headers [][2]string `json:"headers"`
		Body    []byte      `json:"body_b64"`
	} `json:"response"`
}

func values(headers [][2]string, name string) []string {
	var found []string
	for _, h := range headers {
		if strings.EqualFold(h[0], name) {
			found = append(found, h[1])
		}
	}
	return found
}

func (e exchange) header(name string) string {
	return strings.Join(values(e.Response.Headers, name), "\n")
}

// notReplayed would hold the recorded reads that the registry can't answer, by
// id, with the reason. There are none.
var notReplayed = map[string]string{}

// blankDigest is what one recorder put in the place of a digest. It is outside
// the grammar, so that those exchanges are replayed with a whole one.
const blankDigest = "sha256:00"

// notModelled are members of recorded JSON that no client of a public registry
// relies on: the results of the quarantine preview.
var notModelled = []string{"quarantineState", "quarantineDetails"}

// notRecorded are members that newer registries send and the recordings lack.
var notRecorded = []string{"rid"}

// TestConformance replays every recorded GET and HEAD and compares status,
// headers and body. A registry of its own is filled for each.
func TestConformance(t *testing.T) {
	exchanges := readExchanges(t)
	reads, replayed := 0, 0
	for _, e := range exchanges {
		if e.Request.Method != "GET" && e.Request.Method != "HEAD" {
			continue
		}
		reads++
		if reason, listed := notReplayed[e.ID]; listed {
			t.Logf("not replayed: %s: %s", e.ID, reason)
			continue
		}
		t.Run(e.Kind+"/"+e.ID, func(t *testing.T) {
			replayed++
			replay(t, e, exchanges)
		})
	}
	t.Logf("%d of %d recorded GET and HEAD requests replayed", replayed, reads)
	if reads == 0 {
		t.Error("the recordings hold no GET and no HEAD")
	}
}

func readExchanges(t *testing.T) []exchange {
	folder := os.Getenv("ACR_RECORDINGS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "recordings")
	}
	data, err := os.ReadFile(filepath.Join(folder, "exchanges.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the recorded traffic is not part of the project and not at %s; ACR_RECORDINGS may name its folder", folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	var exchanges []exchange
	if err := json.Unmarshal(data, &exchanges); err != nil {
		t.Fatal(err)
	}
	return exchanges
}

func replay(t *testing.T, e exchange, all []exchange) {
	fromStorage := strings.Contains(e.header("Server"), "Windows-Azure-Blob")
	registry, c := start(t, acrtest.Options{BlobRedirect: e.Response.Status == 307 || fromStorage})
	path := seed(t, registry, e, all)

	var a answer
	switch {
	case e.Kind == "token.get.200":
		a = c.askToken(acrtest.DefaultUser, acrtest.DefaultPassword, "registry:catalog:*")
	case fromStorage:
		// The recorder noted the storage's answer, in two cases under the
		// registry's path. Either way the redirect leads to it.
		redirect := c.get(path)
		wantStatus(t, redirect, 307)
		a = c.do(e.Request.Method, redirect.header.Get("Location"), requestHeaders(e)...)
	default:
		a = c.do(e.Request.Method, path, append(requestHeaders(e), authorization(c, e, path)...)...)
	}

	wantStatus(t, a, e.Response.Status)
	compareHeaders(t, a, e, c)
	compareBody(t, a, e)
}

// seed fills the registry so that the recorded request can be answered, and
// gives the path to ask for.
func seed(t *testing.T, registry *acrtest.Registry, e exchange, all []exchange) string {
	path := e.Request.Path
	decoded, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	if e.Request.Query != "" {
		path += "?" + e.Request.Query
	}
	name, reference := splitPath(decoded)
	switch {
	case strings.Contains(string(e.Response.Body), "NAME_UNKNOWN"), e.Response.Status == 401, name == "Nonexistent":
	case strings.HasPrefix(e.Kind, "catalog"):
		for _, repository := range catalogBehind(t, e, all) {
			registry.PutImage(repository, "latest", acrtest.Image{})
		}
	case e.Response.Status == 404:
		registry.PutImage(name, "another", acrtest.Image{})
	case e.Kind == "manifest.get.200":
		tag := reference
		if strings.Contains(reference, ":") {
			tag = ""
		}
		d := registry.PutManifest(name, tag, e.header("Content-Type"), e.Response.Body)
		if d.String() != e.header("Docker-Content-Digest") {
			t.Fatalf("the recorded bytes hash to %s", d)
		}
	case strings.HasPrefix(e.Kind, "blob"):
		return seedBlob(registry, e, all, name)
	case strings.HasPrefix(e.Kind, "acr_tags"), strings.HasPrefix(e.Kind, "acr_repo"):
		tag := reference
		if tag == "" {
			tag = "latest"
		}
		registry.PutImage(name, tag, acrtest.Image{Docker: true})
	case strings.HasPrefix(e.Kind, "acr_manifests"):
		d := seedManifest(registry, e, name)
		if reference != "" {
			return "/acr/v1/" + url.PathEscape(name) + "/_manifests/" + d
		}
	}
	return strings.ReplaceAll(path, blankDigest, "sha256:"+strings.Repeat("0", 64))
}

// splitPath gives repository and reference of a path of either API.
func splitPath(path string) (name, reference string) {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/v2/"), "/acr/v1/")
	for _, part := range []string{"/manifests/", "/blobs/", "/_tags", "/_manifests"} {
		if before, after, found := strings.Cut(rest, part); found {
			return before, strings.TrimPrefix(after, "/")
		}
	}
	return rest, ""
}

// catalogBehind is the whole catalogue that a recorded page was cut from.
func catalogBehind(t *testing.T, page exchange, all []exchange) []string {
	var repositories []string
	for _, e := range all {
		if e.Kind != "catalog.get.200" || e.Request.Host != page.Request.Host || e.ID != page.ID && page.Request.Query != "n=1" {
			continue
		}
		var catalog struct{ Repositories []string }
		if err := json.Unmarshal(e.Response.Body, &catalog); err != nil {
			t.Fatal(err)
		}
		repositories = append(repositories, catalog.Repositories...)
	}
	return repositories
}

// seedBlob stores the recorded bytes, or as many others where the recording
// holds none, and gives the path that leads to them.
func seedBlob(registry *acrtest.Registry, e exchange, all []exchange, name string) string {
	if strings.Contains(name, "docker/registry") {
		name = "recorded" // a request to the storage, which names no repository
	}
	body := e.Response.Body
	if e.Response.Status == 206 {
		body = wholeBlob(e, all)
	}
	if e.Response.Status == 307 || e.Request.Method == "HEAD" {
		length := 28
		_, _ = fmt.Sscan(e.header("Content-Length"), &length)
		body = make([]byte, length)
	}
	d := registry.PutBlob(name, body)
	return "/v2/" + url.PathEscape(name) + "/blobs/" + d.String()
}

// wholeBlob is the blob that a recorded range was cut from.
func wholeBlob(part exchange, all []exchange) []byte {
	for _, e := range all {
		if e.Request.Path == part.Request.Path && e.Response.Status == 200 && e.Request.Method == "GET" {
			return e.Response.Body
		}
	}
	return nil
}

// seedManifest stores an image or a list, as the recorded metadata describes one.
func seedManifest(registry *acrtest.Registry, e exchange, name string) string {
	if strings.Contains(string(e.Response.Body), `"references"`) {
		d := registry.PutIndex(name, "latest", acrtest.Index{Docker: true, Images: []acrtest.Image{
			{}, {Architecture: "arm64"}, {OS: "windows"},
		}})
		return d.String()
	}
	return registry.PutImage(name, "latest", acrtest.Image{Docker: true}).String()
}

func requestHeaders(e exchange) []string {
	var pairs []string
	for _, name := range []string{"Accept", "Range", "X-Ms-Client-Request-Id"} {
		for _, value := range values(e.Request.Headers, name) {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

// authorization is the header that the recorded request bore, to judge by its
// answer: the recorders took the header itself away.
func authorization(c *client, e exchange, path string) []string {
	challenge := e.header("WWW-Authenticate")
	switch {
	case strings.Contains(challenge, "invalid_token"):
		return []string{"Authorization", "Bearer stale"}
	case strings.Contains(challenge, "insufficient_scope"):
		return []string{"Authorization", "Bearer " + c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:other:pull")}
	case e.Response.Status == 401 || e.Response.Status == 404 && strings.HasPrefix(e.header("Content-Type"), "text/plain"):
		return nil
	default:
		return []string{"Authorization", "Bearer " + c.tokenFor(e.Request.Method, path)}
	}
}

// exactHeaders must agree value for value, line for line; presentHeaders must
// be there where they were recorded.
var (
	exactHeaders = []string{
		"Accept-Ranges", "Access-Control-Expose-Headers", "Cache-Control", "Content-Range", "Content-Type",
		"Docker-Content-Digest", "Docker-Distribution-Api-Version", "Link", "Strict-Transport-Security",
		"WWW-Authenticate", "X-Content-Type-Options",
	}
	presentHeaders = []string{
		"Content-Length", "ETag", "Location", "X-Ms-Client-Request-Id", "X-Ms-Correlation-Request-Id", "X-Ms-Request-Id",
	}
)

func compareHeaders(t *testing.T, a answer, e exchange, c *client) {
	host := strings.TrimPrefix(c.url, "https://")
	for _, name := range exactHeaders {
		want := values(e.Response.Headers, name)
		got := a.header.Values(name)
		if name == "WWW-Authenticate" {
			want = renameHosts(want, host)
		}
		// The bytes behind a recorded redirect or HEAD are not known, so neither is their digest.
		if name == "Docker-Content-Digest" && strings.HasPrefix(e.Kind, "blob") && len(got) == len(want) {
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, recorded %q", name, got, want)
		}
	}
	for _, name := range presentHeaders {
		if len(values(e.Response.Headers, name)) > 0 && len(a.header.Values(name)) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	if etag := e.header("ETag"); strings.Contains(etag, "sha256:") && a.header.Get("ETag") != etag {
		t.Errorf("ETag: %q, recorded %q", a.header.Get("ETag"), etag)
	}
	if recorded := values(e.Response.Headers, "Transfer-Encoding"); !slices.Equal(recorded, a.coding) && e.Kind != "token.get.200" {
		t.Errorf("Transfer-Encoding: %q, recorded %q", a.coding, recorded)
	}
	if e.Kind == "token.get.200" && a.length != -1 {
		t.Errorf("the token has Content-Length %d, recorded none", a.length)
	}
}

// renameHosts puts this registry's address in the place of the recorded
// registry's: the realm's host, the service.
func renameHosts(challenges []string, host string) []string {
	renamed := slices.Clone(challenges)
	for i, challenge := range challenges {
		parts := strings.Split(challenge, `"`)
		parts[1], parts[3] = "https://"+host+"/oauth2/token", host
		renamed[i] = strings.Join(parts, `"`)
	}
	return renamed
}

func compareBody(t *testing.T, a answer, e exchange) {
	recorded := string(e.Response.Body)
	switch {
	case e.Request.Method == "HEAD":
		compareHead(t, a, e)
	case e.Response.Status == 307:
		compareRedirect(t, a, e)
	case e.Kind == "token.get.200":
		compareShape(t, decodeToken(t, a.body), decodeToken(t, recorded))
	case e.Response.Status >= 400:
		wantBody(t, a, recorded)
	case strings.HasPrefix(e.Kind, "acr_"):
		compareShape(t, decode(t, a.body), decode(t, recorded))
		if !strings.HasSuffix(a.body, "}\n") {
			t.Error("the JSON has no line end")
		}
	default:
		wantBody(t, a, recorded)
	}
}

// compareHead compares the length: no body comes with it.
func compareHead(t *testing.T, a answer, e exchange) {
	if length := e.header("Content-Length"); length != a.header.Get("Content-Length") {
		t.Errorf("Content-Length: %q, recorded %q", a.header.Get("Content-Length"), length)
	}
	if a.body != "" {
		t.Errorf("HEAD has a body: %q", a.body)
	}
}

// compareRedirect compares the path and the parameters, since host, account
// and signature were each registry's own.
func compareRedirect(t *testing.T, a answer, e exchange) {
	got, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := url.Parse(e.header("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if shape := func(u *url.URL) []string { return strings.Split(u.Path, "/")[2:8] }; !slices.Equal(shape(got), shape(want)) {
		t.Errorf("Location %q, recorded %q", shape(got), shape(want))
	}
	for name := range want.Query() {
		if got.Query().Get(name) == "" {
			t.Errorf("Location has no %s", name)
		}
	}
	if !strings.Contains(a.body, ">Temporary Redirect</a>.\n\n") {
		t.Errorf("body %q", a.body)
	}
}

func decode(t *testing.T, body string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return value
}

// decodeToken gives the answer's members with the token replaced by its header and claims.
func decodeToken(t *testing.T, body string) any {
	t.Helper()
	members := decode(t, body).(map[string]any)
	parts := strings.Split(members["access_token"].(string), ".")
	for i, part := range parts[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		members[[]string{"header", "claims"}[i]] = decode(t, string(data))
	}
	return members
}

// compareShape compares members and types.
func compareShape(t *testing.T, got, recorded any) {
	t.Helper()
	gotShape, wantShape := map[string]string{}, map[string]string{}
	shape("", got, gotShape)
	shape("", recorded, wantShape)
	if !reflect.DeepEqual(gotShape, wantShape) {
		for _, place := range slices.Sorted(maps.Keys(wantShape)) {
			if gotShape[place] != wantShape[place] {
				t.Errorf("%s is %q, recorded %q", place, gotShape[place], wantShape[place])
			}
		}
		for _, place := range slices.Sorted(maps.Keys(gotShape)) {
			if wantShape[place] == "" {
				t.Errorf("%s was not recorded", place)
			}
		}
	}
}

// shape notes the type of every member; the elements of a list count as one.
func shape(place string, value any, types map[string]string) {
	types[place] = fmt.Sprintf("%T", value)
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if !slices.Contains(notModelled, name) && !slices.Contains(notRecorded, name) {
				shape(place+"."+name, member, types)
			}
		}
	case []any:
		for _, element := range value {
			shape(place+"[]", element, types)
		}
	}
}
