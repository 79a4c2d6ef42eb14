package acr_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// No test of this package leaves a goroutine behind: every read ends with its caller.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home is the login server in tests that need names: its siblings are other people's registries.
const home = "home.azurecr.io"

const (
	anImage = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`
	asImage = "Content-Type: application/vnd.oci.image.manifest.v1+json"
)

var allKinds = []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource}

// protocols are the two versions that a registry may speak: what breaks a connection in one breaks a stream in the
// other.
var protocols = map[string]acrtest.Options{"HTTP/1.1": {DisableHTTP2: true}, "HTTP/2": {}}

// newClient makes a client for a test registry with its default user; change alters the configuration.
func newClient(t testing.TB, registry *acrtest.Registry, change ...func(*acr.Config)) *acr.Client {
	t.Helper()
	config := acr.Config{
		Registry:       registry.Host(),
		Credential:     auth.Basic{Username: acrtest.DefaultUser, Password: secret.New(acrtest.DefaultPassword), Source: "the test"},
		CACertPEM:      registry.CAPEM(),
		PlainHTTP:      registry.CAPEM() == "",
		RequestTimeout: time.Minute, // however busy the machine is
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

// at puts the client at home: it trusts the certificates of all registries.
func at(host string, registries ...*acrtest.Registry) func(*acr.Config) {
	return func(config *acr.Config) {
		config.Registry = host
		config.CACertPEM = ""
		for _, registry := range registries {
			config.CACertPEM += registry.CAPEM()
		}
	}
}

// startApp runs a registry that holds app:v.
func startApp(t *testing.T, options acrtest.Options) *acrtest.Registry {
	t.Helper()
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	return registry
}

// readApp reads app:v, which is what most tests ask for.
func readApp(t *testing.T, client *acr.Client) error {
	t.Helper()
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	return err
}

// answering returns a fault: the resource requests for path get this body and these headers, "Name: value".
func answering(path, body string, headers ...string) acrtest.Fault {
	return acrtest.Fault{Kind: acrtest.KindResource, Path: path, Handler: func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Add(name, value)
		}
		_, _ = w.Write([]byte(body))
	}}
}

// manifestOf serves another manifest to every request, as the host behind a redirect would.
func manifestOf(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.example+json")
	_, _ = w.Write([]byte(`{"schemaVersion":2}`))
}

// holdHandler reports that a request arrived, and fails it once hold is closed.
func holdHandler(status int, reached chan<- struct{}, hold <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		reached <- struct{}{}
		<-hold
		w.WriteHeader(status)
	}
}

// bearer returns a challenge for app with the realm, written as the registry writes it.
func bearer(realm string) string {
	return fmt.Sprintf(`Bearer realm="%s",service="%s",scope="repository:app:pull"`, realm, home)
}

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

// wantAuthorized fails the test if a request to the registry carried Authorization when it should not, or lacked it
// when it should.
func wantAuthorized(t *testing.T, registry *acrtest.Registry, want ...string) {
	t.Helper()
	var schemes []string
	for _, request := range registry.Requests() {
		schemes = append(schemes, request.AuthScheme)
	}
	if !slices.Equal(schemes, want) {
		t.Errorf("%s was shown %q, want %q", registry.Host(), schemes, want)
	}
}

// theNet replaces the network: it decides where a host and port lead, and records which were dialled.
type theNet struct {
	to        map[string]string // "host:port" to the address of a listener
	otherwise string            // for the rest, so that a connection made by mistake is accepted and counted

	mu      sync.Mutex
	dialled []string
}

func (n *theNet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	if !slices.Contains(n.dialled, address) {
		n.dialled = append(n.dialled, address)
	}
	n.mu.Unlock()
	to, ok := n.to[address]
	if !ok {
		to = n.otherwise
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

func (n *theNet) wantDialled(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.dialled, want) {
		t.Errorf("connections were made to %v, want %v", n.dialled, want)
	}
}

// journal collects what a client logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// add is a Config.Log.
func (j *journal) add(_ context.Context, message string, fields map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintln(&j.text, message, fields)
}

// parallelism is how many reads Terraform runs at a time by default.
const parallelism = 10

// together calls run with 0 to n-1, at most so many at a time, and returns the first error.
func together(n, limit int, run func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error { return run(i) })
	}
	return group.Wait()
}
