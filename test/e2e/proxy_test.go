package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

// tunnel is a proxy that asks for a password and directs every CONNECT to one address, whatever host it names: requests
// to loopback hosts never use a proxy, so the registry needs another name.
type tunnel struct {
	address, authorization string

	mu                 sync.Mutex
	refused, connected []string // hosts
}

func (p *tunnel) note(hosts *[]string, host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*hosts = append(*hosts, host)
}

// seen returns the hosts that were refused and connected so far.
func (p *tunnel) seen() (refused, connected []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.refused), slices.Clone(p.connected)
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Header.Get("Proxy-Authorization") != p.authorization {
		p.note(&p.refused, request.Host)
		http.Error(w, "proxy authentication required", http.StatusProxyAuthRequired)
		return
	}
	p.note(&p.connected, request.Host)
	server, err := net.Dial("tcp", p.address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	go func() {
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// The registry is read through a proxy with a password. Its token server, which is on another origin here, gets the
// credential only because trusted_token_hosts names it.
func TestProxyAndTrustedTokenHost(t *testing.T) {
	image := realregistry.DockerImage
	registry := startDistribution(t, realregistry.Options{TLS: true})
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("proxy-user", "proxy-sentinel")
	proxy := &tunnel{address: registry.Host(), authorization: basic.Header.Get("Authorization")}
	server := httptest.NewServer(proxy)
	defer server.Close()
	at := func(password string) string {
		return fmt.Sprintf("http://proxy-user:%s@%s", password, strings.TrimPrefix(server.URL, "http://"))
	}
	// The registry's certificate is for localhost.
	block := fmt.Sprintf("registry = \"registry.test\"\nusername = %q\npassword = %q\ninsecure_skip_verify = true\nmax_retries = 0\n",
		realregistry.Username, realregistry.Password)

	t.Run("with the password", func(t *testing.T) {
		workspace := newWorkspace(t, reading(image, block+fmt.Sprintf("trusted_token_hosts = [%q]\n", registry.Host())))
		workspace.Set("HTTPS_PROXY", at("proxy-sentinel"))
		outcome{tokens: []string{"GET Basic"}}.check(t, registry, workspace, image)
		if _, connected := proxy.seen(); len(connected) == 0 || connected[0] != "registry.test:443" {
			t.Errorf("the proxy was asked for %q, want registry.test:443", connected)
		}
	})
	t.Run("token host that is not trusted", func(t *testing.T) {
		workspace := newWorkspace(t, reading(image, block))
		workspace.Set("HTTPS_PROXY", at("proxy-sentinel"))
		outcome{failure: []string{"trusted_token_hosts", registry.Host()}}.check(t, registry, workspace, image)
	})
	t.Run("wrong password", func(t *testing.T) {
		workspace := newWorkspace(t, reading(image, block))
		workspace.Set("HTTPS_PROXY", at("proxy-wrong"))
		outcome{failure: []string{"proxy", "407"}}.check(t, registry, workspace, image)
		printed, err := workspace.Run(t.Context(), "plan", "-no-color")
		if strings.Contains(printed+fmt.Sprint(err), "proxy-wrong") {
			t.Errorf("the proxy's password was printed: %v\n%s", err, printed)
		}
		if refused, _ := proxy.seen(); len(refused) == 0 {
			t.Error("the proxy refused nothing")
		}
	})
}
