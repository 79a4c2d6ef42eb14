package transport

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

func newTransport(t *testing.T, to string) (*Transport, *url.URL) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := New(Config{Registry: target, RequestTimeout: 10 * time.Second, Secrets: &secret.Set{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	return sender, target
}

// A proxy would ask the metadata service for its own identity.
func TestMetadataServiceIsAskedWithoutAProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	sender, _ := newTransport(t, "https://example.azurecr.io")
	for target, proxied := range map[string]bool{
		"http://169.254.169.254/metadata/identity/oauth2/token": false,
		"http://[fe80::1]/":       false,
		"http://169.254.example/": true,
		"http://login.example/":   true,
	} {
		request, err := http.NewRequest(http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := sender.base.Proxy(request)
		if err != nil || (proxy != nil) != proxied {
			t.Errorf("%s: proxy %v, %v, want one: %t", target, proxy, err, proxied)
		}
	}
}

// Further fields may be secrets, as that of App Service is.
func TestFurtherFieldsStayOnTheOrigin(t *testing.T) {
	var shown []string
	see := func(_ http.ResponseWriter, r *http.Request) { shown = append(shown, r.Header.Get("X-Identity-Header")) }
	elsewhere := httptest.NewServer(http.HandlerFunc(see))
	defer elsewhere.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		see(w, r)
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer home.Close()
	sender, target := newTransport(t, home.URL)
	_, err := sender.Do(t.Context(), Request{
		Method: http.MethodGet, URL: target, Header: http.Header{"X-Identity-Header": {"a field of a test"}}, Limit: 1 << 10,
	})
	if err != nil || len(shown) != 2 || shown[0] != "a field of a test" || shown[1] != "" {
		t.Errorf("shown %q, error %v", shown, err)
	}
}
