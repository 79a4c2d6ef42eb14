package acr

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// ReferrersRequest names the manifest whose referrers are wanted.
type ReferrersRequest struct {
	Repository   string
	Digest       string
	ArtifactType string // empty for all

	shared *sharedToken // the token of a larger operation; nil to request one for this operation alone
}

// MaxReferrers bounds the list of one manifest's referrers: as many as the referrers tag can hold.
const MaxReferrers = oci.MaxDescriptors

// Referrers lists the manifests whose subject is the given one, such as signatures and SBOMs, sorted by digest. It uses
// the referrers API, or else the referrers tag that clients keep on registries without it (OCI distribution spec 1.1,
// "Listing Referrers"). A manifest that does not exist has none. If the API is refused to the caller, and the tag names
// none, the refusal is the error: signatures may be there. Errors are *fault.Error.
func (c *Client) Referrers(ctx context.Context, req ReferrersRequest) (referrers []oci.Descriptor, err error) {
	defer c.finish(&err, "listing the referrers of "+c.Pin(req.Repository, digest.Digest(req.Digest)))
	if err := oci.ValidateRepository(req.Repository); err != nil {
		return nil, err
	}
	if err := oci.ValidateDigest(req.Digest); err != nil {
		return nil, err
	}
	referrers, err = c.referrersByAPI(ctx, req)
	if mayLackAPI(err) || isNotFound(err) || sourceLacksReferrers(err) {
		byAPI := err
		referrers, err = c.referrersByTag(ctx, req)
		if err == nil && len(referrers) == 0 && isRefusal(byAPI) {
			err = byAPI
		}
	}
	if err != nil {
		return nil, err
	}
	// A registry that leaves the filter to the client says so only by a missing header.
	referrers = slices.DeleteFunc(referrers, func(d oci.Descriptor) bool {
		return req.ArtifactType != "" && d.ArtifactType != req.ArtifactType
	})
	slices.SortFunc(referrers, func(a, b oci.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return slices.CompactFunc(referrers, func(a, b oci.Descriptor) bool { return a.Digest == b.Digest }), nil
}

// sourceLacksReferrers reports whether the registry behind a cache rule has no referrers API, by the status that it
// answered: GitHub's is 303. Source of the words: https://github.com/Azure/acr/issues/891.
func sourceLacksReferrers(err error) bool {
	failed, ok := ofAnswer(err)
	if !ok || failed.Reason != fault.CacheRule {
		return false
	}
	_, answered, _ := strings.Cut(failed.Message, "returned status code ")
	status, err := strconv.Atoi(answered[:min(len(answered), 3)])
	return err == nil && (status/100 == 3 || lacksAPI(&fault.Error{Status: status}))
}

func (c *Client) referrersByAPI(ctx context.Context, req ReferrersRequest) ([]oci.Descriptor, error) {
	query := url.Values{}
	if req.ArtifactType != "" {
		query.Set("artifactType", req.ArtifactType)
	}
	r := c.request(getReferrers, req.Repository, req.Digest, query)
	r.shared = req.shared
	referrers := []oci.Descriptor{}
	err := c.pages(ctx, r, func(answer *answer) (int, bool, error) {
		contentType, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
		page, err := oci.ParseManifest(oci.Received{ContentType: contentType, Body: answer.Body}, "")
		if failed, ok := fault.As(err); ok && (contentType == ocispec.MediaTypeImageIndex || failed.Reason == fault.TooLarge) {
			return 0, false, err
		}
		if err != nil || page.MediaType != ocispec.MediaTypeImageIndex {
			return 0, false, otherAnswer("the body, sent as %s, is not a list of referrers", contentTypeOf(answer))
		}
		if page.Is(digest.Digest(req.Digest)) {
			return 0, false, otherAnswer("the body is the manifest itself, and no list of its referrers")
		}
		if referrers = append(referrers, page.Manifests...); len(referrers) > MaxReferrers {
			return 0, false, fmt.Errorf("%w: the list has over %d referrers", wire.ErrTooLarge, MaxReferrers)
		}
		return len(page.Manifests), true, nil
	})
	return referrers, err
}

// referrersByTag reads the index under the tag that the spec derives from a digest ("Referrers Tag Schema"). The tag
// need not name an index: somebody may use it for an image, and some registries treat it as the digest itself.
func (c *Client) referrersByTag(ctx context.Context, req ReferrersRequest) ([]oci.Descriptor, error) {
	subject := digest.Digest(req.Digest)
	index, err := c.sharedManifest(ctx, ManifestRequest{Repository: req.Repository, Tag: referrersTag(subject), shared: req.shared})
	if failed, ok := fault.As(err); ok && (failed.Reason == fault.ManifestNotFound || failed.Reason == fault.Schema1) {
		return []oci.Descriptor{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !index.IsIndex() || index.Is(subject) {
		return []oci.Descriptor{}, nil
	}
	return slices.Clone(index.Manifests), nil // the manifest may be shared with other readers
}

// referrersTag cuts the algorithm to 32 and the encoded part to 64 characters.
func referrersTag(d digest.Digest) string {
	algorithm, encoded := d.Algorithm().String(), d.Encoded()
	return strings.ReplaceAll(algorithm[:min(len(algorithm), 32)], "+", "-") + "-" + encoded[:min(len(encoded), 64)]
}

// listReferrer adds a manifest to the list of its subject's referrers, under the tag that clients keep on a registry
// without the referrers API (OCI distribution spec 1.1, "Pushing Manifests with Subject"). The list itself is not listed,
// even if somebody gave it a subject: that could be its own. Each further try reads the list again, so that it does not
// overwrite what another client has added.
func (c *Client) listReferrer(ctx context.Context, repository string, referrer *oci.Manifest, token *sharedToken) error {
	if err := checkDigest(referrer.Subject.Digest); err != nil {
		return err
	}
	tag := referrersTag(referrer.Subject.Digest)
	leave, err := c.written.tag(repository, tag).listing.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	was, is := "", "" // the list before and after it was put; both empty if it needs no change
	return c.repeat(ctx, func() (broke bool, err error) {
		list, err := c.referrersList(ctx, repository, referrer.Subject.Digest, token)
		if err != nil {
			return false, err
		}
		longer, err := oci.AddReferrer(list, referrer)
		if err != nil {
			return false, err
		}
		if longer != nil {
			was, is = digestOf(list), digestOf(longer)
			put := c.manifestPut(repository, tag, longer, token)
			put.Step = "listing a referrer under the tag " + tag
			if _, err := c.storeManifest(ctx, put, longer); err != nil {
				return true, err
			}
		}
		c.written.note(repository, tag, was, is)
		return false, nil
	})
}

// referrersList reads the list that a referrer is added to; nil if there is none.
func (c *Client) referrersList(ctx context.Context, repository string, subject digest.Digest, token *sharedToken) (*oci.Manifest, error) {
	tag := referrersTag(subject)
	r := c.request(getManifest, repository, tag, nil)
	r.shared = token
	r.Step = "reading the list of referrers " + tag
	list, err := c.taggedManifest(ctx, r, repository, tag)
	if fault.IsMissing(err) || list.Is(subject) { // or the registry treats the tag as the digest
		return nil, nil
	}
	return list, err
}
