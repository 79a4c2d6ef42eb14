package acr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/net/http/httpproxy"
)

const (
	// maxConnsPerHost is Terraform's default parallelism: more sockets would only wait.
	maxConnsPerHost = 10
	// maxHeaderBytes bounds the response headers.
	maxHeaderBytes = 64 << 10
	// maxErrorBody bounds the body of an answer that is not 2xx.
	maxErrorBody = 8 << 10
	// maxRetryAfter is the longest wait that a registry may ask for.
	maxRetryAfter = 60 * time.Second
)

// transport sends requests. All that is common to the challenge, the token and the resource request is here and in
// redirect.go: time-outs, retries that cover the body, redirects, limits. It knows nothing of tokens and manifests.
type transport struct {
	base       *http.Transport
	timeout    time.Duration // one attempt, redirects and body included
	maxRetries int
	userAgent  string
	secrets    secret.Set // what no error may repeat
	newBackOff func() backoff.BackOff
	now        func() time.Time
	log        func(ctx context.Context, message string, fields map[string]any)
}

func newTransport(config Config) (*transport, error) {
	base, err := newRoundTripper(config)
	if err != nil {
		return nil, err
	}
	t := &transport{
		base:       base,
		timeout:    config.RequestTimeout,
		maxRetries: config.MaxRetries,
		userAgent:  config.UserAgent,
		newBackOff: fullJitter,
		now:        time.Now,
		log:        config.Log,
	}
	t.secrets.Add(config.Credential.secrets()...)
	return t, nil
}

func newRoundTripper(config Config) (*http.Transport, error) {
	roots, err := rootCAs(config.CACertPEM)
	if err != nil {
		return nil, err
	}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	if _, err := proxy(config.endpoint()); err != nil {
		// The error itself would repeat the proxy's password.
		return nil, &fault.Error{Reason: fault.ProxyRefused, Operation: "reading the proxy settings", Detail: "HTTPS_PROXY or HTTP_PROXY holds no usable URL"}
	}
	return &http.Transport{
		Proxy:       func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext: (&net.Dialer{Timeout: config.RequestTimeout}).DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            roots,
			InsecureSkipVerify: config.InsecureSkipVerify, //nolint:gosec // the user's own choice, answered with a warning
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		MaxConnsPerHost:        maxConnsPerHost,
		MaxIdleConnsPerHost:    maxConnsPerHost,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		OnProxyConnectResponse: refusedByProxy,
	}, nil
}

// rootCAs adds the PEM certificates to the system's; nil, the system's alone, without any.
func rootCAs(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, fault.Invalid("ca_cert_pem", "holds no PEM certificate")
	}
	return roots, nil
}

// proxyRefusal is a proxy's answer to CONNECT other than 200.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string { return fmt.Sprintf("the proxy answered %d", p.status) }

func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &proxyRefusal{answer.StatusCode}
	}
	return nil
}

// fullJitter waits a random time between 0 and 1 s, then 2 s, 4 s, … 30 s.
func fullJitter() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     500 * time.Millisecond,
		RandomizationFactor: 1, // interval ± interval, that is from 0 to twice the interval
		Multiplier:          2,
		MaxInterval:         15 * time.Second,
	}
}

// request is one HTTP request, to be sent as often as it takes.
type request struct {
	operation     string // for errors: "reading the manifest app:1.0"
	step          string // for errors: "asking https://… for a token"
	method        string
	url           *url.URL
	accept        string
	authorization secret.Text // the header's whole value, such as "Bearer …"; none when zero
	form          url.Values  // the body of a POST
	limit         int64       // of a 2xx answer's body, in bytes
	confined      bool        // redirects must stay on the origin
	tries         tries
}

// tries says how often a request is made.
type tries int

const (
	asOften  tries = iota // as max_retries allows
	onlyOnce              // since another has just been made in vain
)

// response is a complete answer: the whole body, within its limit.
type response struct {
	status    int
	header    http.Header
	body      []byte
	elsewhere string // the origin that answered, where a redirect led away from the first; else empty
	scope     string // what the token was asked with; empty without one
}

