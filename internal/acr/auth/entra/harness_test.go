package entra_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
)

// entraToken is the token that the fakes issue.
const entraToken = "entra-token-of-a-test"

// environment is the environment of a test.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

// with returns the environment with further variables, given as names and values in turn.
func (e environment) with(pairs ...string) environment {
	extended := environment{}
	for name, text := range e {
		extended[name] = text
	}
	for i := 0; i < len(pairs); i += 2 {
		extended[pairs[i]] = pairs[i+1]
	}
	return extended
}

// principal returns the environment of a service principal that signs in to the fake, without a way to do so.
func principal(f *entratest.Fake) environment {
	return environment{"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "AZURE_AUTHORITY_HOST": f.Login}
}

// direct is a transport that only reaches the fake.
type direct struct{ *http.Client }

func via(t *testing.T, f *entratest.Fake) entra.Connection {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(f.CAPEM))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return entra.Connection{
		Transport: direct{&http.Client{Transport: transport}}, Timeout: 30 * time.Second, Secrets: &secret.Set{},
	}
}

// signIn signs in with the identity that block or environment names.
func signIn(t *testing.T, f *entratest.Fake, block entra.Block, env environment) (string, error) {
	t.Helper()
	id := choose(t, block, env)
	token, err := id.Token(t.Context(), via(t, f))
	return token.Reveal(), err
}

func choose(t *testing.T, block entra.Block, env environment) *entra.Identity {
	t.Helper()
	id, err := chosen(block, env)
	if err != nil {
		t.Fatal(err)
	}
	if id == nil {
		t.Fatal("no identity")
	}
	return id
}

// chosen returns the block's identity, else the environment's.
func chosen(block entra.Block, env environment) (*entra.Identity, error) {
	id, err := entra.FromBlock(block, env.get, "public")
	if id == nil && err == nil {
		id, err = entra.FromEnvironment(block, env.get, "public")
	}
	return id, err
}

// inFile writes a file and returns its path.
func inFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustFail returns the *fault.Error, and looks for secrets in it.
func mustFail(t *testing.T, err error, want fault.Reason) *fault.Error {
	t.Helper()
	failed, ok := fault.As(err)
	if !ok {
		t.Fatalf("error = %v, want %q", err, want)
	}
	if failed.Reason != want {
		t.Errorf("reason = %q, want %q: %v", failed.Reason, want, err)
	}
	for _, held := range []string{
		entratest.ClientSecret, entratest.FederatedToken, entratest.RequestToken, entratest.IdentityHeader,
		entratest.CertificatePassword, entratest.CLISaid, entraToken,
	} {
		if forms := secretscan.Find([]byte(failed.Error()), held); forms != nil {
			t.Errorf("%q holds %s (%v)", failed.Error(), held, forms)
		}
	}
	return failed
}

// withoutCLI empties PATH, so that no Azure CLI of this machine is found.
func withoutCLI(t *testing.T) { t.Setenv("PATH", t.TempDir()) }

func cancelledSoon(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	t.Cleanup(cancel)
	return ctx
}

func on() *bool {
	yes := true
	return &yes
}

func off() *bool {
	no := false
	return &no
}

func lines(texts ...string) string { return strings.Join(texts, "\n") }
