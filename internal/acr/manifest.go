package acr

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Docker's media types. OCI's are in ocispec.
const (
	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaTypeDockerConfig   = "application/vnd.docker.container.image.v1+json"
	mediaTypeDockerSchema1  = "application/vnd.docker.distribution.manifest.v1"
)

// maxManifest bounds a manifest's body.
const maxManifest = 4 << 20

// headerContentDigest is where registries name a manifest's digest.
const headerContentDigest = "Docker-Content-Digest"

// acceptManifest asks for all that a tag can be. Of a shorter list a registry makes something else: without the lists
// it serves the linux/amd64 child, without OCI it answers 404, and without any header it makes up a schema 1 manifest.
// The last element lets artifacts of older types through.
var acceptManifest = strings.Join([]string{
	ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, mediaTypeDockerManifest, mediaTypeDockerList, "*/*",
}, ", ")

// Descriptor is OCI's content descriptor.
type Descriptor = ocispec.Descriptor

// Manifest is a manifest or index with its bytes.
type Manifest struct {
	Repository    string
	Digest        digest.Digest // of Body
	MediaType     string
	ArtifactType  string // empty where absent
	SchemaVersion int64  // 0 where absent
	Size          int64  // of Body, in bytes
	Body          []byte // as the registry sent them: their digest is what is signed and pinned
	Annotations   map[string]string
	Config        *Descriptor  // nil where absent
	Subject       *Descriptor  // nil where absent
	Layers        []Descriptor // nil where absent
	Manifests     []Descriptor // children of an index; nil where absent
}

// IsIndex reports whether the manifest lists others: an OCI index or a Docker manifest list.
func (m *Manifest) IsIndex() bool {
	return m.MediaType == ocispec.MediaTypeImageIndex || m.MediaType == mediaTypeDockerList || m.Manifests != nil
}

// ManifestRequest names a manifest.
type ManifestRequest struct {
	Repository  string
	Tag         string // this or Digest
	Digest      string
	Platform    string      // `os/architecture[/variant]`: follow an index to this child; empty for what is there
	AccessToken secret.Text // used as it is in place of the client's own tokens; zero for those
}

func (r ManifestRequest) reference() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

func (r ManifestRequest) validate() error {
	if err := ValidateRepository(r.Repository); err != nil {
		return err
	}
	if !r.AccessToken.IsZero() {
		if err := ValidateAccessToken(r.AccessToken); err != nil {
			return err
		}
	}
	if r.Platform != "" {
		if _, err := ParsePlatform(r.Platform); err != nil {
			return err
		}
	}
	if r.Digest != "" {
		return ValidateDigest(r.Digest)
	}
	return ValidateTag(r.Tag)
}

// Pin gives the reference that names a manifest for ever: `registry/repository@digest`.
func (c *Client) Pin(repository string, d digest.Digest) string {
	return c.config.Registry + "/" + repository + "@" + d.String()
}

// Manifest reads a manifest, and follows an index to the platform where one is asked for. Errors are *Error; IsMissing
// tells that the registry has no such manifest.
func (c *Client) Manifest(ctx context.Context, req ManifestRequest) (manifest *Manifest, err error) {
	defer c.redact(&err)
	if err := c.validate(req); err != nil {
		return nil, err
	}
	manifest, err = c.sharedManifest(ctx, req)
	if err != nil || req.Platform == "" {
		return manifest, err
	}
	return c.forPlatform(ctx, req, manifest)
}

// validate checks a request, and that a token of the caller's own does not cross the network in the clear.
func (c *Client) validate(req ManifestRequest) error {
	home := originOf(c.config.endpoint())
	if !req.AccessToken.IsZero() && home.scheme == "http" && !home.isLoopback() {
		return fault.Invalid("access_token", "would go to %s in the clear; only a loopback host may have it over http", home.hostport())
	}
	return req.validate()
}

// sharedManifest reads a manifest once for all who want it at the same time. Nothing is kept for later: a tag may move.
func (c *Client) sharedManifest(ctx context.Context, req ManifestRequest) (*Manifest, error) {
	if !req.AccessToken.IsZero() {
		return c.manifest(ctx, req)
	}
	manifest, err := c.manifests.do(ctx, req.Repository+"@"+req.reference(), func(ctx context.Context) (*Manifest, error) {
		return c.manifest(ctx, req)
	})
	return manifest, relabelled(err, c.readingManifest(req))
}

