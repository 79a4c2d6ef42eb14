// Package acrtest is an Azure Container Registry in memory: the answers, the
// tokens and the traps of the real one, and faults on demand. Tests, the
// demonstration, soak runs and benchmarks talk to it over real sockets.
//
// A reader finds: registry.go (starting and stopping), routes.go (which path
// is answered by whom, after which permission), authorization.go and token.go
// (challenges and tokens), exchange.go (Entra ID), manifests.go, blobs.go, lists.go, metadata.go and
// referrers.go (the answers), content.go (filling the registry), faults.go and
// log.go (breaking it and counting what reached it).
package acrtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The credential that a registry accepts when Options.Users is nil.
const (
	DefaultUser     = "admin"
	DefaultPassword = "acrtest-password"
)

// Options says what kind of registry Start makes. The zero value is a registry
// as Azure runs it: TLS, HTTP/2, one user, no anonymous pull, ACR's own API
// and the referrers API.
type Options struct {
	// Users maps a user name to its password; nil means DefaultUser and DefaultPassword.
	Users map[string]string
	// Grants limits a user to scopes such as "repository:app:pull,metadata_read",
	// as repository-scoped tokens are; the name "*" stands for every repository.
	// A user without an entry may do everything.
	Grants map[string][]string
	// AnonymousPull hands tokens for reading to requests without a credential.
	AnonymousPull bool

	// PlainHTTP serves http; otherwise TLS under a certificate authority made by Start.
	PlainHTTP bool
	// DisableHTTP2 leaves HTTP/1.1 alone on TLS.
	DisableHTTP2 bool
	// NoAuth makes an open registry, which never challenges.
	NoAuth bool
	// WithoutACRAPI answers /acr/v1/* with 404 text/plain, as other registries do.
	WithoutACRAPI bool
	// WithoutReferrersAPI answers the referrers API with 404 and keeps the
	// referrers tag schema of the OCI distribution spec 1.1 in its place.
	WithoutReferrersAPI bool

	// Entra tells the identity behind an access token of Entra ID that comes for
	// exchange, "" where the registry refuses it; nil refuses all. Grants holds
	// for an identity as for a user. It is called from several goroutines.
	Entra func(accessToken string) (identity string)
	// WithoutExchange answers /oauth2/exchange with 404, as registries do that
	// know no Entra ID.
	WithoutExchange bool

	// WritesDisallowed answers every write with 405 REGISTRY_DISALLOWED_OPERATION,
	// as a registry over its storage does.
	WritesDisallowed bool
	// MountFallsBack answers every mount with 202, an upload in its place: the OCI
	// distribution spec allows it, no recording has it.
	MountFallsBack bool
	// ReplicaLag is how often a tag that was written is still read as it was
	// before, as from a replica that the write has not reached.
	ReplicaLag int
	// ManifestsPerSecond, where above 0, is how many requests for manifests are
	// answered within a second; the others get 429 and Retry-After.
	ManifestsPerSecond int

	// OpaqueTokens hands out tokens that are no JWT.
	OpaqueTokens bool
	// TokenField names the token in the token endpoint's answer; default
	// "access_token", as Azure has it, while other registries say "token".
	TokenField string
	// TokenLifetime is exp - iat of an access token, RefreshTokenLifetime that of
	// a refresh token; default 4500 and 11700 seconds.
	TokenLifetime        time.Duration
	RefreshTokenLifetime time.Duration

	// ServiceName is the challenge's service; default the host that the request named.
	ServiceName string
	// Realm, where set, stands verbatim in every challenge.
	Realm string
	// ChallengeHeaders, where not nil, replaces the WWW-Authenticate lines of
	// every challenge verbatim.
	ChallengeHeaders []string

	// BlobRedirect answers GET of a blob with 307 to a second listener, which
	// refuses a request that carries Authorization or lacks the signature.
	BlobRedirect bool
	// PageSize is the length of a list page when the request names none; default 100.
	PageSize int
	// LinkAfterFullPage gives every full page a Link, the last one too: the page
	// behind it is empty, and its list null. So it was in 2021.
	LinkAfterFullPage bool
	// OmitConfigMediaType leaves configMediaType out of what ACR's own API says
	// of a manifest, as recorded for imported images.
	OmitConfigMediaType bool
	// Delay passes before each answer.
	Delay time.Duration
	// Clock tells tokens their time; default time.Now.
	Clock func() time.Time
}

