package acrtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// mediaTypeArtifact is the artifact manifest that OCI's image spec had before 1.1.
const mediaTypeArtifact = "application/vnd.oci.artifact.manifest.v1+json"

// putManifest answers PUT of a manifest by tag or by digest. 201 and MANIFEST_INVALID were recorded; the other refusals
// come from the OCI distribution spec and its reference implementation.
func (r *Registry) putManifest(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	if !r.manifestRate.allow(r.options.ManifestsPerSecond, w) {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client left in the middle: nothing is stored
	}
	mediaType, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	d := digest.FromBytes(body)
	tag := t.reference
	if named, byDigest := t.digest(); byDigest {
		if tag = ""; named.Algorithm().Available() {
			d = named.Algorithm().FromBytes(body)
		}
		if d != named {
			writeError(w, http.StatusBadRequest, digestInvalid)
			return
		}
	}

	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	switch missing := r.store.missing(t.name, body); {
	case !fits(mediaType, body):
		writeError(w, http.StatusBadRequest, manifestInvalid)
		return
	case r.store.pushLocked(t):
		writeError(w, http.StatusMethodNotAllowed, disallowed)
		return
	case missing != "":
		writeError(w, http.StatusBadRequest, apiError{
			Code: "MANIFEST_BLOB_UNKNOWN", Message: "blob unknown to registry", Detail: map[string]digest.Digest{"digest": missing},
		})
		return
	}
	repo := r.store.repository(t.name)
	if tag != "" {
		repo.lag(tag, r.options.ReplicaLag)
	}
	repo.putManifest(tag, mediaType, d, body, r.store.tick())
	if subject := repo.manifests[d].parsed.Subject; subject != nil && !r.options.WithoutReferrersAPI {
		w.Header().Set("OCI-Subject", subject.Digest.String())
	}
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Location", "/v2/"+t.name+"/manifests/"+d.String())
	writeEmpty(w, http.StatusCreated)
}

// manifestInvalid is the recorded answer to bytes that do not fit their Content-Type. The reason is an empty object.
var manifestInvalid = apiError{
	Code: "MANIFEST_INVALID", Message: "manifest invalid", Detail: map[string]any{"Reason": struct{}{}},
}

// fits reports whether the bytes are a manifest of the media type.
func fits(mediaType string, body []byte) bool {
	var m struct {
		SchemaVersion int                  `json:"schemaVersion"`
		MediaType     string               `json:"mediaType"`
		Config        *ocispec.Descriptor  `json:"config"`
		Layers        []ocispec.Descriptor `json:"layers"`
		Manifests     []ocispec.Descriptor `json:"manifests"`
	}
	if json.Unmarshal(body, &m) != nil || m.MediaType != "" && m.MediaType != mediaType {
		return false
	}
	switch mediaType {
	case ocispec.MediaTypeImageManifest, MediaTypeDockerManifest:
		return m.SchemaVersion == 2 && m.Config != nil && m.Manifests == nil
	case ocispec.MediaTypeImageIndex, MediaTypeDockerList:
		return m.SchemaVersion == 2 && m.Config == nil && m.Layers == nil
	case mediaTypeArtifact:
		return m.MediaType != "" // it has no schemaVersion
	default:
		return false
	}
}

// missing returns the first blob or child of a manifest that its repository lacks; "" if it has all. A layer with urls
// is stored elsewhere, and a subject need not exist yet (OCI distribution spec 1.1).
func (s *store) missing(name string, body []byte) digest.Digest {
	var parsed parsedManifest
	if json.Unmarshal(body, &parsed) != nil {
		return ""
	}
	repo := s.repositories[name]
	blobs := parsed.Layers
	if parsed.Config != nil {
		blobs = append([]ocispec.Descriptor{*parsed.Config}, blobs...)
	}
	for _, blob := range blobs {
		if len(blob.URLs) == 0 && (repo == nil || repo.blobs[blob.Digest] == nil) {
			return blob.Digest
		}
	}
	for _, child := range parsed.Manifests {
		if repo == nil || repo.manifests[child.Digest] == nil {
			return child.Digest
		}
	}
	return ""
}
