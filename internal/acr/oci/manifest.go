package oci

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Docker's media types. OCI's are in ocispec.
const (
	MediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	// MediaTypeArtifactManifest comes from OCI's image spec before 1.1 and is still in use.
	MediaTypeArtifactManifest = "application/vnd.oci.artifact.manifest.v1+json"

	mediaTypeDockerConfig  = "application/vnd.docker.container.image.v1+json"
	mediaTypeDockerSchema1 = "application/vnd.docker.distribution.manifest.v1"
)

// MaxManifest is the largest body of a manifest, in bytes.
const MaxManifest = 4 << 20

// Descriptor is OCI's content descriptor.
type Descriptor = ocispec.Descriptor

// Manifest is a manifest or index with its bytes.
type Manifest struct {
	Digest        digest.Digest // of Body
	MediaType     string
	ArtifactType  string // empty if absent
	SchemaVersion int64  // 0 if absent
	Size          int64  // of Body, in bytes
	Body          []byte // as the registry sent them: their digest is what is signed and pinned
	Annotations   map[string]string
	Config        *Descriptor  // nil if absent
	Subject       *Descriptor  // nil if absent
	Layers        []Descriptor // nil if absent or null; of an artifact manifest, its blobs
	Manifests     []Descriptor // children of an index, empty if it names none; nil for anything else
}

// IsIndex reports whether the manifest lists others: an OCI index or a Docker manifest list.
func (m *Manifest) IsIndex() bool { return IsIndexType(m.MediaType) || m.Manifests != nil }

// IsIndexType reports whether a media type is that of an OCI index or a Docker manifest list.
func IsIndexType(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == MediaTypeDockerList
}

// Is reports whether the manifest's bytes have the digest, whatever its algorithm. It is false for an empty digest and
// a nil manifest.
func (m *Manifest) Is(d digest.Digest) bool {
	return m != nil && d.Validate() == nil && d.Algorithm().FromBytes(m.Body) == d
}

// Parts returns what must be in the repository before the manifest: children, configuration and layers. A subject need
// not be (OCI distribution spec 1.1, "Pushing Manifests with Subject").
func (m *Manifest) Parts() []Descriptor {
	parts := slices.Clone(m.Manifests)
	if m.Config != nil {
		parts = append(parts, *m.Config)
	}
	return append(parts, m.Layers...)
}

// malformed returns the error for a body that is not what it should be. If it wraps an error about a limit, its reason
// is TooLarge.
func malformed(reason fault.Reason, format string, values ...any) *fault.Error {
	err := fmt.Errorf(format, values...)
	if errors.Is(err, wire.ErrTooLarge) || errors.Is(err, wire.ErrTooMany) {
		reason = fault.TooLarge
	}
	return &fault.Error{Reason: reason, Detail: err.Error()}
}

// errSchema1 is the error for every Docker schema 1 manifest.
var errSchema1 = &fault.Error{Reason: fault.Schema1, Detail: "this is a Docker schema 1 manifest, whose digest is not that of its bytes"}

