package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// The element types of nested attributes, from their schemas below.
var (
	descriptorType = elementType(descriptorAttributes)
	layerType      = elementType(layerAttributes)
	referrerType   = elementType(referrerAttributes)
	childType      = elementType(childAttributes)
	platformType   = elementType(platformAttributes)
)

// descriptorValues returns the attributes that every descriptor of the OCI image spec has. The functions below add to
// it.
func descriptorValues(d oci.Descriptor) values {
	return values{
		"media_type": textOrNull(d.MediaType),
		"digest":     types.StringValue(d.Digest.String()),
		"size":       types.Int64Value(d.Size),
	}
}

// layerValues returns an element of a manifest's layers.
func layerValues(d oci.Descriptor) values {
	element := descriptorValues(d)
	element["annotations"] = textsOrNull(d.Annotations)
	return element
}

// referrerValues returns an element of a list of referrers.
func referrerValues(d oci.Descriptor) values {
	element := layerValues(d)
	element["artifact_type"] = textOrNull(d.ArtifactType)
	return element
}

// childValues returns an element of an index.
func childValues(d oci.Descriptor) values {
	element := referrerValues(d)
	element["platform"] = objectOrNull(platformType(), d.Platform, platformValues)
	return element
}

func platformValues(p ocispec.Platform) values {
	return values{
		"os":           textOrNull(p.OS),
		"architecture": textOrNull(p.Architecture),
		"variant":      textOrNull(p.Variant),
		"os_version":   textOrNull(p.OSVersion),
	}
}

func descriptorAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"media_type": schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the content."},
		"digest":     schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of the content, such as `sha256:…`."},
		"size":       schema.Int64Attribute{Computed: true, MarkdownDescription: "Size of the content in bytes."},
	}
}

func layerAttributes() map[string]schema.Attribute {
	attributes := descriptorAttributes()
	attributes["annotations"] = schema.MapAttribute{
		Computed: true, ElementType: types.StringType, MarkdownDescription: "Annotations of the descriptor; null if it has none.",
	}
	return attributes
}

func referrerAttributes() map[string]schema.Attribute {
	attributes := layerAttributes()
	attributes["artifact_type"] = schema.StringAttribute{
		Computed: true, MarkdownDescription: "Artifact type, such as `application/spdx+json`; null if there is none.",
	}
	return attributes
}

func childAttributes() map[string]schema.Attribute {
	attributes := referrerAttributes()
	attributes["platform"] = schema.SingleNestedAttribute{
		Computed:            true,
		MarkdownDescription: "Platform that the child is for; null if the index does not say.",
		Attributes:          platformAttributes(),
	}
	return attributes
}

func platformAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"os":           schema.StringAttribute{Computed: true, MarkdownDescription: "Operating system, such as `linux`."},
		"architecture": schema.StringAttribute{Computed: true, MarkdownDescription: "Architecture, such as `amd64`."},
		"variant":      schema.StringAttribute{Computed: true, MarkdownDescription: "Variant of the architecture, such as `v7`; null if there is none."},
		"os_version":   schema.StringAttribute{Computed: true, MarkdownDescription: "Version of the operating system, as Windows images have it; null if there is none."},
	}
}
