package acr

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ReferrersRequest names the manifest whose referrers are wanted.
type ReferrersRequest struct {
	Repository   string
	Digest       string
	ArtifactType string // empty for all
}

// Referrers lists the manifests whose subject is the given one, such as signatures and SBOMs, sorted by digest: by the
// referrers API, else by the referrers tag that clients keep on registries without it (OCI distribution spec 1.1,
// "Listing Referrers"). A manifest that does not exist has none. Errors are *Error.
func (c *Client) Referrers(ctx context.Context, req ReferrersRequest) (referrers []Descriptor, err error) {
	defer c.redact(&err)
	if err := ValidateRepository(req.Repository); err != nil {
		return nil, err
	}
	if err := ValidateDigest(req.Digest); err != nil {
		return nil, err
	}
	referrers, err = c.referrersByAPI(ctx, req)
	if lacksAPI(err) || isNotFound(err) {
		referrers, err = c.referrersByTag(ctx, req)
	}
	if err != nil {
		return nil, err
	}
	// The registry may leave the filter to the client, and says so only by a missing header.
	referrers = slices.DeleteFunc(referrers, func(d Descriptor) bool {
		return req.ArtifactType != "" && d.ArtifactType != req.ArtifactType
	})
	slices.SortFunc(referrers, func(a, b Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return slices.CompactFunc(referrers, func(a, b Descriptor) bool { return a.Digest == b.Digest }), nil
}

func (c *Client) referrersByAPI(ctx context.Context, req ReferrersRequest) ([]Descriptor, error) {
	query := url.Values{}
	if req.ArtifactType != "" {
		query.Set("artifactType", req.ArtifactType)
	}
	r := resource{
		operation: fmt.Sprintf("listing the referrers of %s", c.Pin(req.Repository, digest.Digest(req.Digest))),
		url:       c.url("/v2/"+req.Repository+"/referrers/"+req.Digest, query),
		accept:    ocispec.MediaTypeImageIndex,
		scope:     "repository:" + req.Repository + ":pull",
	}
	referrers := []Descriptor{}
	err := c.pages(ctx, r, func(answer *response) (int, bool, error) {
		contentType, _, _ := mime.ParseMediaType(answer.header.Get("Content-Type"))
		if contentType != ocispec.MediaTypeImageIndex {
			return 0, false, fmt.Errorf("the body, sent as %s, is no list of referrers", orNothing(secret.Excerpt(contentType)))
		}
		page, err := decodeManifest(answer.body, contentType)
		if err != nil {
			return 0, false, fmt.Errorf("the body is no list of referrers: %w", err)
		}
		if referrers = append(referrers, page.Manifests...); len(referrers) > maxReferrers {
			return 0, false, fmt.Errorf("%w: the list has over %d referrers", errTooLarge, maxReferrers)
		}
		return len(page.Manifests), true, nil
	})
	return referrers, err
}

// maxReferrers bounds what is kept: as many as the referrers tag can hold.
const maxReferrers = maxDescriptors

// isNotFound reports a 404 of any kind: "if the referrers API returns a 404, the client MUST fallback to pulling the
// referrers tag schema" (OCI distribution spec 1.1, "Listing Referrers").
func isNotFound(err error) bool {
	failed, ok := fault.As(err)
	return ok && failed.Status == http.StatusNotFound
}

// referrersByTag reads the index under the tag that the spec derives from a digest ("Referrers Tag Schema").
func (c *Client) referrersByTag(ctx context.Context, req ReferrersRequest) ([]Descriptor, error) {
	index, err := c.Manifest(ctx, ManifestRequest{Repository: req.Repository, Tag: referrersTag(digest.Digest(req.Digest))})
	if fault.IsMissing(err) && !isReason(err, fault.RepositoryNotFound) {
		return []Descriptor{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !index.IsIndex() {
		return nil, &fault.Error{Reason: fault.BadAnswer, Operation: c.readingManifest(ManifestRequest{Repository: req.Repository, Digest: index.Digest.String()}), Detail: "the referrers tag does not lead to an index"}
	}
	return slices.Clone(index.Manifests), nil // the manifest may be shared with other readers
}

// referrersTag cuts the algorithm to 32 and the encoded part to 64 characters.
func referrersTag(d digest.Digest) string {
	algorithm, encoded := d.Algorithm().String(), d.Encoded()
	return strings.ReplaceAll(algorithm[:min(len(algorithm), 32)], "+", "-") + "-" + encoded[:min(len(encoded), 64)]
}

func isReason(err error, reason fault.Reason) bool {
	failed, ok := fault.As(err)
	return ok && failed.Reason == reason
}
