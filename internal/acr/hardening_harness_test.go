package acr_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// No test of this package leaves a goroutine behind: every read ends with its caller.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home is the login server in tests that need names: its siblings are other people's registries.
const home = "home.azurecr.io"

// theNet stands in for the network: it says where a host and port lead, and notes which were asked for.
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

// readApp reads app:v, which is what most tests ask for.
func readApp(t *testing.T, client *acr.Client) error {
	t.Helper()
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	return err
}

// startApp runs a registry that holds app:v.
func startApp(t *testing.T, options acrtest.Options) *acrtest.Registry {
	t.Helper()
	registry := startRegistry(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	return registry
}

// wantAuthorized fails the test if a request to the registry carried Authorization, or did not where it should.
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

// wantWithin fails the test if more time has passed since start.
func wantWithin(t *testing.T, start time.Time, limit time.Duration) {
	t.Helper()
	if took := time.Since(start); took > limit {
		t.Errorf("took %s, want at most %s", took, limit)
	}
}

// bearer is a challenge for app with the realm, written as the registry writes it.
func bearer(realm string) string {
	return fmt.Sprintf(`Bearer realm="%s",service="%s",scope="repository:app:pull"`, realm, home)
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

// allAtOnce runs n functions at the same time, more than Terraform ever does.
func allAtOnce(n int, run func(i int) error) error {
	var group errgroup.Group
	for i := range n {
		group.Go(func() error { return run(i) })
	}
	return group.Wait()
}
