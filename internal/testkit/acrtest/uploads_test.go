package acrtest_test

import (
	"errors"
	"io"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const missingDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// push is a client with a token for pushing to app.
type push struct {
	*client
	authorization string
}

func startPush(t *testing.T, options acrtest.Options) (*acrtest.Registry, push) {
	t.Helper()
	registry, c := start(t, options)
	return registry, push{c, "Bearer " + c.tokenFor("POST", "/v2/app/blobs/uploads/")}
}

// step sends one request of an upload and returns the answer with its Location.
func (p push) step(method, location, body string, header ...string) (answer, string) {
	p.t.Helper()
	a := p.send(method, location, body, append(header, "Authorization", p.authorization)...)
	return a, a.header.Get("Location")
}

// blob uploads a blob in the usual three steps.
func (p push) blob(content string) digest.Digest {
	p.t.Helper()
	d := digest.FromString(content)
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	_, location = p.step("PATCH", location, content)
	last, _ := p.step("PUT", location+"&digest="+d.String(), "")
	wantStatus(p.t, last, 201)
	return d
}

func TestBlobIsUploaded(t *testing.T) {
	_, p := startPush(t, acrtest.Options{})
	d := digest.FromString("hello")

	a, first := p.step("POST", "/v2/app/blobs/uploads/", "")
	wantStatus(t, a, 202)
	uuid := a.header.Get("Docker-Upload-Uuid")
	wantHeader(t, a, "Range", "0-0")
	wantHeader(t, a, "Content-Length", "0")
	wantHeader(t, a, "Content-Type", "")
	if !strings.HasPrefix(first, "/v2/app/blobs/uploads/"+uuid+"?_nouploadcache=false&_state=") || !strings.HasSuffix(first, "%3D") {
		t.Errorf("Location %q", first)
	}

	a, second := p.step("PATCH", first, "hel", "Content-Type", "application/octet-stream", "Content-Range", "0-2")
	wantStatus(t, a, 202)
	wantHeader(t, a, "Range", "0-2")
	wantHeader(t, a, "Docker-Upload-Uuid", uuid)
	if second == first {
		t.Error("the Location did not change")
	}
	a, third := p.step("PATCH", second, "lo", "Content-Range", "3-4")
	wantHeader(t, a, "Range", "0-4")

	status, _ := p.step("GET", third, "")
	wantStatus(t, status, 204)
	wantHeader(t, status, "Range", "0-4")
	wantHeader(t, status, "Docker-Upload-Uuid", uuid)

	a, location := p.step("PUT", third+"&digest="+url.QueryEscape(d.String()), "")
	wantStatus(t, a, 201)
	wantHeader(t, a, "Docker-Content-Digest", d.String())
	wantHeader(t, a, "Content-Length", "0")
	if location != "/v2/app/blobs/"+d.String() {
		t.Errorf("Location %q", location)
	}
	wantBody(t, p.get(location), "hello")
	gone, _ := p.step("GET", third, "")
	wantRefusal(t, gone, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", "")
}

func TestBlobIsUploadedWhole(t *testing.T) {
	_, p := startPush(t, acrtest.Options{})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	a, location := p.step("PUT", location+"&digest="+digest.FromString("hello").String(), "hello")
	wantStatus(t, a, 201)
	wantBody(t, p.get(location), "hello")
}

func TestUploadIsRefused(t *testing.T) {
	tests := []struct {
		name                  string
		method, query, body   string
		header                []string
		status                int
		code, message, detail string
	}{
		{
			"malformed range", "PATCH", "", "hello", []string{"Content-Range", "-1--1"},
			416, "BLOB_UPLOAD_RANGE_INVALID", "blob upload range invalid",
			`{"Range":"-1--1","Reason":"the Content-Range header format is invalid"}`,
		},
		{
			"range of another place", "PATCH", "", "hello", []string{"Content-Range", "5-9"},
			416, "BLOB_UPLOAD_RANGE_INVALID", "blob upload range invalid",
			`{"Range":"5-9","Reason":"the Content-Range header does not match the upload"}`,
		},
		{
			"range of another length", "PATCH", "", "hello", []string{"Content-Range", "0-9"},
			416, "BLOB_UPLOAD_RANGE_INVALID", "blob upload range invalid",
			`{"Range":"0-9","Reason":"the Content-Range header does not match the upload"}`,
		},
		{
			"malformed digest", "PUT", "&digest=sha256:x", "hello", nil,
			400, "DIGEST_INVALID", "provided digest did not match uploaded content", `"digest parsing failed"`,
		},
		{
			"other digest", "PUT", "&digest=" + missingDigest, "hello", nil,
			400, "DIGEST_INVALID", "provided digest did not match uploaded content", `"digest parsing failed"`,
		},
		{"other state", "PATCH", "x", "hello", nil, 400, "BLOB_UPLOAD_INVALID", "blob upload invalid", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, p := startPush(t, acrtest.Options{})
			_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
			a, _ := p.step(tt.method, location+tt.query, tt.body, tt.header...)
			wantRefusal(t, a, tt.status, tt.code, tt.message, tt.detail)
			if tt.method == "PATCH" { // the Location can be used again
				a, _ = p.step("PATCH", location, "hello")
				wantStatus(t, a, 202)
			}
		})
	}
}

func TestUploadIsCancelled(t *testing.T) {
	_, p := startPush(t, acrtest.Options{})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	a, _ := p.step("DELETE", location, "")
	wantStatus(t, a, 204)
	if a.header.Get("Docker-Upload-Uuid") == "" {
		t.Error("Docker-Upload-Uuid is missing")
	}
	a, _ = p.step("PATCH", location, "hello")
	wantStatus(t, a, 404)
}

// An upload belongs to its repository.
func TestUploadOfAnotherRepository(t *testing.T) {
	_, p := startPush(t, acrtest.Options{})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	other := strings.Replace(location, "/v2/app/", "/v2/other/", 1)
	wantStatus(t, p.write("PATCH", other, "hello"), 404)
	a, _ := p.step("PATCH", location, "hello")
	wantStatus(t, a, 202)
}

// A client cannot know how much of a body that ends early has arrived, so the upload is discarded.
func TestUploadWhoseBodyEndsEarlyIsVoid(t *testing.T) {
	_, p := startPush(t, acrtest.Options{DisableHTTP2: true})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	broken := io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(errors.New("the disk is gone")))
	if _, err := p.roundTrip("PATCH", location, broken, "Authorization", p.authorization); err == nil {
		t.Fatal("the broken body was accepted")
	}
	for {
		a, _ := p.step("GET", location, "")
		if a.status == 404 {
			return
		}
		wantStatus(t, a, 204)
		time.Sleep(time.Millisecond)
	}
}