// Registry is a running registry. All methods may be called from several
// goroutines. The methods that fill or change the content panic when they are
// asked for the impossible, such as a change to a tag that does not exist:
// that is a mistake in the test.
type Registry struct {
	options Options
	store   store
	tokens  tokens
	log     requestLog
	faults  faults

	manifestRate rateLimit

	authority   *authority // nil with PlainHTTP
	main        *listener
	blobs       *listener
	connections atomic.Int64
	closed      chan struct{}
	serving     sync.WaitGroup
	closeOnce   sync.Once
}

// listener is one address the registry answers on.
type listener struct {
	host   string
	server *http.Server
}

// Start runs a registry on a random port of 127.0.0.1 until Close.
func Start(options Options) (*Registry, error) {
	if options.Users == nil {
		options.Users = map[string]string{DefaultUser: DefaultPassword}
	}
	if options.TokenField == "" {
		options.TokenField = "access_token"
	}
	if options.TokenLifetime == 0 {
		options.TokenLifetime = accessTokenLifetime
	}
	if options.RefreshTokenLifetime == 0 {
		options.RefreshTokenLifetime = refreshTokenLifetime
	}
	if options.PageSize == 0 {
		options.PageSize = defaultPageSize
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	r := &Registry{options: options, closed: make(chan struct{})}
	if err := r.start(); err != nil {
		r.Close()
		return nil, fmt.Errorf("starting the test registry: %w", err)
	}
	return r, nil
}

// StartT is Start for a test: where it fails, so does the test, and the registry
// closes when the test ends.
func StartT(t testing.TB, options Options) *Registry {
	t.Helper()
	registry, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

func (r *Registry) start() (err error) {
	if !r.options.PlainHTTP {
		if r.authority, err = newAuthority(); err != nil {
			return err
		}
	}
	if r.main, err = r.listen(r.handler(r.classify, r.serveRegistry), &r.connections); err != nil {
		return err
	}
	blobKind := func(*http.Request) Kind { return KindBlob }
	r.blobs, err = r.listen(r.handler(blobKind, r.serveStorage), new(atomic.Int64))
	return err
}

// handler puts delay, log and faults around an answer.
func (r *Registry) handler(classify func(*http.Request) Kind, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		kind := classify(req)
		logged := r.log.record(kind, w, req)
		defer logged.close()
		if !r.wait(req, r.options.Delay) {
			panic(http.ErrAbortHandler)
		}
		r.faults.serve(r, kind, logged, req, answer)
	}
}

// wait passes the time, and reports false when the client left or the
// registry closed before it was over.
func (r *Registry) wait(req *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
	case <-r.closed:
	}
	return false
}

func (r *Registry) listen(handler http.Handler, accepted *atomic.Int64) (*listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: time.Minute,
		MaxHeaderBytes:    1 << 20,
		ErrorLog:          log.New(io.Discard, "", 0),
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(!r.options.DisableHTTP2)
	counted := &countingListener{Listener: socket, accepted: accepted}
	serve := func() error { return server.Serve(counted) }
	if r.authority != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{r.authority.leaf}, MinVersion: tls.VersionTLS12}
		serve = func() error { return server.ServeTLS(counted, "", "") }
	}
	r.serving.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("the test registry stopped serving: %v", err))
		}
	})
	return &listener{host: socket.Addr().String(), server: server}, nil
}

// countingListener counts the TCP connections it accepts.
type countingListener struct {
	net.Listener
	accepted *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// Close ends every connection and every answer under way, hung ones too.
func (r *Registry) Close() {
	r.closeOnce.Do(func() {
		close(r.closed)
		for _, l := range []*listener{r.main, r.blobs} {
			if l != nil {
				_ = l.server.Close()
			}
		}
		r.serving.Wait()
	})
}

// Host is the login server, "127.0.0.1:port". The certificate is also valid
// for localhost, ::1 and *.azurecr.io: a client may be told to dial Host for
// such a name, and the challenges then name that host.
func (r *Registry) Host() string { return r.main.host }

// URL is Host with its scheme: "https://127.0.0.1:port".
func (r *Registry) URL() string { return r.scheme() + "://" + r.Host() }

// BlobHost is the "127.0.0.1:port" that blobs are redirected to with BlobRedirect.
func (r *Registry) BlobHost() string { return r.blobs.host }

// CAPEM is the certificate of the registry's own authority; "" with PlainHTTP.
func (r *Registry) CAPEM() string {
	if r.authority == nil {
		return ""
	}
	return r.authority.pem
}

// Connections is the number of TCP connections that the registry, without its
// blob storage, has accepted so far.
func (r *Registry) Connections() int { return int(r.connections.Load()) }

func (r *Registry) scheme() string {
	if r.options.PlainHTTP {
		return "http"
	}
	return "https"
}
