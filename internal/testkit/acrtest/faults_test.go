package acrtest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const faultyPath = "/v2/app/manifests/v1"

// faulty starts an open registry with one image, in which the fault strikes every request.
func faulty(t *testing.T, fault acrtest.Fault) (registry *acrtest.Registry, c *client, truth answer) {
	t.Helper()
	registry, c = start(t, acrtest.Options{NoAuth: true, DisableHTTP2: true})
	registry.PutImage("app", "v1", acrtest.Image{})
	truth = c.do("GET", faultyPath, "Accept", acceptAll)
	wantStatus(t, truth, 200)
	registry.ResetLog()
	registry.Inject(fault)
	return registry, c, truth
}

func TestStatusFaults(t *testing.T) {
	tests := []struct {
		name       string
		fault      acrtest.Fault
		status     int
		body       string
		header     string
		headerWant string
	}{
		{
			"throttled", acrtest.Fault{Status: 429, RetryAfter: "-1, soon"}, 429,
			`{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}` + "\n", "Retry-After", "-1, soon",
		},
		{
			"unavailable", acrtest.Fault{Status: 503}, 503,
			`{"errors":[{"code":"SERVICE_UNAVAILABLE","message":"service unavailable"}]}` + "\n", "Retry-After", "",
		},
		{
			"own words", acrtest.Fault{Status: 403, Code: "DENIED", Message: "no"}, 403,
			`{"errors":[{"code":"DENIED","message":"no"}]}` + "\n", "Content-Type", "application/json; charset=utf-8",
		},
		{
			"own body", acrtest.Fault{Status: 502, Body: "<html>", ContentType: "text/html"}, 502,
			"<html>", "Content-Type", "text/html",
		},
		{"empty", acrtest.Fault{Status: 500, ContentType: "text/plain"}, 500, "", "Content-Length", "0"},
		{
			"header", acrtest.Fault{Status: 401, Header: http.Header{"WWW-Authenticate": {"Basic realm=x"}}}, 401,
			`{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}` + "\n", "WWW-Authenticate", "Basic realm=x",
		},
		{
			"firewall", acrtest.Firewall(), 403,
			`{"errors":[{"code":"DENIED","message":"client with IP \u0027127.0.0.1\u0027 is not allowed access. ` +
				`Refer https://aka.ms/acr/firewall to grant access."}]}` + "\n", "WWW-Authenticate", "",
		},
		{"redirect", acrtest.Fault{Redirect: "/else where"}, 307, "", "Location", "/else where"},
		{"moved", acrtest.Fault{Redirect: "//x", RedirectStatus: 301}, 301, "", "Location", "//x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			registry, c, _ := faulty(t, tt.fault)
			a := c.do("GET", faultyPath)
			wantStatus(t, a, tt.status)
			wantBody(t, a, tt.body)
			wantHeader(t, a, tt.header, tt.headerWant)
			if logged := registry.Requests(); len(logged) != 1 || logged[0].Status != tt.status {
				t.Errorf("log %+v", logged)
			}
		})
	}
}

func TestReset(t *testing.T) {
	for _, plain := range []bool{true, false} {
		registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: plain, DisableHTTP2: true})
		registry.Inject(acrtest.Fault{Reset: true})
		if _, err := c.try("GET", "/v2/"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("plain %v: error %v, want a connection reset", plain, err)
		}
	}
	registry, c := start(t, acrtest.Options{NoAuth: true})
	registry.Inject(acrtest.Fault{Reset: true, Times: 1})
	if _, err := c.try("GET", "/v2/"); err == nil || !strings.Contains(err.Error(), "stream error") {
		t.Errorf("HTTP/2: error %v, want a stream error", err)
	}
	wantStatus(t, c.do("GET", "/v2/"), 200)
}

func TestHang(t *testing.T) {
	for _, fault := range []acrtest.Fault{{Hang: true}, {HangAfterHeaders: true}, {Drip: time.Hour}} {
		registry, c, _ := faulty(t, fault)
		c.http.Timeout = 100 * time.Millisecond
		_, err := c.try("GET", faultyPath, "Accept", acceptAll)
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("error %v, want a time-out", err)
		}
		want := 200
		if fault.Hang {
			want = 0
		}
		if got := registry.Requests()[0].Status; got != want {
			t.Errorf("status %d before the silence, want %d", got, want)
		}
	}
}

func TestDrip(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{Drip: 10 * time.Microsecond})
	a := c.do("GET", faultyPath, "Accept", acceptAll)
	wantBody(t, a, truth.body)
}

func TestTruncate(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{Truncate: 10})
	a, err := c.try("GET", faultyPath, "Accept", acceptAll)
	if !errors.Is(err, io.ErrUnexpectedEOF) || a.body != truth.body[:10] || a.length != int64(len(truth.body)) {
		t.Errorf("error %v after %q of %d bytes", err, a.body, a.length)
	}
}

