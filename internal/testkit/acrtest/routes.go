package acrtest

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The grammar of names, as the OCI distribution spec and its reference implementation have it. A path outside it is not
// a path of the registry: 404, text/plain, without a challenge.
const (
	nameGrammar   = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*`
	tagGrammar    = `[\w][\w.-]{0,127}`
	digestGrammar = `[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`

	// ACR's own API treats a digest that is too short as an unknown one.
	shortDigestGrammar = `[a-z0-9]+:[0-9a-fA-F]+`

	uuidGrammar = `[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`
)

// target is what a request's path names: a repository, and in it a tag or a digest.
type target struct {
	name      string
	reference string
}

// digest returns the reference as a digest, and false if it is a tag.
func (t target) digest() (digest.Digest, bool) {
	return digest.Digest(t.reference), strings.Contains(t.reference, ":")
}

// route is one kind of path, with its methods.
type route struct {
	pattern *regexp.Regexp // group 1: name, group 2: reference
	methods methods
}

// methods are the methods that a path accepts. HEAD is answered like GET.
type methods map[string]endpoint

// endpoint is one method of one path: the permission that it needs, and its answer.
type endpoint struct {
	needs needs
	serve func(*Registry, http.ResponseWriter, *http.Request, target)
}

func newRoute(pattern string, methods methods) route {
	expanded := strings.NewReplacer(
		"NAME", "("+nameGrammar+")",
		"REFERENCE", "("+tagGrammar+"|"+digestGrammar+")",
		"SHORT_DIGEST", "("+shortDigestGrammar+")",
		"DIGEST", "("+digestGrammar+")",
		"TAG", "("+tagGrammar+")",
		"UUID", "("+uuidGrammar+")",
	).Replace(pattern)
	return route{regexp.MustCompile("^" + expanded + "$"), methods}
}

// The actions of the repository's scopes.
var (
	pull          = repositoryScope("pull")
	push          = repositoryScope("pull", "push")
	remove        = repositoryScope("delete")
	readMetadata  = repositoryScope("metadata_read")
	writeMetadata = repositoryScope("metadata_write")
)

var routes = []route{
	newRoute("/v2/", methods{"GET": {noScope, (*Registry).servePing}}),
	newRoute("/v2/_catalog", methods{"GET": {catalogScope, (*Registry).serveCatalog}}),
	newRoute("/v2/NAME/tags/list", methods{"GET": {readMetadata, (*Registry).serveTagList}}),
	newRoute("/v2/NAME/manifests/REFERENCE", methods{
		"GET":    {pull, (*Registry).serveManifest},
		"PUT":    {push, (*Registry).putManifest},
		"DELETE": {remove, (*Registry).deleteManifest},
	}),
	newRoute("/v2/NAME/blobs/DIGEST", methods{
		"GET":    {pull, (*Registry).serveBlob},
		"DELETE": {remove, (*Registry).deleteBlob},
	}),
	newRoute("/v2/NAME/blobs/uploads/", methods{"POST": {mountScopes, (*Registry).startUpload}}),
	newRoute("/v2/NAME/blobs/uploads/UUID", methods{
		"GET":    {push, (*Registry).uploadStatus},
		"PATCH":  {push, (*Registry).continueUpload},
		"PUT":    {push, (*Registry).finishUpload},
		"DELETE": {push, (*Registry).cancelUpload},
	}),
	newRoute("/v2/NAME/referrers/DIGEST", methods{"GET": {pull, (*Registry).serveReferrers}}),
	newRoute("/acr/v1/_catalog", methods{"GET": {catalogScope, (*Registry).serveCatalog}}),
	newRoute("/acr/v1/NAME", methods{
		"GET":    {readMetadata, (*Registry).serveRepository},
		"PATCH":  {writeMetadata, (*Registry).patchRepository},
		"DELETE": {remove, (*Registry).deleteRepository},
	}),
	newRoute("/acr/v1/NAME/_tags", methods{"GET": {readMetadata, (*Registry).serveTags}}),
	newRoute("/acr/v1/NAME/_tags/TAG", methods{
		"GET":    {readMetadata, (*Registry).serveTag},
		"PATCH":  {writeMetadata, (*Registry).patchTag},
		"DELETE": {remove, (*Registry).untag},
	}),
	newRoute("/acr/v1/NAME/_manifests", methods{"GET": {readMetadata, (*Registry).serveManifestList}}),
	newRoute("/acr/v1/NAME/_manifests/SHORT_DIGEST", methods{
		"GET":   {readMetadata, (*Registry).serveManifestMetadata},
		"PATCH": {writeMetadata, (*Registry).patchManifest},
	}),
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
	if !found || malformedMount(req) {
		pageNotFound(w)
		return
	}
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	endpoint, known := route.methods[method]
	if !known {
		writeError(w, http.StatusMethodNotAllowed, apiError{Code: "UNSUPPORTED", Message: "The operation is unsupported."})
		return
	}
	if !r.options.NoAuth {
		if refusal := r.authorize(req, endpoint.needs(req, t)); refusal != nil {
			refusal.write(w)
			return
		}
	}
	if r.options.WritesDisallowed && method != http.MethodGet {
		writeError(w, http.StatusMethodNotAllowed, disallowed)
		return
	}
	endpoint.serve(r, w, req, t)
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
