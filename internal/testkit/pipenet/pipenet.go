// Package pipenet serves HTTP over connections in memory. With it, a whole exchange runs inside a synctest bubble, whose
// clock is not the machine's: waits of minutes take no time, and are measured to the nanosecond.
package pipenet

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server answers on connections that come from Dial. Close it before the bubble ends.
type Server struct {
	server  http.Server
	conns   chan net.Conn
	closed  chan struct{}
	started time.Time

	mu       sync.Mutex
	arrivals []time.Duration
}

// Serve starts a server that answers with the handler.
func Serve(handler http.HandlerFunc) *Server {
	s := newServer(handler)
	go func() { _ = s.server.Serve(listener{s}) }()
	return s
}

// ServeTLS is Serve over TLS, with HTTP/2. The configuration holds the certificate.
func ServeTLS(handler http.HandlerFunc, config *tls.Config) *Server {
	s := newServer(handler)
	s.server.TLSConfig = config
	go func() { _ = s.server.ServeTLS(listener{s}, "", "") }()
	return s
}

func newServer(handler http.HandlerFunc) *Server {
	s := &Server{conns: make(chan net.Conn), closed: make(chan struct{}), started: time.Now()}
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.arrivals = append(s.arrivals, time.Since(s.started))
		s.mu.Unlock()
		handler(w, r)
	})
	return s
}

// Arrivals returns the times of the requests, since the start of the server.
func (s *Server) Arrivals() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals)
}

// Dial connects to the server, whatever the address.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case s.conns <- server:
		return client, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the server and its connections.
func (s *Server) Close() { _ = s.server.Close() }

// listener hands the connections of Dial to the server.
type listener struct{ *Server }

func (l listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error { close(l.closed); return nil }

func (l listener) Addr() net.Addr { return &net.IPAddr{} }
