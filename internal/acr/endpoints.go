package acr

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// endpoint is one request of ACR's or OCI's API. {name} stands for a repository, {reference} for a tag or digest.
type endpoint struct {
	method   string
	path     string
	scope    string // the scope that its challenge is predicted to name; empty if none
	accept   string
	limit    int64 // of a 2xx answer's body, in bytes
	accepted []int // the statuses that count as an answer; all others become errors
}

// acceptManifest accepts everything that a tag can name. With a shorter list a registry serves something else: without
// the index types the linux/amd64 child, without OCI's types 404, and without the header a schema 1 manifest that it
// makes up. The last element lets artifacts of older types through.
var acceptManifest = strings.Join([]string{
	ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, oci.MediaTypeDockerManifest, oci.MediaTypeDockerList, "*/*",
}, ", ")

const (
	pull    = "repository:{name}:pull"
	push    = "repository:{name}:pull,push"
	remove  = "repository:{name}:delete"
	untag   = "repository:{name}:pull,delete"
	change  = "repository:{name}:metadata_write"
	details = "repository:{name}:metadata_read"
	catalog = "registry:catalog:*"
	maxDone = 8 << 10 // bytes of the answer to a successful write, which nobody reads
)

var (
	ok       = []int{http.StatusOK}
	created  = []int{http.StatusCreated}
	accepted = []int{http.StatusAccepted}
	either   = []int{http.StatusOK, http.StatusNotFound} // whether it exists
)

// Every request of the client. Source of the paths under /v2/: OCI distribution spec 1.1, "Endpoints"; of those under
// /acr/v1/: Microsoft, "Azure Container Registry REST API"; of the scopes: recorded challenges.
var (
	base            = endpoint{http.MethodGet, "/v2/", "", "", 8 << 10, ok}
	getManifest     = endpoint{http.MethodGet, "/v2/{name}/manifests/{reference}", pull, acceptManifest, oci.MaxManifest, ok}
	putManifest     = endpoint{http.MethodPut, "/v2/{name}/manifests/{reference}", push, "", maxDone, created}
	headBlob        = endpoint{http.MethodHead, "/v2/{name}/blobs/{reference}", pull, "", 0, either}
	getBlob         = endpoint{http.MethodGet, "/v2/{name}/blobs/{reference}", pull, "", 0, ok} // a stream, checked against its descriptor
	startUpload     = endpoint{http.MethodPost, "/v2/{name}/blobs/uploads/", push, "", maxDone, accepted}
	putBlob         = endpoint{http.MethodPut, "/v2/{name}/blobs/uploads/", push, "", maxDone, created} // to the upload's own URL
	getConfig       = endpoint{http.MethodGet, "/v2/{name}/blobs/{reference}", pull, "", oci.MaxConfig, ok}
	getReferrers    = endpoint{http.MethodGet, "/v2/{name}/referrers/{reference}", pull, ocispec.MediaTypeImageIndex, MaxPageBytes, ok}
	listTags        = endpoint{http.MethodGet, "/acr/v1/{name}/_tags", details, "", MaxPageBytes, ok}
	listTagNames    = endpoint{http.MethodGet, "/v2/{name}/tags/list", pull, "", MaxPageBytes, ok}
	listManifests   = endpoint{http.MethodGet, "/acr/v1/{name}/_manifests", details, "", MaxPageBytes, ok}
	listCatalog     = endpoint{http.MethodGet, "/acr/v1/_catalog", catalog, "", MaxPageBytes, ok}
	listCatalogOCI  = endpoint{http.MethodGet, "/v2/_catalog", catalog, "", MaxPageBytes, ok}
	getRepository   = endpoint{http.MethodGet, "/acr/v1/{name}", details, "", MaxPageBytes, ok}
	getTag          = endpoint{http.MethodGet, "/acr/v1/{name}/_tags/{reference}", details, "", MaxPageBytes, ok}
	getDetails      = endpoint{http.MethodGet, "/acr/v1/{name}/_manifests/{reference}", details, "", MaxPageBytes, ok}
	patchRepository = endpoint{http.MethodPatch, "/acr/v1/{name}", change, "", MaxPageBytes, ok}
	patchTag        = endpoint{http.MethodPatch, "/acr/v1/{name}/_tags/{reference}", change, "", MaxPageBytes, ok}
	patchManifest   = endpoint{http.MethodPatch, "/acr/v1/{name}/_manifests/{reference}", change, "", MaxPageBytes, ok}
	deleteTag       = endpoint{http.MethodDelete, "/acr/v1/{name}/_tags/{reference}", remove, "", maxDone, accepted}
)

// request is an endpoint's request for one name: what is sent, and what the three steps need to know.
type request struct {
	transport.Request
	scopes   []string     // the scopes that its challenge is predicted to name
	token    secret.Text  // the caller's own access token, instead of the client's
	shared   *sharedToken // the token that opens this and other repositories; nil to request one for this request alone
	accepted []int
	isList   bool   // it reads a list
	part     string // what names it, if it is a part of something that exists: "the index names this manifest"
}

// request returns the request for a repository and a tag or digest, both validated, with a query or nil.
func (c *Client) request(e endpoint, name, reference string, query url.Values) request {
	fill := strings.NewReplacer("{name}", name, "{reference}", reference)
	target := c.config.endpoint()
	target.Path = fill.Replace(e.path)
	target.RawQuery = query.Encode()
	return request{
		Request:  transport.Request{Method: e.method, URL: target, Accept: e.accept, Limit: e.limit, Confined: !isRead(e.method)},
		scopes:   strings.Fields(fill.Replace(e.scope)),
		accepted: e.accepted,
	}
}

func (r request) accepts(status int) bool { return slices.Contains(r.accepted, status) }

// isRead reports whether the request changes nothing.
func (r request) isRead() bool { return isRead(r.Method) }

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// name returns the key of the request's challenge: requests with different names may have different challenges.
func (r request) name() string { return r.Method + " " + r.URL.String() }
