package transport

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// Everything in a request arrives, and nothing else.
func TestRequestArrivesAsItIs(t *testing.T) {
	var method, body string
	var header http.Header
	timed(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		method, body, header = r.Method, string(content), r.Header
		_, _ = w.Write([]byte("answer"))
	}, func(t *testing.T, g getter, _ *pipenet.Server) {
		whole := Request{
			Method: http.MethodPost, URL: g.target, Limit: 10, Accept: "a/b", ContentType: "c/d", Body: secret.New("made-up body"),
			Authorization: secret.New("Bearer made-up"), Header: http.Header{"X-Further": {"field"}},
		}
		for name, test := range map[string]struct {
			request Request
			header  map[string]string
			body    string
		}{
			"everything": {whole, map[string]string{"Accept": "a/b", "Content-Type": "c/d", "Authorization": "Bearer made-up", "X-Further": "field", "User-Agent": "test"}, "made-up body"},
			"nothing":    {Request{Method: http.MethodGet, URL: g.target, Limit: 10}, map[string]string{"Accept": "", "Content-Type": "", "Authorization": "", "User-Agent": "test"}, ""},
		} {
			answer, err := g.Do(t.Context(), test.request)
			if err != nil || string(answer.Body) != "answer" || answer.Status != http.StatusOK || answer.Elsewhere != "" {
				t.Fatalf("%s: answer = %+v, %v", name, answer, err)
			}
			if method != test.request.Method || body != test.body {
				t.Errorf("%s: %s with %q, want %s with %q", name, method, body, test.request.Method, test.body)
			}
			for field, want := range test.header {
				if got := header.Get(field); got != want {
					t.Errorf("%s: %s = %q, want %q", name, field, got, want)
				}
			}
		}
	}, func(c *Config) { c.UserAgent = "test" })
}

// Each attempt is one line of the log, with its status if there was one.
func TestLogHasALineForEachAttempt(t *testing.T) {
	var lines []string
	attempts := 0
	timed(t, func(w http.ResponseWriter, r *http.Request) {
		switch attempts++; attempts {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}, func(t *testing.T, g getter, _ *pipenet.Server) {
		if err := g.get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}, func(c *Config) {
		c.Log = func(_ context.Context, message string, fields map[string]any) {
			lines = append(lines, message+" "+fields["method"].(string)+" "+fields["url"].(string)+" "+fields["status"].(string))
		}
	})
	for i, want := range []string{"none", "503", "200"} {
		if want = "registry request GET http://localhost:5000/v2/ " + want; i >= len(lines) || lines[i] != want {
			t.Errorf("lines = %q, want %q at %d", lines, want, i)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines, want 3", len(lines))
	}
}
