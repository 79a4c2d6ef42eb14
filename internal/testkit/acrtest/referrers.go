package acrtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// serveReferrers answers the referrers API of the OCI distribution spec 1.1. No traffic of it was ever recorded: this
// follows only the spec. A digest that nothing refers to has an empty list, even an unknown one.
func (r *Registry) serveReferrers(w http.ResponseWriter, req *http.Request, t target) {
	p, ok := r.page(w, req)
	if !ok {
		return
	}
	p.orderBy = ""
	subject, _ := t.digest()
	artifactType := req.URL.Query().Get("artifactType")
	if artifactType != "" {
		p.filter = url.Values{"artifactType": {artifactType}}
	}
	r.withRepository(w, t, func(repo *repository) {
		byDigest := map[string]ocispec.Descriptor{}
		var keys []string
		for _, referrer := range repo.referrers(subject) {
			if artifactType == "" || referrer.ArtifactType == artifactType {
				key := referrer.Digest.String()
				byDigest[key] = referrer
				keys = append(keys, key)
			}
		}
		index := referrersIndex([]ocispec.Descriptor{})
		for _, key := range p.cut(w, req, keys) {
			index.Manifests = append(index.Manifests, byDigest[key])
		}
		if artifactType != "" {
			w.Header().Set("OCI-Filters-Applied", "artifactType")
		}
		writeBody(w, http.StatusOK, ocispec.MediaTypeImageIndex, encode(index))
	})
}

// referrers returns the manifests whose subject is this digest, sorted by digest. An image manifest without
// artifactType counts under its configuration's media type, as the spec has it.
func (repo *repository) referrers(subject digest.Digest) []ocispec.Descriptor {
	referrers := []ocispec.Descriptor{}
	for d, m := range repo.manifests {
		if m.parsed.Subject == nil || m.parsed.Subject.Digest != subject {
			continue
		}
		referrer := repo.descriptor(d)
		referrer.ArtifactType = m.parsed.ArtifactType
		if referrer.ArtifactType == "" && m.parsed.Config != nil {
			referrer.ArtifactType = m.parsed.Config.MediaType
		}
		referrer.Annotations = m.parsed.Annotations
		referrers = append(referrers, referrer)
	}
	slices.SortFunc(referrers, func(a, b ocispec.Descriptor) int {
		return cmp.Compare(a.Digest, b.Digest)
	})
	return referrers
}

func referrersIndex(referrers []ocispec.Descriptor) ocispec.Index {
	return ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: referrers,
	}
}

// referrersTag returns the tag that lists a digest's referrers if the API is missing (OCI distribution spec 1.1,
// "Referrers Tag Schema").
func referrersTag(subject digest.Digest) string {
	return subject.Algorithm().String() + "-" + subject.Encoded()
}

// updateReferrersTag does for a manifest with a subject what a client must do on a registry without the API: it updates
// the subject's list.
func (repo *repository) updateReferrersTag(d digest.Digest, now time.Time) {
	subject := repo.manifests[d].parsed.Subject
	if subject == nil || subject.Digest.Validate() != nil {
		return
	}
	index := encode(referrersIndex(repo.referrers(subject.Digest)))
	repo.putManifest(referrersTag(subject.Digest), ocispec.MediaTypeImageIndex, digest.FromBytes(index), index, now)
}
