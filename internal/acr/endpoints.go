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

// The scopes that challenges name. Source: recorded challenges.
const (
	scopePull          = "repository:{name}:pull"
	scopePush          = "repository:{name}:pull,push"
	scopeDelete        = "repository:{name}:delete"
	scopeUntag         = "repository:{name}:pull,delete" // with the reads before it
	scopeMetadataRead  = "repository:{name}:metadata_read"
	scopeMetadataWrite = "repository:{name}:metadata_write"
	scopeCatalog       = "registry:catalog:*"
)

// maxDone is the limit of the answer to a successful write, in bytes. Nobody reads it.
const maxDone = 8 << 10

var (
	only200 = []int{http.StatusOK}
	only201 = []int{http.StatusCreated}
	only202 = []int{http.StatusAccepted}
	created = []int{http.StatusCreated, http.StatusAccepted} // Quay answers 202 to a manifest

	// Whether a blob exists. A redirect leads to where it is stored, which need not answer: storage signs addresses for
	// GET alone, and firewalls keep it from machines that only push.
	existence = []int{
		http.StatusOK, http.StatusNotFound,
		http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	}
)

// Every request of the client. Source of the paths under /v2/: OCI distribution spec 1.1, "Endpoints"; of those under
// /acr/v1/: Microsoft, "Azure Container Registry REST API".
var (
	checkVersion       = endpoint{http.MethodGet, "/v2/", "", "", 8 << 10, only200}
	getManifest        = endpoint{http.MethodGet, "/v2/{name}/manifests/{reference}", scopePull, acceptManifest, oci.MaxManifest, only200}
	putManifest        = endpoint{http.MethodPut, "/v2/{name}/manifests/{reference}", scopePush, "", maxDone, created}
	headBlob           = endpoint{http.MethodHead, "/v2/{name}/blobs/{reference}", scopePull, "", 0, existence}
	getBlob            = endpoint{http.MethodGet, "/v2/{name}/blobs/{reference}", scopePull, "", 0, only200} // a stream, checked against its descriptor
	startUpload        = endpoint{http.MethodPost, "/v2/{name}/blobs/uploads/", scopePush, "", maxDone, only202}
	putBlob            = endpoint{http.MethodPut, "/v2/{name}/blobs/uploads/", scopePush, "", maxDone, only201} // to the upload's own URL
	getConfig          = endpoint{http.MethodGet, "/v2/{name}/blobs/{reference}", scopePull, "", oci.MaxConfig, only200}
	getReferrers       = endpoint{http.MethodGet, "/v2/{name}/referrers/{reference}", scopePull, ocispec.MediaTypeImageIndex, MaxPageBytes, only200}
	listTags           = endpoint{http.MethodGet, "/acr/v1/{name}/_tags", scopeMetadataRead, "", MaxPageBytes, only200}
	listTagNames       = endpoint{http.MethodGet, "/v2/{name}/tags/list", scopePull, "", MaxPageBytes, only200}
	listManifests      = endpoint{http.MethodGet, "/acr/v1/{name}/_manifests", scopeMetadataRead, "", MaxPageBytes, only200}
	listCatalog        = endpoint{http.MethodGet, "/acr/v1/_catalog", scopeCatalog, "", MaxPageBytes, only200}
	listCatalogOCI     = endpoint{http.MethodGet, "/v2/_catalog", scopeCatalog, "", MaxPageBytes, only200}
	getRepository      = endpoint{http.MethodGet, "/acr/v1/{name}", scopeMetadataRead, "", MaxPageBytes, only200}
	getTag             = endpoint{http.MethodGet, "/acr/v1/{name}/_tags/{reference}", scopeMetadataRead, "", MaxPageBytes, only200}
	getManifestDetails = endpoint{http.MethodGet, "/acr/v1/{name}/_manifests/{reference}", scopeMetadataRead, "", MaxPageBytes, only200}
	patchRepository    = endpoint{http.MethodPatch, "/acr/v1/{name}", scopeMetadataWrite, "", MaxPageBytes, only200}
	patchTag           = endpoint{http.MethodPatch, "/acr/v1/{name}/_tags/{reference}", scopeMetadataWrite, "", MaxPageBytes, only200}
	patchManifest      = endpoint{http.MethodPatch, "/acr/v1/{name}/_manifests/{reference}", scopeMetadataWrite, "", MaxPageBytes, only200}
	deleteTag          = endpoint{http.MethodDelete, "/acr/v1/{name}/_tags/{reference}", scopeDelete, "", maxDone, only202}
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
