package realregistry_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

func start(t *testing.T, options realregistry.Options) *realregistry.Registry {
	t.Helper()
	registry, err := realregistry.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

func seed(t *testing.T, registry *realregistry.Registry) {
	t.Helper()
	if err := registry.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The three clients agree on every seeded manifest, over http and over https.
func TestClientsAgreeOnSeededImages(t *testing.T) {
	for name, options := range map[string]realregistry.Options{"http": {}, "https": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			registry := start(t, options)
			seed(t, registry)
			for _, image := range realregistry.Images {
				reference := registry.Reference(image)
				manifest := must(t)(registry.Crane(t.Context(), "manifest", reference))

				var head struct{ MediaType string }
				if err := json.Unmarshal([]byte(manifest), &head); err != nil {
					t.Fatal(err)
				}
				if head.MediaType != image.MediaType {
					t.Errorf("%s: media type %q, want %q", image.Repository, head.MediaType, image.MediaType)
				}
				if got := must(t)(registry.Oras(t.Context(), "manifest", "fetch", reference)); got != manifest {
					t.Errorf("%s: oras and crane disagree:\n%s\n%s", image.Repository, got, manifest)
				}
				if got := must(t)(registry.Regctl(t.Context(), "manifest", "get", "--format", "raw-body", reference)); got != manifest {
					t.Errorf("%s: regctl and crane disagree:\n%s\n%s", image.Repository, got, manifest)
				}
				digest := strings.TrimSpace(must(t)(registry.Crane(t.Context(), "digest", reference)))
				if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest))); digest != want {
					t.Errorf("%s: crane says %s, its bytes say %s", image.Repository, digest, want)
				}
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	registry := start(t, realregistry.Options{AnonymousPull: []string{realregistry.OCIImage.Repository}})
	seed(t, registry)

	for _, test := range []struct {
		name, username, password string
		image                    realregistry.Image
		err                      string // "" for success
	}{
		{"reader", realregistry.ReaderUsername, realregistry.ReaderPassword, realregistry.DockerImage, ""},
		{"null GUID with refresh token", realregistry.NullGUID, realregistry.RefreshToken, realregistry.DockerImage, ""},
		{"wrong password", realregistry.Username, "wrong", realregistry.DockerImage, "UNAUTHORIZED: authentication required"},
		{"unknown user", "nobody", realregistry.Password, realregistry.DockerImage, "UNAUTHORIZED: authentication required"},
		{"anonymous", "", "", realregistry.DockerImage, "UNAUTHORIZED: authentication required"},
		{"anonymous pull", "", "", realregistry.OCIImage, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			clients, err := registry.Login(test.username, test.password)
			if err != nil {
				t.Fatal(err)
			}
			digest, err := clients.Crane(t.Context(), "digest", registry.Reference(test.image))
			if test.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(digest, "sha256:") {
					t.Fatalf("digest %q", digest)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error %v, want %q", err, test.err)
			}
		})
	}
}

// The registry itself checks a token, not code of this project.
func TestRegistryVerifiesTokens(t *testing.T) {
	registry := start(t, realregistry.Options{})
	seed(t, registry)
	repository := realregistry.DockerImage.Repository
	token := fetchToken(t, registry, "repository:"+repository+":pull")
	otherScope := fetchToken(t, registry, "repository:other/repository:pull")
	header, rest, _ := strings.Cut(token, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	_, otherRest, _ := strings.Cut(otherScope, ".")
	otherClaims, _, _ := strings.Cut(otherRest, ".")
	stranger := start(t, realregistry.Options{})

	for _, test := range []struct {
		name, token string
		status      int
		challenge   string // the error in the challenge
	}{
		{"as issued", token, http.StatusOK, ""},
		{"without a signature", header + "." + claims + ".", http.StatusUnauthorized, ""},
		{"with claims of another token", header + "." + otherClaims + "." + signature, http.StatusUnauthorized, ""},
		{"of another signer", fetchToken(t, stranger, "repository:"+repository+":pull"), http.StatusUnauthorized, "invalid_token"},
		{"of another repository", otherScope, http.StatusUnauthorized, "insufficient_scope"},
		{"that is none", "nonsense", http.StatusUnauthorized, "invalid_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := newRequest(t, "http://"+registry.Host()+"/v2/"+repository+"/manifests/1.0")
			request.Header.Set("Accept", realregistry.DockerImage.MediaType)
			request.Header.Set("Authorization", "Bearer "+test.token)
			response, _ := do(t, http.DefaultClient, request)
			if response.StatusCode != test.status {
				t.Errorf("status %d, want %d", response.StatusCode, test.status)
			}
			challenge := response.Header.Get("WWW-Authenticate")
			if test.challenge != "" && !strings.Contains(challenge, `error="`+test.challenge+`"`) {
				t.Errorf("challenge %q, want the error %q", challenge, test.challenge)
			}
		})
	}
}

