// Package entratest fakes the services that sign in to Entra ID, on loopback: the login host, the CI servers that issue
// federated tokens, the endpoints of managed identities, and the Azure CLI. The package is for tests only.
package entratest

import (
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// The values that the fakes know and ask for. The secrets say themselves that they are not real.
const (
	TenantID          = "00000000-0000-0000-0000-00000000000a"
	ClientID          = "00000000-0000-0000-0000-00000000000b"
	ServiceConnection = "00000000-0000-0000-0000-00000000000c"
	ClientSecret      = "client-secret-of-a-test"
	FederatedToken    = "federated-token-of-a-test"
	RequestToken      = "request-token-of-a-test"
	IdentityHeader    = "identity-header-of-a-test"
)

// The paths of the fakes. Those of the login host are below the tenant.
const (
	DiscoveryPath   = "/" + TenantID + "/v2.0/.well-known/openid-configuration"
	TokenPath       = "/" + TenantID + "/oauth2/v2.0/token"
	GitHubPath      = "/github/token"
	AzureDevOpsPath = "/devops/token"
	IMDSPath        = "/metadata/identity/oauth2/token"
	AppServicePath  = "/msi/token"
)

// Request is one request that was received.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Form   url.Values
}

// String returns method and path.
func (r Request) String() string { return r.Method + " " + r.Path }

// Fake is the login host and the CI servers, over TLS, and the endpoints of managed identities, over http.
type Fake struct {
	Login    string // URL of the login host, for AZURE_AUTHORITY_HOST
	Metadata string // URL of the managed identity endpoints, without a path
	CAPEM    string // authority of the login host's certificate, for SSL_CERT_FILE
	Token    string // the access token that is issued to whoever proves an identity

	// Key, if set, belongs to the certificate that assertions must be signed with.
	Key *rsa.PublicKey

	mu       sync.Mutex
	requests []Request
	refusals map[string]refusal
	silent   map[string]bool
	closing  chan struct{}
}

type refusal struct {
	status int
	body   string
	once   bool
}

// New starts a fake for the length of the test. It issues the token.
func New(t testing.TB, token string) *Fake {
	t.Helper()
	f := &Fake{Token: token, refusals: map[string]refusal{}, silent: map[string]bool{}, closing: make(chan struct{})}
	login := httptest.NewTLSServer(f)
	metadata := httptest.NewServer(f)
	t.Cleanup(func() {
		close(f.closing)
		login.Close()
		metadata.Close()
	})
	f.Login, f.Metadata = login.URL, metadata.URL
	f.CAPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: login.Certificate().Raw}))
	return f
}

// Refuse answers every further request to a path with a status and a body.
func (f *Fake) Refuse(path string, status int, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals[path] = refusal{status: status, body: body}
}

// RefuseOnce answers the next request to a path with a status and no body.
func (f *Fake) RefuseOnce(path string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals[path] = refusal{status: status, once: true}
}

// Silence leaves every further request to a path without an answer.
func (f *Fake) Silence(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent[path] = true
}

// Requests returns the requests so far.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Request(nil), f.requests...)
}

// Log returns the requests so far, each as method and path.
func (f *Fake) Log() []string {
	log := []string{}
	for _, r := range f.Requests() {
		log = append(log, r.String())
	}
	return log
}

// AADSTS returns the body of a refusal by Entra ID. The description repeats what was sent, as Entra ID's may.
func AADSTS(code string, number int, echoed string) string {
	body, _ := json.Marshal(map[string]any{
		"error":             code,
		"error_description": fmt.Sprintf("AADSTS%d: The request with %s is refused. Trace ID: 00000000-0000-0000-0000-00000000000d", number, echoed),
		"error_codes":       []int{number},
		"trace_id":          "00000000-0000-0000-0000-00000000000d",
		"correlation_id":    "00000000-0000-0000-0000-00000000000e",
	})
	return string(body)
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	form, _ := url.ParseQuery(string(body))
	came := Request{r.Method, r.URL.Path, r.URL.Query(), r.Header, form}
	f.mu.Lock()
	f.requests = append(f.requests, came)
	refused, isRefused := f.refusals[r.URL.Path]
	if refused.once {
		delete(f.refusals, r.URL.Path)
	}
	silent := f.silent[r.URL.Path]
	f.mu.Unlock()
	switch {
	case silent:
		select {
		case <-r.Context().Done():
		case <-f.closing:
		}
	case isRefused:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, refused.body)
	default:
		f.answer(w, came)
	}
}

func (f *Fake) answer(w http.ResponseWriter, r Request) {
	status, body := http.StatusNotFound, map[string]any{}
	switch r.String() {
	case "GET " + DiscoveryPath:
		base := f.Login + "/" + TenantID
		status, body = http.StatusOK, map[string]any{
			"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize",
		}
	case "POST " + TokenPath:
		if wrong := f.wrong(r.Form); wrong != "" {
			status = http.StatusUnauthorized
			_ = json.Unmarshal([]byte(AADSTS("invalid_client", 7000215, wrong)), &body)
			break
		}
		status, body = http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": f.Token}
	case "GET " + GitHubPath:
		status, body = given(r, strings.HasPrefix(r.Query.Get("audience"), "api://AzureADTokenExchange"), "value")
	case "POST " + AzureDevOpsPath:
		status, body = given(r, r.Query.Get("serviceConnectionId") == ServiceConnection && r.Query.Get("api-version") != "", "oidcToken")
	case "GET " + IMDSPath:
		status, body = f.managed(r, r.Header.Get("Metadata") == "true")
	case "GET " + AppServicePath:
		status, body = f.managed(r, r.Header.Get("X-Identity-Header") == IdentityHeader)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// wrong returns the name of the first form field with a wrong value; empty if all are right.
func (f *Fake) wrong(form url.Values) string {
	switch {
	case form.Get("grant_type") != "client_credentials":
		return "grant_type"
	case form.Get("client_id") != ClientID:
		return "client_id"
	case !strings.HasPrefix(form.Get("scope"), "https://"):
		return "scope"
	case form.Has("client_secret"):
		if form.Get("client_secret") != ClientSecret {
			return "client_secret " + form.Get("client_secret")
		}
	case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return "client_assertion_type"
	case form.Get("client_assertion") != FederatedToken && !f.signed(form.Get("client_assertion")):
		return "client_assertion " + form.Get("client_assertion")
	}
	return ""
}

// given returns a CI server's answer.
func given(r Request, right bool, member string) (int, map[string]any) {
	if r.Header.Get("Authorization") != "Bearer "+RequestToken {
		return http.StatusUnauthorized, map[string]any{"message": "not authorized: " + r.Header.Get("Authorization")}
	}
	if !right {
		return http.StatusBadRequest, map[string]any{"message": "the request lacks a parameter"}
	}
	return http.StatusOK, map[string]any{member: FederatedToken}
}

// managed returns the answer of a managed identity endpoint.
func (f *Fake) managed(r Request, right bool) (int, map[string]any) {
	if !right || r.Query.Get("resource") == "" || r.Query.Get("api-version") == "" {
		return http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": "Required metadata header not specified"}
	}
	return http.StatusOK, map[string]any{
		"token_type": "Bearer", "access_token": f.Token, "client_id": r.Query.Get("client_id"), "resource": r.Query.Get("resource"),
		"expires_in": "86399", "expires_on": fmt.Sprint(time.Now().Add(24 * time.Hour).Unix()),
	}
}

// NewIdentity returns the client id of a new managed identity: azidentity keeps their tokens for the whole process.
func NewIdentity() string { return fmt.Sprintf("00000000-0000-0000-0000-%012x", rand.Uint64()>>16) }
