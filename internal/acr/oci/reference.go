// Package oci reads what a registry stores: references, manifests, configurations and platforms. Bytes in, values out.
package oci

import (
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Image is an image reference in parts. Tag and Digest are empty if absent.
type Image struct {
	Registry   string // host[:port]
	Repository string
	Tag        string
	Digest     string
	Canonical  string // the whole reference in canonical order, registry/repository[:tag][@digest]
}

// ParseImage splits an image reference into its parts, by the grammar of distribution's reference package. It does not
// apply Docker Hub's defaults: a reference without a registry is refused. Errors are *fault.Error about "reference".
func ParseImage(text string) (*Image, error) {
	image, err := parse(text)
	if err != nil {
		return nil, fault.Invalid("reference", "%q is not an image reference such as \"example.azurecr.io/app:1.0\"", secret.Excerpt(text))
	}
	if image.Registry == "" {
		return nil, fault.Invalid("reference", "%q names no registry: it begins with one, such as \"example.azurecr.io/\"; no Docker Hub default is applied", secret.Excerpt(text))
	}
	return image, nil
}

// ParseReference splits a reference to one manifest into its parts: `repository:tag` or `repository@digest`, with or
// without a registry in front. It adds no tag to a reference without one. Errors are *fault.Error about "reference".
func ParseReference(text string) (*Image, error) {
	image, err := parse(text)
	if err != nil {
		return nil, fault.Invalid("reference", "%q is not a reference such as \"team/app:1.0\" or \"team/app@sha256:…\"", secret.Excerpt(text))
	}
	if (image.Tag == "") == (image.Digest == "") {
		return nil, fault.Invalid("reference", "%q needs a tag or a digest, and not both, such as \"team/app:1.0\" or \"team/app@sha256:…\"", secret.Excerpt(text))
	}
	return image, nil
}

// parse applies the grammar alone. The registry is empty if the first part is not the name of one.
func parse(text string) (*Image, error) {
	parsed, err := reference.Parse(text)
	if err != nil {
		return nil, err
	}
	named, ok := parsed.(reference.Named)
	if !ok {
		return nil, reference.ErrNameEmpty // a digest alone
	}
	image := &Image{Repository: named.Name(), Canonical: parsed.String()}
	if namesRegistry(named) {
		image.Registry, image.Repository = reference.Domain(named), reference.Path(named)
	}
	if tagged, ok := parsed.(reference.Tagged); ok {
		image.Tag = tagged.Tag()
	}
	if digested, ok := parsed.(reference.Digested); ok {
		image.Digest = digested.Digest().String()
	}
	return image, nil
}

// namesRegistry reports whether the first part of a name is a registry, by Docker's rule: it has a dot, a port or
// capitals, or is localhost.
func namesRegistry(named reference.Named) bool {
	domain := reference.Domain(named)
	return domain == "localhost" || strings.ContainsAny(domain, ".:") || domain != strings.ToLower(domain)
}

// ValidateRepository checks a repository name against the OCI distribution spec's <name>.
func ValidateRepository(repository string) error {
	if repository == "" {
		return fault.Invalid("repository", "is empty")
	}
	// The grammar of a whole reference takes a first component with a dot for a host, so this puts a host before it.
	named, err := reference.WithName("r.io/" + repository)
	if err != nil || reference.Path(named) != repository {
		return fault.Invalid("repository", "%q is not a repository name: at most 255 lower-case letters and digits, joined by \".\", \"_\", \"__\", \"-\" or \"/\", without the registry and without a tag", secret.Excerpt(repository))
	}
	return nil
}

// ValidateTag checks a tag against the OCI distribution spec: at most 128 letters, digits, ".", "_" and "-", not
// beginning with "." or "-".
func ValidateTag(tag string) error {
	if match := reference.TagRegexp.FindString(tag); match == "" || match != tag {
		return fault.Invalid("tag", "%q is not a tag: at most 128 letters, digits, \".\", \"_\" and \"-\", not beginning with \".\" or \"-\"", secret.Excerpt(tag))
	}
	return nil
}

// ValidateDigest checks a digest. Its algorithm must be one that can be computed here: sha256, sha384 or sha512.
func ValidateDigest(value string) error {
	if err := digest.Digest(value).Validate(); err != nil {
		return fault.Invalid("digest", "%q is not a digest such as \"sha256:\" and 64 hexadecimal digits in lower case", secret.Excerpt(value))
	}
	return nil
}