// decodeManifest decodes a manifest or index. The decoder refuses duplicate keys, invalid UTF-8 and deep nesting, and
// ignores keys in another case. This function refuses what two readers could take for different things
// (CVE-2021-41190).
func decodeManifest(body []byte, contentType string) (*Manifest, error) {
	var raw struct {
		SchemaVersion int64              `json:"schemaVersion"`
		MediaType     string             `json:"mediaType"`
		ArtifactType  string             `json:"artifactType"`
		Annotations   map[string]string  `json:"annotations"`
		Config        *checkedDescriptor `json:"config"`
		Subject       *checkedDescriptor `json:"subject"`
		Layers        descriptors        `json:"layers"`
		Blobs         descriptors        `json:"blobs"` // of an artifact manifest
		Manifests     descriptors        `json:"manifests"`
	}
	if err := wire.Unmarshal(body, maxManifestValues, &raw); err != nil {
		return nil, wire.Explain(err)
	}
	switch {
	case raw.SchemaVersion == 1:
		return nil, errSchema1
	case raw.Manifests != nil && (raw.Layers != nil || raw.Config != nil):
		return nil, errors.New("it has both manifests and layers or config")
	case !isGeneric(contentType):
		if raw.MediaType != "" && raw.MediaType != contentType {
			return nil, fmt.Errorf("its mediaType is %q", secret.Excerpt(raw.MediaType))
		}
	case raw.MediaType != "":
		contentType = raw.MediaType
	// Only OCI's manifests may leave their mediaType out (OCI image spec, "Image Manifest" and "Image Index").
	case raw.SchemaVersion == 2 && raw.Manifests != nil:
		contentType = ocispec.MediaTypeImageIndex
	case raw.SchemaVersion == 2 && raw.Config != nil:
		contentType = ocispec.MediaTypeImageManifest
	default:
		return nil, errors.New("neither the header nor the body names a media type")
	}
	if contentType == MediaTypeArtifactManifest {
		raw.Layers = raw.Blobs
	}
	manifest := &Manifest{
		MediaType:     contentType,
		ArtifactType:  raw.ArtifactType,
		SchemaVersion: raw.SchemaVersion,
		Size:          int64(len(body)),
		Body:          body,
		Annotations:   raw.Annotations,
		Config:        (*Descriptor)(raw.Config),
		Subject:       (*Descriptor)(raw.Subject),
		Layers:        raw.Layers,
		Manifests:     raw.Manifests,
	}
	if err := manifest.checkShape(); err != nil {
		return nil, err
	}
	if manifest.IsIndex() && manifest.Manifests == nil {
		manifest.Manifests = []Descriptor{}
	}
	return manifest, nil
}

// checkShape checks that each of the four standard types has its parts, so that `{}` is no image and an image is no
// index. Lists may be empty, null or left out: clients write all three if there is nothing to list.
func (m *Manifest) checkShape() error {
	switch m.MediaType {
	case ocispec.MediaTypeImageManifest, MediaTypeDockerManifest:
		if m.Config == nil {
			return errors.New("it has no config")
		}
	case ocispec.MediaTypeImageIndex, MediaTypeDockerList:
		if m.Config != nil || m.Layers != nil {
			return errors.New("it has config or layers, which no index has")
		}
		if m.Manifests == nil && m.SchemaVersion == 0 {
			return errors.New("it has no manifests")
		}
	}
	return nil
}

// Limits of a manifest: far more descriptors than any image or index has, each with a platform and several annotations.
// More would take over 64 MiB as Terraform's values.
const (
	MaxDescriptors    = 4_000 // of layers, and of manifests
	maxManifestValues = 60_000
)

// descriptors checks each element as it is decoded, so that a body full of empty objects costs no memory.
type descriptors []Descriptor

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (list *descriptors) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue() // null counts as absent
	}
	*list = descriptors{}
	return wire.EachElement(d, func() error {
		if len(*list) == MaxDescriptors {
			return wire.ErrTooMany
		}
		var element checkedDescriptor
		err := json.UnmarshalDecode(d, &element)
		*list = append(*list, Descriptor(element))
		return err
	})
}

// checkedDescriptor is a descriptor with a valid digest and size.
type checkedDescriptor Descriptor

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *checkedDescriptor) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return wire.ErrShape
	}
	var raw struct {
		MediaType    string            `json:"mediaType"`
		Digest       digest.Digest     `json:"digest"`
		Size         int64             `json:"size"`
		ArtifactType string            `json:"artifactType"`
		Annotations  map[string]string `json:"annotations"`
		Platform     *ocispec.Platform `json:"platform"`
	}
	if err := json.UnmarshalDecode(d, &raw); err != nil {
		return err
	}
	if err := raw.Digest.Validate(); err != nil && !errors.Is(err, digest.ErrDigestUnsupported) || raw.Size < 0 {
		return wire.ErrShape
	}
	*c = checkedDescriptor{
		MediaType: raw.MediaType, Digest: raw.Digest, Size: raw.Size,
		ArtifactType: raw.ArtifactType, Annotations: raw.Annotations, Platform: raw.Platform,
	}
	return nil
}
