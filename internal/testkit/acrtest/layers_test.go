package acrtest_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestLayerHasItsDigestAndRanges(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	const size = 200_001
	layer := registry.PutLayer("app", size)
	path := "/v2/app/blobs/" + layer.Digest.String()
	whole := c.do("GET", path)
	if digest.FromString(whole.body) != layer.Digest || len(whole.body) != size || layer.Size != size || whole.length != size {
		t.Fatalf("%d bytes of %s, want %+v", len(whole.body), digest.FromString(whole.body), layer)
	}
	wantHeader(t, c.do("HEAD", path), "Content-Length", "200001")
	for _, part := range [][2]int{{0, 1}, {3, 9}, {65530, 65550}, {65537, 65543}, {65543, 65543}, {131070, 200000}} {
		a := c.do("GET", path, "Range", fmt.Sprintf("bytes=%d-%d", part[0], part[1]))
		wantStatus(t, a, 206)
		wantHeader(t, a, "Content-Range", fmt.Sprintf("bytes %d-%d/200001", part[0], part[1]))
		if a.body != whole.body[part[0]:part[1]+1] {
			t.Errorf("%v: %d bytes that are not of the layer", part, len(a.body))
		}
	}
	if whole.body[:65536] == whole.body[65536:131072] {
		t.Error("two blocks are alike")
	}
	image := registry.PutImage("app", "v1", acrtest.Image{Layers: []ocispec.Descriptor{layer}})
	manifest := c.do("GET", "/v2/app/manifests/"+image.String(), "Accept", acceptAll)
	if !strings.Contains(manifest.body, `"digest":"`+layer.Digest.String()+`","size":200001`) {
		t.Errorf("manifest %s", manifest.body)
	}
}

// A layer of 256 MiB is copied from one registry to another, and takes no memory in either.
func TestLargeLayerTakesNoMemory(t *testing.T) {
	source, from := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	target, to := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	const size = 256 << 20
	layer := source.PutLayer("app", size)
	before := memoryInUse()
	from.http.Timeout, to.http.Timeout = 0, 0
	resp, err := from.http.Get(from.url + "/v2/app/blobs/" + layer.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	location := to.send("POST", "/v2/copy/blobs/uploads/", "").header.Get("Location")
	req, err := http.NewRequest("PUT", to.url+location+"&digest="+layer.Digest.String(), io.NopCloser(resp.Body))
	if err != nil {
		t.Fatal(err)
	}
	put, err := to.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = put.Body.Close()
	if put.StatusCode != 201 {
		t.Fatalf("status %d", put.StatusCode)
	}
	if grown := int64(memoryInUse() - before); grown > size/2 {
		t.Errorf("%d MiB more memory in use", grown>>20)
	}
	again := to.do("GET", "/v2/copy/blobs/"+layer.Digest.String(), "Range", "bytes=200000000-200000009")
	want := from.do("GET", "/v2/app/blobs/"+layer.Digest.String(), "Range", "bytes=200000000-200000009")
	wantBody(t, again, want.body)
	if got := target.Requests()[1].Received; got != size {
		t.Errorf("%d bytes logged as received, want %d", got, size)
	}
}

// memoryInUse returns the memory of the process, at its peak.
func memoryInUse() uint64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.Sys
}

// An upload that is too large to be kept is still checked, and its size remembered.
func TestLargeUpload(t *testing.T) {
	_, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	content := strings.Repeat("x", 16<<20+1)
	d := digest.FromString(content)
	for want, claimed := range map[int]string{400: missingDigest, 201: d.String()} {
		location := c.send("POST", "/v2/app/blobs/uploads/", "").header.Get("Location")
		wantStatus(t, c.send("PUT", location+"&digest="+claimed, content), want)
	}
	head := c.do("HEAD", "/v2/app/blobs/"+d.String())
	wantStatus(t, head, 200)
	wantHeader(t, head, "Content-Length", "16777217")
	wantRefusal(t, c.do("GET", "/v2/app/blobs/"+d.String()), 500,
		"UNKNOWN", "the test registry keeps no uploads of this size: push a layer of PutLayer", "")
}
