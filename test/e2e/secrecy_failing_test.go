package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
)

// Secrets beside the registry's password.
const (
	wrongPassword = `sentinel+wrong/pass"word&=`
	ownToken      = `sentinel.own.opaque/token~of+the=user`
	signature     = `sentinel%2Fsignature%3D`
)

// failing is a read that ends in an error, named like the repository that it reads. The fault strikes only that
// repository's requests, so that one run of the CLI shows all of them.
type failing struct {
	name  string
	block string // of the configuration, with %[1]s for the name
	fault acrtest.Fault
}

const (
	failingToken    = "data \"acr_bearer_token\" \"%[1]s\" {\n  repository = \"%[1]s\"\n}\n"
	failingManifest = "data \"acr_manifest\" \"%[1]s\" {\n  repository = \"%[1]s\"\n  tag        = \"1.0\"\n}\n"
	failingConfig   = "data \"acr_image_config\" \"%[1]s\" {\n  repository = \"%[1]s\"\n  tag        = \"1.0\"\n}\n"
	failingTags     = "data \"acr_tags\" \"%[1]s\" {\n  repository = \"%[1]s\"\n}\n"
	failingOwn      = "data \"acr_manifest\" \"%[1]s\" {\n  repository   = \"%[1]s\"\n  tag          = \"1.0\"\n  access_token = var.own_token\n}\n"
	failingWrong    = "data \"acr_manifest\" \"%[1]s\" {\n  provider   = acr.wrong\n  repository = \"%[1]s\"\n  tag        = \"1.0\"\n}\n"
)

// said returns all that a server could repeat to a client: what the client sent, with this request or before, in
// several spellings, and a signed URL.
func (s secretive) said(r *http.Request) string {
	_, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	var words []string
	if _, typed, ok := r.BasicAuth(); ok {
		words = append(words, typed, "user:"+typed, shown)
	} else {
		words = append(words, password, "user:"+password, shown)
		words = append(words, slices.DeleteFunc(s.tokens(), func(token string) bool { return token == ownToken || token == wrongPassword })...)
	}
	words = words[:min(len(words), 4)] // more would not fit into an error body
	for _, word := range words[:2] {
		words = append(words, url.QueryEscape(word), strings.ToLower(url.PathEscape(word)),
			base64.StdEncoding.EncodeToString([]byte(word)), base64.RawURLEncoding.EncodeToString([]byte(word)))
	}
	return strings.Join(append(words, "https://account.blob.core.windows.net/x?sv=1&sig="+signature), " ")
}

// answers returns a handler that answers with a status, a body made of that text, and headers, each "Name: value" with
// SAID in its place.
func (s secretive) answers(status int, body func(said string) string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := s.said(r)
		w.Header().Set("X-Ms-Correlation-Request-Id", said)
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			if name == "WWW-Authenticate" {
				said = strings.ReplaceAll(said, `"`, `\"`) // it is in a quoted string
			}
			w.Header().Set(name, strings.ReplaceAll(value, "SAID", said))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body(said)))
	}
}

func asErrors(said string) string {
	body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"code": "CODE " + said, "message": "you said " + said, "detail": said}}})
	return string(body)
}

func asArray(said string) string {
	body, _ := json.Marshal([]string{said})
	return string(body)
}

func asHTML(said string) string { return "<html>" + said + "</html>" }

func asTokenAnswer(said string) string {
	body, _ := json.Marshal(map[string]any{"error": said, "access_token": map[string]string{"said": said}})
	return string(body)
}

func asManifest(said string) string {
	body, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": said, "artifactType": said, "annotations": map[string]string{said: said}})
	return string(body)
}

// garbage answers with something other than HTTP, full of secrets.
func (s secretive) garbage(w http.ResponseWriter, r *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte(s.said(r) + "\r\n\r\n"))
		_ = conn.Close()
	}
}

// unasked answers and then sends, on the idle connection, secrets that nobody asked for: net/http logs those.
func (s secretive) unasked(w http.ResponseWriter, r *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}" + s.said(r)))
	}
}

