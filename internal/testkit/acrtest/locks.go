package acrtest

import (
	"encoding/json"
	"io"
	"net/http"
)

// Repositories, manifests and tags each have their own locks, and inherit none (Microsoft's
// container-registry-image-lock). What they do is known from documentation and issues: writeEnabled false prevents
// overwriting and deleting, deleteEnabled false only deleting (Azure/acr issues 561, 616, 890), readEnabled false
// reading, and listEnabled false hides from lists. It was recorded that a PATCH changes locks whatever they are.

// disallowed is the answer for content that is locked against the request or in quarantine. Source:
// https://github.com/Azure/azure-sdk-for-net/issues/22827, where a locked tag was to be changed; the quarantine's
// documentation shows the same message for a pull. No recording has it.
var disallowed = apiError{
	Code: "REGISTRY_DISALLOWED_OPERATION",
	Message: "The operation is disallowed on this registry, repository or image. View troubleshooting steps at " +
		"https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation",
	Detail: map[string]string{},
}

func (a Attributes) deletable() bool { return a.DeleteEnabled && a.WriteEnabled }

// readLocked reports whether a repository, the requested manifest or the tag in the request has readEnabled false.
func (s *store) readLocked(t target) bool {
	repo := s.repositories[t.name]
	if repo == nil {
		return false
	}
	named := repo.tags[t.reference]
	_, m := repo.resolve(t)
	return !repo.attributes.ReadEnabled || named != nil && !named.attributes.ReadEnabled || m != nil && !m.attributes.ReadEnabled
}

// pushLocked reports whether a push into a repository is forbidden: the repository's lock forbids every push, and a
// tag's or manifest's lock those that overwrite it.
func (s *store) pushLocked(t target) bool {
	repo := s.repositories[t.name]
	if repo == nil {
		return false
	}
	if !repo.attributes.WriteEnabled {
		return true
	}
	if d, isDigest := t.digest(); isDigest {
		m := repo.manifests[d]
		return m != nil && !m.attributes.WriteEnabled
	}
	named := repo.tags[t.reference]
	return named != nil && !named.attributes.WriteEnabled
}

// tagLocked reports whether a tag may not be removed.
func (repo *repository) tagLocked(name string) bool {
	return !repo.attributes.deletable() || !repo.tags[name].attributes.deletable()
}

// manifestLocked reports whether a manifest may not be deleted: its tags would go with it.
func (repo *repository) manifestLocked(m *manifest, tags []string) bool {
	if !repo.attributes.deletable() || !m.attributes.deletable() {
		return true
	}
	for _, name := range tags {
		if repo.tagLocked(name) {
			return true
		}
	}
	return false
}

// locked reports whether a repository may not be deleted: everything in it would go with it.
func (repo *repository) locked() bool {
	tags := repo.tagsByDigest()
	for d, m := range repo.manifests {
		if repo.manifestLocked(m, tags[d]) {
			return true
		}
	}
	return false
}

func (r *Registry) patchRepository(w http.ResponseWriter, req *http.Request, t target) {
	find := func(repo *repository) *Attributes { return &repo.attributes }
	if r.patch(w, req, t, find, apiError{}) {
		r.serveRepository(w, req, t)
	}
}

func (r *Registry) patchTag(w http.ResponseWriter, req *http.Request, t target) {
	find := func(repo *repository) *Attributes {
		if tag := repo.tags[t.reference]; tag != nil {
			return &tag.attributes
		}
		return nil
	}
	if r.patch(w, req, t, find, tagUnknown) {
		r.serveTag(w, req, t)
	}
}

func (r *Registry) patchManifest(w http.ResponseWriter, req *http.Request, t target) {
	find := func(repo *repository) *Attributes {
		if _, m := repo.resolve(t); m != nil {
			return &m.attributes.Attributes
		}
		return nil
	}
	if r.patch(w, req, t, find, metadataUnknown) {
		r.serveManifestMetadata(w, req, t)
	}
}

// patch changes the locks that the body names; others keep their value, and so do the times of the object. If it
// reports true, the answer is the whole object, as for GET; otherwise patch has refused.
func (r *Registry) patch(w http.ResponseWriter, req *http.Request, t target,
	find func(*repository) *Attributes, unknown apiError,
) bool {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	repo := r.store.shown(t.name)
	if repo == nil {
		writeNameUnknown(w, t.name)
		return false
	}
	attributes := find(repo)
	if attributes == nil {
		writeError(w, http.StatusNotFound, unknown)
		return false
	}
	changed := *attributes
	if json.Unmarshal(body, &changed) != nil {
		// The answer is made up: none was recorded.
		writeError(w, http.StatusBadRequest, apiError{Code: "BAD_REQUEST", Message: "the attributes are unreadable"})
		return false
	}
	*attributes = changed
	return true
}
