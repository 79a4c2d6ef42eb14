package oci

import (
	"maps"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What an image configuration may hold. Its text reaches Terraform twice, in the body and as values.
const (
	MaxConfig       = 8 << 20 // bytes
	maxConfigValues = 60_000
	maxConfigText   = 4 << 20 // bytes of labels, environment, commands and the like
)

// ImageConfig is what an image says of itself.
type ImageConfig struct {
	Digest       digest.Digest // the manifest's
	Created      string        // RFC 3339 as written; empty where absent, like every string here
	Author       string
	Architecture string
	OS           string
	Variant      string
	Labels       map[string]string
	Env          map[string]string // of NAME=value the last one of a name counts
	Entrypoint   []string
	Cmd          []string
	User         string
	WorkingDir   string
	ExposedPorts []string // such as "8080/tcp", sorted
	Volumes      []string // sorted
	Body         []byte   // as the registry sent them
}

// HasImageConfig reports whether the config is an image's, and not an artifact's.
func (m *Manifest) HasImageConfig() bool {
	return m.Config != nil && (m.Config.MediaType == ocispec.MediaTypeImageConfig || m.Config.MediaType == MediaTypeDockerConfig)
}

// Kind returns the manifest's, else the config's media type, as the OCI image spec has it for older artifacts.
func (m *Manifest) Kind() string {
	if m.ArtifactType == "" && m.Config != nil {
		return m.Config.MediaType
	}
	return m.ArtifactType
}

// ParseImageConfig reads an image configuration (OCI image spec, "Image Configuration").
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
			Entrypoint   []string            `json:"Entrypoint"`
			Cmd          []string            `json:"Cmd"`
			User         string              `json:"User"`
			WorkingDir   string              `json:"WorkingDir"`
			ExposedPorts map[string]struct{} `json:"ExposedPorts"`
			Volumes      map[string]struct{} `json:"Volumes"`
		} `json:"config"`
	}
	if err := wire.Unmarshal(body, maxConfigValues, &raw); err != nil {
		return nil, malformed("the body is no image configuration: %w", wire.Explain(err))
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
		return nil, malformed("%w: labels, environment and commands of the image configuration are over the limit of %d bytes", wire.ErrTooLarge, maxConfigText)
	}
	return config, nil
}

// text counts the bytes of all texts but the body.
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
