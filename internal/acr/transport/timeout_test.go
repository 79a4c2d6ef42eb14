package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// A peer that does not answer costs one time-out and one more attempt, and the error says which host did not answer,
// which request it was, and for how long.
func TestSlowPeerCostsTwoTimeOuts(t *testing.T) {
	hold := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(head string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for i := 0; ; i++ {
				if _, err := conn.Write([]byte{head[min(i, len(head)-1)]}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"silence", hold},
		{"silence after the header", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			hold(w, r)
		}},
		{"silence within the body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"schema`)
			_ = http.NewResponseController(w).Flush()
			hold(w, r)
		}},
		{"one byte of the header a second", drip("HTTP/1.1 200 OK\r\nX-Slow: aaa")},
		{"one byte of the body a second", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				if http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}},
		{"redirects, each after 9 s", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(9 * time.Second)
			w.Header().Set("Location", r.URL.Path+"?n"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			timed(t, test.handler, func(t *testing.T, g getter, _ *pipenet.Server) {
				start := time.Now()
				faulttest.Want(t, g.get(t.Context()), fault.TimedOut, "localhost:5000", "30s")
				// Two attempts, and up to a second of back-off between them.
				if took := time.Since(start); took < 60*time.Second || took > 61*time.Second {
					t.Errorf("took %s, want 60 s to 61 s", took)
				}
			})
		})
	}
	t.Run("black-holed connect", func(t *testing.T) {
		timed(t, hold, func(t *testing.T, g getter, _ *pipenet.Server) {
			g.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
			}
			start := time.Now()
			faulttest.Want(t, g.get(t.Context()), fault.TimedOut, "localhost:5000", "30s")
			if took := time.Since(start); took > 61*time.Second {
				t.Errorf("took %s, want at most 61 s", took)
			}
		})
	})
	t.Run("the caller's deadline is kept", func(t *testing.T) {
		timed(t, hold, func(t *testing.T, g getter, _ *pipenet.Server) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			start := time.Now()
			faulttest.Want(t, g.get(ctx), fault.Canceled, "localhost:5000")
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("took %s, want 10 s", took)
			}
		})
	})
}
