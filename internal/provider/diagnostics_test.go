package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// What may happen to any read, and what the error says.
func TestFailuresAreExplained(t *testing.T) {
	firewall := acrtest.Firewall()
	failing{
		"a wrong password": {
			block:     values{"password": "sesame"},
			arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{
				summary: "Wrong user name or password",
				says:    []string{"reading the manifest ", "/app:1.0", "/oauth2/token", "401 Unauthorized UNAUTHORIZED", "CorrelationId", `the user "admin"`, "from the provider block"},
				hides:   []string{"sesame", "c2VzYW1l"},
			},
		},
		"a firewall": {
			fault:     &firewall,
			arguments: values{"repository": "app", "tag": "1.0"},
			want:      wanted{summary: "Access denied by the registry's firewall", says: []string{"403 Forbidden DENIED", "client with IP '127.0.0.1' is not allowed access", "https://aka.ms/acr/firewall"}},
		},
		"a foreign realm": {
			options:   acrtest.Options{Realm: "https://tokens.example.com/oauth2/token"},
			arguments: values{"repository": "app", "tag": "1.0"},
			want:      wanted{summary: "Token server not trusted", says: []string{"https://tokens.example.com", "https://127.0.0.1:", "trusted_token_hosts"}},
		},
		"too many requests for too long": {
			fault:     &acrtest.Fault{Status: 429, RetryAfter: "3600"},
			arguments: values{"repository": "app", "tag": "1.0"},
			want:      wanted{summary: "Too many requests", says: []string{"429", "1h0m0s", "-parallelism"}},
		},
		"other bytes than the digest says": {
			fault:     &acrtest.Fault{Kind: acrtest.KindResource, Tamper: true},
			arguments: values{"repository": "app", "tag": "1.0"},
			want:      wanted{summary: "Digest mismatch", says: []string{"sha256:"}},
		},
	}.check(t, "acr_manifest")
}

// Servers that do not speak the registry protocol.
func TestNotARegistry(t *testing.T) {
	answer := func(status int, contentType, body string, header http.Header) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for name, lines := range header {
				w.Header()[name] = lines
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const page = "<html><body>Sign in</body></html>"
	tests := map[string]struct {
		handler http.HandlerFunc
		want    wanted
	}{
		"a web page": {
			answer(http.StatusOK, "text/html", page, nil),
			wanted{summary: "Not a container registry", says: []string{"200 OK", "text/html"}},
		},
		"a web page that is not there": {
			answer(http.StatusNotFound, "text/html", page, nil),
			wanted{summary: "Not a container registry", says: []string{"404 Not Found", "login server"}},
		},
		"a Basic challenge": {
			answer(http.StatusUnauthorized, "text/plain", "", http.Header{"Www-Authenticate": {`Basic realm="somewhere"`}}),
			wanted{summary: "Not a container registry", says: []string{"401 Unauthorized", "Bearer"}},
		},
		"no challenge": {
			answer(http.StatusUnauthorized, "text/plain", "", nil),
			wanted{summary: "Not a container registry", says: []string{"401 Unauthorized"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			t.Cleanup(server.Close)
			host := strings.TrimPrefix(server.URL, "http://")
			test.want.says = append(test.want.says, "reading the manifest "+host+"/app:1.0")
			test.want.hides = []string{"<html", "Sign in", "sesame"}
			_, diagnostics := configuredFor(t, values{"registry": host, "plain_http": true, "username": "ci", "password": "sesame"}).
				read("acr_manifest", values{"repository": "app", "tag": "1.0"})
			test.want.check(t, diagnostics)
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		host := unusedAddress(t)
		_, diagnostics := configuredFor(t, values{"registry": host, "max_retries": 0}).
			read("acr_manifest", values{"repository": "app", "tag": "1.0"})
		wanted{summary: "Registry unreachable", says: []string{"reading the manifest " + host + "/app:1.0", "refused", "not the registry's name alone"}}.check(t, diagnostics)
	})
	t.Run("http where https is expected", func(t *testing.T) {
		server := httptest.NewServer(answer(http.StatusOK, "text/plain", "", nil))
		t.Cleanup(server.Close)
		host := strings.TrimPrefix(server.URL, "http://")
		_, diagnostics := configuredFor(t, values{"registry": host}).read("acr_manifest", values{"repository": "app", "tag": "1.0"})
		wanted{summary: "Not a container registry", says: []string{"does not speak TLS", "plain_http = true"}}.check(t, diagnostics)
	})
}
