package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// descriptorModel is what every descriptor of the OCI image spec has. The wider ones below embed it.
type descriptorModel struct {
	MediaType types.String `tfsdk:"media_type"`
	Digest    types.String `tfsdk:"digest"`
	Size      types.Int64  `tfsdk:"size"`
}

// layerModel is an element of a manifest's layers.
type layerModel struct {
	descriptorModel
	Annotations map[string]string `tfsdk:"annotations"`
}

// referrerModel is an element of a list of referrers.
type referrerModel struct {
	descriptorModel
	ArtifactType types.String      `tfsdk:"artifact_type"`
	Annotations  map[string]string `tfsdk:"annotations"`
}

// childModel is an element of an index.
type childModel struct {
	referrerModel
	Platform *platformModel `tfsdk:"platform"`
}

type platformModel struct {
	OS           types.String `tfsdk:"os"`
	Architecture types.String `tfsdk:"architecture"`
	Variant      types.String `tfsdk:"variant"`
	OSVersion    types.String `tfsdk:"os_version"`
}

func newDescriptorModel(d acr.Descriptor) descriptorModel {
	return descriptorModel{
		MediaType: textOrNull(d.MediaType),
		Digest:    types.StringValue(d.Digest.String()),
		Size:      types.Int64Value(d.Size),
	}
}

// optionalDescriptor keeps null for a descriptor that a manifest lacks.
func optionalDescriptor(d *acr.Descriptor) *descriptorModel {
	if d == nil {
		return nil
	}
	model := newDescriptorModel(*d)
	return &model
}

func newLayerModel(d acr.Descriptor) layerModel {
	return layerModel{descriptorModel: newDescriptorModel(d), Annotations: d.Annotations}
}

func newReferrerModel(d acr.Descriptor) referrerModel {
	return referrerModel{
		descriptorModel: newDescriptorModel(d),
		ArtifactType:    textOrNull(d.ArtifactType),
		Annotations:     d.Annotations,
	}
}

func newChildModel(d acr.Descriptor) childModel {
	return childModel{referrerModel: newReferrerModel(d), Platform: newPlatformModel(d.Platform)}
}

func newPlatformModel(p *ocispec.Platform) *platformModel {
	if p == nil {
		return nil
	}
	return &platformModel{
		OS:           textOrNull(p.OS),
		Architecture: textOrNull(p.Architecture),
		Variant:      textOrNull(p.Variant),
		OSVersion:    textOrNull(p.OSVersion),
	}
}

// modelsOf turns each descriptor into a model. A list that a manifest lacks stays nil, which is null in Terraform.
func modelsOf[M any](descriptors []acr.Descriptor, model func(acr.Descriptor) M) []M {
	if descriptors == nil {
		return nil
	}
	models := make([]M, len(descriptors))
	for i, d := range descriptors {
		models[i] = model(d)
	}
	return models
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
		Computed: true, ElementType: types.StringType, MarkdownDescription: "Annotations of the descriptor; null where it has none.",
	}
	return attributes
}

func referrerAttributes() map[string]schema.Attribute {
	attributes := layerAttributes()
	attributes["artifact_type"] = schema.StringAttribute{
		Computed: true, MarkdownDescription: "Artifact type, such as `application/spdx+json`; null where there is none.",
	}
	return attributes
}

func childAttributes() map[string]schema.Attribute {
	attributes := referrerAttributes()
	attributes["platform"] = schema.SingleNestedAttribute{
		Computed:            true,
		MarkdownDescription: "Platform that the child is for; null where the index does not say.",
		Attributes: map[string]schema.Attribute{
			"os":           schema.StringAttribute{Computed: true, MarkdownDescription: "Operating system, such as `linux`."},
			"architecture": schema.StringAttribute{Computed: true, MarkdownDescription: "Architecture, such as `amd64`."},
			"variant":      schema.StringAttribute{Computed: true, MarkdownDescription: "Variant of the architecture, such as `v7`; null where there is none."},
			"os_version":   schema.StringAttribute{Computed: true, MarkdownDescription: "Version of the operating system, as Windows images have it; null where there is none."},
		},
	}
	return attributes
}
