package oci

import (
	"encoding/json"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// AddReferrer adds a referrer to the index of its subject's referrers (OCI distribution spec 1.1, "Referrers Tag
// Schema") and returns the new index. list is the index so far, nil for none. It returns nil if the index already names
// the referrer.
func AddReferrer(list, referrer *Manifest) (*Manifest, error) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	if list != nil {
		if !list.IsIndex() {
			return nil, &fault.Error{Reason: fault.BadAnswer, Detail: "the referrers tag leads to " + list.Digest.String() + ", which is not an index"}
		}
		if err := json.Unmarshal(list.Body, &index); err != nil {
			return nil, malformed(fault.BadAnswer, "the list of referrers cannot be read")
		}
	}
	if slices.ContainsFunc(index.Manifests, func(d Descriptor) bool { return d.Digest == referrer.Digest }) {
		return nil, nil
	}
	index.Manifests = append(index.Manifests, Descriptor{
		MediaType: referrer.MediaType, Digest: referrer.Digest, Size: referrer.Size,
		ArtifactType: referrer.Kind(), Annotations: referrer.Annotations,
	})
	body, err := json.Marshal(index)
	if err != nil {
		return nil, malformed(fault.BadAnswer, "the list of referrers cannot be written")
	}
	return ParseManifest(Received{ContentType: ocispec.MediaTypeImageIndex, Body: body}, "")
}
