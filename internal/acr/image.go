package acr

import (
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/distribution/reference"
)

// Image is an image reference in parts. Tag and Digest are empty where absent.
type Image struct {
	Registry   string // host[:port]
	Repository string
	Tag        string
	Digest     string
	Canonical  string // the whole reference in canonical order, registry/repository[:tag][@digest]
}

// ParseImage takes a reference apart by the grammar of distribution's reference package. Docker Hub's defaults are not
// applied: a reference without a registry is an error.
func ParseImage(text string) (*Image, error) {
	parsed, err := reference.Parse(text)
	if err != nil {
		return nil, fault.Invalid("reference", "%q is not an image reference such as \"example.azurecr.io/app:1.0\"", secret.Excerpt(text))
	}
	named, ok := parsed.(reference.Named)
	if !ok || !namesRegistry(named) {
		return nil, fault.Invalid("reference", "%q names no registry: it begins with one, such as \"example.azurecr.io/\"; no Docker Hub default is applied", secret.Excerpt(text))
	}
	image := &Image{Registry: reference.Domain(named), Repository: reference.Path(named), Canonical: parsed.String()}
	if tagged, ok := parsed.(reference.Tagged); ok {
		image.Tag = tagged.Tag()
	}
	if digested, ok := parsed.(reference.Digested); ok {
		image.Digest = digested.Digest().String()
	}
	return image, nil
}

// namesRegistry tells a registry from the first part of a repository's path as Docker does: a registry has a dot, a
// port or capitals in it, or is localhost.
func namesRegistry(named reference.Named) bool {
	domain := reference.Domain(named)
	return domain == "localhost" || strings.ContainsAny(domain, ".:") || domain != strings.ToLower(domain)
}
