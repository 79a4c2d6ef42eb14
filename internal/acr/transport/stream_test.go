package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// streaming starts a server and a transport to it whose attempts follow each other at once.
func streaming(t *testing.T, timeout time.Duration, handler http.HandlerFunc) (*Transport, Request) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL + "/v2/app/blobs/x")
	if err != nil {
		t.Fatal(err)
	}
	transport, err := New(Config{Registry: target, RequestTimeout: timeout, MaxRetries: 3, Secrets: &secret.Set{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.Close)
	transport.BackOff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	return transport, Request{Step: "the step", Method: http.MethodGet, URL: target, Limit: 1 << 10}
}

func wantReason(t *testing.T, err error, want fault.Reason) {
	t.Helper()
	failed, ok := fault.As(err)
	if !ok || failed.Reason != want {
		t.Errorf("the error is %v, want one of the reason %q", err, want)
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// A body that takes longer than an attempt may is read to its end, as long as something comes.
func TestStreamTimesOutBySilenceAlone(t *testing.T) {
	t.Parallel()
	transport, r := streaming(t, 2*time.Second, func(w http.ResponseWriter, _ *http.Request) {
		for range 6 {
			_, _ = io.WriteString(w, "part ")
			flush(w)
			time.Sleep(500 * time.Millisecond)
		}
	})
	r.Streamed = true
	answer, err := transport.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Stream.Close()
	body, err := io.ReadAll(answer.Stream)
	if err != nil || string(body) != strings.Repeat("part ", 6) {
		t.Errorf("read %q, %v", body, err)
	}
}

func TestSilentStreamEnds(t *testing.T) {
	t.Parallel()
	transport, r := streaming(t, 200*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part ")
		flush(w)
		<-r.Context().Done()
	})
	r.Streamed = true
	answer, err := transport.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Stream.Close()
	body, err := io.ReadAll(answer.Stream)
	wantReason(t, err, fault.TimedOut)
	if string(body) != "part " {
		t.Errorf("read %q", body)
	}
}

// endless is content that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestUploadThatIsNotTakenEnds(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	transport, r := streaming(t, 200*time.Millisecond, func(http.ResponseWriter, *http.Request) { <-leave })
	defer close(leave)
	r.Method, r.Content, r.Size = http.MethodPut, endless{}, 1<<40
	_, err := transport.Do(t.Context(), r)
	wantReason(t, err, fault.TimedOut)
}

// slow is content that arrives slowly.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(400 * time.Millisecond)
	return s.Reader.Read(p)
}

// While the client waits for the content, the server's silence does not count.
func TestSlowContentIsNoSilenceOfTheServer(t *testing.T) {
	t.Parallel()
	transport, r := streaming(t, 200*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	r.Method, r.Content, r.Size = http.MethodPut, slow{strings.NewReader("four")}, 4
	if _, err := transport.Do(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// Content cannot be rewound, so it is sent only once, even after an answer that would otherwise be retried.
func TestContentIsSentOnce(t *testing.T) {
	var requests atomic.Int32
	transport, r := streaming(t, 10*time.Second, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r.Method, r.Content, r.Size = http.MethodPut, strings.NewReader("four"), 4
	_, err := transport.Do(t.Context(), r)
	wantReason(t, err, fault.RegistryFault)
	if requests.Load() != 1 {
		t.Errorf("%d requests, want 1", requests.Load())
	}
}

// failing is content that ends with its own error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// The error of the content's reader is returned unchanged: another party is at fault.
func TestErrorOfTheContentIsItsOwn(t *testing.T) {
	transport, r := streaming(t, 10*time.Second, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	own := &fault.Error{Reason: fault.DigestMismatch, Operation: "reading at the source"}
	r.Method, r.Content, r.Size = http.MethodPut, failing{own}, 4
	_, err := transport.Do(t.Context(), r)
	if got, _ := fault.As(err); got != own || own.Step != "" {
		t.Errorf("the error is %v", err)
	}
}

// A redirect would make the client send the content twice.
func TestContentFollowsNoRedirect(t *testing.T) {
	transport, r := streaming(t, 10*time.Second, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	r.Method, r.Content, r.Size = http.MethodPut, bytes.NewReader([]byte("four")), 4
	_, err := transport.Do(t.Context(), r)
	wantReason(t, err, fault.BadRedirect)
}

func TestRepeatBeginsAgainWhereAStreamBroke(t *testing.T) {
	broken := &fault.Error{Reason: fault.Unreachable}
	for _, test := range []struct {
		name string
		runs []error // of each run; the last one is repeated
		want int     // runs
		err  fault.Reason
	}{
		{"a broken stream", []error{broken, broken, nil}, 3, ""},
		{"one that always breaks", []error{broken}, 4, fault.Unreachable},
		{"silence, once", []error{&fault.Error{Reason: fault.TimedOut}}, 2, fault.TimedOut},
		{"a request that came too slowly", []error{&fault.Error{Reason: fault.RequestRefused, Status: 408}, nil}, 2, ""},
		{"a request that is refused", []error{&fault.Error{Reason: fault.RequestRefused, Status: 400}}, 1, fault.RequestRefused},
		{"a registry that is overloaded", []error{&fault.Error{Reason: fault.RegistryFault, Status: 503}, nil}, 2, ""},
		{"a proxy in trouble", []error{&fault.Error{Reason: fault.ProxyRefused}, nil}, 2, ""},
		{"a decision", []error{&fault.Error{Reason: fault.DigestMismatch}}, 1, fault.DigestMismatch},
		{"a wait that is too long", []error{&fault.Error{Reason: fault.RateLimited, RetryAfter: time.Hour}}, 1, fault.RateLimited},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport, _ := streaming(t, 10*time.Second, nil)
			runs := 0
			err := transport.Repeat(t.Context(), func() (bool, error) {
				runs++
				return true, test.runs[min(runs, len(test.runs))-1]
			})
			if runs != test.want {
				t.Errorf("%d runs, want %d", runs, test.want)
			}
			if test.err == "" && err != nil {
				t.Error(err)
			} else if test.err != "" {
				wantReason(t, err, test.err)
			}
		})
	}
	transport, _ := streaming(t, 10*time.Second, nil)
	runs := 0
	err := transport.Repeat(t.Context(), func() (bool, error) { runs++; return false, broken })
	if runs != 1 || !errors.Is(err, broken) {
		t.Errorf("%d runs of what no stream broke, %v", runs, err)
	}
}

func TestCancelledStreamEndsAtOnce(t *testing.T) {
	transport, r := streaming(t, time.Hour, func(w http.ResponseWriter, r *http.Request) {
		flush(w)
		<-r.Context().Done()
	})
	r.Streamed = true
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := transport.Do(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Stream.Close()
	cancel()
	_, err = io.ReadAll(answer.Stream)
	wantReason(t, err, fault.Canceled)
}
