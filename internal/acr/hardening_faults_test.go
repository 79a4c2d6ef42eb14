package acr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

var allKinds = []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource}

// protocols are both that a registry may speak: what breaks a connection in one breaks a stream in the other.
var protocols = map[string]acrtest.Options{"HTTP/1.1": {DisableHTTP2: true}, "HTTP/2": {}}

// Faults that pass are ridden out, in whichever of the three requests they occur. Of the statuses none but 401 and 404
// was recorded.
func TestHardening09RiddenOut(t *testing.T) {
	faults := map[string]acrtest.Fault{
		"reset":              {Reset: true},
		"end of file":        {Handler: closeConnection},
		"truncated body":     {Truncate: 10},
		"truncated by a bit": {Handler: shortBody},
	}
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		faults[fmt.Sprint(status)] = acrtest.Fault{Status: status}
		faults[fmt.Sprint(status, " with HTML")] = acrtest.Fault{Status: status, ContentType: "text/html", Body: "<html>"}
		faults[fmt.Sprint(status, " with too large a body")] = acrtest.Fault{Status: status, Body: strings.Repeat(" ", 9<<10)}
	}
	for protocol, options := range protocols {
		for _, kind := range allKinds {
			registry := startApp(t, options)
			for name, injected := range faults {
				t.Run(fmt.Sprintf("%s, %s at the %s", protocol, name, kind), func(t *testing.T) {
					registry.ResetLog()
					injected.Kind, injected.Times = kind, 3
					defer registry.Inject(injected)()
					if err := readApp(t, newClient(t, registry).WithoutBackOff()); err != nil {
						t.Fatal(err)
					}
					want := map[acrtest.Kind]string{acrtest.KindChallenge: "4/1/1", acrtest.KindToken: "1/4/1", acrtest.KindResource: "1/1/4"}
					wantWire(t, registry, want[kind])
				})
			}
		}
	}
}

func closeConnection(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}

// shortBody announces one byte more than it sends.
func shortBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "11")
	_, _ = io.WriteString(w, `{"a":"bcd"`)
}

func TestHardening09RetriesEnd(t *testing.T) {
	for _, retries := range []int{0, 1, 5} {
		for _, kind := range allKinds {
			t.Run(fmt.Sprintf("max_retries %d, %s", retries, kind), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				registry.Inject(acrtest.Fault{Kind: kind, Status: http.StatusBadGateway})
				client := newClient(t, registry, func(c *acr.Config) { c.MaxRetries = retries }).WithoutBackOff()
				err := readApp(t, client)
				faulttest.Want(t, err, fault.RegistryFault, "502")
				if want := fmt.Sprintf("after %d attempts", retries+1); strings.Contains(err.Error(), want) != (retries > 0) {
					t.Errorf("the error says %q: %v", want, err)
				}
				if got := registry.Count(kind); got != retries+1 {
					t.Errorf("%s requests = %d, want %d", kind, got, retries+1)
				}
			})
		}
	}
}

