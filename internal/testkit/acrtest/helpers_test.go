package acrtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// acceptAll is the Accept header of a client that reads every kind of manifest.
const acceptAll = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, " +
	acrtest.MediaTypeDockerManifest + ", " + acrtest.MediaTypeDockerList

func start(t *testing.T, options acrtest.Options) (*acrtest.Registry, *client) {
	t.Helper()
	registry := acrtest.StartT(t, options)
	c := newClient(t, registry)
	t.Cleanup(c.http.CloseIdleConnections)
	return registry, c
}

// client talks to a registry without following redirects.
type client struct {
	t    *testing.T
	url  string
	http *http.Client
}

func newClient(t *testing.T, registry *acrtest.Registry) *client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(registry.CAPEM()))
	return &client{t, registry.URL(), &http.Client{
		Timeout:       20 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type answer struct {
	status int
	header http.Header
	body   string
	length int64 // Content-Length
	coding []string
}

// roundTrip sends a request; target is a path or a whole URL, header comes in pairs.
func (c *client) roundTrip(method, target string, body io.Reader, header ...string) (answer, error) {
	if strings.HasPrefix(target, "/") {
		target = c.url + target
	}
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(content), resp.ContentLength, resp.TransferEncoding}, err
}

// try sends a request without a body.
func (c *client) try(method, target string, header ...string) (answer, error) {
	return c.roundTrip(method, target, nil, header...)
}

// send sends a request with a body.
func (c *client) send(method, target, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.roundTrip(method, target, strings.NewReader(body), header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// post sends a form.
func (c *client) post(path string, form url.Values) answer {
	c.t.Helper()
	return c.send("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (c *client) do(method, target string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, target, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// get reads a path with a token for exactly what its challenge asks for.
func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do("GET", path, append(header, "Authorization", "Bearer "+c.tokenFor("GET", path))...)
}

// write sends a request with a body and a token for exactly what its challenge asks for.
func (c *client) write(method, path, body string, header ...string) answer {
	c.t.Helper()
	return c.send(method, path, body, append(header, "Authorization", "Bearer "+c.tokenFor(method, path))...)
}

var challengeScope = regexp.MustCompile(`scope="([^"]*)"`)

func (c *client) tokenFor(method, path string) string {
	c.t.Helper()
	challenge := c.do(method, path)
	if challenge.status != http.StatusUnauthorized {
		c.t.Fatalf("%s %s answered %d in place of a challenge", method, path, challenge.status)
	}
	var scopes []string
	if match := challengeScope.FindStringSubmatch(challenge.header.Get("WWW-Authenticate")); match != nil {
		scopes = strings.Fields(match[1])
	}
	return c.token(acrtest.DefaultUser, acrtest.DefaultPassword, scopes...)
}

// token asks for a token; the empty user sends no credential.
func (c *client) token(user, password string, scopes ...string) string {
	c.t.Helper()
	a := c.askToken(user, password, scopes...)
	if a.status != http.StatusOK {
		c.t.Fatalf("the token endpoint answered %d: %s", a.status, a.body)
	}
	return tokenIn(c.t, a)
}

// tokenIn returns the token in an answer, whose only member it is.
func tokenIn(t *testing.T, a answer) string {
	t.Helper()
	var members map[string]string
	read(t, a, &members)
	if len(members) != 1 {
		t.Errorf("members %v, want one", members)
	}
	return members["access_token"] + members["refresh_token"] + members["token"]
}

func (c *client) askToken(user, password string, scopes ...string) answer {
	c.t.Helper()
	host := strings.SplitN(c.url, "//", 2)[1]
	query := url.Values{"service": {host}, "scope": scopes}
	var header []string
	if user != "" {
		req := &http.Request{Header: http.Header{}}
		req.SetBasicAuth(user, password)
		header = []string{"Authorization", req.Header.Get("Authorization")}
	}
	return c.do("GET", "/oauth2/token?"+query.Encode(), header...)
}

func wantStatus(t *testing.T, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d; body %q", a.status, status, a.body)
	}
}

// wantEmpty wants an answer without body, type and challenge, as the refusals of the token endpoints were recorded.
func wantEmpty(t *testing.T, a answer) {
	t.Helper()
	if a.body != "" || a.length != 0 {
		t.Errorf("body %q, Content-Length %d, want none", a.body, a.length)
	}
	wantHeader(t, a, "Content-Type", "")
	wantHeader(t, a, "WWW-Authenticate", "")
}

// wantRefusal wants an error of the registry, to the letter; detail is JSON, "" where there is none.
func wantRefusal(t *testing.T, a answer, status int, code, message, detail string) {
	t.Helper()
	wantStatus(t, a, status)
	if detail != "" {
		detail = `,"detail":` + detail
	}
	wantBody(t, a, `{"errors":[{"code":"`+code+`","message":"`+message+`"`+detail+`}]}`+"\n")
}

// wantDisallowed wants the refusal of something locked.
func wantDisallowed(t *testing.T, a answer) {
	t.Helper()
	wantRefusal(t, a, 405, "REGISTRY_DISALLOWED_OPERATION",
		"The operation is disallowed on this registry, repository or image. View troubleshooting steps at "+
			"https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation", "{}")
}

func wantHeader(t *testing.T, a answer, name, value string) {
	t.Helper()
	if got := a.header.Get(name); got != value {
		t.Errorf("%s: %q, want %q", name, got, value)
	}
}

func wantBody(t *testing.T, a answer, body string) {
	t.Helper()
	if a.body != body {
		t.Errorf("body\n%q, want\n%q", a.body, body)
	}
}
