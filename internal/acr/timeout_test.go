package acr_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// A time-out costs whole time-outs, so it is tried again once.
func TestTimeOutIsRetriedOnce(t *testing.T) {
	for _, kind := range allKinds {
		for _, silences := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d times at the %s", silences, kind), func(t *testing.T) {
				var asked atomic.Int32
				silent := func(w http.ResponseWriter, r *http.Request) {
					if kindOf(r) == kind && int(asked.Add(1)) <= silences {
						<-r.Context().Done()
						return
					}
					tinyRegistry(w, r)
				}
				timed(t, silent, func(t *testing.T, client *acr.Client, _ *[]time.Duration) {
					start := time.Now()
					err := readApp(t, client)
					if silences == 1 && err != nil {
						t.Error(err)
					}
					if silences == 2 {
						faulttest.Want(t, err, fault.TimedOut, "after 2 attempts")
					}
					least := time.Duration(silences) * acr.DefaultRequestTimeout
					if took := time.Since(start); asked.Load() != 2 || took < least || took > least+time.Second {
						t.Errorf("%d %s requests in %s, want 2 in %s and the back-off", asked.Load(), kind, took, least)
					}
				})
			})
		}
	}
}

// A peer that does not answer costs one time-out and one more attempt, and the error says whom was waited for, for what
// and how long.
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
			timed(t, test.handler, func(t *testing.T, client *acr.Client, _ *[]time.Duration) {
				start := time.Now()
				faulttest.Want(t, readApp(t, client), fault.TimedOut, "localhost:5000", "reading the manifest", "30s")
				// Two attempts, and up to a second of back-off between them.
				if took := time.Since(start); took < 60*time.Second || took > 61*time.Second {
					t.Errorf("took %s, want 60 s to 61 s", took)
				}
			})
		})
	}
	t.Run("black-holed connect", func(t *testing.T) {
		timed(t, hold, func(t *testing.T, client *acr.Client, _ *[]time.Duration) {
			client.DialWith(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
			})
			start := time.Now()
			faulttest.Want(t, readApp(t, client), fault.TimedOut, "localhost:5000", "30s")
			if took := time.Since(start); took > 61*time.Second {
				t.Errorf("took %s, want at most 61 s", took)
			}
		})
	})
	t.Run("the caller's deadline is kept", func(t *testing.T) {
		timed(t, hold, func(t *testing.T, client *acr.Client, _ *[]time.Duration) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			start := time.Now()
			_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
			faulttest.Want(t, err, fault.Canceled, "localhost:5000")
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("took %s, want 10 s", took)
			}
		})
	})
}

// The same over real sockets and TLS, in each of the three requests and both protocols.
func TestSlowRegistryTimesOut(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for protocol, options := range protocols {
		for _, kind := range allKinds {
			for name, injected := range map[string]acrtest.Fault{
				"silence":                  {Hang: true},
				"silence after the header": {HangAfterHeaders: true},
				"one byte every 100 ms":    {Drip: 100 * time.Millisecond},
			} {
				t.Run(fmt.Sprintf("%s, %s at the %s", protocol, name, kind), func(t *testing.T) {
					t.Parallel()
					registry := startApp(t, options)
					struck := injected
					struck.Kind = kind
					registry.Inject(struck)
					client := newClient(t, registry, func(c *acr.Config) { c.RequestTimeout, c.MaxRetries = timeout, 0 })
					start := time.Now()
					faulttest.Want(t, readApp(t, client), fault.TimedOut, registry.Host(), "reading the manifest", "300ms")
					wantWithin(t, start, timeout+4*time.Second) // on a busy machine; the clock of the test above is exact
				})
			}
		}
	}
	t.Run("silence in place of TLS", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		client, err := acr.NewClient(acr.Config{Registry: silent.Addr().String(), RequestTimeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		faulttest.Want(t, readApp(t, client), fault.TimedOut, silent.Addr().String(), "300ms")
		wantWithin(t, start, timeout+4*time.Second) // on a busy machine; the clock of the test above is exact
	})
}

// A caller that gives up gets its error at once, whatever the client waits for, and no goroutine stays behind.
func TestCancellationEndsEveryWait(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"in back-off":               {Status: 503},
		"in the wait of a registry": {Status: 429, RetryAfter: "30"},
		"in silence":                {Hang: true},
		"in a dripping body":        {Drip: 100 * time.Millisecond},
	} {
		for _, kind := range allKinds {
			t.Run(name+" at the "+string(kind), func(t *testing.T) {
				t.Parallel()
				registry := startApp(t, acrtest.Options{})
				struck := injected
				struck.Kind = kind
				registry.Inject(struck)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() {
					_, err := newClient(t, registry).Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
					done <- err
				}()
				for registry.Count(kind) == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(20 * time.Millisecond)
				start := time.Now()
				cancel()
				faulttest.Want(t, <-done, fault.Canceled, "reading the manifest")
				wantWithin(t, start, 500*time.Millisecond)
			})
		}
	}
}

func TestCancellationReachesTheCaller(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Hang: true})
	client := newClient(t, registry)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.Canceled)
}

// Ten requests are under way at a time. To wait for one's turn is not the registry's time.
func TestWaitingForATurnIsNotTheRegistrysTime(t *testing.T) {
	const reads = 60
	var underWay, most atomic.Int32
	slow := func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), underWay.Add(1)))
		time.Sleep(time.Second)
		underWay.Add(-1)
		tinyRegistry(w, r)
	}
	timed(t, slow, func(t *testing.T, client *acr.Client, arrivals *[]time.Duration) {
		err := together(reads, reads, func(i int) error {
			_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if got := len(*arrivals); got != reads+2 {
			t.Errorf("requests = %d, want %d: one a read, a challenge and a token", got, reads+2)
		}
		if got := most.Load(); got != 10 {
			t.Errorf("requests at a time = %d, want 10", got)
		}
	}, func(config *acr.Config) { config.RequestTimeout, config.MaxRetries = 3*time.Second, 0 })
}
