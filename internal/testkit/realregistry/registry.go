// Package realregistry runs registries of other projects, so that tests can compare answers with theirs.
//
// [Start] runs the CNCF Distribution registry, which verifies tokens for real, behind a front that issues those tokens:
// registry and token endpoint share one origin, as they do on Azure. [StartReferrers] runs one that has the referrers
// API. Images are pushed and read with crane, oras and regctl. All of these are built from the modules below tools/.
//
// The package is for tests only.
package realregistry

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/authority"
)

// Options selects what kind of registry [Start] runs. The zero value is plain http with token authentication.
type Options struct {
	// TLS serves https with a certificate that [Registry.CAPEM] vouches for.
	TLS bool
	// NoAuth serves everything without a challenge.
	NoAuth bool
	// AnonymousPull names the repositories for which a token asked for without a credential grants pull.
	AnonymousPull []string
}

// Registry is a running registry. [Registry.Close] ends it.
type Registry struct {
	// Clients are signed in as [Username].
	Clients

	dir       string
	host      string
	authority *authority.Authority // nil for plain http
	signer    *tokenSigner         // nil without authentication
	process   *process
	front     *http.Server

	mu       sync.Mutex
	requests []*Request
}

// Request is one request that reached the registry or its token endpoint.
type Request struct {
	Host          string // host:port, as the client wrote it
	Method        string
	Path          string
	Query         string // undecoded
	Authorization string // the scheme alone: "Basic", "Bearer" or empty
	Status        int    // of the answer
}

// Start runs the Distribution registry on a free loopback port, empty, until [Registry.Close].
func Start(options Options) (*Registry, error) {
	return start(options, func(r *Registry) (*process, error) {
		configuration, err := r.configure()
		if err != nil {
			return nil, err
		}
		return startProcess("registry", "serve", configuration)
	})
}

// StartReferrers runs a registry with the referrers API, without authentication and over plain http.
func StartReferrers() (*Registry, error) {
	return start(Options{NoAuth: true}, func(*Registry) (*process, error) { return startProcess("referrers") })
}

func start(options Options, run func(*Registry) (*process, error)) (*Registry, error) {
	r := &Registry{}
	if err := r.start(options, run); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// start sets up everything around the registry's process: its folder, its front, the token endpoint and the clients.
func (r *Registry) start(options Options, run func(*Registry) (*process, error)) (err error) {
	if r.dir, err = os.MkdirTemp("", "realregistry"); err != nil {
		return err
	}
	if options.TLS {
		if r.authority, err = authority.New(); err != nil {
			return err
		}
	}
	front := http.NewServeMux()
	if r.host, err = r.serve(front); err != nil {
		return err
	}
	if !options.NoAuth {
		if r.signer, err = newTokenSigner(r.host); err != nil {
			return err
		}
		front.Handle(tokenPath, &tokenServer{signer: r.signer, anonymousPull: options.AnonymousPull})
	}
	if r.process, err = run(r); err != nil {
		return err
	}
	front.Handle("/", reverseProxy(r.process.address))
	r.Clients, err = r.Login(Username, Password)
	return err
}

// Host returns the registry's login server, host:port.
func (r *Registry) Host() string { return r.host }

// CAPEM returns the certificate authority of a TLS registry in PEM, or "" for plain http.
func (r *Registry) CAPEM() string {
	if r.authority == nil {
		return ""
	}
	return r.authority.PEM
}

// Requests returns what has reached the registry and its token endpoint since the start or the last [Registry.ResetLog].
func (r *Registry) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := make([]Request, len(r.requests))
	for i, request := range r.requests {
		requests[i] = *request
	}
	return requests
}

// ResetLog forgets the requests so far.
func (r *Registry) ResetLog() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// Close ends the registry and removes what it stored.
func (r *Registry) Close() {
	if r.front != nil {
		r.front.Close()
	}
	if r.process != nil {
		r.process.stop()
	}
	os.RemoveAll(r.dir)
}

// configure writes the configuration of the Distribution registry and returns its path. JSON is YAML enough for it.
// https://distribution.github.io/distribution/about/configuration/
func (r *Registry) configure() (string, error) {
	configuration := map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "info", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{
			"filesystem": map[string]any{"rootdirectory": filepath.Join(r.dir, "storage")},
			"delete":     map[string]any{"enabled": true},
		},
		"http": map[string]any{"addr": "127.0.0.1:0", "relativeurls": true},
	}
	if r.signer != nil {
		bundle := filepath.Join(r.dir, "token-signer.pem")
		if err := os.WriteFile(bundle, r.signer.certificatePEM, 0o600); err != nil {
			return "", err
		}
		configuration["auth"] = map[string]any{"token": map[string]any{
			"realm":          r.realm(),
			"service":        r.signer.service,
			"issuer":         issuer,
			"rootcertbundle": bundle,
		}}
	}
	path := filepath.Join(r.dir, "registry.yml")
	return path, writeJSON(path, configuration)
}

func (r *Registry) realm() string {
	scheme := "http"
	if r.authority != nil {
		scheme = "https"
	}
	return scheme + "://" + r.host + tokenPath
}

// serve answers with the handler on a free loopback port until Close, and returns its host:port.
func (r *Registry) serve(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	r.front = &http.Server{
		Handler:  r.logged(handler),
		ErrorLog: log.New(io.Discard, "", 0), // a client that distrusts the certificate is part of the tests
	}
	if r.authority == nil {
		go r.front.Serve(listener)
	} else {
		r.front.TLSConfig = r.authority.ServerConfig()
		go r.front.ServeTLS(listener, "", "")
	}
	return listener.Addr().String(), nil
}

// logged notes each request when it arrives and its status before the answer leaves, so that a client that has read an
// answer finds it in the log.
func (r *Registry) logged(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		entry := &Request{
			Host:          request.Host,
			Method:        request.Method,
			Path:          request.URL.Path,
			Query:         request.URL.RawQuery,
			Authorization: authorizationScheme(request),
			Status:        http.StatusOK,
		}
		r.mu.Lock()
		r.requests = append(r.requests, entry)
		r.mu.Unlock()

		handler.ServeHTTP(&statusWriter{w, func(status int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			entry.Status = status
		}}, request)
	})
}

// statusWriter records the status that a handler answers with.
type statusWriter struct {
	http.ResponseWriter
	note func(status int)
}

func (w *statusWriter) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func reverseProxy(address string) http.Handler {
	backend := &url.URL{Scheme: "http", Host: address}
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(backend)
			request.Out.Host = request.In.Host
			request.SetXForwarded()
		},
		// The proxy's default transport asks for gzip and unpacks it: the client must get what the registry sent.
		Transport: &http.Transport{DisableCompression: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, fmt.Sprintf("the registry did not answer: %v", err), http.StatusBadGateway)
		},
	}
}
