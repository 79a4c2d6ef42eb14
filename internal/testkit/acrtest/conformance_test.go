package acrtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// exchange is one recorded request of an Azure SDK to the real registry, with its answer.
type exchange struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"` // "acr_tags.delete.202"
	Request struct {
		Method  string          `json:"method"`
		Host    string          `json:"host"`
		Path    string          `json:"path"`
		Query   string          `json:"query"`
		Headers [][2]string     `json:"headers"`
		Body    json.RawMessage `json:"body"`
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

// is reports whether the kind begins with the text.
func (e exchange) is(kind string) bool { return strings.HasPrefix(e.Kind, kind) }

// path returns the request's path, decoded.
func (e exchange) path() string {
	decoded, err := url.PathUnescape(e.Request.Path)
	if err != nil {
		return e.Request.Path
	}
	return decoded
}

// body returns the request's body. The recorders kept text unchanged, bytes as base64, and JSON as JSON, whose bytes
// are the compact ones if they are known at all.
func (e exchange) body() []byte {
	var text string
	if json.Unmarshal(e.Request.Body, &text) != nil {
		return compact(e.Request.Body)
	}
	if slices.Contains(values(e.Request.Headers, "Content-Type"), "application/octet-stream") {
		if data, err := base64.StdEncoding.DecodeString(text); err == nil {
			return data
		}
	}
	if d := e.header("Docker-Content-Digest"); e.is("manifest.put") && digest.FromString(text).String() != d {
		return compact([]byte(text))
	}
	return []byte(text)
}

func compact(data []byte) []byte {
	var buffer bytes.Buffer
	if json.Compact(&buffer, data) != nil || buffer.String() == "null" {
		return nil
	}
	return buffer.Bytes()
}

// The answers of two kinds of registries of 2018, neither of which exists any more.
const (
	classic = "a classic registry, which had no API of ACR's own"
	managed = "a managed registry of 2018, which answered a PATCH without the object; since 2019 it is there"
)

// notReplayed are the kinds of recorded exchanges that the registry can't answer, with the reason.
var notReplayed = map[string]string{
	"acr_manifests.get.405":   classic,
	"acr_tags.delete.405":     classic,
	"acr_tags.patch.405":      classic,
	"acr_repo.delete.405":     classic,
	"acr_repo.patch.204":      managed,
	"acr_tags.patch.204":      managed,
	"acr_manifests.patch.204": managed,
}

// TestConformance replays every recorded exchange and compares status, headers and body. For each, a new registry is
// filled.
func TestConformance(t *testing.T) {
	for _, file := range []string{"exchanges.json", "writes.json"} {
		t.Run(file, func(t *testing.T) {
			exchanges := readExchanges(t, file)
			replayed := 0
			for _, e := range exchanges {
				if reason := notReplayed[e.Kind]; reason != "" {
					t.Logf("not replayed: %s: %s: %s", e.Kind, e.ID, reason)
					continue
				}
				replayed++
				t.Run(e.Kind+"/"+e.ID, func(t *testing.T) { newReplay(t, e, exchanges).run() })
			}
			t.Logf("%d of %d recorded exchanges replayed", replayed, len(exchanges))
			if replayed == 0 {
				t.Error("nothing is recorded")
			}
		})
	}
}

func readExchanges(t *testing.T, file string) []exchange {
	folder := os.Getenv("ACR_RECORDINGS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "recordings")
	}
	data, err := os.ReadFile(filepath.Join(folder, file))
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

// replay is one exchange that is replayed by its own registry.
type replay struct {
	*testing.T
	recorded exchange
	all      []exchange // of the same file: some hold what another needs
	registry *acrtest.Registry
	client   *client

	// The request, which may differ from the recorded one if that depends on what the real registry held or issued.
	target string // path and query
	body   []byte
	header []string
	// renamed maps recorded names to those here: hosts, digests, uploads.
	renamed [][2]string
}

func newReplay(t *testing.T, e exchange, all []exchange) *replay {
	registry, c := start(t, optionsFor(e))
	target := e.Request.Path
	if e.Request.Query != "" {
		target += "?" + e.Request.Query
	}
	r := &replay{T: t, recorded: e, all: all, registry: registry, client: c, target: target, body: e.body()}
	r.header = r.requestHeaders()
	return r
}

// optionsFor returns the options of a registry that can answer as the recorded one did.
func optionsFor(e exchange) acrtest.Options {
	body := string(e.Response.Body)
	identity := "someone"
	if e.Response.Status == 401 {
		identity = ""
	}
	return acrtest.Options{
		DisableHTTP2:        true, // so that the coding of an answer is seen
		Entra:               func(string) string { return identity },
		BlobRedirect:        e.Response.Status == 307 || e.fromStorage(),
		LinkAfterFullPage:   strings.Contains(body, `:null}`),
		OmitConfigMediaType: e.is("acr_manifests") && !strings.Contains(body, "configMediaType"),
	}
}

// fromStorage reports whether the blob storage answered, in two cases under the registry's path.
func (e exchange) fromStorage() bool {
	return strings.Contains(e.header("Server"), "Windows-Azure-Blob")
}

func (r *replay) run() {
	r.seed()
	method := r.recorded.Request.Method
	if r.recorded.fromStorage() {
		redirect := r.client.get(r.target)
		wantStatus(r.T, redirect, 307)
		r.target = redirect.header.Get("Location")
	} else {
		r.header = append(r.header, r.authorization()...)
	}
	a, err := r.client.roundTrip(method, r.target, bytes.NewReader(r.body), r.header...)
	if err != nil {
		r.Fatal(err)
	}
	wantStatus(r.T, a, r.recorded.Response.Status)
	r.compareHeaders(a)
	r.compareBody(a)
}

// expected returns a recorded text with the names that are used here.
func (r *replay) expected(text string) string {
	for _, name := range r.renamed {
		text = strings.ReplaceAll(text, name[0], name[1])
	}
	return text
}

func (r *replay) rename(recorded, here string) {
	r.renamed = append(r.renamed, [2]string{recorded, here})
}

func (r *replay) requestHeaders() []string {
	var pairs []string
	for _, name := range []string{"Accept", "Range", "Content-Range", "Content-Type", "X-Ms-Client-Request-Id"} {
		for _, value := range values(r.recorded.Request.Headers, name) {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

// authorization returns the Authorization header that the recorded request must have had, by its answer: the recorders
// removed the header itself.
func (r *replay) authorization() []string {
	e := r.recorded
	challenge := e.header("WWW-Authenticate")
	switch {
	case strings.HasPrefix(e.Request.Path, "/oauth2/"):
		if e.Request.Method == "GET" {
			return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(acrtest.DefaultUser+":"+acrtest.DefaultPassword))}
		}
		return nil
	case strings.Contains(challenge, "invalid_token"):
		return []string{"Authorization", "Bearer stale"}
	case strings.Contains(challenge, "insufficient_scope"):
		return []string{"Authorization", "Bearer " + r.client.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:other:pull")}
	case e.Response.Status == 401 || e.Response.Status == 404 && strings.HasPrefix(e.header("Content-Type"), "text/plain"):
		return nil
	default:
		return []string{"Authorization", "Bearer " + r.client.tokenFor(e.Request.Method, r.target)}
	}
}

// splitPath returns repository and reference of a path of either API.
func splitPath(path string) (name, reference string) {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/v2/"), "/acr/v1/")
	for _, part := range []string{"/manifests/", "/blobs/", "/_tags", "/_manifests"} {
		if before, after, found := strings.Cut(rest, part); found {
			return before, strings.TrimPrefix(after, "/")
		}
	}
	return rest, ""
}

func (r *replay) decode(body string) any {
	r.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		r.Fatalf("%v in %q", err, body)
	}
	return value
}

func (r *replay) unmarshal(data []byte, into any) {
	r.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		r.Fatal(fmt.Errorf("the recording %s: %w", r.recorded.ID, err))
	}
}