func TestWrongDigest(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{WrongDigest: true})
	a := c.do("GET", faultyPath, "Accept", acceptAll)
	wantBody(t, a, truth.body)
	wrong, err := digest.Parse(a.header.Get("Docker-Content-Digest"))
	if err != nil || wrong == digest.FromString(a.body) {
		t.Errorf("digest %q (%v)", wrong, err)
	}
}

func TestTamper(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{Tamper: true})
	a := c.do("GET", faultyPath, "Accept", acceptAll)
	wantHeader(t, a, "Docker-Content-Digest", truth.header.Get("Docker-Content-Digest"))
	differing := 0
	for i := range truth.body {
		if a.body[i] != truth.body[i] {
			differing++
		}
	}
	if differing != 1 || len(a.body) != len(truth.body) {
		t.Errorf("%d bytes differ, want 1", differing)
	}
}

func TestOversize(t *testing.T) {
	for _, size := range []int64{1, 14, 4<<20 + 1} {
		_, c, truth := faulty(t, acrtest.Fault{Oversize: size})
		a := c.do("GET", faultyPath, "Accept", acceptAll)
		wantHeader(t, a, "Content-Type", truth.header.Get("Content-Type"))
		if int64(len(a.body)) != size || a.length != -1 || size > 1 && !json.Valid([]byte(a.body)) {
			t.Errorf("%d bytes with Content-Length %d, want %d without", len(a.body), a.length, size)
		}
	}
}

func TestGzipBomb(t *testing.T) {
	const size = 16 << 20
	_, c, _ := faulty(t, acrtest.Fault{GzipBomb: size})
	a := c.do("GET", faultyPath, "Accept", acceptAll, "Accept-Encoding", "gzip")
	wantHeader(t, a, "Content-Encoding", "gzip")
	r, err := gzip.NewReader(bytes.NewReader([]byte(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	inflated, err := io.Copy(io.Discard, r)
	if err != nil || inflated != size || len(a.body) > size/100 {
		t.Errorf("%d bytes inflate to %d (%v), want %d", len(a.body), inflated, err, size)
	}
}

func TestAddedHeaders(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{HeaderBytes: 100_000})
	a := c.do("GET", faultyPath, "Accept", acceptAll)
	wantBody(t, a, truth.body)
	if got := len(a.header.Get("X-Padding")); got != 100_000 {
		t.Errorf("a header of %d bytes", got)
	}
	_, c, truth = faulty(t, acrtest.Fault{Link: `<https://elsewhere/>; rel="next"`})
	a = c.do("GET", faultyPath, "Accept", acceptAll)
	wantBody(t, a, truth.body)
	wantHeader(t, a, "Link", `<https://elsewhere/>; rel="next"`)
}

// A test decides whether the registry has acted when an answer is lost.
func TestWriteBeforeAndAfterTheCut(t *testing.T) {
	for _, acts := range []bool{false, true} {
		for _, fault := range []acrtest.Fault{{Reset: true}, {Status: 502}} {
			fault.Method, fault.ActFirst, fault.Times = "DELETE", acts, 1
			registry, c, truth := faulty(t, fault)
			a, err := c.try("DELETE", "/v2/app/manifests/"+truth.header.Get("Docker-Content-Digest"))
			if err == nil && a.status != 502 {
				t.Errorf("%+v was answered %d", fault, a.status)
			}
			want := 200
			if acts {
				want = 404
			}
			if got := c.do("GET", faultyPath, "Accept", acceptAll).status; got != want {
				t.Errorf("%+v: then %d, want %d", fault, got, want)
			}
			if registry.Requests()[0].Method != "DELETE" {
				t.Error("the log lacks what was cut")
			}
		}
	}
}

// A write that is never answered is still done.
func TestSilenceAfterAWrite(t *testing.T) {
	_, c, truth := faulty(t, acrtest.Fault{Method: "DELETE", Hang: true, ActFirst: true})
	c.http.Timeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		req, err := http.NewRequestWithContext(ctx, "DELETE", c.url+"/v2/app/manifests/"+truth.header.Get("Docker-Content-Digest"), nil)
		if err == nil {
			_, err = c.http.Do(req)
		}
		failed <- err
	}()
	for c.do("GET", faultyPath, "Accept", acceptAll).status != 404 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The body of a write is read before its answer is lost.
func TestUploadIsTakenBeforeTheCut(t *testing.T) {
	registry, p := startPush(t, acrtest.Options{DisableHTTP2: true})
	_, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	d := digest.FromString("hello")
	registry.Inject(acrtest.Fault{Method: "PUT", Reset: true, ActFirst: true, Times: 1})
	_, err := p.roundTrip("PUT", location+"&digest="+d.String(), strings.NewReader("hello"), "Authorization", p.authorization)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want a cut connection", err)
	}
	wantBody(t, p.get("/v2/app/blobs/"+d.String()), "hello")
}

func TestLocationOfAnUpload(t *testing.T) {
	registry, p := startPush(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Path: "/blobs/uploads/", Location: "https://elsewhere/v2/app/blobs/uploads/x?_state=y"})
	a, location := p.step("POST", "/v2/app/blobs/uploads/", "")
	wantStatus(t, a, 202)
	if location != "https://elsewhere/v2/app/blobs/uploads/x?_state=y" || a.header.Get("Docker-Upload-Uuid") == "" {
		t.Errorf("Location %q of upload %q", location, a.header.Get("Docker-Upload-Uuid"))
	}
}

