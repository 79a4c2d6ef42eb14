package acrtest

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault makes requests fail: it says which requests it strikes, and has exactly one action.
type Fault struct {
	// Kind is the kind of requests; "" for any.
	Kind Kind
	// Method is the method of requests; "" for any.
	Method string
	// Path is contained in the request's "path?query", the path decoded; "" for any.
	Path string
	// Skip is the number of matching requests that are let through first.
	Skip int
	// Times is the number of requests struck after those; 0 for all.
	Times int
	// Rate, if above 0, strikes a request with this probability instead of counting, drawn from a generator that starts
	// with Seed.
	Rate float64
	Seed int64

	// Status answers with this status. Code and Message make the body, by default as the registry words that status;
	// Body and ContentType replace it, and ContentType alone leaves it empty. RetryAfter, verbatim, and Header are
	// added.
	Status      int
	RetryAfter  string
	Code        string
	Message     string
	Body        string
	ContentType string
	Header      http.Header

	// Reset ends the connection with a TCP reset, the stream with HTTP/2, before the registry acts.
	Reset bool
	// Hang never answers: until the client leaves or the registry closes.
	Hang bool
	// ActFirst lets the registry do what the request asks for before Status, Reset or Hang: a write is done, but the
	// client does not learn of it.
	ActFirst bool
	// HangAfterHeaders sends status and headers of the true answer, and no body.
	HangAfterHeaders bool
	// Drip sends one byte of the true answer's body per interval.
	Drip time.Duration
	// Truncate announces the true Content-Length and ends the connection after this many bytes of the body.
	Truncate int

	// WrongDigest replaces Docker-Content-Digest by the digest of something else.
	WrongDigest bool
	// Tamper flips one bit in the middle of the true body, under the same headers.
	Tamper bool
	// Oversize replaces the body by a JSON object of this many bytes, sent
	// without Content-Length; math.MaxInt64 never ends.
	Oversize int64
	// GzipBomb replaces the body by a gzipped one that inflates to this many bytes of JSON.
	GzipBomb int64
	// HeaderBytes adds a header of this many bytes to the true answer.
	HeaderBytes int
	// Link and Location replace that header of the true answer, verbatim.
	Link     string
	Location string

	// Redirect answers with this Location, verbatim, and RedirectStatus, by default 307.
	Redirect       string
	RedirectStatus int

	// Handler answers instead of the registry, for anything else.
	Handler http.HandlerFunc
}

// Firewall returns the fault of a registry whose network rules do not allow the client: it answers each API request
// with 403 instead of the challenge. It was reported in issues, not recorded.
func Firewall() Fault {
	return Fault{
		Status: http.StatusForbidden,
		Body: `{"errors":[{"code":"DENIED","message":"client with IP \u0027127.0.0.1\u0027 is not allowed access. ` +
			`Refer https://aka.ms/acr/firewall to grant access."}]}` + "\n",
	}
}

// Inject adds a fault after those already there: of several that match a request the first strikes. It panics unless
// the fault has exactly one action, and ActFirst only with those that allow it. The fault ends with its Times, or with
// remove.
func (r *Registry) Inject(fault Fault) (remove func()) {
	injected := &injected{Fault: fault, action: fault.action()}
	if fault.Rate > 0 {
		injected.random = rand.New(rand.NewPCG(uint64(fault.Seed), 0))
	}
	return r.faults.add(injected)
}

// faults are the injected ones, in order.
type faults struct {
	mu   sync.Mutex
	list []*injected
}

type injected struct {
	Fault
	action action
	random *rand.Rand // nil without Rate
	met    int        // matching requests so far
}

func (f *faults) add(fault *injected) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fault)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		var rest []*injected
		for _, other := range f.list {
			if other != fault {
				rest = append(rest, other)
			}
		}
		f.list = rest
	}
}

// serve answers through the fault that strikes the request, or else truly.
func (f *faults) serve(r *Registry, kind Kind, w *loggedWriter, req *http.Request, truth http.HandlerFunc) {
	fault := f.strike(kind, req)
	if fault == nil {
		truth(w, req)
		return
	}
	s := &strike{fault: fault.Fault, registry: r, w: w, req: req, truth: truth}
	if fault.ActFirst {
		s.record()
		w.acted()
	}
	fault.action(s)
}

func (f *faults) strike(kind Kind, req *http.Request) *injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if fault.matches(kind, req) && fault.draw() {
			return fault
		}
	}
	return nil
}

func (f *injected) matches(kind Kind, req *http.Request) bool {
	place := req.URL.Path
	if req.URL.RawQuery != "" {
		place += "?" + req.URL.RawQuery
	}
	return (f.Kind == "" || f.Kind == kind) && (f.Method == "" || f.Method == req.Method) && strings.Contains(place, f.Path)
}

// draw decides whether a matching request is struck.
func (f *injected) draw() bool {
	if f.random != nil {
		return f.random.Float64() < f.Rate
	}
	f.met++
	return f.met > f.Skip && (f.Times == 0 || f.met <= f.Skip+f.Times)
}
