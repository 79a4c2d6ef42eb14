package acrtest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestBlobRedirect(t *testing.T) {
	registry, c := start(t, acrtest.Options{BlobRedirect: true})
	d := registry.PutBlob("team/app", []byte("hello"))
	path := "/v2/team/app/blobs/" + d.String()
	redirect := c.get(path)
	wantStatus(t, redirect, 307)
	location, err := url.Parse(redirect.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if location.Host != registry.BlobHost() || location.Query().Get("sig") != acrtest.BlobSignature {
		t.Fatalf("Location %s", location)
	}
	unsigned := strings.Replace(location.String(), acrtest.BlobSignature, "other", 1)
	gone := strings.ReplaceAll(location.String(), d.Encoded(), strings.Repeat("0", 64))

	tests := []struct {
		name, url string
		header    []string
		status    int
		body      string
	}{
		{"signed", location.String(), nil, 200, "hello"},
		{"range", location.String(), []string{"Range", "bytes=1-2"}, 206, "el"},
		{"with Authorization", location.String(), []string{"Authorization", "Bearer x"}, 400, "<Code>InvalidAuthenticationInfo</Code>"},
		{"other signature", unsigned, nil, 403, "<Code>AuthenticationFailed</Code>"},
		{"other blob", gone, nil, 404, "<Code>BlobNotFound</Code>"},
		{"other path", "https://" + registry.BlobHost() + "/v2/?sig=" + acrtest.BlobSignature, nil, 400, "<Code>InvalidUri</Code>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.do("GET", tt.url, tt.header...)
			wantStatus(t, a, tt.status)
			if !strings.Contains(a.body, tt.body) {
				t.Errorf("body %q, want %q in it", a.body, tt.body)
			}
		})
	}
	if got := registry.Count(acrtest.KindBlob); got != len(tests) {
		t.Errorf("%d requests to the storage, want %d", got, len(tests))
	}

	head := c.do("HEAD", path, "Authorization", "Bearer "+c.tokenFor("HEAD", path))
	wantStatus(t, head, 200)
}

func TestBlobWithoutRedirect(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutBlob("app", []byte("hello"))
	a := c.get("/v2/app/blobs/" + d.String())
	wantStatus(t, a, 200)
	wantBody(t, a, "hello")
	wantHeader(t, a, "Docker-Content-Digest", d.String())
	part := c.get("/v2/app/blobs/"+d.String(), "Range", "bytes=0-1")
	wantStatus(t, part, 206)
	wantBody(t, part, "he")
	wantHeader(t, part, "Content-Range", "bytes 0-1/5")
}
