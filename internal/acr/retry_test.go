package acr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// Transient faults are retried, in each of the three requests. Of the statuses, only 401 and 404 were recorded.
func TestPassingFaultsAreRetried(t *testing.T) {
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

// A write that begins again needs a token again. If there is none to get, that has been retried, and the write ends.
func TestTokenServersFaultEndsAWriteAfterItsOwnRetries(t *testing.T) {
	for name, write := range map[string]func(*acr.Client, string) error{
		"put": func(client *acr.Client, d string) error {
			_, err := client.PutTag(t.Context(), acr.TagRequest{Repository: "app", Tag: "prod", Digest: d})
			return err
		},
		"copy": func(client *acr.Client, d string) error {
			_, err := client.CopyImage(t.Context(), acr.CopyRequest{Source: client, SourceRepository: "app", Digest: d, Repository: "mirror"})
			return err
		},
		"delete": func(client *acr.Client, d string) error { return client.Untag(t.Context(), "app", "v", d) },
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := registry.PutImage("app", "v", acrtest.Image{})
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				registry.Inject(acrtest.Fault{
					Kind: acrtest.KindResource, Method: method, Times: 1, Status: http.StatusUnauthorized,
					Header: http.Header{"WWW-Authenticate": {`Bearer error="invalid_token"`}},
				})
			}
			registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Skip: 1, Status: http.StatusServiceUnavailable})
			client := newClient(t, registry, func(config *acr.Config) { config.MaxRetries = 2 }).WithoutBackOff()
			failed := faulttest.Want(t, write(client, d.String()), fault.RegistryFault, "for a token")
			if got := registry.Count(acrtest.KindToken); got != 1+3 || failed.Detail != "after 3 attempts" {
				t.Errorf("%d requests for a token, detail %q; want the first and 3, after 3 attempts", got, failed.Detail)
			}
		})
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

func TestRetriesEndAtMaxRetries(t *testing.T) {
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

// The limit or fault of the registry that a cache rule reads from may pass, but is not the registry's own.
func TestSourceOfACacheRuleThatFails(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: status, Message: "too many requests to source registry for cache rule 'x'."})
		err := readApp(t, newClient(t, registry, func(c *acr.Config) { c.MaxRetries = 1 }).WithoutBackOff())
		faulttest.Want(t, err, fault.CacheRule, strconv.Itoa(status), "for cache rule 'x'", "after 2 attempts")
	}
}

// No recording holds a 403 or one of the other refusals; 404 was recorded for manifests only.
func TestRefusalsAreNotRetried(t *testing.T) {
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

func TestCertificateErrorsAreNotRetried(t *testing.T) {
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

// An unknown name may be a transient fault of the resolver: it is retried once.
func TestUnknownHostIsRetriedOnce(t *testing.T) {
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

// A small soak run, without the waits; `make soak` is the large one.
func TestReadsSucceedWhereRequestsFail(t *testing.T) {
	for _, test := range []struct {
		name string
		rate float64
	}{{"1 of 10 requests", 0.1}, {"1 of 4 requests", 0.25}} {
		t.Run(test.name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true})
			for i := range 20 {
				registry.PutImage(fmt.Sprintf("app%d", i), "v", acrtest.Image{})
			}
			// Each strikes a share of what those before it let through, so that all three are equally frequent.
			registry.Inject(acrtest.Fault{Status: 429, RetryAfter: "0", Rate: test.rate / 3, Seed: 1})
			registry.Inject(acrtest.Fault{Status: 503, Rate: test.rate / 3 / (1 - test.rate/3), Seed: 2})
			registry.Inject(acrtest.Fault{Reset: true, Rate: test.rate / 3 / (1 - test.rate/3*2), Seed: 3})
			client := newClient(t, registry, func(c *acr.Config) { c.MaxRetries = 10 }).WithoutBackOff()
			err := together(200, parallelism, func(i int) error {
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
