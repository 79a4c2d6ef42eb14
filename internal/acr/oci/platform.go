package oci

import (
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// ParsePlatform parses `os/architecture[/variant]`, such as linux/arm64 or linux/arm/v7.
func ParsePlatform(value string) (ocispec.Platform, error) {
	parts := strings.Split(value, "/")
	wellFormed := len(parts) == 2 || len(parts) == 3
	for _, part := range parts {
		wellFormed = wellFormed && part != "" && strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
	}
	if !wellFormed {
		return ocispec.Platform{}, fault.Invalid("platform", "%q is not os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7", secret.Excerpt(value))
	}
	p := ocispec.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// FormatPlatform returns a platform in the form that ParsePlatform parses.
func FormatPlatform(p ocispec.Platform) string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

// normalized returns a platform with the names that containerd uses: an architecture has Go's spelling, and its default
// variant is left out, except that arm means arm/v7.
func normalized(p ocispec.Platform) ocispec.Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	switch p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "i386":
		p.Architecture = "386"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	if len(p.Variant) == 1 {
		p.Variant = "v" + p.Variant
	}
	switch p.Architecture + p.Variant {
	case "amd64v1", "arm64v8":
		p.Variant = ""
	case "arm":
		p.Variant = "v7"
	}
	return p
}

// NamesPlatform reports whether an index says which platform a child is for.
func NamesPlatform(child Descriptor) bool {
	return child.Platform != nil && child.Platform.OS != "" && child.Platform.Architecture != ""
}

// FormatChild returns the platform of an index's child as the index writes it. It is empty for an attestation, whose
// platform is unknown/unknown, and for a child without a platform.
func FormatChild(child Descriptor) string {
	if !NamesPlatform(child) || child.Platform.OS == "unknown" {
		return ""
	}
	return FormatPlatform(*child.Platform)
}

// platforms lists the platforms of an index, sorted, each once.
func (m *Manifest) platforms() []string {
	var platforms []string
	for _, child := range m.Manifests {
		if platform := FormatChild(child); platform != "" {
			platforms = append(platforms, platform)
		}
	}
	slices.Sort(platforms)
	return slices.Compact(platforms)
}

// Choose returns the child of an index for a platform. If no variant matches exactly, it takes the architecture's
// default, or the next lower one of arm, or the only one there is.
func (m *Manifest) Choose(wanted ocispec.Platform) (Descriptor, bool) {
	var candidates []Descriptor // the first of each variant
	exact := normalized(wanted)
	for _, child := range m.Manifests {
		if !NamesPlatform(child) {
			continue
		}
		has := normalized(*child.Platform)
		if has.OS != exact.OS || has.Architecture != exact.Architecture {
			continue
		}
		if has.Variant == exact.Variant {
			return child, true
		}
		if !slices.ContainsFunc(candidates, func(c Descriptor) bool { return normalized(*c.Platform).Variant == has.Variant }) {
			candidates = append(candidates, child)
		}
	}
	if wanted.Variant != "" {
		return Descriptor{}, false
	}
	if exact.Architecture == "arm" {
		return highestBelow(candidates, exact.Variant)
	}
	if len(candidates) == 1 {
		return candidates[0], true
	}
	return Descriptor{}, false
}

// highestBelow returns the child with the highest variant below the given one: v6 and v5 programs run on v7. A single
// candidate is always taken.
func highestBelow(candidates []Descriptor, variant string) (best Descriptor, found bool) {
	for _, child := range candidates {
		has := normalized(*child.Platform).Variant
		if has < variant && (!found || has > normalized(*best.Platform).Variant) {
			best, found = child, true
		}
	}
	if !found && len(candidates) == 1 {
		return candidates[0], true
	}
	return best, found
}

// Fits reports whether something for one platform satisfies the wanted one.
func Fits(has, wanted ocispec.Platform) bool {
	_, found := (&Manifest{Manifests: []Descriptor{{Platform: &has}}}).Choose(wanted)
	return found
}

// ListPlatforms returns the platforms of an index for an error, at most twenty, and mentions children without a
// platform.
func ListPlatforms(manifest *Manifest) string {
	var names []string
	for _, platform := range manifest.platforms() {
		if len(names) == 20 {
			names = append(names, "and more")
			break
		}
		names = append(names, secret.Excerpt(platform))
	}
	if nameless := slices.IndexFunc(manifest.Manifests, func(child Descriptor) bool { return !NamesPlatform(child) }); nameless >= 0 {
		names = append(names, "children without a platform, such as "+secret.Excerpt(manifest.Manifests[nameless].Digest.String()))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