func TestWrongDigestOfAWrite(t *testing.T) {
	registry, c, truth := faulty(t, acrtest.Fault{Method: "PUT", WrongDigest: true})
	a := c.send("PUT", "/v2/app/manifests/v2", truth.body, "Content-Type", truth.header.Get("Content-Type"))
	wantStatus(t, a, 201)
	if got := a.header.Get("Docker-Content-Digest"); got == truth.header.Get("Docker-Content-Digest") || got == "" {
		t.Errorf("digest %q", got)
	}
	if got := registry.Descriptor("app", digest.FromString(truth.body)); got.Size != int64(len(truth.body)) {
		t.Errorf("stored %+v", got)
	}
}

func TestEndlessBlob(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	layer := registry.PutLayer("app", 1<<20)
	registry.Inject(acrtest.Fault{Oversize: math.MaxInt64})
	resp, err := c.http.Get(c.url + "/v2/app/blobs/" + layer.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.CopyN(io.Discard, resp.Body, 8<<20); err != nil || resp.ContentLength != -1 {
		t.Errorf("%d bytes with Content-Length %d: %v", n, resp.ContentLength, err)
	}
}

func TestHandlerFault(t *testing.T) {
	_, c, _ := faulty(t, acrtest.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) }})
	wantStatus(t, c.do("GET", faultyPath), 418)
}

func TestFaultsOfTheStorage(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, BlobRedirect: true})
	d := registry.PutBlob("app", []byte("hello"))
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Tamper: true})
	location := c.do("GET", "/v2/app/blobs/"+d.String()).header.Get("Location")
	wantBody(t, c.do("GET", location), "hemlo")
}

func TestWhichRequestsAreStruck(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	statuses := func() (got [3]int) {
		token := c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull")
		got[0] = c.do("GET", faultyPath).status
		got[1] = c.askToken(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull").status
		got[2] = c.do("GET", faultyPath, "Accept", acceptAll, "Authorization", "Bearer "+token).status
		return got
	}
	tests := []struct {
		name  string
		fault acrtest.Fault
		want  [3]int
	}{
		{"challenge", acrtest.Fault{Kind: acrtest.KindChallenge}, [3]int{500, 200, 200}},
		{"resource", acrtest.Fault{Kind: acrtest.KindResource}, [3]int{401, 200, 500}},
		{"path", acrtest.Fault{Path: "/manifests/"}, [3]int{500, 200, 500}},
		{"other path", acrtest.Fault{Path: "/blobs/"}, [3]int{401, 200, 200}},
		{"once", acrtest.Fault{Path: "/v2/", Times: 1}, [3]int{500, 200, 200}},
		{"the second", acrtest.Fault{Path: "/v2/", Skip: 1, Times: 1}, [3]int{401, 200, 500}},
		{"other method", acrtest.Fault{Method: "PUT"}, [3]int{401, 200, 200}},
		{"kind and path", acrtest.Fault{Kind: acrtest.KindToken, Path: "/v2/"}, [3]int{401, 200, 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.Status = 500
			remove := registry.Inject(tt.fault)
			if got := statuses(); got != tt.want {
				t.Errorf("statuses %v, want %v", got, tt.want)
			}
			remove()
			if got := statuses(); got != [3]int{401, 200, 200} {
				t.Errorf("statuses %v after the fault was removed", got)
			}
		})
	}
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Path: "?service=", Status: 429})
	wantStatus(t, c.askToken(acrtest.DefaultUser, acrtest.DefaultPassword), 429)
}

// A rate strikes the same requests in every run with the same seed.
func TestRate(t *testing.T) {
	pattern := func(seed int64) string {
		registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
		registry.Inject(acrtest.Fault{Rate: 0.25, Seed: seed, Status: 503})
		var b strings.Builder
		for range 400 {
			if c.do("GET", "/v2/").status == 503 {
				b.WriteByte('x')
			} else {
				b.WriteByte('.')
			}
		}
		return b.String()
	}
	first := pattern(7)
	if first != pattern(7) || first == pattern(8) {
		t.Error("the seed does not settle which requests are struck")
	}
	if struck := strings.Count(first, "x"); struck < 70 || struck > 130 {
		t.Errorf("%d of 400 struck at a rate of 0.25", struck)
	}
}

func TestFaultHasOneAction(t *testing.T) {
	registry, _ := start(t, acrtest.Options{PlainHTTP: true})
	for _, fault := range []acrtest.Fault{{}, {Status: 500, Reset: true}, {ActFirst: true, Tamper: true}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was accepted", fault)
				}
			}()
			registry.Inject(fault)
		}()
	}
}