// do sends the request until it has an answer to keep: any status but those that a retry may mend. The body is read
// within the retried part, so that a truncated one is fetched again. An error is always an *Error.
func (t *transport) do(ctx context.Context, r request) (*response, error) {
	var last *failure
	attempts, fragile := 0, 0
	most := uint(t.maxRetries) + 1
	if r.tries == onlyOnce {
		most = 1
	}
	answer, err := backoff.Retry(ctx, func() (*response, error) {
		var answer *response
		attempts++
		if answer, last = t.attempt(ctx, r); last == nil {
			return answer, nil
		}
		if last.retry == once {
			fragile++
		}
		if last.retry == never || fragile > 1 {
			return nil, backoff.Permanent(last.err)
		}
		if last.err.RetryAfter > 0 {
			return nil, &backoff.RetryAfterError{Duration: last.err.RetryAfter}
		}
		return nil, last.err
	}, backoff.WithBackOff(t.newBackOff()), backoff.WithMaxTries(most), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, cancelled(r)
	case attempts > 1:
		last.err.Detail = strings.TrimPrefix(fmt.Sprintf("%s, after %d attempts", last.err.Detail, attempts), ", ")
	}
	return nil, last.err
}

func cancelled(r request) *fault.Error {
	return &fault.Error{Reason: fault.Canceled, Operation: r.operation, Step: r.step, Detail: "cancelled before an answer came"}
}

// attempt sends the request once and reads the whole answer.
func (t *transport) attempt(ctx context.Context, r request) (*response, *failure) {
	started := t.now()
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	answer, err := t.exchange(limited, r)
	t.trace(ctx, r, answer, t.now().Sub(started))
	if answer != nil && retryable(answer.status) && ctx.Err() == nil {
		return nil, t.statusFailure(r, answer) // whatever became of the body
	}
	if err != nil {
		failed := t.classify(ctx, r, err)
		if answer != nil {
			failed.err.Status = answer.status
		}
		return nil, failed
	}
	return answer, nil
}

// exchange follows redirects and reads the body. With an error there is an answer once its header came.
func (t *transport) exchange(ctx context.Context, r request) (*response, error) {
	res, away, err := t.follow(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	limit := r.limit
	if res.StatusCode/100 != 2 {
		limit = maxErrorBody
	}
	answer := &response{status: res.StatusCode, header: res.Header}
	if away {
		answer.elsewhere = originOf(res.Request.URL).String()
	}
	answer.body, err = readBody(res, limit)
	return answer, r.redirected(res.Request.URL, err)
}

// newRequest makes one HTTP request of r for a target, which differs from r's own after a redirect.
func (t *transport) newRequest(ctx context.Context, r request, target *url.URL, authorized bool) (*http.Request, error) {
	var body io.Reader
	if r.form != nil {
		body = strings.NewReader(r.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", t.userAgent)
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorized && !r.authorization.IsZero() {
		req.Header.Set("Authorization", r.authorization.Reveal())
	}
	return req, nil
}

// trace logs one attempt. It names no query (a redirect's may be signed) and no header, and of a path no secret: the
// registry may have put one into the link that it is asked by.
func (t *transport) trace(ctx context.Context, r request, answer *response, took time.Duration) {
	if t.log == nil {
		return
	}
	fields := map[string]any{
		"method": r.method,
		"url":    t.secrets.Redactor().Clean(originOf(r.url).String() + r.url.EscapedPath()),
		"took":   took.Round(time.Millisecond).String(),
		"status": "none",
	}
	if answer != nil {
		fields["status"] = strconv.Itoa(answer.status)
	}
	t.log(ctx, "registry request", fields)
}

// retryable reports whether the same request may get another answer later (RFC 9110 sections 15.5.9 and 15.6, RFC
// 6585 section 4).
func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// parseRetryAfter reads a Retry-After value (RFC 9110 section 10.2.3): seconds or a date. It gives 0 for what is
// unreadable or not in the future, so that the caller's own back-off applies, and never more than a year.
func parseRetryAfter(value string, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour
	value = strings.TrimSpace(value)
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil || time.Duration(seconds)*time.Second > most {
			return most
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), most)
}