// A repository that is locked during an upload accepts no blob.
func TestUploadIntoLockedRepository(t *testing.T) {
	registry, p := startPush(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	registry.SetRepositoryAttributes("app", acrtest.Attributes{ReadEnabled: true})
	a, _ := p.step("PUT", location+"&digest="+digest.FromString("hello").String(), "hello")
	wantDisallowed(t, a)
}

func TestMount(t *testing.T) {
	d := digest.FromString("hello")
	tests := []struct {
		name    string
		options acrtest.Options
		from    string
		status  int
	}{
		{"there", acrtest.Options{}, "base", 201},
		{"not there", acrtest.Options{}, "none", 202},
		{"falls back", acrtest.Options{MountFallsBack: true}, "base", 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			registry, c := start(t, tt.options)
			registry.PutBlob("base", []byte("hello"))
			a := c.write("POST", "/v2/app/blobs/uploads/?mount="+d.String()+"&from="+tt.from, "")
			wantStatus(t, a, tt.status)
			if tt.status == 202 {
				if !strings.Contains(a.header.Get("Location"), "/blobs/uploads/"+a.header.Get("Docker-Upload-Uuid")+"?") {
					t.Errorf("Location %q", a.header.Get("Location"))
				}
				wantStatus(t, c.get("/v2/app/blobs/"+d.String()), 404)
				return
			}
			wantHeader(t, a, "Docker-Content-Digest", d.String())
			wantHeader(t, a, "Location", "/v2/app/blobs/"+d.String())
			wantHeader(t, a, "Docker-Upload-Uuid", "")
			wantBody(t, c.get("/v2/app/blobs/"+d.String()), "hello")
		})
	}
}

// The registry does not show a repository that only has blobs.
func TestBlobsAloneMakeNoRepository(t *testing.T) {
	_, p := startPush(t, acrtest.Options{})
	d := p.blob("hello")
	wantBody(t, p.get("/v2/app/blobs/"+d.String()), "hello")
	wantBody(t, p.get("/acr/v1/_catalog"), `{"repositories":[]}`+"\n")
	for _, path := range []string{"/acr/v1/app", "/acr/v1/app/_tags", "/v2/app/tags/list", "/v2/app/manifests/v1"} {
		wantRefusal(t, p.get(path), 404, "NAME_UNKNOWN", `repository \"app\" is not found`, "")
	}
}

// The same blob in many repositories is kept once.
func TestContentIsKeptOnce(t *testing.T) {
	registry, _ := start(t, acrtest.Options{PlainHTTP: true})
	const size = 8 << 20
	content := make([]byte, size)
	heap := func() uint64 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	before := heap()
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		registry.PutBlob(name, content)
	}
	if grown := int64(heap() - before); grown > 3*size {
		t.Errorf("%d MiB for eight times 8 MiB", grown>>20)
	}
	runtime.KeepAlive(content)
}
