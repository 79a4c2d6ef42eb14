package acrtest

import (
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PutUnknown stores what a descriptor names, without its bytes, which a recording does not have: a recorded manifest
// needs it to exist.
func (r *Registry) PutUnknown(repository string, descriptor ocispec.Descriptor) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.putBlob(repository, descriptor.Digest, forgottenBlob(descriptor.Size))
}

// PutManifestAs stores bytes under another digest than their own.
func (r *Registry) PutManifestAs(repository, tag, mediaType string, d digest.Digest, body []byte) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.repository(repository).putManifest(tag, mediaType, d, body, r.store.tick())
}
