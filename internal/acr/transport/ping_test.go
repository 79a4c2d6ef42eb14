package transport

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// deaf is a connection that can stop carrying anything, like one whose other side was unplugged.
type deaf struct {
	net.Conn
	cut *atomic.Bool
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.cut.Load() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

// An HTTP/2 connection is used for a long time: pings notice that the other side is gone before the time-out does.
func TestDeadHTTP2ConnectionIsReplaced(t *testing.T) {
	certificate := httptest.NewTLSServer(nil)
	certificate.Close()
	synctest.Test(t, func(t *testing.T) {
		config := certificate.TLS.Clone()
		config.Time, config.NextProtos = time.Now, []string{"h2"}
		server := pipenet.ServeTLS(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Proto)) }, config)
		registry := &url.URL{Scheme: "https", Host: "example.com"}
		transport, err := New(Config{
			Registry: registry, RequestTimeout: 30 * time.Second, MaxRetries: 5,
			CACertPEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})),
		})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var cuts []*atomic.Bool
		transport.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := server.Dial(ctx, network, address)
			mu.Lock()
			defer mu.Unlock()
			cuts = append(cuts, new(atomic.Bool))
			return &deaf{conn, cuts[len(cuts)-1]}, err
		}
		transport.BackOff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
		get := func() {
			answer, err := transport.Do(t.Context(), Request{Method: http.MethodGet, URL: registry, Limit: 100})
			if err != nil || string(answer.Body) != "HTTP/2.0" {
				t.Fatalf("answer = %v, %v; want one over HTTP/2", answer, err)
			}
		}
		get()
		cuts[0].Store(true)
		start := time.Now()
		get()
		if took := time.Since(start); took != 15*time.Second || len(cuts) != 2 {
			t.Errorf("the second answer took %s over %d connections, want 15 s and 2", took, len(cuts))
		}
		transport.Close()
		server.Close()
	})
}
