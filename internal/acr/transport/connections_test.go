package transport

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/connectproxy"
)

// gauge counts the connections that a transport has open.
type gauge struct {
	mu         sync.Mutex
	open, most int
}

// watch counts a transport's connections, each from before its dial until it is closed.
func watch(t *Transport) *gauge {
	g, dial := &gauge{}, t.Dial
	t.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		g.add(1)
		conn, err := dial(ctx, network, address)
		if err != nil {
			g.add(-1)
			return nil, err
		}
		return &gauged{conn, sync.OnceFunc(func() { g.add(-1) })}, nil
	}
	return g
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open += n
	g.most = max(g.most, g.open)
}

func (g *gauge) highest() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

type gauged struct {
	net.Conn
	closed func()
}

func (c *gauged) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// If a server accepts one request at a time on each HTTP/2 connection, net/http itself opens more, whatever its
// MaxConnsPerHost.
func TestTenConnectionsAreOpenAtMost(t *testing.T) {
	for name, test := range map[string]struct{ http2, proxied bool }{
		"HTTP/1.1":                 {},
		"HTTP/2":                   {http2: true},
		"HTTP/1.1 through a proxy": {proxied: true},
		"HTTP/2 through a proxy":   {http2: true, proxied: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(5 * time.Millisecond)
				_, _ = w.Write([]byte(r.Proto))
			}))
			server.EnableHTTP2 = test.http2
			server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1}
			server.StartTLS()
			defer server.Close()
			address := server.Listener.Addr().String()
			host := address
			if test.proxied {
				host = "example.com"
				t.Setenv("HTTPS_PROXY", connectproxy.Start(t, map[string]string{host: address, "other.example.com": address}))
				t.Setenv("NO_PROXY", "")
			}
			transport, err := New(Config{
				Registry: &url.URL{Scheme: "https", Host: host}, RequestTimeout: time.Minute, Secrets: &secret.Set{},
				CACertPEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer transport.Close()
			gauge := watch(transport)
			get := func(host string) error {
				answer, err := transport.Do(t.Context(), Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host}, Limit: 100})
				if err == nil && strings.HasPrefix(string(answer.Body), "HTTP/2") != test.http2 {
					t.Errorf("the answer came by %s", answer.Body)
				}
				return err
			}
			var group errgroup.Group
			for range 100 {
				group.Go(func() error { return get(host) })
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if most := gauge.highest(); most < 2 || most > maxAtATime {
				t.Errorf("%d connections were open at once, want several, at most %d", most, maxAtATime)
			}
			if test.proxied { // the idle connections that it holds to one host leave room for those to another
				if err := get("other.example.com"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A caller that waits for one of ten connections may give up, and a closed connection makes room.
func TestWaitForAConnectionEndsWithTheCaller(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flush(w)
		<-r.Context().Done()
	}))
	defer server.Close()
	transport, target := newTransport(t, server.URL)
	gauge := watch(transport)
	request := Request{Method: http.MethodGet, URL: target, Streamed: true}
	var held []*Response
	for range maxAtATime {
		answer, err := transport.Do(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Stream.Close()
		held = append(held, answer)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := transport.Do(ctx, request); err == nil || ctx.Err() == nil || gauge.highest() != maxAtATime {
		t.Errorf("an eleventh request: %v, with %d connections", err, gauge.highest())
	}
	_ = held[0].Stream.Close()
	answer, err := transport.Do(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Stream.Close()
}

// A Location or a realm may spell the registry's host in its own way. Idle connections to the host must be found by it:
// they leave no room for others.
func TestSpellingsOfAHostShareConnections(t *testing.T) {
	ready := make(chan struct{}, maxAtATime)
	answer := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		ready <- struct{}{}
		<-answer
	}))
	defer server.Close()
	transport, target := newTransport(t, server.URL)
	transport.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, target.Host)
	}
	gauge := watch(transport)
	get := func(host string) error {
		_, err := transport.Do(t.Context(), Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: host}})
		return err
	}
	var group errgroup.Group
	for range maxAtATime {
		group.Go(func() error { return get("registry.example.com") })
	}
	for range maxAtATime {
		<-ready
	}
	close(answer)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := get("Registry.Example.com:80"); err != nil || gauge.highest() != maxAtATime {
		t.Errorf("a request after %d others: %v, with %d connections", maxAtATime, err, gauge.highest())
	}
}