// No recording holds a 403 or one of the other refusals; 404 was recorded for manifests only.
func TestHardening09NeverRetried(t *testing.T) {
	for _, status := range []int{400, 402, 403, 404, 405, 406, 407, 409, 410, 413, 424, 451, 501, 505} {
		for _, kind := range allKinds {
			t.Run(fmt.Sprintf("%d at the %s", status, kind), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				registry.Inject(acrtest.Fault{Kind: kind, Status: status, RetryAfter: "1"})
				err := readApp(t, newClient(t, registry).WithoutBackOff())
				var failed *fault.Error
				if !errors.As(err, &failed) || failed.Status != status {
					t.Fatalf("error = %v, want one with status %d", err, status)
				}
				want := map[acrtest.Kind]string{acrtest.KindChallenge: "1/0/0", acrtest.KindToken: "1/1/0", acrtest.KindResource: "1/1/1"}
				wantWire(t, registry, want[kind])
			})
		}
	}
	t.Run("a second 401", func(t *testing.T) {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusUnauthorized, Header: http.Header{
			"WWW-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:pull",error="invalid_token"`, registry.URL(), registry.Host())},
		}})
		faulttest.Want(t, readApp(t, newClient(t, registry).WithoutBackOff()), fault.InvalidToken, "401")
		wantWire(t, registry, "1/2/2")
	})
	t.Run("a 401 without a challenge", func(t *testing.T) {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusUnauthorized})
		faulttest.Want(t, readApp(t, newClient(t, registry).WithoutBackOff()), fault.InvalidToken, "401")
		wantWire(t, registry, "1/1/1")
	})
}

func TestHardening09CertificateErrorsAreNotRetried(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	for name, change := range map[string]func(*acr.Config){
		"unknown authority": func(c *acr.Config) { c.CACertPEM = "" },
		"another host":      func(c *acr.Config) { c.Registry = "registry.example" },
	} {
		t.Run(name, func(t *testing.T) {
			before := registry.Connections()
			network := &theNet{otherwise: registry.Host()}
			client := newClient(t, registry, change).WithoutBackOff().DialWith(network.dial)
			faulttest.Want(t, readApp(t, client), fault.CertificateRejected, "certificate")
			if got := registry.Connections() - before; got != 1 {
				t.Errorf("connections = %d, want 1", got)
			}
		})
	}
	if got := registry.Count(""); got != 0 {
		t.Errorf("requests = %d, want none", got)
	}
}

// A name that is unknown may be a passing fault of the resolver, once.
func TestHardening09UnknownHost(t *testing.T) {
	lookups := 0
	client, err := acr.NewClient(acr.Config{Registry: "unknown.example", MaxRetries: 5})
	if err != nil {
		t.Fatal(err)
	}
	client.WithoutBackOff().DialWith(func(context.Context, string, string) (net.Conn, error) {
		lookups++
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "unknown.example", IsNotFound: true}}
	})
	faulttest.Want(t, readApp(t, client), fault.Unreachable, "unknown.example", "unknown")
	if lookups != 2 {
		t.Errorf("look-ups = %d, want 2", lookups)
	}
}

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

func (p *pipes) Close() error   { close(p.closed); return nil }
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

// A time-out costs whole time-outs, so it is tried again once.
func TestHardening09TimeOutIsTriedAgain(t *testing.T) {
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

// failOnce answers the first request with a status and a Retry-After, and the rest with a manifest.
func failOnce(status int, retryAfter func() string) http.HandlerFunc {
	failed := false
	return func(w http.ResponseWriter, r *http.Request) {
		if failed {
			manifestOf(w, r)
			return
		}
		failed = true
		w.Header().Set("Retry-After", retryAfter())
		w.WriteHeader(status)
	}
}

// No 429 was recorded; that Retry-After holds seconds up to 60 is Microsoft's documentation.
func TestHardening10RetryAfterIsHonoured(t *testing.T) {
	verbatim := func(value string) func() string { return func() string { return value } }
	date := func(ahead time.Duration) func() string {
		return func() string { return time.Now().Add(ahead).UTC().Format(http.TimeFormat) }
	}
	for _, test := range []struct {
		name       string
		status     int
		retryAfter func() string
		least      time.Duration
		most       time.Duration
	}{
		{"1 second", 429, verbatim("1"), time.Second, time.Second},
		{"1 second on 503", 503, verbatim("1"), time.Second, time.Second},
		{"spaces", 429, verbatim(" 7 "), 7 * time.Second, 7 * time.Second},
		{"leading zeros", 429, verbatim("0010"), 10 * time.Second, 10 * time.Second},
		{"the limit", 429, verbatim("60"), time.Minute, time.Minute},
		{"date", 429, date(20 * time.Second), 20 * time.Second, 20 * time.Second},
		{"date on 503", 503, date(time.Minute), time.Minute, time.Minute},
		{"date of RFC 850", 429, func() string {
			return time.Now().Add(5 * time.Second).UTC().Format("Monday, 02-Jan-06 15:04:05 GMT")
		}, 5 * time.Second, 5 * time.Second},
		{"date of asctime", 429, func() string { return time.Now().Add(5 * time.Second).UTC().Format(time.ANSIC) }, 5 * time.Second, 5 * time.Second},
		// What cannot be read leaves the client's own wait, which is under a second at first.
		{"zero", 429, verbatim("0"), 0, time.Second},
		{"empty", 429, verbatim(""), 0, time.Second},
		{"negative", 429, verbatim("-30"), 0, time.Second},
		{"plus sign", 429, verbatim("+30"), 0, time.Second},
		{"fraction", 429, verbatim("30.5"), 0, time.Second},
		{"exponent", 429, verbatim("1e9"), 0, time.Second},
		{"hexadecimal", 429, verbatim("0x30"), 0, time.Second},
		{"words", 429, verbatim("soon"), 0, time.Second},
		{"list", 429, verbatim("1, 30"), 0, time.Second},
		{"digits of another script", 429, verbatim("٣٠"), 0, time.Second},
		{"date in the past", 429, date(-time.Hour), 0, time.Second},
		{"date without a zone", 429, verbatim("2000-01-01T00:00:30"), 0, time.Second},
		{"long noise", 429, verbatim(strings.Repeat("9a", 5000)), 0, time.Second},
		// Elsewhere it has no meaning (RFC 9110 section 10.2.3).
		{"on 500", 500, verbatim("30"), 0, time.Second},
		{"on 502", 502, verbatim("3600"), 0, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			timed(t, failOnce(test.status, test.retryAfter), func(t *testing.T, client *acr.Client, arrivals *[]time.Duration) {
				if err := readApp(t, client); err != nil {
					t.Fatal(err)
				}
				if len(*arrivals) != 2 {
					t.Fatalf("requests = %d, want 2", len(*arrivals))
				}
				if wait := (*arrivals)[1] - (*arrivals)[0]; wait < test.least || wait > test.most {
					t.Errorf("waited %s, want from %s to %s", wait, test.least, test.most)
				}
			})
		})
	}
}

func TestHardening10LongRetryAfterFailsAtOnce(t *testing.T) {
	for _, test := range []struct{ name, retryAfter, says string }{
		{"just over the limit", "61", "1m1s"},
		{"an hour", "3600", "1h0m0s"},
		{"more than a duration holds", "9999999999999999999", "8760h0m0s"},
		{"more than an integer holds", strings.Repeat("9", 400), "8760h0m0s"},
		{"date far ahead", "Fri, 31 Dec 9999 23:59:59 GMT", "8760h0m0s"},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				timed(t, failOnce(status, func() string { return test.retryAfter }), func(t *testing.T, client *acr.Client, arrivals *[]time.Duration) {
					start := time.Now()
					reason := map[int]fault.Reason{429: fault.RateLimited, 503: fault.RegistryFault}[status]
					faulttest.Want(t, readApp(t, client), reason, test.says, "1m0s")
					if took := time.Since(start); took != 0 || len(*arrivals) != 1 {
						t.Errorf("%d requests in %s, want 1 at once", len(*arrivals), took)
					}
				})
			})
		}
	}
}

// Without Retry-After the wait before attempt n is a random time up to 2^n seconds, at most 30. The randomness is the
// point: clients that failed together come back apart.
func TestHardening10FullJitter(t *testing.T) {
	bounds := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	var longest, shortest [7]time.Duration
	for i := range shortest {
		shortest[i] = time.Hour
	}
	unavailable := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	timed(t, unavailable, func(t *testing.T, client *acr.Client, arrivals *[]time.Duration) {
		for range 100 {
			*arrivals = nil
			faulttest.Want(t, readApp(t, client), fault.RegistryFault, "after 8 attempts")
			for i := range bounds {
				wait := (*arrivals)[i+1] - (*arrivals)[i]
				longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
			}
		}
	}, func(c *acr.Config) { c.MaxRetries = len(bounds) })
	for i, bound := range bounds {
		bound *= time.Second
		if longest[i] > bound || longest[i] < bound*3/4 || shortest[i] > bound/4 {
			t.Errorf("wait %d was between %s and %s, want anything from 0 to %s", i+1, shortest[i], longest[i], bound)
		}
	}
}

// A small soak run, without the waits; `make soak` is the large one.
func TestHardening11FailingRegistry(t *testing.T) {
	for _, test := range []struct {
		name string
		rate float64
	}{{"1 of 10 requests", 0.1}, {"1 of 4 requests", 0.25}} {
		t.Run(test.name, func(t *testing.T) {
			registry := startRegistry(t, acrtest.Options{DisableHTTP2: true})
			for i := range 20 {
				registry.PutImage(fmt.Sprintf("app%d", i), "v", acrtest.Image{})
			}
			// Each strikes a share of what the ones before it let through, so that all three are equal.
			registry.Inject(acrtest.Fault{Status: 429, RetryAfter: "0", Rate: test.rate / 3, Seed: 1})
			registry.Inject(acrtest.Fault{Status: 503, Rate: test.rate / 3 / (1 - test.rate/3), Seed: 2})
			registry.Inject(acrtest.Fault{Reset: true, Rate: test.rate / 3 / (1 - test.rate/3*2), Seed: 3})
			client := newClient(t, registry, func(c *acr.Config) { c.MaxRetries = 10 }).WithoutBackOff()
			err := together(200, func(i int) error {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprintf("app%d", i%20), Tag: "v"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			for _, request := range registry.Requests() {
				if request.Status != http.StatusOK && request.Status != http.StatusUnauthorized {
					failed++
				}
			}
			if share := float64(failed) / float64(registry.Count("")); share < test.rate/2 || share > test.rate*2 {
				t.Errorf("%.2f of the requests failed, want about %.2f", share, test.rate)
			}
		})
	}
}

// A peer that does not answer costs one time-out and one more attempt, and the error says whom was waited for, for what
// and how long.
func TestHardening12SlowPeers(t *testing.T) {
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
func TestHardening12SlowRegistry(t *testing.T) {
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
func TestHardening12Cancellation(t *testing.T) {
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

// Tokens revoked in mid-run cost one new token for all who used them.
func TestHardening13RevokedToken(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	for i := range 40 {
		registry.PutImage("app", fmt.Sprint("v", i), acrtest.Image{Author: fmt.Sprint(i)})
	}
	client := newClient(t, registry)
	read := func(i int) error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
		return err
	}
	if err := together(20, read); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/20")
	registry.RevokeTokens()
	registry.ResetLog()
	if err := together(20, func(i int) error { return read(20 + i) }); err != nil {
		t.Fatal(err)
	}
	if got := registry.Count(acrtest.KindToken); got != 1 {
		t.Errorf("tokens = %d, want 1", got)
	}
	// At most the ten reads under way learn of it the hard way.
	if got := registry.Count(acrtest.KindResource); got > 30 {
		t.Errorf("resource requests = %d, want at most 30", got)
	}
}

// A token server that grants less than asked for says 200 all the same (recorded); the registry then says what is
// missing, and asking again would change nothing.
func TestHardening13InsufficientScope(t *testing.T) {
	registry := startApp(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	client := newClient(t, registry)
	_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.InsufficientScope, "401", "repository:app:metadata_read")
	wantWire(t, registry, "1/1/1") // two would be allowed, but the token was fresh
	_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
	faulttest.Want(t, err, fault.InsufficientScope, "401", "registry:catalog:*")
}

// A registry that wants another scope than was foreseen is believed once; one that wants another each time is not
// followed.
func TestHardening13ScopeThatMoves(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	var asked atomic.Int32
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(
			`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app%d:pull",error="insufficient_scope"`, registry.URL(), registry.Host(), asked.Add(1)))
		w.WriteHeader(http.StatusUnauthorized)
	}})
	faulttest.Want(t, readApp(t, newClient(t, registry)), fault.InsufficientScope, "repository:app2:pull")
	wantWire(t, registry, "1/2/2")
}

