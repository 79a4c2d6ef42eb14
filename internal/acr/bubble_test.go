package acr_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// pipes is a listener in memory: with it a whole exchange runs inside a synctest bubble, whose clock is not the
// machine's, so that waits of minutes are measured to the nanosecond and take no time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { close(p.closed); return nil }

func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// timed runs do in a bubble, with a client of an open registry that answers by handler. The arrivals are the times of
// the requests since the start.
func timed(t *testing.T, handler http.HandlerFunc, do func(t *testing.T, client *acr.Client, arrivals *[]time.Duration), change ...func(*acr.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var arrivals []time.Duration
		var mu sync.Mutex
		listener := &pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			arrivals = append(arrivals, time.Since(start))
			mu.Unlock()
			handler(w, r)
		})}
		go func() { _ = server.Serve(listener) }()
		config := acr.Config{Registry: "localhost:5000", PlainHTTP: true, RequestTimeout: acr.DefaultRequestTimeout, MaxRetries: acr.DefaultMaxRetries}
		for _, c := range change {
			c(&config)
		}
		client, err := acr.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		do(t, client.DialWith(listener.dial), &arrivals)
		client.Close()
		_ = server.Close()
		time.Sleep(time.Hour) // handlers under way notice that their client is gone; a goroutine left then fails the test
	})
}

// tinyRegistry asks for a token, hands one out and serves a manifest, for tests within a bubble.
func tinyRegistry(w http.ResponseWriter, r *http.Request) {
	switch kindOf(r) {
	case acrtest.KindChallenge:
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://localhost:5000/oauth2/token",service="localhost:5000",scope="repository:app:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
	case acrtest.KindToken:
		_, _ = io.WriteString(w, `{"access_token":"opaque"}`)
	default:
		manifestOf(w, r)
	}
}

func kindOf(r *http.Request) acrtest.Kind {
	switch {
	case r.URL.Path == "/oauth2/token":
		return acrtest.KindToken
	case r.Header.Get("Authorization") == "":
		return acrtest.KindChallenge
	default:
		return acrtest.KindResource
	}
}