func TestTokenEndpoint(t *testing.T) {
	registry := start(t, realregistry.Options{AnonymousPull: []string{"open/image"}})
	endpoint := "http://" + registry.Host() + "/oauth2/token"

	for _, test := range []struct {
		name               string
		username, password string
		scopes             []string
		status             int
		access             string
	}{
		{"all actions", realregistry.Username, realregistry.Password, []string{"repository:a/b:pull,push"},
			200, `[{"type":"repository","name":"a/b","actions":["pull","push"]}]`},
		{"repeated scopes", realregistry.Username, realregistry.Password, []string{"repository:a:pull", "registry:catalog:*"},
			200, `[{"type":"repository","name":"a","actions":["pull"]},{"type":"registry","name":"catalog","actions":["*"]}]`},
		{"space-joined scopes", realregistry.Username, realregistry.Password, []string{"repository:a:pull repository:b:pull"},
			200, `[{"type":"repository","name":"a","actions":["pull"]},{"type":"repository","name":"b","actions":["pull"]}]`},
		{"reader asks for more", realregistry.ReaderUsername, realregistry.ReaderPassword, []string{"repository:a:pull,push"},
			200, `[{"type":"repository","name":"a","actions":["pull"]}]`},
		{"anonymous, open", "", "", []string{"repository:open/image:pull,push"},
			200, `[{"type":"repository","name":"open/image","actions":["pull"]}]`},
		{"anonymous, closed", "", "", []string{"repository:a:pull"}, 200, `[]`},
		{"no scope", realregistry.Username, realregistry.Password, nil, 200, `[]`},
		{"scope without form", realregistry.Username, realregistry.Password, []string{"pull"}, 200, `[]`},
		{"wrong password", realregistry.Username, "wrong", nil, 401, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			query := url.Values{"service": {registry.Host()}, "scope": test.scopes}
			request := newRequest(t, endpoint+"?"+query.Encode())
			if test.username != "" {
				request.SetBasicAuth(test.username, test.password)
			}
			response, body := do(t, http.DefaultClient, request)
			if response.StatusCode != test.status {
				t.Fatalf("status %d, want %d", response.StatusCode, test.status)
			}
			if test.status == http.StatusOK {
				if got := accessClaim(t, body); got != test.access {
					t.Errorf("access %s, want %s", got, test.access)
				}
			}
		})
	}

	t.Run("POST", func(t *testing.T) {
		for token, status := range map[string]int{realregistry.RefreshToken: 200, "stale": 401} {
			response, err := http.PostForm(endpoint, url.Values{
				"grant_type": {"refresh_token"}, "service": {registry.Host()}, "refresh_token": {token},
			})
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != status {
				t.Errorf("%q: status %d, want %d", token, response.StatusCode, status)
			}
		}
	})
}

// A first read takes a challenge, a token and the manifest; the log shows that.
func TestRequestsAreLogged(t *testing.T) {
	registry := start(t, realregistry.Options{})
	seed(t, registry)
	registry.ResetLog()
	must(t)(registry.Crane(t.Context(), "manifest", registry.Reference(realregistry.OCIImage)))

	want := []realregistry.Request{
		{Host: registry.Host(), Method: "GET", Path: "/v2/", Status: 401},
		{
			Host: registry.Host(), Method: "GET", Path: "/oauth2/token", Authorization: "Basic", Status: 200,
			Query: url.Values{"scope": {"repository:seed/oci-image:pull"}, "service": {registry.Host()}}.Encode(),
		},
		{Host: registry.Host(), Method: "GET", Path: "/v2/seed/oci-image/manifests/1.0", Authorization: "Bearer", Status: 200},
	}
	got := registry.Requests()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("requests\n%+v, want\n%+v", got, want)
	}
}