func TestHardening14FailedTokenIsNotRemembered(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"refused":      {Status: http.StatusUnauthorized},
		"bad request":  {Status: http.StatusBadRequest},
		"no token":     {Status: http.StatusOK, Body: "{}"},
		"too large":    {Oversize: 1 << 20},
		"bad redirect": {Redirect: "ftp://x/"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected.Kind, injected.Times = acrtest.KindToken, 1
			registry.Inject(injected)
			client := newClient(t, registry)
			if err := readApp(t, client); err == nil {
				t.Fatal("the first read succeeded")
			}
			if err := readApp(t, client); err != nil {
				t.Fatalf("the second read: %v", err)
			}
			wantWire(t, registry, "1/2/1")
		})
	}
}

// One token is fetched for two who want it; the one who began gives up, the other gets it.
func TestHardening14CancellationOfOne(t *testing.T) {
	for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken} {
		t.Run("while all wait for the "+string(kind), func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			for i := range 5 {
				registry.PutImage("app", fmt.Sprint("v", i), acrtest.Image{Author: fmt.Sprint(i)})
			}
			reached, pass := make(chan struct{}, 1), make(chan struct{})
			var truth http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) {
				reached <- struct{}{}
				<-pass
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			registry.Inject(acrtest.Fault{Kind: kind, Times: 1, Handler: truth})
			client := newClient(t, registry).WithoutBackOff()
			first, cancel := context.WithCancel(t.Context())
			cancelled := make(chan error, 1)
			go func() {
				_, err := client.Manifest(first, acr.ManifestRequest{Repository: "app", Tag: "v"})
				cancelled <- err
			}()
			<-reached
			others := make(chan error, 5)
			for i := range 5 {
				go func() {
					_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
					others <- err
				}()
			}
			time.Sleep(20 * time.Millisecond) // for the others to join; were they late, the test would still hold
			cancel()
			faulttest.Want(t, <-cancelled, fault.Canceled)
			close(pass)
			for range 5 {
				if err := <-others; err != nil {
					t.Error(err)
				}
			}
			want := map[acrtest.Kind]string{acrtest.KindChallenge: "2/1/5", acrtest.KindToken: "1/2/5"}
			wantWire(t, registry, want[kind])
		})
	}
}

