package transport

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// A redirect that would turn another method into a GET is not followed (RFC 9110 section 15.4).
func TestRedirectKeepsTheMethod(t *testing.T) {
	here := &url.URL{Scheme: "https", Host: "r.example", Path: "/a"}
	for _, test := range []struct {
		method   string
		status   int
		follows  bool
		confined bool
		location string
	}{
		{"GET", 301, true, false, "/b"}, {"GET", 302, true, false, "/b"}, {"GET", 303, true, false, "/b"}, {"GET", 307, true, false, "/b"}, {"GET", 308, true, false, "/b"},
		{"HEAD", 302, true, false, "/b"},
		{"POST", 301, false, false, "/b"}, {"POST", 302, false, false, "/b"}, {"POST", 303, false, false, "/b"}, {"POST", 307, true, false, "/b"}, {"POST", 308, true, false, "/b"},
		{"PUT", 302, false, false, "/b"}, {"PUT", 308, true, false, "/b"}, {"DELETE", 301, false, false, "/b"}, {"DELETE", 307, true, false, "/b"},
		{"GET", 307, true, false, "https://s.example/b"}, {"GET", 307, false, true, "https://s.example/b"}, {"GET", 307, true, true, "https://R.example:443/b"},
		{"GET", 307, false, true, "https://r.example:8443/b"}, {"GET", 307, false, true, "http://r.example/b"},
	} {
		r := Request{Method: test.method, URL: here, Confined: test.confined, Body: secret.New("made-up")}
		target, err := r.nextTarget(here, &http.Response{StatusCode: test.status, Header: http.Header{"Location": {test.location}}})
		if follows := err == nil; follows != test.follows || follows && !strings.HasSuffix(target.Path, "/b") {
			t.Errorf("%s, %d to %s, confined %t: %v, %v; want followed %t", test.method, test.status, test.location, test.confined, target, err, test.follows)
		}
	}
}
