package transport

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// maxErrorBody is the largest body of an answer that is not 2xx, in bytes. A larger one is not a registry's: it is not read.
const maxErrorBody = 8 << 10

// Request is one HTTP request. It may be sent several times.
type Request struct {
	Step          string // for errors, where the request is one of several: "asking https://… for a token"
	Method        string
	URL           *url.URL
	Accept        string
	Header        http.Header // further fields; like Authorization, they stay on the origin
	ContentType   string      // of Body
	Body          secret.Text // sent with every attempt: a form may hold a refresh token; none when zero
	Authorization secret.Text // the header's whole value, such as "Bearer …"; none when zero
	Limit         int64       // of a 2xx answer's body, in bytes
	Confined      bool        // redirects must stay on the origin
	Once          bool        // no second attempt: the caller decides, or another has just tried and failed
	Passing       []int       // statuses that may pass at this server, in addition to those that may at any

	// For content of any size, which is neither kept in memory nor sent again automatically. See stream.go.
	Content  io.Reader // sent instead of Body, in one attempt; its own errors are *fault.Error and come back unchanged
	Size     int64     // of Content, in bytes
	Streamed bool      // a 2xx answer's body becomes Response.Stream
}

// Response is a complete answer: the whole body, within its limit, or a stream.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte
	Stream    io.ReadCloser // instead of Body, for a 2xx answer to a streamed request, else nil; the caller closes it
	Elsewhere string        // the origin that answered, if a redirect led away from the first; else empty
}

// IsWebPage reports whether the answer is an HTML page, such as a login or a registry's user interface. The note that
// comes with a redirect is none.
func (r *Response) IsWebPage() bool {
	return !isRedirect(r.Status) && strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html")
}

// Fault returns the error for an answer, with the registry's code, message and correlation id from it. The caller knows
// the reason and the step.
func (r *Response) Fault(reason fault.Reason, step string) *fault.Error {
	said := wire.ParseErrors(r.Body)
	failed := &fault.Error{
		Reason:        reason,
		Step:          step,
		Status:        r.Status,
		Code:          said.Code,
		Message:       said.Message,
		CorrelationID: r.Header.Get("X-Ms-Correlation-Request-Id"),
	}
	if r.Elsewhere != "" {
		failed.Detail = "after a redirect to " + r.Elsewhere
	}
	return failed
}

// attempt sends the request once and reads the whole answer. If the header came, it returns the answer with the error.
// Its time starts when it is this request's turn.
func (t *Transport) attempt(ctx context.Context, r Request) (*Response, error) {
	select {
	case t.turns <- struct{}{}:
		defer func() { <-t.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	started := t.Now()
	exchange := t.exchange
	if r.Streamed || r.Content != nil {
		exchange = t.stream
	}
	answer, err := exchange(ctx, r)
	t.trace(ctx, r, answer, t.Now().Sub(started))
	return answer, err
}

// exchange follows redirects and reads the body, all within the time of one attempt.
func (t *Transport) exchange(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, t.config.RequestTimeout)
	defer cancel()
	res, away, err := t.follow(ctx, r)
	if err != nil {
		return nil, err
	}
	return r.readWhole(res, away)
}

// readWhole reads an answer to its end. away says that a redirect led to another origin.
func (r Request) readWhole(res *http.Response, away bool) (*Response, error) {
	defer func() { _ = res.Body.Close() }()
	answer := newResponse(res, away)
	if r.Method == http.MethodHead { // its Content-Length is that of the body that GET would return
		return answer, nil
	}
	var err error
	if res.StatusCode/100 == 2 {
		answer.Body, err = wire.ReadBody(res, r.Limit)
	} else if answer.Body, err = wire.ReadBody(res, maxErrorBody); err != nil && isDecided(err) {
		answer.Body, err = nil, nil // too long or oddly encoded: status and header say enough
	}
	return answer, r.redirected(res.Request.URL, err)
}

// newResponse returns an answer without its body.
func newResponse(res *http.Response, away bool) *Response {
	answer := &Response{Status: res.StatusCode, Header: res.Header}
	if away {
		answer.Elsewhere = OriginOf(res.Request.URL).String()
	}
	return answer
}

// newRequest makes one HTTP request of r for a target, which differs from r's own after a redirect.
func (t *Transport) newRequest(ctx context.Context, r Request, target *url.URL, authorized bool) (*http.Request, error) {
	body := io.Reader(strings.NewReader(r.Body.Reveal()))
	if r.Content != nil {
		body = r.Content
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target.String(), body)
	if err != nil {
		return nil, err
	}
	req.URL.Host = secret.LowerASCII(req.URL.Host) // net/http would keep connections apart that are to one origin
	if authorized {
		maps.Copy(req.Header, r.Header)
	}
	if r.Content != nil {
		req.ContentLength = r.Size
	}
	if r.Streamed {
		req.Header.Set("Accept-Encoding", "identity") // the digest is that of the bytes as they are stored
	}
	req.Header.Set("User-Agent", t.config.UserAgent)
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	if authorized && !r.Authorization.IsZero() {
		req.Header.Set("Authorization", r.Authorization.Reveal())
	}
	return req, nil
}

// trace logs one attempt, without the query (a redirect's may be signed) and without headers. It removes secrets from
// the path: the registry may have put one into a link.
func (t *Transport) trace(ctx context.Context, r Request, answer *Response, took time.Duration) {
	if t.config.Log == nil {
		return
	}
	fields := map[string]any{
		"method": r.Method,
		"url":    t.config.Secrets.Redactor().Clean(OriginOf(r.URL).String() + r.URL.EscapedPath()),
		"took":   took.Round(time.Millisecond).String(),
		"status": "none",
	}
	if answer != nil {
		fields["status"] = strconv.Itoa(answer.Status)
	}
	t.config.Log(ctx, "registry request", fields)
}
