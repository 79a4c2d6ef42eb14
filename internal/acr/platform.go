package acr

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Limits of following one index. Builders nest an index in an index, to keep an image together with its attestation.
const (
	maxIndexDepth = 3   // indexes between the requested one and the image, itself included
	MaxIndexParts = 100 // manifests that are read to find one platform, or to list all
)

// image is what an index leads to. It has the configuration if that had to be read.
type image struct {
	manifest *oci.Manifest
	config   *oci.ImageConfig // nil if the index named the platform
}

// indexWalk follows an index to the images in it, through indexes that it holds.
type indexWalk struct {
	client *Client
	req    ManifestRequest // names the first index, and the platform that is looked for
	parts  int             // how many manifests were read
}

// imageFor returns the image that an index has for req.Platform.
func (c *Client) imageFor(ctx context.Context, req ManifestRequest, index *oci.Manifest) (image, error) {
	wanted, err := oci.ParsePlatform(req.Platform)
	if err != nil {
		return image{}, err
	}
	walk := indexWalk{client: c, req: req}
	return walk.choose(ctx, index, wanted, 1)
}

// choose returns the child that the index names for the platform. If there is none, it looks at children whose platform
// the index does not name: an image's configuration names it.
func (w *indexWalk) choose(ctx context.Context, index *oci.Manifest, wanted ocispec.Platform, depth int) (image, error) {
	if child, found := index.Choose(wanted); found {
		manifest, err := w.read(ctx, child, depth)
		if err != nil || !manifest.IsIndex() {
			return image{manifest: manifest}, err
		}
		return w.choose(ctx, manifest, wanted, depth+1)
	}
	for _, child := range index.Manifests {
		if oci.NamesPlatform(child) {
			continue
		}
		found, err := w.undecided(ctx, child, wanted, depth)
		if failed, ok := fault.As(err); ok && failed.Reason == fault.PlatformNotFound {
			continue
		}
		return found, err
	}
	within := "the index"
	if depth > 1 {
		within = "the index " + index.Digest.String() + " within it"
	}
	return image{}, platformError("%s has no child for %s; it has %s", within, w.req.Platform, oci.ListPlatforms(index))
}

// undecided reads a child whose platform the index does not name. If it is for another platform, the error's reason is
// PlatformNotFound.
func (w *indexWalk) undecided(ctx context.Context, child oci.Descriptor, wanted ocispec.Platform, depth int) (image, error) {
	manifest, err := w.read(ctx, child, depth)
	switch {
	case err != nil:
		return image{}, err
	case manifest.IsIndex():
		return w.choose(ctx, manifest, wanted, depth+1)
	case !manifest.HasImageConfig():
		return image{}, platformError("%s is not an image", manifest.Digest)
	}
	config, err := w.client.configFor(ctx, w.req, manifest)
	return image{manifest, config}, err
}

// read reads a child of an index at a depth, the first being 1.
func (w *indexWalk) read(ctx context.Context, child oci.Descriptor, depth int) (*oci.Manifest, error) {
	if err := checkDigest(child.Digest); err != nil {
		return nil, err
	}
	if w.parts++; w.parts > MaxIndexParts {
		return nil, &fault.Error{Reason: fault.TooLarge, Detail: fmt.Sprintf("over %d manifests would have to be read to search the index", MaxIndexParts)}
	}
	part := w.req
	part.Tag, part.Digest, part.Platform = "", child.Digest.String(), ""
	names := "the index names this manifest"
	if oci.NamesPlatform(child) {
		names += " for " + secret.Excerpt(oci.FormatPlatform(*child.Platform))
	}
	manifest, err := w.client.sharedPart(ctx, part, names)
	if err == nil && manifest.IsIndex() && depth == maxIndexDepth {
		return nil, &fault.Error{Reason: fault.MalformedImage, Detail: fmt.Sprintf("its indexes are nested more than %d deep", maxIndexDepth)}
	}
	return manifest, err
}

// PlatformImages returns the digest of each platform's image in an index that was read with req, including the indexes
// nested in it. Of two images for one platform the first counts. It leaves out attestations, children whose platform no
// index names, and indexes that the registry lacks or that are nested too deep. Errors are *fault.Error.
func (c *Client) PlatformImages(ctx context.Context, req ManifestRequest, index *oci.Manifest) (images map[string]digest.Digest, err error) {
	defer c.finish(&err, c.reading("manifest", req))
	images = map[string]digest.Digest{}
	walk := indexWalk{client: c, req: req}
	return images, walk.list(ctx, index, images, 1)
}

func (w *indexWalk) list(ctx context.Context, index *oci.Manifest, images map[string]digest.Digest, depth int) error {
	for _, child := range index.Manifests {
		if !oci.IsIndexType(child.MediaType) {
			if platform := oci.FormatChild(child); platform != "" && images[platform] == "" {
				images[platform] = child.Digest
			}
			continue
		}
		if depth == maxIndexDepth {
			continue
		}
		inner, err := w.read(ctx, child, depth)
		if err == nil {
			err = w.list(ctx, inner, images, depth+1)
		}
		if failed, ok := fault.As(err); ok && failed.Reason != fault.IncompleteImage {
			return err
		}
	}
	return nil
}
