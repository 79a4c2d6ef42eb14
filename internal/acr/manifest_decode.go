package acr

import (
	"errors"
	"fmt"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

var errSchema1 = errors.New("this is a Docker schema 1 manifest, whose digest is not that of its bytes")

// decodeManifest reads a manifest or index. The decoder refuses duplicate keys, invalid UTF-8 and deep nesting, and
// passes over keys in another case; this function refuses what two readers could take for different things
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
		Manifests     descriptors        `json:"manifests"`
	}
	if err := unmarshal(body, maxManifestValues, &raw); err != nil {
		return nil, jsonFault(err)
	}
	switch {
	case raw.SchemaVersion == 1:
		return nil, errSchema1
	case raw.Manifests != nil && (raw.Layers != nil || raw.Config != nil):
		return nil, errors.New("it has both manifests and layers or config")
	case (contentType == "" || contentType == "application/json") && raw.MediaType == "":
		return nil, errors.New("neither the header nor the body names a media type")
	case contentType == "":
		contentType = raw.MediaType
	case raw.MediaType != "" && raw.MediaType != contentType:
		return nil, fmt.Errorf("its mediaType is %q", secret.Excerpt(raw.MediaType))
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
	return manifest, manifest.checkShape()
}

// saysSchema1 reports whether bytes that are not what their digest says are a schema 1 manifest under another type.
func saysSchema1(body []byte) bool {
	var raw struct {
		SchemaVersion int64 `json:"schemaVersion"`
	}
	return unmarshal(body, maxManifestValues, &raw) == nil && raw.SchemaVersion == 1
}

// checkShape holds the four standard types to their required parts, so that `{}` is no image.
func (m *Manifest) checkShape() error {
	switch m.MediaType {
	case ocispec.MediaTypeImageManifest, mediaTypeDockerManifest:
		if m.Config == nil || m.Layers == nil {
			return errors.New("it has no config or no layers")
		}
	case ocispec.MediaTypeImageIndex, mediaTypeDockerList:
		if m.Manifests == nil {
			return errors.New("it has no manifests")
		}
	}
	return nil
}

// jsonFault says what is wrong with JSON without quoting it.
func jsonFault(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, errTooMany):
		return errTooMany
	case errors.Is(err, errTooDeep):
		return errTooDeep
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("it has the same key twice in one object")
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not valid JSON at byte %d", syntax.ByteOffset)
	case errors.As(err, &semantic) && semantic.Err != nil:
		return fmt.Errorf("it has a value that does not fit at byte %d", semantic.ByteOffset)
	default:
		return errors.New("it is JSON of another shape")
	}
}

// errShape is a value that a manifest cannot have.
var errShape = errors.New("not the shape of a manifest")

// What a manifest may hold: more descriptors than any image or index has by far, and for each of them a platform and
// several annotations. More of them would take over 64 MiB as values of Terraform's.
const (
	maxDescriptors    = 4_000 // of layers, and of manifests
	maxManifestValues = 60_000
)

// descriptors checks each element as it comes, so that a body of empty objects costs no memory.
type descriptors []Descriptor

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (list *descriptors) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue() // null is as good as absent
	}
	*list = descriptors{}
	return eachElement(d, func() error {
		if len(*list) == maxDescriptors {
			return errTooMany
		}
		var element checkedDescriptor
		err := json.UnmarshalDecode(d, &element)
		*list = append(*list, Descriptor(element))
		return err
	})
}

// checkedDescriptor is a descriptor with a digest and a size that can be.
type checkedDescriptor Descriptor

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *checkedDescriptor) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return errShape
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
		return errShape
	}
	*c = checkedDescriptor{
		MediaType: raw.MediaType, Digest: raw.Digest, Size: raw.Size,
		ArtifactType: raw.ArtifactType, Annotations: raw.Annotations, Platform: raw.Platform,
	}
	return nil
}