func TestTLSNeedsTheAuthority(t *testing.T) {
	registry := start(t, realregistry.Options{TLS: true})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(registry.CAPEM())) {
		t.Fatal("no certificate in CAPEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	request := newRequest(t, "https://"+registry.Host()+"/v2/")

	response, _ := do(t, &http.Client{Transport: transport}, request)
	want := fmt.Sprintf(`Bearer realm="https://%[1]s/oauth2/token",service="%[1]s"`, registry.Host())
	if got := response.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("challenge %q, want %q", got, want)
	}
	if _, err := http.DefaultClient.Do(request); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("without the authority: %v", err)
	}
}

func TestNoAuth(t *testing.T) {
	registry := start(t, realregistry.Options{NoAuth: true})
	response, _ := do(t, http.DefaultClient, newRequest(t, "http://"+registry.Host()+"/v2/"))
	if response.StatusCode != http.StatusOK || response.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("status %d, challenge %q", response.StatusCode, response.Header.Get("WWW-Authenticate"))
	}
}

// The Distribution registry has no referrers API; the other one has it, with its filter.
func TestReferrers(t *testing.T) {
	distribution := start(t, realregistry.Options{NoAuth: true})
	other, err := realregistry.StartReferrers()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)

	for _, test := range []struct {
		name     string
		registry *realregistry.Registry
		status   int
		found    int
		filters  string
	}{
		{"distribution", distribution, http.StatusNotFound, 0, ""},
		{"with the API", other, http.StatusOK, 1, "artifactType"},
	} {
		t.Run(test.name, func(t *testing.T) {
			seed(t, test.registry)
			digest := strings.TrimSpace(must(t)(test.registry.Crane(t.Context(), "digest", test.registry.Reference(realregistry.OCIImage))))
			request := newRequest(t, "http://"+test.registry.Host()+"/v2/"+realregistry.OCIImage.Repository+
				"/referrers/"+digest+"?artifactType="+url.QueryEscape(realregistry.SBOMType))
			response, body := do(t, http.DefaultClient, request)
			if response.StatusCode != test.status {
				t.Fatalf("status %d, want %d", response.StatusCode, test.status)
			}
			if got := response.Header.Get("OCI-Filters-Applied"); got != test.filters {
				t.Errorf("filters %q, want %q", got, test.filters)
			}
			if got := strings.Count(string(body), realregistry.SBOMType); got != test.found {
				t.Errorf("%d referrers, want %d: %s", got, test.found, body)
			}

			// oras finds both attachments either way: it falls back to the tag schema.
			discovered := must(t)(test.registry.Oras(t.Context(), "discover", "--format", "json", test.registry.Reference(realregistry.OCIImage)))
			for _, artifactType := range []string{realregistry.SBOMType, realregistry.SignatureType} {
				if !strings.Contains(discovered, artifactType) {
					t.Errorf("oras does not find %s: %s", artifactType, discovered)
				}
			}
		})
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	registry, err := realregistry.Start(realregistry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	registry.Close()
	request := newRequest(t, "http://"+registry.Host()+"/v2/")
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Errorf("still answers: %d", response.StatusCode)
	}
}

// must returns a function that fails the test on an error and otherwise passes the value through.
func must(t *testing.T) func(string, error) string {
	return func(value string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func do(t *testing.T, client *http.Client, request *http.Request) (*http.Response, []byte) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func fetchToken(t *testing.T, registry *realregistry.Registry, scope string) string {
	t.Helper()
	query := url.Values{"service": {registry.Host()}, "scope": {scope}}
	request := newRequest(t, "http://"+registry.Host()+"/oauth2/token?"+query.Encode())
	request.SetBasicAuth(realregistry.Username, realregistry.Password)
	_, body := do(t, http.DefaultClient, request)
	return accessToken(t, body)
}

func accessToken(t *testing.T, body []byte) string {
	t.Helper()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.AccessToken
}

// accessClaim returns the access claim of the token in a token endpoint's answer, as JSON.
func accessClaim(t *testing.T, body []byte) string {
	t.Helper()
	segments := strings.Split(accessToken(t, body), ".")
	if len(segments) != 3 {
		t.Fatalf("a token of %d segments", len(segments))
	}
	content, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Access json.RawMessage }
	if err := json.Unmarshal(content, &claims); err != nil {
		t.Fatal(err)
	}
	return string(claims.Access)
}
