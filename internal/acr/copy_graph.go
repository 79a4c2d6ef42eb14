package acr

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// atATime is how many parts of an image are copied at the same time.
const atATime = 5

// parts copies everything below a manifest, but not the manifest itself. CopyGraph decides the order, and copies each
// part once and several at a time; this client sends the requests.
func (cp *copying) parts(ctx context.Context, root *oci.Manifest) error {
	of := descriptorOf(root)
	err := oras.CopyGraph(ctx, copySource{cp, root}, copyTarget{cp, root}, of, oras.CopyGraphOptions{
		Concurrency:      atATime,
		MaxMetadataBytes: oci.MaxManifest,
		FindSuccessors:   cp.successors,
		PreCopy: func(ctx context.Context, d oci.Descriptor) error {
			switch {
			case content.Equal(d, of):
				return oras.SkipNode
			case isManifest(d):
				return nil
			}
			if err := cp.blob(ctx, d); err != nil {
				return err
			}
			return oras.SkipNode
		},
	})
	failed, ok := fault.As(err)
	switch {
	case err == nil:
		return nil
	case ok:
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &fault.Error{Reason: fault.BadAnswer, Detail: "the parts that the manifest names contradict each other"}
}

func descriptorOf(m *oci.Manifest) oci.Descriptor {
	return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
}

// isManifest reports whether a descriptor's media type is that of a manifest, and not of a blob.
func isManifest(d oci.Descriptor) bool {
	return d.MediaType == ocispec.MediaTypeImageManifest || d.MediaType == ocispec.MediaTypeImageIndex ||
		d.MediaType == oci.MediaTypeArtifactManifest || strings.HasPrefix(d.MediaType, "application/vnd.docker.distribution.manifest.")
}

// successors lists what a manifest needs. Its subject is not among them: whoever copies a signature does not want the
// image as well. It returns an error for a part whose digest cannot be verified.
func (cp *copying) successors(ctx context.Context, fetcher content.Fetcher, d oci.Descriptor) (parts []oci.Descriptor, err error) {
	if !isManifest(d) {
		return nil, nil
	}
	defer cp.ofSource(&err, "reading the manifest "+cp.Source.Pin(cp.SourceRepository, d.Digest))
	body, err := content.FetchAll(ctx, fetcher, d)
	if err != nil {
		return nil, err
	}
	manifest, err := oci.ParseManifest(oci.Received{ContentType: d.MediaType, Body: body}, d.Digest.String())
	if err != nil {
		return nil, err
	}
	parts = manifest.Parts()
	for _, part := range parts {
		if err := checkDigest(part.Digest); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// copySource is the source as CopyGraph sees it: manifests only, since blobs are copied without it.
type copySource struct {
	*copying
	root *oci.Manifest
}

// Fetch implements content.Fetcher.
func (s copySource) Fetch(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	manifest := s.root
	if d.Digest != s.root.Digest {
		var err error
		if manifest, err = s.part(ctx, d); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(manifest.Body)), nil
}

// part reads a child and compares it with its descriptor.
func (s copySource) part(ctx context.Context, d oci.Descriptor) (*oci.Manifest, error) {
	manifest, err := s.manifest(ctx, d.Digest, "an index names this manifest")
	if err == nil && (manifest.Size != d.Size || manifest.MediaType != d.MediaType) {
		err = &fault.Error{Reason: fault.BadAnswer, Detail: fmt.Sprintf(
			"it is %d bytes of %s, while the index says %d bytes of %s", manifest.Size, secret.Excerpt(manifest.MediaType), d.Size, secret.Excerpt(d.MediaType))}
		s.ofSource(&err, "reading the manifest "+s.Source.Pin(s.SourceRepository, d.Digest))
	}
	return manifest, err
}

// Exists implements content.ReadOnlyStorage. CopyGraph does not ask a source.
func (s copySource) Exists(context.Context, oci.Descriptor) (bool, error) { return true, nil }

// copyTarget is the target as CopyGraph sees it.
type copyTarget struct {
	*copying
	root *oci.Manifest
}

// Exists implements content.ReadOnlyStorage. The root's parts are checked in any case, since the root is always put. A
// blob that can be mounted is not checked: mounting it costs as much.
func (t copyTarget) Exists(ctx context.Context, d oci.Descriptor) (bool, error) {
	switch {
	case d.Digest == t.root.Digest:
		return false, nil
	case isManifest(d):
		return t.hasManifest(ctx, d.Digest)
	case t.mounts():
		return false, nil
	}
	return t.target.hasBlob(ctx, t.Repository, d.Digest, t.targetToken)
}

// hasManifest reports whether the target has a manifest, and lists it if it is a referrer: a copy that was interrupted may
// have put it and not listed it. Its parts exist, since a registry accepts no manifest without them.
func (t copyTarget) hasManifest(ctx context.Context, d digest.Digest) (bool, error) {
	r := t.target.request(getManifest, t.Repository, d.String(), nil)
	r.shared = t.targetToken
	r.Step = "looking for " + t.target.Pin(t.Repository, d)
	manifest, err := t.target.manifest(ctx, r, d.String())
	switch {
	case fault.IsMissing(err):
		return false, nil
	case err != nil || manifest.Subject == nil || checkDigest(manifest.Subject.Digest) != nil:
		return err == nil, err
	}
	listed, err := t.listedAtTarget(ctx, manifest.Subject.Digest)
	return slices.Contains(listed, d), err
}

// Push implements content.Pusher for manifests.
func (t copyTarget) Push(ctx context.Context, d oci.Descriptor, from io.Reader) error {
	body, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	manifest, err := oci.ParseManifest(oci.Received{ContentType: d.MediaType, Body: body}, d.Digest.String())
	if err != nil {
		return err
	}
	return t.put(ctx, manifest)
}

// Fetch implements content.Fetcher. CopyGraph does not read at a target.
func (t copyTarget) Fetch(context.Context, oci.Descriptor) (io.ReadCloser, error) {
	return nil, &fault.Error{Reason: fault.BadAnswer, Detail: "nothing is read at the target of a copy"}
}
