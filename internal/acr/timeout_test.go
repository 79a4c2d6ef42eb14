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
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// Each time-out takes its full time, so it is retried only once.
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
				timed(t, silent, func(t *testing.T, client *acr.Client, _ *pipenet.Server) {
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

// The same over real sockets and TLS, in each of the three requests and both protocols.
func TestSlowRegistryTimesOut(t *testing.T) {
	t.Parallel()
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
					faulttest.Want(t, readApp(t, client), fault.TimedOut, registry.Host(), "reading the manifest", "300ms")
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
		faulttest.Want(t, readApp(t, client), fault.TimedOut, silent.Addr().String(), "300ms")
	})
}

// A caller that gives up gets its error at once, whatever the client waits for, and no goroutine is left.
func TestCancellationEndsEveryWait(t *testing.T) {
	for name, strike := range map[string]http.HandlerFunc{
		"in back-off": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"in the wait of a registry": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"in silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in a dripping body": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		},
	} {
		for _, kind := range allKinds {
			t.Run(name+" at the "+string(kind), func(t *testing.T) {
				handler := func(w http.ResponseWriter, r *http.Request) {
					if kindOf(r) == kind {
						strike(w, r)
						return
					}
					tinyRegistry(w, r)
				}
				timed(t, handler, func(t *testing.T, client *acr.Client, _ *pipenet.Server) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					time.AfterFunc(550*time.Millisecond, cancel)
					start := time.Now()
					_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
					faulttest.Want(t, err, fault.Canceled, "reading the manifest")
					if took := time.Since(start); took != 550*time.Millisecond {
						t.Errorf("it ended after %s, want 550ms", took)
					}
				})
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

// Ten requests are under way at a time. Waiting for a turn does not count as the registry's time.
func TestWaitingForATurnIsNotTheRegistrysTime(t *testing.T) {
	const reads = 60
	var underWay, most atomic.Int32
	slow := func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), underWay.Add(1)))
		time.Sleep(time.Second)
		underWay.Add(-1)
		tinyRegistry(w, r)
	}
	timed(t, slow, func(t *testing.T, client *acr.Client, server *pipenet.Server) {
		err := together(reads, reads, func(i int) error {
			_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if got := len(server.Arrivals()); got != reads+2 {
			t.Errorf("requests = %d, want %d: one a read, a challenge and a token", got, reads+2)
		}
		if got := most.Load(); got != 10 {
			t.Errorf("requests at a time = %d, want 10", got)
		}
	}, func(config *acr.Config) { config.RequestTimeout, config.MaxRetries = 3*time.Second, 0 })
}
