package acr

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// ManifestRequest names a manifest.
type ManifestRequest struct {
	Repository  string
	Tag         string // this or Digest
	Digest      string
	Platform    string      // `os/architecture[/variant]`: follow an index to this child; empty for the manifest itself
	AccessToken secret.Text // used instead of the client's own tokens; zero for those

	shared *sharedToken // with other reads
}

func (r ManifestRequest) reference() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

func (r ManifestRequest) validate() error {
	if err := oci.ValidateRepository(r.Repository); err != nil {
		return err
	}
	if !r.AccessToken.IsZero() {
		if err := auth.ValidateAccessToken(r.AccessToken); err != nil {
			return err
		}
	}
	if r.Platform != "" {
		if _, err := oci.ParsePlatform(r.Platform); err != nil {
			return err
		}
	}
	if r.Digest != "" {
		return oci.ValidateDigest(r.Digest)
	}
	return oci.ValidateTag(r.Tag)
}

// Pin returns the reference that always names this manifest: `registry/repository@digest`.
func (c *Client) Pin(repository string, d digest.Digest) string {
	return c.config.Registry + "/" + repository + "@" + d.String()
}

// Manifest reads a manifest. If the request names a platform, it follows an index to that child. Errors are
// *fault.Error; fault.IsMissing reports whether the registry has no such manifest.
func (c *Client) Manifest(ctx context.Context, req ManifestRequest) (manifest *oci.Manifest, err error) {
	defer c.finish(&err, c.reading("manifest", req))
	if err := c.validate(req); err != nil {
		return nil, err
	}
	manifest, err = c.sharedManifest(ctx, req)
	switch {
	case err != nil || req.Platform == "":
		return manifest, err
	case manifest.IsIndex():
		found, err := c.imageFor(ctx, req, manifest)
		return found.manifest, err
	case !manifest.HasImageConfig():
		return nil, platformError("this is no index, and no image whose configuration names a platform, so whether it is for %s cannot be known", req.Platform)
	}
	_, err = c.configFor(ctx, req, manifest)
	return manifest, err
}

// reading returns the name of an operation: "reading the manifest r.azurecr.io/app:1.0".
func (c *Client) reading(what string, req ManifestRequest) string {
	separator := ":"
	if req.Digest != "" {
		separator = "@"
	}
	return fmt.Sprintf("reading the %s %s/%s%s%s", what, c.config.Registry, req.Repository, separator, req.reference())
}

// validate checks a request, and that the caller's own token would not cross the network in the clear.
func (c *Client) validate(req ManifestRequest) error {
	if !req.AccessToken.IsZero() && c.home.IsHTTP() && !c.home.IsLoopback() {
		return fault.Invalid("access_token", "would go to %s in the clear; over http only a loopback host may receive it", c.home.Hostport())
	}
	return req.validate()
}

// sharedManifest reads a manifest once for all callers that want it at the same time. It is not cached, since a tag may
// move.
func (c *Client) sharedManifest(ctx context.Context, req ManifestRequest) (*oci.Manifest, error) {
	return c.sharedPart(ctx, req, "")
}

// sharedPart is sharedManifest for a part of an image that exists. part says what names it, for an error.
func (c *Client) sharedPart(ctx context.Context, req ManifestRequest, part string) (*oci.Manifest, error) {
	r := c.request(getManifest, req.Repository, req.reference(), nil)
	r.token, r.shared = req.AccessToken, req.shared
	if r.part = part; part != "" {
		r.Step = c.reading("manifest", req)
	}
	read := func(ctx context.Context) (*oci.Manifest, error) {
		if req.Digest == "" {
			return c.taggedManifest(ctx, r, req.Repository, req.Tag)
		}
		return c.manifest(ctx, r, req.Digest)
	}
	if !req.AccessToken.IsZero() {
		return read(ctx)
	}
	manifest, _, err := c.manifests.Do(ctx, r.URL.Path+part, read)
	return manifest, err
}

// taggedManifest reads and verifies the manifest that a tag names. If a replica lags behind, it returns the one that
// this client put under the tag.
func (c *Client) taggedManifest(ctx context.Context, r request, repository, tag string) (*oci.Manifest, error) {
	manifest, err := c.manifest(ctx, r, "")
	digest, stale := c.written.overtakes(repository, tag, manifest, err)
	switch {
	case !stale:
		return manifest, err
	case digest == "":
		return nil, &fault.Error{Reason: fault.ManifestNotFound, Detail: "the tag was removed in this run, which the replica that answered does not know yet"}
	}
	byDigest := c.request(getManifest, repository, digest, nil)
	byDigest.token, byDigest.shared, byDigest.Step = r.token, r.shared, r.Step
	return c.manifest(ctx, byDigest, digest)
}

// manifest reads and verifies a manifest. wanted is its digest, empty if unknown.
func (c *Client) manifest(ctx context.Context, r request, wanted string) (*oci.Manifest, error) {
	answer, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	manifest, err := oci.ParseManifest(oci.Received{
		ContentType: answer.Header.Get("Content-Type"),
		Digests:     answer.Header.Values(oci.HeaderContentDigest),
		Body:        answer.Body,
	}, wanted)
	if err != nil {
		return nil, badAnswer(r, answer.Response, err)
	}
	return manifest, nil
}

func platformError(format string, values ...any) *fault.Error {
	return &fault.Error{Reason: fault.PlatformNotFound, Detail: fmt.Sprintf(format, values...)}
}

// checkDigest returns an error for a descriptor's digest that cannot be requested or verified.
func checkDigest(d digest.Digest) error {
	if d.Validate() == nil {
		return nil
	}
	return &fault.Error{Reason: fault.MalformedImage, Detail: "it names a part by a digest with an unsupported algorithm"}
}
