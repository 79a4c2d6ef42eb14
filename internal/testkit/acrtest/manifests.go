package acrtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// served is a manifest as sent for one request.
type served struct {
	mediaType string
	digest    digest.Digest
	body      []byte
}

func (r *Registry) serveManifest(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	if !r.manifestRate.allow(r.options.ManifestsPerSecond, w) {
		return
	}
	r.store.mu.RLock()
	answer, unknown := r.store.manifestFor(t, acceptedTypes(req))
	locked := r.store.readLocked(t)
	r.store.mu.RUnlock()
	if unknown != nil {
		writeError(w, http.StatusNotFound, *unknown)
		return
	}
	if locked {
		writeError(w, http.StatusMethodNotAllowed, disallowed)
		return
	}
	w.Header().Set("Docker-Content-Digest", answer.digest.String())
	w.Header().Set("Etag", `"`+answer.digest.String()+`"`)
	writeBody(w, http.StatusOK, answer.mediaType, answer.body)
}

// manifestFor finds a manifest and converts it to what the Accept header allows. Only a request by tag gets another
// manifest: one by digest must match the digest.
func (s *store) manifestFor(t target, accepted []string) (served, *apiError) {
	repo := s.shown(t.name)
	if repo == nil {
		unknown := nameUnknown(t.name)
		return served{}, &unknown
	}
	d, m := repo.read(t)
	if m == nil {
		return served{}, manifestUnknown(t)
	}
	_, byDigest := t.digest()
	if byDigest && isDocker(m.mediaType) || accepts(accepted, m.mediaType) {
		return served{m.mediaType, d, m.body}, nil
	}
	switch m.mediaType {
	case MediaTypeDockerList:
		child, childManifest := repo.child(m, "linux", "amd64")
		if childManifest == nil {
			return served{}, manifestUnknown(t)
		}
		if accepts(accepted, childManifest.mediaType) {
			return served{childManifest.mediaType, child, childManifest.body}, nil
		}
		return repo.schema1(t, childManifest), nil
	case MediaTypeDockerManifest:
		return repo.schema1(t, m), nil
	case ocispec.MediaTypeImageIndex:
		return served{}, notAccepted("OCI index found, but accept header does not support OCI indexes")
	default:
		return served{}, notAccepted("OCI manifest found, but accept header does not support OCI manifests")
	}
}

func isDocker(mediaType string) bool {
	return mediaType == MediaTypeDockerManifest || mediaType == MediaTypeDockerList
}

// child returns the first manifest of a list for a platform.
func (repo *repository) child(list *manifest, os, architecture string) (digest.Digest, *manifest) {
	for _, child := range list.parsed.Manifests {
		if child.Platform != nil && child.Platform.OS == os && child.Platform.Architecture == architecture {
			return child.Digest, repo.manifests[child.Digest]
		}
	}
	return "", nil
}

func manifestUnknown(t target) *apiError {
	if d, isDigest := t.digest(); isDigest {
		return &apiError{Code: "MANIFEST_UNKNOWN", Message: fmt.Sprintf("manifest %s is not found", d)}
	}
	return &apiError{
		Code:    "MANIFEST_UNKNOWN",
		Message: fmt.Sprintf("manifest tagged by %q is not found", t.reference),
		Detail:  map[string]string{"Tag": t.reference},
	}
}

func notAccepted(message string) *apiError {
	return &apiError{Code: "MANIFEST_UNKNOWN", Message: message}
}

// acceptedTypes returns the media types of all Accept lines, without parameters.
func acceptedTypes(req *http.Request) []string {
	var types []string
	for _, line := range req.Header.Values("Accept") {
		for element := range strings.SplitSeq(line, ",") {
			mediaType, _, _ := strings.Cut(element, ";")
			if mediaType = strings.TrimSpace(mediaType); mediaType != "" {
				types = append(types, strings.ToLower(mediaType))
			}
		}
	}
	return types
}

// accepts reports whether a media type is named or "*/*" is.
func accepts(accepted []string, mediaType string) bool {
	return slices.Contains(accepted, strings.ToLower(mediaType)) || slices.Contains(accepted, "*/*")
}
