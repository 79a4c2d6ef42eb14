package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/connectproxy"
)

// network is the world of the examples: registries by the names that the configurations use.
type network map[string]*acrtest.Registry

// startProxy directs connections to the names of the network to its registries, and refuses others. It returns its URL.
func (n network) startProxy(t *testing.T) string {
	t.Helper()
	routes := map[string]string{}
	for name, registry := range n {
		routes[name] = registry.Host()
	}
	return connectproxy.Start(t, routes)
}

// writeAuthorities writes the registries' certificate authorities, and further ones, to a file and returns its path.
func (n network) writeAuthorities(t *testing.T, further ...string) string {
	t.Helper()
	var pem strings.Builder
	for _, authority := range further {
		pem.WriteString(authority)
	}
	for _, registry := range n {
		pem.WriteString(registry.CAPEM())
	}
	file := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(file, []byte(pem.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
