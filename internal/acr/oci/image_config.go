package oci

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Limits of an image configuration. Its text goes to Terraform twice, in the body and as values.
const (
	MaxConfig       = 8 << 20 // bytes
	maxConfigValues = 60_000
	maxConfigText   = 4 << 20 // bytes of labels, environment, commands and the like
)

// ImageConfig is the configuration of an image.
type ImageConfig struct {
	Digest       digest.Digest // the manifest's
	Created      string        // RFC 3339 as written; empty if absent, like every string here
	Author       string
	Architecture string
	OS           string
	Variant      string
	Labels       map[string]string
	Env          map[string]string // from NAME=value; the last of a name counts
	Entrypoint   []string
	Cmd          []string
	User         string
	WorkingDir   string
	ExposedPorts []string // such as "8080/tcp", sorted
	Volumes      []string // sorted
	Body         []byte   // as the registry sent them
}

// HasImageConfig reports whether the config is that of an image, not of an artifact. In Docker's schema 2 the
// manifest's type already means an image, so older clients wrote various types for its config.
func (m *Manifest) HasImageConfig() bool {
	if m.Config == nil {
		return false
	}
	switch m.Config.MediaType {
	case ocispec.MediaTypeImageConfig, mediaTypeDockerConfig:
		return true
	case "", "application/octet-stream", "application/json", "text/html":
		// The types that Docker's daemon accepts for an image: imageTypes in its distribution/registry.go.
		return m.MediaType == MediaTypeDockerManifest
	}
	return false
}

// Kind returns the manifest's artifact type, or else the config's media type, which stands for it in older artifacts
// (OCI image spec).
func (m *Manifest) Kind() string {
	if m.ArtifactType == "" && m.Config != nil {
		return m.Config.MediaType
	}
	return m.ArtifactType
}

// command is a list of arguments. A string is a list of one, as Docker reads it (its api/types/strslice).
type command []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *command) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return json.UnmarshalDecode(d, (*[]string)(c))
	}
	*c = make(command, 1)
	return json.UnmarshalDecode(d, &(*c)[0])
}

// ParseImageConfig parses an image configuration (OCI image spec, "Image Configuration"). Its bytes have been checked
// against their digest, so if they are malformed, the image is at fault. Errors are *fault.Error.
func ParseImageConfig(body []byte) (*ImageConfig, error) {
	var raw struct {
		Created      string `json:"created"`
		Author       string `json:"author"`
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
		Variant      string `json:"variant"`
		Config       struct {
			Labels       map[string]string   `json:"Labels"`
			Env          []string            `json:"Env"`
			Entrypoint   command             `json:"Entrypoint"`
			Cmd          command             `json:"Cmd"`
			User         string              `json:"User"`
			WorkingDir   string              `json:"WorkingDir"`
			ExposedPorts map[string]struct{} `json:"ExposedPorts"`
			Volumes      map[string]struct{} `json:"Volumes"`
		} `json:"config"`
	}
	if err := wire.Unmarshal(body, maxConfigValues, &raw); err != nil {
		return nil, malformed(fault.MalformedImage, "the body is not an image configuration: %w", wire.Explain(err))
	}
	config := &ImageConfig{
		Created:      raw.Created,
		Author:       raw.Author,
		Architecture: raw.Architecture,
		OS:           raw.OS,
		Variant:      raw.Variant,
		Labels:       raw.Config.Labels,
		Env:          environment(raw.Config.Env),
		Entrypoint:   raw.Config.Entrypoint,
		Cmd:          raw.Config.Cmd,
		User:         raw.Config.User,
		WorkingDir:   raw.Config.WorkingDir,
		ExposedPorts: slices.Sorted(maps.Keys(raw.Config.ExposedPorts)),
		Volumes:      slices.Sorted(maps.Keys(raw.Config.Volumes)),
		Body:         body,
	}
	if config.text() > maxConfigText {
		return nil, malformed(fault.TooLarge, "%w: labels, environment and commands of the image configuration are over the limit of %d bytes", wire.ErrTooLarge, maxConfigText)
	}
	return config, nil
}

// text returns the size of all texts except the body, in bytes.
func (c *ImageConfig) text() (n int) {
	texts := slices.Concat([]string{c.Created, c.Author, c.Architecture, c.OS, c.Variant, c.User, c.WorkingDir}, c.Entrypoint, c.Cmd, c.ExposedPorts, c.Volumes)
	for _, text := range texts {
		n += len(text)
	}
	for _, texts := range []map[string]string{c.Labels, c.Env} {
		for name, text := range texts {
			n += len(name) + len(text)
		}
	}
	return n
}

func environment(entries []string) map[string]string {
	env := map[string]string{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}
