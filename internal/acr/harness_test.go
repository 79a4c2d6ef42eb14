package acr_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// startRegistry runs a test registry until the test ends.
func startRegistry(t testing.TB, options acrtest.Options) *acrtest.Registry {
	t.Helper()
	registry, err := acrtest.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

// newClient makes a client for a test registry with its default user; change alters the configuration.
func newClient(t testing.TB, registry *acrtest.Registry, change ...func(*acr.Config)) *acr.Client {
	t.Helper()
	config := acr.Config{
		Registry:       registry.Host(),
		Credential:     auth.Basic{Username: acrtest.DefaultUser, Password: secret.New(acrtest.DefaultPassword), Source: "the test"},
		CACertPEM:      registry.CAPEM(),
		PlainHTTP:      registry.CAPEM() == "",
		RequestTimeout: 10 * time.Second,
		MaxRetries:     acr.DefaultMaxRetries,
		UserAgent:      "acr-test",
	}
	for _, c := range change {
		c(&config)
	}
	client, err := acr.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// withPassword gives the test registry's default user another password.
func withPassword(text string) func(*acr.Config) {
	return func(config *acr.Config) {
		config.Credential = auth.Basic{Username: acrtest.DefaultUser, Password: secret.New(text), Source: "the test"}
	}
}

func anonymous(config *acr.Config) { config.Credential = auth.Anonymous{Source: "the test"} }

// wire counts what reached a registry, as "challenges/tokens/resources".
func wire(registry *acrtest.Registry) string {
	return fmt.Sprintf("%d/%d/%d", registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken), registry.Count(acrtest.KindResource))
}

// wantWire fails the test unless the registry saw exactly so many requests.
func wantWire(t *testing.T, registry *acrtest.Registry, want string) {
	t.Helper()
	if got := wire(registry); got != want {
		t.Errorf("requests (challenges/tokens/resources) = %s, want %s", got, want)
	}
}

// holdHandler says that a request came, and fails it once hold is closed.
func holdHandler(status int, reached chan<- struct{}, hold <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		<-hold
		w.WriteHeader(status)
	}
}
