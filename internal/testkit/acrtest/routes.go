package acrtest

import (
	"net/http"
	"regexp"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// The grammar of names, as the OCI distribution spec and its reference
// implementation have it. A path outside it is no path of the registry: 404,
// text/plain, without a challenge.
const (
	nameGrammar   = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*`
	tagGrammar    = `[\w][\w.-]{0,127}`
	digestGrammar = `[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`
)

// target is what a request's path names: a repository, and in it a tag or a digest.
type target struct {
	name      string
	reference string
}

// digest is the reference as a digest, and false where it is a tag.
func (t target) digest() (digest.Digest, bool) {
	return digest.Digest(t.reference), strings.Contains(t.reference, ":")
}

// route is one kind of path: the permission it asks for and its answer to GET and HEAD.
type route struct {
	pattern *regexp.Regexp // group 1: name, group 2: reference
	needs   func(method string, t target) permission
	serve   func(*Registry, http.ResponseWriter, *http.Request, target)
}

func newRoute(pattern string, needs func(string, target) permission,
	serve func(*Registry, http.ResponseWriter, *http.Request, target),
) route {
	expanded := strings.NewReplacer(
		"NAME", "("+nameGrammar+")",
		"REFERENCE", "("+tagGrammar+"|"+digestGrammar+")",
		"DIGEST", "("+digestGrammar+")",
		"TAG", "("+tagGrammar+")",
	).Replace(pattern)
	return route{regexp.MustCompile("^" + expanded + "$"), needs, serve}
}

var routes = []route{
	newRoute("/v2/", needsNoScope, (*Registry).servePing),
	newRoute("/v2/_catalog", needsCatalog, (*Registry).serveCatalog),
	newRoute("/v2/NAME/tags/list", needsMetadata, (*Registry).serveTagList),
	newRoute("/v2/NAME/manifests/REFERENCE", needsContent, (*Registry).serveManifest),
	newRoute("/v2/NAME/blobs/DIGEST", needsContent, (*Registry).serveBlob),
	newRoute("/v2/NAME/blobs/uploads/.*", needsContent, nil),
	newRoute("/v2/NAME/referrers/DIGEST", needsContent, (*Registry).serveReferrers),
	newRoute("/acr/v1/_catalog", needsCatalog, (*Registry).serveCatalog),
	newRoute("/acr/v1/NAME", needsMetadata, (*Registry).serveRepository),
	newRoute("/acr/v1/NAME/_tags", needsMetadata, (*Registry).serveTags),
	newRoute("/acr/v1/NAME/_tags/TAG", needsMetadata, (*Registry).serveTag),
	newRoute("/acr/v1/NAME/_manifests", needsMetadata, (*Registry).serveManifestList),
	newRoute("/acr/v1/NAME/_manifests/DIGEST", needsMetadata, (*Registry).serveManifestMetadata),
}

// serveRegistry answers everything on the login server.
func (r *Registry) serveRegistry(w http.ResponseWriter, req *http.Request) {
	switch req.URL.Path {
	case "/oauth2/token":
		r.serveToken(w, req)
		return
	case "/oauth2/exchange":
		r.serveExchange(w, req)
		return
	}
	route, t, found := r.route(req.URL.Path)
	if !found {
		pageNotFound(w)
		return
	}
	if !r.options.NoAuth {
		if refusal := r.authorize(req, route.needs(req.Method, t)); refusal != nil {
			refusal.write(w)
			return
		}
	}
	readOnly := req.Method == http.MethodGet || req.Method == http.MethodHead
	if route.serve == nil || !readOnly {
		writeError(w, http.StatusMethodNotAllowed, apiError{Code: "UNSUPPORTED", Message: "The operation is unsupported."})
		return
	}
	route.serve(r, w, req, t)
}

func (r *Registry) route(path string) (route, target, bool) {
	if r.options.WithoutACRAPI && strings.HasPrefix(path, "/acr/") {
		return route{}, target{}, false
	}
	if r.options.WithoutReferrersAPI && strings.Contains(path, "/referrers/") {
		return route{}, target{}, false
	}
	for _, candidate := range routes {
		match := candidate.pattern.FindStringSubmatch(path)
		if match == nil {
			continue
		}
		match = append(match, "", "")
		return candidate, target{name: match[1], reference: match[2]}, true
	}
	return route{}, target{}, false
}

func (r *Registry) servePing(w http.ResponseWriter, _ *http.Request, _ target) {
	commonHeaders(w)
	writeBody(w, http.StatusOK, jsonContentType, []byte("{}"))
}
