package acr

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// MaxCopiedReferrers bounds how many referrers are copied with one image, including referrers of referrers. The source
// supplies the lists, and a hostile one could go on forever.
const MaxCopiedReferrers = 1000

// cosignSuffixes end the tags under which cosign keeps signatures and attestations if it does not use referrers
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
var cosignSuffixes = []string{".sig", ".att", ".sbom"}

// referrers copies what refers to a manifest, to the children of an index, and to what was copied for that: a signature
// may have a signature.
func (cp *copying) referrers(ctx context.Context, root *oci.Manifest) error {
	subjects, err := cp.images(ctx, root)
	if err != nil {
		return err
	}
	seen := map[digest.Digest]bool{}
	for len(subjects) > 0 {
		subject := subjects[0]
		if subjects = subjects[1:]; seen[subject] {
			continue
		}
		seen[subject] = true
		copied, err := cp.referrersOf(ctx, subject)
		if err != nil {
			return err
		}
		subjects = append(subjects, copied...)
	}
	return nil
}

// images lists a manifest and, of an index, all manifests below it.
func (cp *copying) images(ctx context.Context, manifest *oci.Manifest) ([]digest.Digest, error) {
	images := []digest.Digest{manifest.Digest}
	for _, child := range manifest.Manifests {
		switch {
		case oci.IsIndexType(child.MediaType):
			index, err := cp.manifest(ctx, child.Digest, "an index names this manifest")
			if err != nil {
				return nil, err
			}
			below, err := cp.images(ctx, index)
			if err != nil {
				return nil, err
			}
			images = append(images, below...)
		case isManifest(child):
			images = append(images, child.Digest)
		}
	}
	return images, nil
}

// referrersOf copies what refers to one manifest, and returns their digests, including those that the target already
// had.
func (cp *copying) referrersOf(ctx context.Context, subject digest.Digest) ([]digest.Digest, error) {
	listed, err := cp.listedAtSource(ctx, subject)
	if err != nil {
		return nil, err
	}
	var copied []digest.Digest
	if len(listed) > 0 {
		there, err := cp.listedAtTarget(ctx, subject)
		if err != nil {
			return nil, err
		}
		for _, referrer := range listed {
			if copied = append(copied, referrer.Digest); slices.Contains(there, referrer.Digest) {
				continue
			}
			if err := cp.referrer(ctx, referrer.Digest); err != nil {
				return nil, err
			}
		}
	}
	tagged, err := cp.cosignTags(ctx, subject)
	return append(copied, tagged...), err
}

// listedAtSource lists a manifest's referrers at the source.
func (cp *copying) listedAtSource(ctx context.Context, subject digest.Digest) (listed []oci.Descriptor, err error) {
	defer cp.ofSource(&err, "listing the referrers of "+cp.Source.Pin(cp.SourceRepository, subject))
	listed, err = cp.Source.Referrers(ctx, ReferrersRequest{Repository: cp.SourceRepository, Digest: subject.String(), shared: cp.sourceToken})
	if err != nil {
		return nil, err
	}
	return listed, cp.count(len(listed))
}

// count adds to the referrers that the source has named so far. It returns an error if there are too many.
func (cp *copying) count(more int) error {
	if cp.named += more; cp.named > MaxCopiedReferrers {
		return &fault.Error{Reason: fault.TooLarge, Detail: fmt.Sprintf("over %d signatures, SBOMs and other referrers would be copied", MaxCopiedReferrers)}
	}
	return nil
}

// listedAtTarget lists a manifest's referrers at the target. A referrer that is not in the list is put again even if it
// exists: that is what adds it to the list.
func (cp *copying) listedAtTarget(ctx context.Context, subject digest.Digest) ([]digest.Digest, error) {
	listed, err := cp.target.Referrers(ctx, ReferrersRequest{Repository: cp.Repository, Digest: subject.String(), shared: cp.targetToken})
	if err != nil && !fault.IsMissing(err) {
		return nil, err
	}
	digests := make([]digest.Digest, len(listed))
	for i, referrer := range listed {
		digests[i] = referrer.Digest
	}
	return digests, nil
}

// referrer copies one referrer with its parts.
func (cp *copying) referrer(ctx context.Context, d digest.Digest) error {
	manifest, err := cp.manifest(ctx, d, "the list of referrers names this manifest")
	if err != nil {
		return err
	}
	if err := cp.parts(ctx, manifest); err != nil {
		return err
	}
	return cp.put(ctx, manifest)
}

// cosignTags copies what cosign has put under tags made of a manifest's digest.
func (cp *copying) cosignTags(ctx context.Context, subject digest.Digest) ([]digest.Digest, error) {
	var copied []digest.Digest
	for _, suffix := range cosignSuffixes {
		manifest, err := cp.tagged(ctx, referrersTag(subject)+suffix)
		if err != nil {
			return nil, err
		}
		if manifest == nil {
			continue
		}
		if err := cp.cosignTag(ctx, referrersTag(subject)+suffix, manifest); err != nil {
			return nil, err
		}
		copied = append(copied, manifest.Digest)
	}
	return copied, nil
}

// tagged reads what a tag names at the source; nil if there is no such tag.
func (cp *copying) tagged(ctx context.Context, tag string) (manifest *oci.Manifest, err error) {
	req := ManifestRequest{Repository: cp.SourceRepository, Tag: tag, shared: cp.sourceToken}
	defer cp.ofSource(&err, cp.Source.reading("manifest", req))
	manifest, err = cp.Source.sharedManifest(ctx, req)
	switch {
	case fault.IsMissing(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return manifest, cp.count(1)
}

// cosignTag copies what cosign has under a tag. To add a signature, cosign rewrites the manifest with one more layer:
// the target's manifest is replaced only if the source's has all its layers, so that no signature is lost.
func (cp *copying) cosignTag(ctx context.Context, tag string, manifest *oci.Manifest) error {
	put := tagWrite{TagRequest{Repository: cp.Repository, Tag: tag, Digest: manifest.Digest.String()}, cp.target, cp.targetToken}
	there, err := put.current(ctx)
	if err != nil {
		return err
	}
	if there != nil {
		if !contains(manifest, there) {
			return &fault.Error{Reason: fault.SignaturesDiffer, Detail: fmt.Sprintf(
				"under the tag %s the source has %s, and the target %s with a layer that the source lacks", tag, manifest.Digest, there.Digest)}
		}
		put.Was = there.Digest.String()
	}
	_, err = put.run(ctx, func(ctx context.Context) (*oci.Manifest, error) { return manifest, cp.parts(ctx, manifest) })
	return err
}

// contains reports whether a manifest has all layers of another.
func contains(manifest, other *oci.Manifest) bool {
	for _, layer := range other.Layers {
		if !slices.ContainsFunc(manifest.Layers, func(l oci.Descriptor) bool { return l.Digest == layer.Digest }) {
			return false
		}
	}
	return true
}
