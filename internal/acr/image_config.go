package acr

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What an image configuration may hold. Its text reaches Terraform twice, in the body and as values.
const (
	maxConfig       = 8 << 20 // bytes
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

// ImageConfig reads the configuration of an image; an index needs a platform. Errors are *Error.
func (c *Client) ImageConfig(ctx context.Context, req ManifestRequest) (config *ImageConfig, err error) {
	defer c.redact(&err)
	if err := c.validate(req); err != nil {
		return nil, err
	}
	manifest, err := c.sharedManifest(ctx, req)
	if err != nil {
		return nil, err
	}
	if !manifest.IsIndex() {
		return c.configOf(ctx, req, manifest)
	}
	if req.Platform == "" {
		return nil, c.platformError(req, "this is an index, so a platform is needed; it has %s", listPlatforms(manifest))
	}
	if manifest, err = c.child(ctx, req, manifest); err != nil {
		return nil, err
	}
	return c.imageConfig(ctx, req, manifest)
}

// configOf reads a plain image's configuration and holds it to the platform, where one is asked for.
func (c *Client) configOf(ctx context.Context, req ManifestRequest, manifest *Manifest) (*ImageConfig, error) {
	config, err := c.imageConfig(ctx, req, manifest)
	if err != nil || req.Platform == "" {
		return config, err
	}
	wanted, err := ParsePlatform(req.Platform)
	if err != nil {
		return nil, err
	}
	has := ocispec.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	if has.OS == "" || has.Architecture == "" {
		return nil, c.platformError(req, "the image's configuration names no platform, so whether it is for %s cannot be known", req.Platform)
	}
	if !fits(has, wanted) {
		return nil, c.platformError(req, "the image is for %s, not for %s", secret.Excerpt(formatPlatform(has)), req.Platform)
	}
	return config, nil
}

// hasImageConfig reports whether the config is an image's, and not an artifact's.
func (m *Manifest) hasImageConfig() bool {
	return m.Config != nil && (m.Config.MediaType == ocispec.MediaTypeImageConfig || m.Config.MediaType == mediaTypeDockerConfig)
}

// artifactType is the manifest's, else the config's media type, as the OCI image spec has it for older artifacts.
func (m *Manifest) artifactType() string {
	if m.ArtifactType == "" && m.Config != nil {
		return m.Config.MediaType
	}
	return m.ArtifactType
}

// imageConfig reads and verifies the blob that a manifest names as its config.
func (c *Client) imageConfig(ctx context.Context, req ManifestRequest, manifest *Manifest) (*ImageConfig, error) {
	if !manifest.hasImageConfig() {
		return nil, &fault.Error{
			Reason: fault.NotAnImage, Operation: c.readingManifest(req),
			Detail: fmt.Sprintf("its media type is %s and its artifact type %q; only an image has a configuration", secret.Excerpt(manifest.MediaType), secret.Excerpt(manifest.artifactType())),
		}
	}
	descriptor := *manifest.Config
	if err := c.checkDigest(req, descriptor.Digest); err != nil {
		return nil, err
	}
	r := resource{
		operation: fmt.Sprintf("reading the image configuration %s", c.Pin(req.Repository, descriptor.Digest)),
		url:       c.url("/v2/"+req.Repository+"/blobs/"+descriptor.Digest.String(), nil),
		limit:     maxConfig,
		scope:     "repository:" + req.Repository + ":pull",
		token:     req.AccessToken,
	}
	answer, err := c.read(ctx, r)
	if err != nil {
		return nil, incomplete(err, "the manifest names this configuration")
	}
	if actual := descriptor.Digest.Algorithm().FromBytes(answer.body); actual != descriptor.Digest || int64(len(answer.body)) != descriptor.Size {
		failed := c.transport.badAnswer(r.request(), answer, fmt.Errorf(
			"the %d bytes have the digest %s, while the manifest says %d bytes with %s", len(answer.body), actual, descriptor.Size, descriptor.Digest))
		failed.Reason = fault.DigestMismatch
		return nil, failed
	}
	config, err := decodeImageConfig(answer.body)
	if err != nil {
		return nil, c.transport.badAnswer(r.request(), answer, err)
	}
	config.Digest = manifest.Digest
	return config, nil
}

// checkDigest refuses a descriptor's digest that cannot be asked for and verified.
func (c *Client) checkDigest(req ManifestRequest, d digest.Digest) error {
	if d.Validate() == nil {
		return nil
	}
	return &fault.Error{Reason: fault.BadAnswer, Operation: c.readingManifest(req), Detail: "it names a part by a digest of an algorithm that is not known here"}
}

// incomplete turns the 404 for a part into an error about the whole, which is there.
func incomplete(err error, named string) error {
	failed, ok := fault.As(err)
	if !ok || failed.Status != http.StatusNotFound {
		return err
	}
	mine := *failed
	mine.Reason, mine.Detail = fault.IncompleteImage, named+", but the registry does not have it"
	return &mine
}

// decodeImageConfig reads an image configuration (OCI image spec, "Image Configuration").
func decodeImageConfig(body []byte) (*ImageConfig, error) {
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
	if err := unmarshal(body, maxConfigValues, &raw); err != nil {
		return nil, fmt.Errorf("the body is no image configuration: %w", jsonFault(err))
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
		return nil, fmt.Errorf("%w: labels, environment and commands of the image configuration are over the limit of %d bytes", errTooLarge, maxConfigText)
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