func (c *Client) readingManifest(req ManifestRequest) string {
	separator := ":"
	if req.Digest != "" {
		separator = "@"
	}
	return fmt.Sprintf("reading the manifest %s/%s%s%s", c.config.Registry, req.Repository, separator, req.reference())
}

func (c *Client) manifest(ctx context.Context, req ManifestRequest) (*Manifest, error) {
	r := resource{
		operation: c.readingManifest(req),
		url:       c.url("/v2/"+req.Repository+"/manifests/"+req.reference(), nil),
		accept:    acceptManifest,
		limit:     maxManifest,
		scope:     "repository:" + req.Repository + ":pull",
		token:     req.AccessToken,
	}
	answer, err := c.read(ctx, r)
	if err != nil {
		return nil, err
	}
	manifest, reason, err := newManifest(answer, req)
	if err != nil {
		failed := c.transport.badAnswer(r.request(), answer, err)
		failed.Reason = reason
		return nil, failed
	}
	return manifest, nil
}

// newManifest checks the digest before it looks at anything else, save for schema 1, whose digest is of other bytes.
func newManifest(answer *response, req ManifestRequest) (*Manifest, fault.Reason, error) {
	contentType, err := manifestContentType(answer)
	if err != nil {
		return nil, fault.BadAnswer, err
	}
	if strings.HasPrefix(contentType, mediaTypeDockerSchema1) {
		return nil, fault.Schema1, errSchema1
	}
	verified, reason, err := verifiedDigest(answer, req.Digest)
	if reason == fault.DigestMismatch && saysSchema1(answer.body) {
		return nil, fault.Schema1, errSchema1
	}
	if err != nil {
		return nil, reason, err
	}
	manifest, err := decodeManifest(answer.body, contentType)
	if errors.Is(err, errSchema1) {
		return nil, fault.Schema1, err
	}
	if err != nil {
		return nil, badReason(err), fmt.Errorf("the body, sent as %s, is no manifest: %w", orNothing(contentType), err)
	}
	manifest.Repository = req.Repository
	manifest.Digest = verified
	return manifest, "", nil
}

func manifestContentType(answer *response) (string, error) {
	header := answer.header.Get("Content-Type")
	if header == "" {
		return "", nil
	}
	contentType, _, err := mime.ParseMediaType(header)
	if err != nil {
		return "", fmt.Errorf("the content type %q is malformed", secret.Excerpt(header))
	}
	if contentType != "application/json" && !strings.HasSuffix(contentType, "+json") && !strings.HasSuffix(contentType, "+prettyjws") {
		return "", fmt.Errorf("the content type %q is not a manifest's", secret.Excerpt(contentType))
	}
	return contentType, nil
}

// verifiedDigest computes the digest of the bytes, as the OCI distribution spec asks of clients ("Pulling manifests"),
// and compares it with the digest asked for and with the header. A missing header is fine.
func verifiedDigest(answer *response, requested string) (digest.Digest, fault.Reason, error) {
	computed := digest.FromBytes(answer.body)
	for _, header := range answer.header.Values(headerContentDigest) {
		claimed, err := digest.Parse(header)
		if err != nil {
			return "", fault.BadAnswer, fmt.Errorf("the bytes have the digest %s, while the %s header %q is malformed", computed, headerContentDigest, secret.Excerpt(header))
		}
		actual := claimed.Algorithm().FromBytes(answer.body)
		if actual != claimed {
			return "", fault.DigestMismatch, fmt.Errorf("the bytes have the digest %s, while the %s header says %s", actual, headerContentDigest, claimed)
		}
		computed = actual
	}
	if requested == "" {
		return computed, "", nil
	}
	wanted := digest.Digest(requested)
	if actual := wanted.Algorithm().FromBytes(answer.body); actual != wanted {
		return "", fault.DigestMismatch, fmt.Errorf("the bytes have the digest %s, while %s was asked for", actual, wanted)
	}
	return wanted, "", nil
}

func orNothing(contentType string) string {
	if contentType == "" {
		return "no content type"
	}
	return contentType
}
