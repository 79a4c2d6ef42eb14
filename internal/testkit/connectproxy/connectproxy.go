// Package connectproxy directs connections to real host names to servers on loopback, as an HTTP proxy. The package is
// for tests only.
package connectproxy

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Start runs a proxy until the test ends and returns its URL, for HTTPS_PROXY. Routes has the address, host:port,
// behind each name; the proxy connects to nothing but port 443 of these names.
func Start(t testing.TB, routes map[string]string) string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := routes[strings.TrimSuffix(r.Host, ":443")]
		if r.Method != http.MethodConnect || address == "" {
			http.Error(w, "no such host in this test", http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", address)
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
		go func() { _, _ = io.Copy(there, buffered) }() // the server may have read the first byte already
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}