// A token that is refused goes alone: those for other scopes stay.
func TestHardening14RefusedTokenGoesAlone(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.PutImage("other", "v", acrtest.Image{})
	client := newClient(t, registry)
	read := func(repository string) {
		t.Helper()
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	read("app")
	read("other")
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/app/", Times: 1, Status: http.StatusUnauthorized, Header: http.Header{
		"WWW-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:pull",error="invalid_token"`, registry.URL(), registry.Host())},
	}})
	registry.ResetLog()
	read("app")
	wantWire(t, registry, "0/1/2")
	read("other")
	wantWire(t, registry, "0/1/3")
}

// Clients for two registries and two users read at once: each registry sees its own tokens, of the right user and for
// the repository alone.
func TestHardening14TokensAreNotMixed(t *testing.T) {
	users := map[string]string{"alice": "password-of-alice", "bob": "password-of-bob"}
	var registries [2]*acrtest.Registry
	type reader struct {
		client *acr.Client
		user   string
	}
	var readers []reader
	for i := range registries {
		registries[i] = startRegistry(t, acrtest.Options{Users: users})
		for j := range 5 {
			registries[i].PutImage(fmt.Sprint("app", j), "v", acrtest.Image{})
		}
		for user, password := range users {
			client := newClient(t, registries[i], func(c *acr.Config) {
				c.Credential = auth.Basic{Username: user, Password: secret.New(password)}
			})
			readers = append(readers, reader{client, user})
		}
	}
	var reads sync.WaitGroup
	for _, r := range readers {
		for j := range 5 {
			for range 3 {
				reads.Go(func() {
					if _, err := r.client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprint("app", j), Tag: "v"}); err != nil {
						t.Error(err)
					}
					token, err := r.client.Token(t.Context(), acr.TokenRequest{Repository: fmt.Sprint("app", j)})
					if err != nil {
						t.Error(err)
					} else if token.Claims.Subject != r.user {
						t.Errorf("a token of %s was handed to %s", token.Claims.Subject, r.user)
					}
				})
			}
		}
	}
	reads.Wait()
	for _, registry := range registries {
		shown := map[string]int{}
		for _, request := range registry.Requests() {
			if request.Kind != acrtest.KindResource {
				continue
			}
			claims, err := auth.ParseClaims(secret.New(strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")))
			if err != nil {
				t.Fatal(err)
			}
			shown[claims.Subject]++
			repository := strings.Split(request.Path, "/")[2]
			if len(claims.Access) != 1 || claims.Access[0].Name != repository || !slices.Equal(claims.Audience, []string{registry.Host()}) {
				t.Errorf("%s was shown a token for %v, %v", request.Path, claims.Audience, claims.Access)
			}
		}
		if shown["alice"] < 5 || shown["bob"] < 5 {
			t.Errorf("reads by user = %v, want both", shown)
		}
	}
}

// Where a redirect leads to a host that fails, the error names that host.
func TestHardening12HostBehindARedirect(t *testing.T) {
	for name, test := range map[string]struct {
		location string
		reason   fault.Reason
		says     string
	}{
		"refuses":    {"https://127.0.0.1:1/data?sig=sentinel", fault.Unreachable, "after a redirect to https://127.0.0.1:1: the connection was refused"},
		"no port":    {"https://127.0.0.1:99999/data", fault.BadRedirect, "a Location that is not a URL to follow"},
		"not a port": {"https://127.0.0.1:0x1/data", fault.BadRedirect, "a Location that is not a URL to follow"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: test.location})
			start := time.Now()
			err := faulttest.Want(t, readApp(t, newClient(t, registry).WithoutBackOff()), test.reason, test.says)
			wantWithin(t, start, 2*time.Second)
			if strings.Contains(err.Error(), "sentinel") {
				t.Errorf("the error shows a signature: %v", err)
			}
		})
	}
	t.Run("is silent", func(t *testing.T) {
		silent := startRegistry(t, acrtest.Options{})
		silent.Inject(acrtest.Fault{Hang: true})
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: silent.URL() + "/data"})
		client := newClient(t, registry, at(registry.Host(), registry, silent), func(config *acr.Config) { config.RequestTimeout = 300 * time.Millisecond })
		faulttest.Want(t, readApp(t, client.WithoutBackOff()), fault.TimedOut, "after a redirect to "+silent.URL()+": no complete answer within request_timeout")
	})
}
