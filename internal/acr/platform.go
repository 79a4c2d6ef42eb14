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

// What following one index may take. Builders nest an index in an index, to keep an image together with its attestation.
const (
	maxIndexDepth = 3   // indexes from the one that was asked for to the image
	maxParts      = 100 // manifests that are read to find one platform, or to list all
)

// image is what an index leads to, with its configuration where that had to be read.
type image struct {
	manifest *oci.Manifest
	config   *oci.ImageConfig // nil where the index named the platform
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

// choose takes the child that the index names for the platform. Only where there is none do children count whose
// platform the index does not say: the configuration of an image tells it.
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

// undecided reads a child whose platform the index does not say; the error is PlatformNotFound where it is for another.
func (w *indexWalk) undecided(ctx context.Context, child oci.Descriptor, wanted ocispec.Platform, depth int) (image, error) {
	manifest, err := w.read(ctx, child, depth)
	switch {
	case err != nil:
		return image{}, err
	case manifest.IsIndex():
		return w.choose(ctx, manifest, wanted, depth+1)
	case !manifest.HasImageConfig():
		return image{}, platformError("%s is no image", manifest.Digest)
	}
	config, err := w.client.configFor(ctx, w.req, manifest)
	return image{manifest, config}, err
}

// read reads a child of an index at a depth, the first being 1.
func (w *indexWalk) read(ctx context.Context, child oci.Descriptor, depth int) (*oci.Manifest, error) {
	if err := checkDigest(child.Digest); err != nil {
		return nil, err
	}
	if w.parts++; w.parts > maxParts {
		return nil, &fault.Error{Reason: fault.TooLarge, Detail: fmt.Sprintf("over %d manifests would have to be read to look into the index", maxParts)}
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

// PlatformImages returns the digest of each platform's image in an index that was read with req, through indexes that it
// holds. Of two images for one platform the first counts. Attestations, children whose platform no index says, indexes
// that the registry lacks and those nested too deep are left out. Errors are *fault.Error.
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
