package examples

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// network is the world of the examples: registries by the names that the configurations use.
type network map[string]*acrtest.Registry

// startProxy leads connections to the names of the network to its registries, and nowhere else. It returns its URL.
func (n network) startProxy(t *testing.T) string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		registry := n[strings.TrimSuffix(r.Host, ":443")]
		if r.Method != http.MethodConnect || registry == nil {
			http.Error(w, "no such host among the examples", http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", registry.Host())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		w.WriteHeader(http.StatusOK)
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		go io.Copy(there, buffered) // the server may have read the first byte already
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// writeAuthorities writes the registries' certificate authorities to a file and returns its path.
func (n network) writeAuthorities(t *testing.T) string {
	t.Helper()
	var pem strings.Builder
	for _, registry := range n {
		pem.WriteString(registry.CAPEM())
	}
	file := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(file, []byte(pem.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
