package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// failOnce answers the first request with a status and a Retry-After, and the rest with 200.
func failOnce(status int, retryAfter func() string) http.HandlerFunc {
	failed := false
	return func(w http.ResponseWriter, r *http.Request) {
		if failed {
			return
		}
		failed = true
		w.Header().Set("Retry-After", retryAfter())
		w.WriteHeader(status)
	}
}

// No 429 was recorded; that Retry-After holds seconds up to 60 is Microsoft's documentation.
func TestRetryAfterIsHonoured(t *testing.T) {
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
		// If the value cannot be parsed, the client waits as usual, under a second at first.
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
			timed(t, failOnce(test.status, test.retryAfter), func(t *testing.T, g getter, server *pipenet.Server) {
				if err := g.get(t.Context()); err != nil {
					t.Fatal(err)
				}
				arrivals := server.Arrivals()
				if len(arrivals) != 2 {
					t.Fatalf("requests = %d, want 2", len(arrivals))
				}
				if wait := arrivals[1] - arrivals[0]; wait < test.least || wait > test.most {
					t.Errorf("waited %s, want from %s to %s", wait, test.least, test.most)
				}
			})
		})
	}
}

// A date is on the registry's clock, which need not agree with this machine's.
func TestRetryAfterIsReadByTheRegistrysClock(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, time.Minute, 24 * time.Hour} {
		at := func(ahead time.Duration) string { return time.Now().Add(off + ahead).UTC().Format(http.TimeFormat) }
		answer := failOnce(http.StatusTooManyRequests, func() string { return at(20 * time.Second) })
		timed(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", at(0))
			answer(w, r)
		}, func(t *testing.T, g getter, server *pipenet.Server) {
			if err := g.get(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := server.Arrivals(); len(got) != 2 || got[1]-got[0] != 20*time.Second {
				t.Errorf("a clock off by %s: requests at %v, want 20 s between them", off, got)
			}
		})
	}
}

func TestLongRetryAfterFailsAtOnce(t *testing.T) {
	for _, test := range []struct{ name, retryAfter, says string }{
		{"just over the limit", "61", "1m1s"},
		{"an hour", "3600", "1h0m0s"},
		{"more than a duration holds", "9999999999999999999", "8760h0m0s"},
		{"more than an integer holds", strings.Repeat("9", 400), "8760h0m0s"},
		{"date far ahead", "Fri, 31 Dec 9999 23:59:59 GMT", "8760h0m0s"},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				timed(t, failOnce(status, func() string { return test.retryAfter }), func(t *testing.T, g getter, server *pipenet.Server) {
					start := time.Now()
					reason := map[int]fault.Reason{429: fault.RateLimited, 503: fault.RegistryFault}[status]
					faulttest.Want(t, g.get(t.Context()), reason, test.says, "1m0s")
					if took, got := time.Since(start), len(server.Arrivals()); took != 0 || got != 1 {
						t.Errorf("%d requests in %s, want 1 at once", got, took)
					}
				})
			})
		}
	}
}

// Without Retry-After the wait before attempt n is a random time up to 2^n seconds, at most 30. The randomness is the
// point: clients that failed together come back apart.
func TestBackOffIsRandomWithinItsBounds(t *testing.T) {
	bounds := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	var longest, shortest [7]time.Duration
	for i := range shortest {
		shortest[i] = time.Hour
	}
	unavailable := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	timed(t, unavailable, func(t *testing.T, g getter, server *pipenet.Server) {
		for range 100 {
			before := len(server.Arrivals())
			faulttest.Want(t, g.get(t.Context()), fault.RegistryFault, "after 8 attempts")
			arrivals := server.Arrivals()[before:]
			for i := range bounds {
				wait := arrivals[i+1] - arrivals[i]
				longest[i], shortest[i] = max(longest[i], wait), min(shortest[i], wait)
			}
		}
	}, func(c *Config) { c.MaxRetries = len(bounds) })
	for i, bound := range bounds {
		bound *= time.Second
		if longest[i] > bound || longest[i] < bound*3/4 || shortest[i] > bound/4 {
			t.Errorf("wait %d was between %s and %s, want anything from 0 to %s", i+1, shortest[i], longest[i], bound)
		}
	}
}

// failingDial fails each attempt to connect by an error of the system's.
func failingDial(t *testing.T, number syscall.Errno, dials *int) *Transport {
	t.Helper()
	transport, err := New(Config{Registry: &url.URL{Scheme: "https", Host: "r.example"}, RequestTimeout: time.Minute, MaxRetries: 5})
	if err != nil {
		t.Fatal(err)
	}
	transport.Dial = func(context.Context, string, string) (net.Conn, error) {
		*dials++
		return nil, systemError{call: "connect", number: number}.asNetError()
	}
	transport.BackOff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	return transport
}

func TestRefusedConnectionIsTriedTwice(t *testing.T) {
	for _, number := range systemRefusals {
		dials := 0
		_, err := failingDial(t, number, &dials).Do(t.Context(), Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "r.example"}})
		if failed, ok := fault.As(err); !ok || failed.Reason != fault.Unreachable || dials != 2 {
			t.Errorf("%v: %v after %d attempts, want 2", number, err, dials)
		}
	}
}

// A caller that gives up during the wait for the next attempt gets that error, and not that of the last attempt.
func TestGivingUpInABackOffIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		transport := failingDial(t, systemBreaks[0], &dials)
		transport.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Minute) }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(90*time.Second, cancel)
		start := time.Now()
		_, err := transport.Do(ctx, Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "r.example"}, Step: "a step"})
		failed, ok := fault.As(err)
		if !ok || failed.Reason != fault.Canceled || failed.Step != "a step" {
			t.Errorf("error = %v, want that it was cancelled", err)
		}
		if took := time.Since(start); took != 90*time.Second || dials != 2 {
			t.Errorf("it took %s and %d attempts, want 90 s and 2", took, dials)
		}
	})
}

func TestStatusesThatMayPass(t *testing.T) {
	for status, want := range map[int]bool{
		200: false, 307: false, 400: false, 401: false, 403: false, 404: false, 405: false, 407: false, 499: false, 501: false, 505: false, 507: false, 511: false, 600: false,
		408: true, 429: true, 500: true, 502: true, 503: true, 504: true, 520: true, 522: true, 530: true, 599: true,
	} {
		if got := mayPass(status); got != want {
			t.Errorf("%d may pass = %t, want %t", status, got, want)
		}
	}
}

// An answer that breaks off still has its status.
func TestBrokenAnswerTellsItsStatus(t *testing.T) {
	timed(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("half"))
	}, func(t *testing.T, g getter, server *pipenet.Server) {
		err := g.get(t.Context())
		if failed := faulttest.Want(t, err, fault.Unreachable, "broke", "after 6 attempts"); failed.Status != http.StatusOK {
			t.Errorf("status = %d, want 200", failed.Status)
		}
	})
}
