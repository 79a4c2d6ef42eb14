// Package acrtest is an Azure Container Registry in memory, with the answers, the tokens and the oddities of the real
// one, and with faults on demand. Tests, the demonstration, soak runs and benchmarks talk to it over real sockets.
//
// A reader finds: registry.go and options.go (starting and stopping, and what kind of registry it is), routes.go (which
// path and method is answered by whom, after which permission), authorization.go, token.go and exchange.go (challenges,
// tokens, Entra ID), manifests.go, blobs.go, lists.go, metadata.go and referrers.go (reads), manifest_put.go,
// uploads.go, deletes.go and locks.go (writes), replica.go and ratelimit.go (registries that lag or limit), content.go,
// images.go and layers.go (filling the registry), faults.go and log.go (breaking it and counting what reached it).
package acrtest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/authority"
)

// Registry is a running registry. All methods may be called from several goroutines. The methods that fill or change
// the content panic if that is impossible, such as for a tag that does not exist: that is a mistake in the test.
type Registry struct {
	options Options
	store   store
	tokens  tokens
	log     requestLog
	faults  faults

	manifestRate rateLimit

	authority   *authority.Authority // nil with PlainHTTP
	main        *listener
	blobs       *listener
	connections atomic.Int64
	closed      chan struct{}
	serving     sync.WaitGroup
	closeOnce   sync.Once
}

// listener is one address the registry answers on.
type listener struct {
	host   string
	server *http.Server
}

// Start runs a registry on a random port of 127.0.0.1 until Close.
func Start(options Options) (*Registry, error) {
	r := &Registry{options: options.withDefaults(), closed: make(chan struct{})}
	if err := r.start(); err != nil {
		r.Close()
		return nil, fmt.Errorf("starting the test registry: %w", err)
	}
	return r, nil
}

// StartT is Start for a test: if it fails, the test fails, and the registry closes when the test ends.
func StartT(t testing.TB, options Options) *Registry {
	t.Helper()
	registry, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

func (r *Registry) start() (err error) {
	if !r.options.PlainHTTP {
		if r.authority, err = authority.New(); err != nil {
			return err
		}
	}
	if r.main, err = r.listen(r.handler(classify, r.serveRegistry), &r.connections); err != nil {
		return err
	}
	blobKind := func(*http.Request) Kind { return KindBlob }
	r.blobs, err = r.listen(r.handler(blobKind, r.serveStorage), new(atomic.Int64))
	return err
}

// handler adds delay, log and faults to an answer.
func (r *Registry) handler(classify func(*http.Request) Kind, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		kind := classify(req)
		logged := r.log.record(kind, w, req)
		defer logged.close()
		if !r.wait(req, r.options.Delay) {
			panic(http.ErrAbortHandler)
		}
		r.faults.serve(r, kind, logged, req, answer)
	}
}

// wait passes the time, and reports false when the client left or the registry closed before it was over.
func (r *Registry) wait(req *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
	case <-r.closed:
	}
	return false
}

func (r *Registry) listen(handler http.Handler, accepted *atomic.Int64) (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: time.Minute,
		MaxHeaderBytes:    1 << 20,
		ErrorLog:          log.New(io.Discard, "", 0),
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(!r.options.DisableHTTP2)
	counted := &countingListener{Listener: socket, accepted: accepted}
	serve := func() error { return server.Serve(counted) }
	if r.authority != nil {
		server.TLSConfig = r.authority.ServerConfig()
		serve = func() error { return server.ServeTLS(counted, "", "") }
	}
	r.serving.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("the test registry stopped serving: %v", err))
		}
	})
	return &listener{host: socket.Addr().String(), server: server}, nil
}

// countingListener counts the TCP connections it accepts.
type countingListener struct {
	net.Listener
	accepted *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// Close ends every connection and every answer under way, including hung ones.
func (r *Registry) Close() {
	r.closeOnce.Do(func() {
		close(r.closed)
		for _, l := range []*listener{r.main, r.blobs} {
			if l != nil {
				_ = l.server.Close()
			}
		}
		r.serving.Wait()
	})
}

// Host returns the login server, "127.0.0.1:port". The certificate is also valid for localhost, ::1 and *.azurecr.io: a
// client may be told to dial Host for such a name, and the challenges then name that host.
func (r *Registry) Host() string { return r.main.host }

// URL returns Host with its scheme: "https://127.0.0.1:port".
func (r *Registry) URL() string { return r.scheme() + "://" + r.Host() }

// BlobHost returns the "127.0.0.1:port" that blobs are redirected to with BlobRedirect.
func (r *Registry) BlobHost() string { return r.blobs.host }

// CAPEM returns the certificate of the registry's own authority; "" with PlainHTTP.
func (r *Registry) CAPEM() string {
	if r.authority == nil {
		return ""
	}
	return r.authority.PEM
}

// Connections returns the number of TCP connections that the registry, without its blob storage, has accepted so far.
func (r *Registry) Connections() int { return int(r.connections.Load()) }

func (r *Registry) scheme() string {
	if r.options.PlainHTTP {
		return "http"
	}
	return "https"
}
