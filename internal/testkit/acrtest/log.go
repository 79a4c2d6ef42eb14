package acrtest

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind sorts requests by their part in the exchange.
type Kind string

// The kinds of requests.
const (
	KindChallenge Kind = "challenge" // an API request without Authorization
	KindToken     Kind = "token"     // a request to /oauth2/token
	KindExchange  Kind = "exchange"  // a request to /oauth2/exchange
	KindResource  Kind = "resource"  // an API request with Authorization
	KindBlob      Kind = "blob"      // a request to the host that blobs are redirected to
)

// Request is one request as it reached the registry, and how it was answered.
type Request struct {
	Kind       Kind
	Method     string
	Path       string // decoded
	RawQuery   string
	AuthScheme string // "Basic", "Bearer" or "" without Authorization
	Status     int    // 0 until there is an answer
	Proto      string // "HTTP/1.1" or "HTTP/2.0"
	RemoteAddr string
	Header     http.Header
	Form       url.Values // of a POST to /oauth2/, its tokens included; nil elsewhere
	Received   int64      // bytes of the body, as far as it was read
	Host       string
	Arrived    time.Time
	Answered   time.Time // when the last byte was written; zero before
	Acted      bool      // a fault with ActFirst has let the registry do what was asked for
}

// Requests returns the requests since the start or the last ResetLog, in the order in which they arrived.
func (r *Registry) Requests() []Request {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	requests := make([]Request, len(r.log.requests))
	for i, request := range r.log.requests {
		requests[i] = *request
	}
	return requests
}

// Count returns the number of requests of one kind; "" counts all.
func (r *Registry) Count(kind Kind) int {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	count := 0
	for _, request := range r.log.requests {
		if kind == "" || request.Kind == kind {
			count++
		}
	}
	return count
}

// UsedConnections returns the number of TCP connections that carried a request since the start or the last ResetLog. It
// can be less than Connections: net/http closes a new connection that it no longer needs.
func (r *Registry) UsedConnections() int {
	clients := map[string]bool{}
	for _, request := range r.Requests() {
		clients[request.RemoteAddr] = true
	}
	return len(clients)
}

// ResetLog forgets the requests so far. Connections keeps counting.
func (r *Registry) ResetLog() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.log.requests = nil
}

// classify returns the kind of a request to the login server.
func classify(req *http.Request) Kind {
	switch {
	case req.URL.Path == "/oauth2/exchange":
		return KindExchange
	case strings.HasPrefix(req.URL.Path, "/oauth2/"):
		return KindToken
	case req.Header.Get("Authorization") == "":
		return KindChallenge
	default:
		return KindResource
	}
}

type requestLog struct {
	mu       sync.Mutex
	requests []*Request
}

// record logs a request, and returns a writer that completes the entry.
func (l *requestLog) record(kind Kind, w http.ResponseWriter, req *http.Request) *loggedWriter {
	entry := &Request{
		Kind:       kind,
		Method:     req.Method,
		Path:       req.URL.Path,
		RawQuery:   req.URL.RawQuery,
		AuthScheme: authScheme(req),
		Proto:      req.Proto,
		RemoteAddr: req.RemoteAddr,
		Header:     req.Header.Clone(),
		Host:       req.Host,
		Arrived:    time.Now(),
	}
	req.Body = &loggedBody{ReadCloser: req.Body, log: l, entry: entry}
	entry.Form = loggedForm(kind, req)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, entry)
	return &loggedWriter{ResponseWriter: w, log: l, entry: entry}
}

// loggedForm reads the form of a request for a token, so that a test can look
// for a secret in everything that a registry was sent.
func loggedForm(kind Kind, req *http.Request) url.Values {
	if kind != KindToken && kind != KindExchange || req.Method != http.MethodPost {
		return nil
	}
	return maps.Clone(formOf(req))
}

// authScheme returns the scheme in its usual spelling (RFC 9110 section 11.1: schemes are case-insensitive), or as it
// was sent if it is another one.
func authScheme(req *http.Request) string {
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	known := []string{"Basic", "Bearer"}
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, scheme) }); i >= 0 {
		return known[i]
	}
	return scheme
}

// loggedBody counts the bytes read from a body.
type loggedBody struct {
	io.ReadCloser
	log   *requestLog
	entry *Request
}

func (b *loggedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.entry.Received += int64(n)
	return n, err
}

// loggedWriter writes the status to the log before the client can see it.
type loggedWriter struct {
	http.ResponseWriter
	log   *requestLog
	entry *Request
}

func (w *loggedWriter) WriteHeader(status int) {
	w.log.mu.Lock()
	if w.entry.Status == 0 {
		w.entry.Status = status
	}
	w.log.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	if w.entryStatus() == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// close notes that nothing more will be written.
func (w *loggedWriter) close() {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.entry.Answered = time.Now()
}

// acted notes that a fault has let the registry act.
func (w *loggedWriter) acted() {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.entry.Acted = true
}

func (w *loggedWriter) entryStatus() int {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.entry.Status
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
