package acr

import (
	"context"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// ImageConfig reads the configuration of an image. For an index, the request needs a platform. Errors are *fault.Error.
func (c *Client) ImageConfig(ctx context.Context, req ManifestRequest) (config *oci.ImageConfig, err error) {
	defer c.finish(&err, c.reading("image configuration", req))
	if err := c.validate(req); err != nil {
		return nil, err
	}
	manifest, err := c.sharedManifest(ctx, req)
	if err != nil {
		return nil, err
	}
	if !manifest.IsIndex() {
		return c.configFor(ctx, req, manifest)
	}
	if req.Platform == "" {
		return nil, platformError("this is an index, so a platform is needed; it has %s", oci.ListPlatforms(manifest))
	}
	found, err := c.imageFor(ctx, req, manifest)
	if err != nil || found.config != nil {
		return found.config, err
	}
	return c.configBlob(ctx, req, found.manifest)
}

// configFor reads a plain image's configuration, and checks its platform if the request names one.
func (c *Client) configFor(ctx context.Context, req ManifestRequest, manifest *oci.Manifest) (*oci.ImageConfig, error) {
	config, err := c.configBlob(ctx, req, manifest)
	if err != nil || req.Platform == "" {
		return config, err
	}
	wanted, err := oci.ParsePlatform(req.Platform)
	if err != nil {
		return nil, err
	}
	has := ocispec.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	if has.OS == "" || has.Architecture == "" {
		return nil, platformError("the image's configuration names no platform, so whether it is for %s cannot be known", req.Platform)
	}
	if !oci.Fits(has, wanted) {
		return nil, platformError("the image is for %s, not for %s", secret.Excerpt(oci.FormatPlatform(has)), req.Platform)
	}
	return config, nil
}

// configBlob reads and verifies the blob that a manifest names as its config.
func (c *Client) configBlob(ctx context.Context, req ManifestRequest, manifest *oci.Manifest) (*oci.ImageConfig, error) {
	if !manifest.HasImageConfig() {
		return nil, &fault.Error{Reason: fault.NotAnImage, Detail: fmt.Sprintf(
			"its media type is %s and its artifact type %q; only an image has a configuration", secret.Excerpt(manifest.MediaType), secret.Excerpt(manifest.Kind()))}
	}
	descriptor := *manifest.Config
	if err := checkDigest(descriptor.Digest); err != nil {
		return nil, err
	}
	r := c.request(getConfig, req.Repository, descriptor.Digest.String(), nil)
	r.token, r.shared = req.AccessToken, req.shared
	r.Step = "reading the blob " + c.Pin(req.Repository, descriptor.Digest)
	r.part = "the manifest names this configuration"
	answer, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := verifyConfig(answer.Body, descriptor); err != nil {
		return nil, badAnswer(r, answer.Response, err)
	}
	config, err := oci.ParseImageConfig(answer.Body)
	if err != nil {
		return nil, badAnswer(r, answer.Response, err)
	}
	config.Digest = manifest.Digest
	return config, nil
}

// verifyConfig compares a configuration's bytes with what the manifest says of them. If only the size differs, the
// bytes are those that were pushed, and the manifest is wrong.
func verifyConfig(body []byte, says oci.Descriptor) error {
	if actual := says.Digest.Algorithm().FromBytes(body); actual != says.Digest {
		return &fault.Error{Reason: fault.DigestMismatch, Detail: fmt.Sprintf(
			"the %d bytes have the digest %s, while the manifest says %d bytes with %s", len(body), actual, says.Size, says.Digest)}
	}
	if int64(len(body)) != says.Size {
		return &fault.Error{Reason: fault.MalformedImage, Detail: fmt.Sprintf(
			"the configuration has %d bytes, while the manifest says %d; its digest is right", len(body), says.Size)}
	}
	return nil
}