func (s secretive) failures() []failing {
	at := func(kind acrtest.Kind, handler http.HandlerFunc) acrtest.Fault {
		return acrtest.Fault{Kind: kind, Handler: handler}
	}
	const challenge, token, resource = acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource
	const asImage = "Content-Type: application/vnd.oci.image.manifest.v1+json"
	return []failing{
		{"challenge-403", failingToken, at(challenge, s.answers(403, asErrors))},
		{"challenge-500", failingToken, at(challenge, s.answers(500, asErrors))},
		{"challenge-html", failingToken, at(challenge, s.answers(404, asHTML, "Content-Type: text/html"))},
		{"challenge-realm", failingToken, at(challenge, s.answers(401, asErrors, `WWW-Authenticate: Bearer realm="https://stranger.example/SAID",service="SAID"`))},
		{"challenge-cut", failingToken, at(challenge, s.answers(401, asErrors, `WWW-Authenticate: Bearer realm="SAID`))},
		{"challenge-scheme", failingToken, at(challenge, s.answers(401, asErrors, `WWW-Authenticate: sentinel+p realm="SAID"`))},
		{"challenge-redirect", failingToken, at(challenge, s.answers(302, asErrors, "Location: ftp://host/?SAID"))},
		{"token-400", failingManifest, at(token, s.answers(400, asErrors))},
		{"token-401", failingManifest, at(token, s.answers(401, asErrors))},
		{"token-403", failingManifest, at(token, s.answers(403, asErrors))},
		{"token-500", failingManifest, at(token, s.answers(500, asErrors))},
		{"token-none", failingManifest, at(token, s.answers(200, asTokenAnswer))},
		{"token-html", failingManifest, at(token, s.answers(200, asHTML))},
		{"token-redirect", failingManifest, at(token, s.answers(302, asErrors, "Location: https://stranger.example/?SAID"))},
		{"token-garbage", failingManifest, at(token, s.garbage)},
		{"manifest-401", failingManifest, at(resource, s.answers(401, asErrors, `WWW-Authenticate: Bearer realm="https://`+s.Host()+`/oauth2/token",service="x",scope="SAID",error="insufficient_scope"`))},
		{"manifest-403", failingManifest, at(resource, s.answers(403, asErrors))},
		{"manifest-404", failingManifest, at(resource, s.answers(404, asErrors))},
		{"manifest-409", failingManifest, at(resource, s.answers(409, asErrors))},
		{"manifest-429", failingManifest, at(resource, s.answers(429, asErrors, "Retry-After: SAID"))},
		{"manifest-500", failingManifest, at(resource, s.answers(500, asErrors))},
		{"manifest-html", failingManifest, at(resource, s.answers(200, asHTML, "Content-Type: text/html; SAID"))},
		{"manifest-type", failingManifest, at(resource, s.answers(200, asManifest, "Content-Type: application/sentinel+p; x=SAID"))},
		{"manifest-digest", failingManifest, at(resource, s.answers(200, asManifest, asImage, "Docker-Content-Digest: SAID"))},
		{"manifest-confused", failingManifest, at(resource, s.answers(200, asManifest, asImage))},
		{"manifest-encoding", failingManifest, at(resource, s.answers(200, asManifest, asImage, "Content-Encoding: SAID"))},
		{"manifest-redirect", failingManifest, at(resource, s.answers(302, asErrors, "Location: ftp://host/?SAID"))},
		{"manifest-garbage", failingManifest, at(resource, s.garbage)},
		{"manifest-unasked", failingManifest, at(resource, s.unasked)},
		{"tags-link", failingTags, at(resource, s.answers(200, func(string) string { return `{"tags":[]}` }, `Link: <https://stranger.example/?SAID>; rel="next"`))},
		{"tags-array", failingTags, at(resource, s.answers(200, asArray))},
		{"config-signed", failingConfig, acrtest.Fault{Kind: resource, Path: "/blobs/", Redirect: "https://" + s.BlobHost() + "/x?sv=1&sig=" + signature}},
		{"own-403", failingOwn, at(resource, s.answers(403, asErrors))},
		{"own-401", failingOwn, at(resource, s.answers(401, asErrors, `WWW-Authenticate: Bearer realm="SAID",error="invalid_token"`))},
		{"wrong-password", failingWrong, acrtest.Fault{}},
		{"wrong-echo", failingWrong, at(token, s.answers(401, asErrors))},
	}
}

