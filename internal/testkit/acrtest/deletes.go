package acrtest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/opencontainers/go-digest"
)

// deleteHeaders sets the headers of answers about deletes, which have the strictest limits of all requests.
func deleteHeaders(w http.ResponseWriter, req *http.Request) {
	contentHeaders(w, req)
	w.Header().Set("X-Ms-Ratelimit-Remaining-Calls-Per-Second", "8.000000")
}

// deleteManifest removes a manifest and its tags.
func (r *Registry) deleteManifest(w http.ResponseWriter, req *http.Request, t target) {
	deleteHeaders(w, req)
	d, byDigest := t.digest()
	if !byDigest {
		writeError(w, http.StatusMethodNotAllowed, apiError{
			Code: "UNSUPPORTED", Message: "A manifest can only be deleted by digest.",
		})
		return
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.shown(t.name)
	switch {
	case repo == nil:
		writeNameUnknown(w, t.name)
	case repo.manifests[d] == nil:
		writeError(w, http.StatusNotFound, *manifestUnknown(t))
	case repo.manifestLocked(repo.manifests[d], repo.tagsOf(d)):
		writeError(w, http.StatusMethodNotAllowed, disallowed)
	default:
		r.store.deleteManifest(t.name, d)
		writeEmpty(w, http.StatusAccepted)
	}
}

// deleteManifest removes a manifest with its tags. With its last one, the repository is removed.
func (s *store) deleteManifest(repository string, d digest.Digest) {
	repo := s.repositories[repository]
	for _, name := range repo.tagsOf(d) {
		repo.removeTag(name)
	}
	delete(repo.manifests, d)
	repo.updated = s.tick()
	if len(repo.manifests) == 0 {
		delete(s.repositories, repository)
	}
}

// untag removes a tag; its manifest stays.
func (r *Registry) untag(w http.ResponseWriter, req *http.Request, t target) {
	deleteHeaders(w, req)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.shown(t.name)
	switch {
	case repo == nil:
		writeNameUnknown(w, t.name)
	case repo.tags[t.reference] == nil:
		writeError(w, http.StatusNotFound, tagUnknown)
	case repo.tagLocked(t.reference):
		writeError(w, http.StatusMethodNotAllowed, disallowed)
	default:
		w.Header().Set("X-Ms-Int-Docker-Content-Digest", repo.tags[t.reference].digest.String())
		repo.lag(t.reference, r.options.ReplicaLag)
		repo.removeTag(t.reference)
		repo.updated = r.store.tick()
		writeEmpty(w, http.StatusAccepted)
	}
}

// deleteRepository removes a repository with all that is in it.
func (r *Registry) deleteRepository(w http.ResponseWriter, req *http.Request, t target) {
	deleteHeaders(w, req)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.shown(t.name)
	switch {
	case repo == nil:
		writeError(w, http.StatusNotFound, apiError{
			Code: "NAME_UNKNOWN", Message: "repository name not known to registry", Detail: map[string]string{"name": t.name},
		})
	case repo.locked():
		writeError(w, http.StatusMethodNotAllowed, disallowed)
	default:
		delete(r.store.repositories, t.name)
		writeJSON(w, http.StatusAccepted, struct {
			Manifests []digest.Digest `json:"manifestsDeleted"`
			Tags      []string        `json:"tagsDeleted"` // null if there are none
		}{slices.Sorted(maps.Keys(repo.manifests)), slices.Sorted(maps.Keys(repo.tags))})
	}
}

// deleteBlob removes a blob from one repository. It does not check what still needs it.
func (r *Registry) deleteBlob(w http.ResponseWriter, req *http.Request, t target) {
	deleteHeaders(w, req)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.repositories[t.name]
	d, _ := t.digest()
	switch {
	case repo == nil || repo.blobs[d] == nil:
		writeError(w, http.StatusNotFound, apiError{Code: "BLOB_UNKNOWN", Message: "blob unknown to registry"})
	case !repo.attributes.deletable():
		writeError(w, http.StatusMethodNotAllowed, disallowed)
	default:
		delete(repo.blobs, d)
		writeEmpty(w, http.StatusAccepted)
	}
}
