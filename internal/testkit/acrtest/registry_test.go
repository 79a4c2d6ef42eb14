package acrtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// TestMain finds goroutines that a registry left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLog(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	wantStatus(t, c.get("/v2/app/manifests/v1?x=1", "Accept", acceptAll), 200)
	var lines []string
	for _, r := range registry.Requests() {
		lines = append(lines, fmt.Sprintf("%s %s %s %q %d %s", r.Kind, r.Method, r.Path, r.AuthScheme, r.Status, r.Proto))
		if r.Host != registry.Host() || r.RemoteAddr == "" || r.Header.Get("User-Agent") == "" {
			t.Errorf("entry %+v", r)
		}
	}
	want := []string{
		`challenge GET /v2/app/manifests/v1 "" 401 HTTP/2.0`,
		`token GET /oauth2/token "Basic" 200 HTTP/2.0`,
		`resource GET /v2/app/manifests/v1 "Bearer" 200 HTTP/2.0`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("log\n%s, want\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if got := registry.Requests()[2].RawQuery; got != "x=1" {
		t.Errorf("query %q", got)
	}
	if registry.Count("") != 3 || registry.Count(acrtest.KindToken) != 1 || registry.Connections() != 1 {
		t.Errorf("%d requests, %d for tokens, %d connections", registry.Count(""), registry.Count(acrtest.KindToken), registry.Connections())
	}
	registry.ResetLog()
	if registry.Count("") != 0 || registry.Connections() != 1 {
		t.Errorf("%d requests and %d connections after ResetLog", registry.Count(""), registry.Connections())
	}
}

func TestProtocols(t *testing.T) {
	for _, tt := range []struct {
		options acrtest.Options
		proto   string
	}{
		{acrtest.Options{}, "HTTP/2.0"},
		{acrtest.Options{DisableHTTP2: true}, "HTTP/1.1"},
		{acrtest.Options{PlainHTTP: true}, "HTTP/1.1"},
	} {
		registry, c := start(t, tt.options)
		c.do("GET", "/v2/")
		if got := registry.Requests()[0].Proto; got != tt.proto {
			t.Errorf("%+v speaks %s, want %s", tt.options, got, tt.proto)
		}
	}
}

func TestCertificate(t *testing.T) {
	registry, _ := start(t, acrtest.Options{})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(registry.CAPEM()))
	for name, valid := range map[string]bool{
		"127.0.0.1": true, "::1": true, "localhost": true, "myregistry.azurecr.io": true, "example.com": false,
	} {
		conn, err := tls.Dial("tcp", registry.Host(), &tls.Config{RootCAs: pool, ServerName: name})
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != valid {
			t.Errorf("%s: %v, want valid %v", name, err, valid)
		}
	}
}

func TestDelay(t *testing.T) {
	_, c := start(t, acrtest.Options{NoAuth: true, Delay: 50 * time.Millisecond})
	begun := time.Now()
	wantStatus(t, c.do("GET", "/v2/"), 200)
	if passed := time.Since(begun); passed < 50*time.Millisecond {
		t.Errorf("answered after %v", passed)
	}
}

// Close frees a client that waits for an answer. A request whose body is not
// read is the hard case: net/http does not notice then that the client left.
func TestCloseEndsHungAnswers(t *testing.T) {
	for _, fault := range []acrtest.Fault{{Hang: true}, {HangAfterHeaders: true}, {Drip: time.Hour}} {
		registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
		registry.Inject(fault)
		failed := make(chan error)
		go func() {
			resp, err := c.http.Post(c.url+"/v2/", "text/plain", strings.NewReader(strings.Repeat("unread", 1<<20)))
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		for registry.Count("") == 0 {
			time.Sleep(time.Millisecond)
		}
		registry.Close()
		if err := <-failed; err == nil {
			t.Errorf("%+v was answered", fault)
		}
		registry.Close() // a second time does nothing
	}
}

func TestThousandConcurrentReads(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	var tokens []string
	for i := range 10 {
		registry.PutImage(fmt.Sprintf("app%d", i), "v1", acrtest.Image{})
		tokens = append(tokens, c.tokenFor("GET", fmt.Sprintf("/v2/app%d/manifests/v1", i)))
	}
	c.http.Timeout = 0 // a busy machine takes its time
	var failures atomic.Int32
	var reads sync.WaitGroup
	for i := range 1_000 {
		reads.Go(func() {
			path := fmt.Sprintf("/v2/app%d/manifests/v1", i%10)
			a, err := c.try("GET", path, "Accept", acceptAll, "Authorization", "Bearer "+tokens[i%10])
			if failed := err != nil || a.status != 200; failed && failures.Add(1) == 1 {
				t.Errorf("read %d, the first that failed: status %d, %v", i, a.status, err)
			}
		})
	}
	reads.Wait()
	if n := failures.Load(); n > 0 {
		t.Errorf("%d of 1,000 reads failed", n)
	}
	if got := registry.Count(acrtest.KindResource); got != 1_000 {
		t.Errorf("%d reads logged", got)
	}
}