// startFailing runs a registry in which each failure has its own repository.
func startFailing(t *testing.T) secretive {
	registry := secretive{acrtest.StartT(t, acrtest.Options{Users: map[string]string{"user": password}, DisableHTTP2: true})}
	for _, f := range registry.failures() {
		registry.PutImage(f.name, "1.0", acrtest.Image{})
		switch {
		case f.fault.Kind == "":
			continue
		case f.fault.Kind == acrtest.KindToken:
			f.fault.Path = "repository%3A" + f.name + "%3A"
		default:
			f.fault.Path = "/" + f.name + "/" + strings.TrimPrefix(f.fault.Path, "/")
		}
		registry.Inject(f.fault)
	}
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Handler: registry.answers(403, asErrors)})
	return registry
}

const failingPreamble = `
variable "ca_cert_pem" {}

variable "own_token" {
  sensitive = true
}

variable "wrong_password" {
  sensitive = true
}

provider "acr" {
  ca_cert_pem = var.ca_cert_pem
  max_retries = 0
}

provider "acr" {
  alias       = "wrong"
  ca_cert_pem = var.ca_cert_pem
  max_retries = 0
  username    = "user"
  password    = var.wrong_password
}
`

// Whatever fails, and whatever a server says about it, no secret is printed, logged or written. The refusals of the
// token endpoint, 403 and 429 were not recorded; their shape comes from issue threads.
func TestFailuresShowNoSecret(t *testing.T) {
	registry := startFailing(t)
	configuration := failingPreamble
	for _, f := range registry.failures() {
		configuration += fmt.Sprintf(f.block, f.name)
	}
	printed := registry.runFailing(t, configuration, "plan", "-no-color")
	for _, f := range registry.failures() {
		address := fmt.Sprintf("with data.%s.%s,", strings.Split(f.block, `"`)[1], f.name)
		if !strings.Contains(printed, address) {
			t.Errorf("%s did not fail: there is no error %q", f.name, address)
		}
	}
	if t.Failed() {
		t.Log(printed)
	}
}

// The same for the ephemeral resource, whose errors take another path through Terraform.
func TestEphemeralFailureShowsNoSecret(t *testing.T) {
	registry := startFailing(t)
	configuration := failingPreamble + `
ephemeral "acr_bearer_token" "app" {
  repository = "token-403"
}

provider "acr" {
  alias       = "handed"
  ca_cert_pem = var.ca_cert_pem
  username    = "00000000-0000-0000-0000-000000000000"
  password    = ephemeral.acr_bearer_token.app.access_token
}

data "acr_manifest" "app" {
  provider   = acr.handed
  repository = "manifest-403"
  tag        = "1.0"
}
`
	if refuses(t, registry.workspace(t, configuration)) {
		return
	}
	printed := registry.runFailing(t, configuration, "plan", "-no-color")
	if !strings.Contains(printed, "with ephemeral.acr_bearer_token.app,") {
		t.Errorf("the ephemeral resource did not fail:\n%s", printed)
	}
}

// runFailing runs the CLI, which must fail, and looks for secrets in what it printed, logged and wrote.
func (s secretive) runFailing(t *testing.T, configuration string, arguments ...string) (printed string) {
	t.Helper()
	workspace := s.workspace(t, configuration)
	workspace.Set("TF_VAR_own_token", ownToken)
	workspace.Set("TF_VAR_wrong_password", wrongPassword)
	workspace.Set("TF_LOG", "TRACE")
	workspace.Set("TF_LOG_PATH", "trace.log")

	stdout, err := workspace.Run(t.Context(), arguments...)
	if err == nil {
		t.Fatalf("the run succeeded:\n%s", stdout)
	}
	printed = stdout + err.Error() // the log repeats it without line breaks
	if err := workspace.Write("printed.txt", printed); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(workspace.Folder, "trace.log"))
	if err != nil || !strings.Contains(string(log), "registry request") {
		t.Errorf("the log does not hold the provider's own lines, so it proves nothing: %v", err)
	}
	secrets := map[string]string{
		"password": password, "pair": "user:" + password, "wrong password": wrongPassword, "own token": ownToken, "signature of the URL": signature,
	}
	for i, token := range s.tokens() {
		secrets[fmt.Sprintf("token %d", i+1)] = token
	}
	findings, err := secretscan.Folder(workspace.Folder, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
	return printed
}
