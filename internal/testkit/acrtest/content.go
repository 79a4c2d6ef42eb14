package acrtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PutManifest stores a manifest byte for byte under its digest, and under a tag unless that is "". It checks nothing,
// so a test can store a broken one.
func (r *Registry) PutManifest(repository, tag, mediaType string, body []byte) digest.Digest {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.repository(repository)
	d := digest.FromBytes(body)
	repo.putManifest(tag, mediaType, d, body, r.store.tick())
	if r.options.WithoutReferrersAPI {
		repo.updateReferrersTag(d, r.store.tick())
	}
	return d
}

func (repo *repository) putManifest(tag, mediaType string, d digest.Digest, body []byte, now time.Time) {
	repo.updated = now
	if repo.manifests[d] == nil {
		m := &manifest{
			mediaType:  mediaType,
			body:       slices.Clone(body),
			created:    now,
			updated:    now,
			attributes: manifestAttributes{Attributes: unlocked},
		}
		// A manifest that can't be read has no subject and no platform.
		if json.Unmarshal(body, &m.parsed) != nil {
			m.parsed = parsedManifest{}
		}
		repo.manifests[d] = m
	}
	if tag != "" {
		repo.setTag(tag, d, now)
	}
}

// Tag points a tag at a stored manifest.
func (r *Registry) Tag(repository, tag string, d digest.Digest) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.known(repository)
	repo.knownManifest(d.String())
	repo.setTag(tag, d, r.store.tick())
}

// PutBlob stores a blob under its digest.
func (r *Registry) PutBlob(repository string, body []byte) digest.Digest {
	d := digest.FromBytes(body)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.putBlob(repository, d, storedBlob(slices.Clone(body)))
	return d
}

// Descriptor describes a stored manifest, for use as a subject.
func (r *Registry) Descriptor(repository string, d digest.Digest) ocispec.Descriptor {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	return r.store.known(repository).descriptor(d)
}

func (repo *repository) descriptor(d digest.Digest) ocispec.Descriptor {
	m := repo.manifests[d]
	if m == nil {
		panic(fmt.Sprintf("acrtest: there is no manifest %s", d))
	}
	return ocispec.Descriptor{MediaType: m.mediaType, Digest: d, Size: int64(len(m.body))}
}

// Digest returns the digest of the manifest that a tag or a digest names; "" if there is none.
func (r *Registry) Digest(repository, reference string) digest.Digest {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	repo := r.store.repositories[repository]
	if repo == nil {
		return ""
	}
	d, m := repo.resolve(target{reference: reference})
	if m == nil {
		return ""
	}
	return d
}

// Delete removes a manifest with its tags (reference is a digest or a tag). With its last manifest, the repository is
// removed.
func (r *Registry) Delete(repository, reference string) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	d, _ := r.store.known(repository).knownManifest(reference)
	r.store.deleteManifest(repository, d)
}

// Untag removes a tag and leaves its manifest.
func (r *Registry) Untag(repository, tag string) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.known(repository)
	repo.knownTag(tag)
	repo.removeTag(tag)
	repo.updated = r.store.tick()
}

// SetTagTimes replaces the times that a tag has from its pushes.
func (r *Registry) SetTagTimes(repository, tag string, created, lastUpdate time.Time) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	t := r.store.known(repository).knownTag(tag)
	t.created, t.updated = created, lastUpdate
}

// SetTagAttributes replaces a tag's locks, as a PATCH does.
func (r *Registry) SetTagAttributes(repository, tag string, attributes Attributes) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.known(repository).knownTag(tag).attributes = attributes
}

// SetManifestAttributes replaces a manifest's locks, as a PATCH does (reference is a digest or a tag).
func (r *Registry) SetManifestAttributes(repository, reference string, attributes Attributes) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	_, m := r.store.known(repository).knownManifest(reference)
	m.attributes.Attributes = attributes
}

// SetQuarantine sets what a scan of a manifest found: a state such as "Passed", and details, which are a JSON object as
// text. "" leaves either out.
func (r *Registry) SetQuarantine(repository, reference, state, details string) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	_, m := r.store.known(repository).knownManifest(reference)
	m.attributes.QuarantineState, m.attributes.QuarantineDetails = state, details
}

// SetRepositoryAttributes replaces a repository's locks, as a PATCH does.
func (r *Registry) SetRepositoryAttributes(repository string, attributes Attributes) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.known(repository).attributes = attributes
}

func (repo *repository) knownTag(name string) *tag {
	t := repo.tags[name]
	if t == nil {
		panic(fmt.Sprintf("acrtest: there is no tag %q", name))
	}
	return t
}

func (repo *repository) knownManifest(reference string) (digest.Digest, *manifest) {
	d, m := repo.resolve(target{reference: reference})
	if m == nil {
		panic(fmt.Sprintf("acrtest: there is no manifest %q", reference))
	}
	return d, m
}
