package transport

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// A proxy that cannot reach the host, or is overloaded, is asked again; one that refuses is not.
func TestConnectIsTriedAgainWhereTheProxyMayRecover(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "")
	for _, test := range []struct {
		status     int
		retryAfter string
		arrivals   []time.Duration // of each CONNECT
		detail     string
	}{
		{429, "7", []time.Duration{0, 7 * time.Second, 14 * time.Second}, "the proxy answered 429, after 3 attempts"},
		{503, "7", []time.Duration{0, 7 * time.Second, 14 * time.Second}, "the proxy answered 503, after 3 attempts"},
		{503, "", []time.Duration{0, time.Second, 2 * time.Second}, "the proxy answered 503, after 3 attempts"},
		{502, "7", []time.Duration{0, time.Second, 2 * time.Second}, "the proxy answered 502, after 3 attempts"},
		{504, "", []time.Duration{0, time.Second, 2 * time.Second}, "the proxy answered 504, after 3 attempts"},
		{503, "61", []time.Duration{0}, "the proxy asks to wait 1m1s, which is over the limit of 1m0s"},
		{407, "7", []time.Duration{0}, "the proxy answered 407"},
		{403, "", []time.Duration{0}, "the proxy answered 403"},
		{405, "", []time.Duration{0}, "the proxy answered 405"},
	} {
		synctest.Test(t, func(t *testing.T) {
			proxy := pipenet.Serve(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodConnect || r.Host != "r.example:443" {
					t.Errorf("the proxy was asked for %s %s", r.Method, r.Host)
				}
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.WriteHeader(test.status)
			})
			registry := &url.URL{Scheme: "https", Host: "r.example", Path: "/v2/"}
			transport, err := New(Config{Registry: registry, RequestTimeout: time.Minute, MaxRetries: 2})
			if err != nil {
				t.Fatal(err)
			}
			transport.Dial = proxy.Dial
			transport.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
			_, err = transport.Do(t.Context(), Request{Method: http.MethodGet, URL: registry})
			failed, ok := fault.As(err)
			if !ok || failed.Reason != fault.ProxyRefused || failed.Detail != test.detail {
				t.Errorf("%d: %v, want %q", test.status, err, test.detail)
			}
			if arrivals := proxy.Arrivals(); !slices.Equal(arrivals, test.arrivals) {
				t.Errorf("%d with Retry-After %q: CONNECT at %v, want %v", test.status, test.retryAfter, arrivals, test.arrivals)
			}
			transport.Close()
			proxy.Close()
		})
	}
}
