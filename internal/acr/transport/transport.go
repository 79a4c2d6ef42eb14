// Package transport sends a request and returns a whole answer. It has what the challenge, the token and the resource
// request share: TLS, proxies, time-outs, retries, redirects and limits. It knows nothing of tokens and manifests.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/net/http/httpproxy"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

const (
	// maxAtATime is how many requests are under way, and how many connections an origin gets: Terraform's default
	// parallelism.
	maxAtATime = 10
	// maxHeaderBytes bounds the response headers.
	maxHeaderBytes = 64 << 10
)

// Config says how requests are sent.
type Config struct {
	Registry           *url.URL      // origin of the registry, to find its proxy
	CACertPEM          string        // further certificate authorities, beside the system's
	InsecureSkipVerify bool          // no certificate check
	RequestTimeout     time.Duration // one attempt, redirects and body included
	MaxRetries         int           // further attempts after the first
	UserAgent          string
	Secrets            *secret.Set // what the log must not repeat

	// Log receives every attempt in plain strings, without headers, query and body. May be nil.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// Transport sends requests. It may be used by many goroutines.
type Transport struct {
	config Config
	base   *http.Transport
	turns  chan struct{} // has an element for each request under way

	connections connections

	// Only tests replace Now, Dial and BackOff.
	Now     func() time.Time
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	BackOff func() backoff.BackOff
}

// New checks the configuration and returns a transport. It sends nothing. Errors are *fault.Error.
func New(config Config) (*Transport, error) {
	roots, err := rootCAs(config.CACertPEM)
	if err != nil {
		return nil, err
	}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	if _, err := proxy(config.Registry); err != nil {
		// The error itself would repeat the proxy's password.
		return nil, &fault.Error{Reason: fault.ProxyRefused, Operation: "reading the proxy settings", Detail: "HTTPS_PROXY or HTTP_PROXY holds no usable URL"}
	}
	t := &Transport{
		config:  config,
		turns:   make(chan struct{}, maxAtATime),
		Now:     time.Now,
		Dial:    (&net.Dialer{Timeout: config.RequestTimeout}).DialContext,
		BackOff: fullJitter,
	}
	t.base = &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if isLinkLocal(r.URL.Hostname()) {
				return nil, nil
			}
			return proxy(r.URL)
		},
		DialContext: t.dial,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            roots,
			InsecureSkipVerify: config.InsecureSkipVerify, //nolint:gosec // the user's own choice, answered with a warning
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConnsPerHost:    maxAtATime,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    config.RequestTimeout, // also where the request that dialled has got another connection
		MaxResponseHeaderBytes: maxHeaderBytes,
		OnProxyConnectResponse: refusedByProxy,
	}
	return t, nil
}

// isLinkLocal reports whether a host can only be on this machine's own link, as Azure's metadata service is. Through a
// proxy, the identity would be the proxy's.
func isLinkLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLinkLocalUnicast()
}

// Close drops idle connections. The transport stays usable.
func (t *Transport) Close() { t.base.CloseIdleConnections() }

// rootCAs adds the PEM certificates to the system's. Without any it returns nil, which means the system's alone.
func rootCAs(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, fault.Invalid("ca_cert_pem", "contains no PEM certificate")
	}
	return roots, nil
}

// proxyRefusal is a proxy's answer to CONNECT other than 200.
type proxyRefusal struct {
	status int
	header http.Header
}

func (p *proxyRefusal) Error() string { return fmt.Sprintf("the proxy answered %d", p.status) }

func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &proxyRefusal{answer.StatusCode, answer.Header}
	}
	return nil
}
