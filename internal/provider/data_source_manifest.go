package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

type manifestDataSource struct {
	connectedDataSource
}

func newManifestDataSource() datasource.DataSource { return &manifestDataSource{} }

func (d *manifestDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_manifest"
}

func (d *manifestDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the manifest of an image, an index of images or any other artifact: its digest, to pin a deployment to, " +
			"and its parts. The provider computes the digest from the bytes and compares it with the registry's.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"tag":        tagAttribute(),
			"digest": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Digest of the manifest to read, `sha256:…`. Set either this or `tag`. When you set `tag`, this is the " +
					"digest that the tag points to; with `platform`, the digest of that platform's image.",
				Validators: []validator.String{digestSyntax},
			},
			"platform": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Platform to read, `os/architecture[/variant]`, such as `linux/arm64`. If the manifest is an index, its " +
					"image for this platform is read instead. Without a variant, `linux/arm64` also matches `linux/arm64/v8`, and " +
					"`linux/arm` matches v7, or else v6, or else v5. If the index does not name the platforms, the images' configurations " +
					"do. An index inside the index is searched as well. An image without an index must be for this platform.",
				Validators: []validator.String{platformSyntax},
			},
			"access_token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "Bearer token to read with, from `data.acr_bearer_token`. It is written to the state. Leave it out unless " +
					"you need it: the provider then fetches a token itself.",
				Validators: []validator.String{accessTokenSyntax},
			},
			"allow_missing": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "If the repository, tag or digest does not exist, set `exists` to false and the other results to null " +
					"instead of failing. Any other failure is still reported. Default: `false`.",
			},
			"exists":        schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the manifest exists; `false` only with `allow_missing`."},
			"media_type":    schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the manifest."},
			"artifact_type": schema.StringAttribute{Computed: true, MarkdownDescription: "Artifact type, as in the manifest; null if there is none."},
			"schema_version": schema.Int64Attribute{Computed: true, MarkdownDescription: "Schema version, 2 in every current manifest; null " +
				"if there is none."},
			"size": schema.Int64Attribute{Computed: true, MarkdownDescription: "Size of the manifest itself in bytes, without what it lists."},
			"image": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Reference that always names exactly this manifest, `registry/repository@sha256:…`. Deploy this.",
			},
			"body": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "The manifest as the registry sent it. Use `digest` rather than a hash of this: Terraform normalizes the Unicode of its strings.",
			},
			"annotations": schema.MapAttribute{
				Computed: true, ElementType: types.StringType, MarkdownDescription: "Annotations of the manifest; null if it has none.",
			},
			"config": schema.SingleNestedAttribute{
				Computed:            true,
				Attributes:          descriptorAttributes(),
				MarkdownDescription: "Configuration that the manifest names; null for an index. `acr_image_config` reads it.",
			},
			"subject": schema.SingleNestedAttribute{
				Computed:            true,
				Attributes:          descriptorAttributes(),
				MarkdownDescription: "Manifest that this one is attached to, as a signature is to an image; null if there is none.",
			},
			"layers": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: layerAttributes()},
				MarkdownDescription: "Layers, in the order of the manifest; null for an index.",
			},
			"manifests": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: childAttributes()},
				MarkdownDescription: "Children of an index, in its order and with attestations; null for anything else.",
			},
			"images": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Pinned reference of each platform's image in an index, such as `linux/amd64` to " +
					"`registry/repository@sha256:…`; null for anything else. The keys are the platforms as the index names them, with or " +
					"without a variant: `linux/arm64` in one index, `linux/arm64/v8` in another. Set `platform` to match both. If two " +
					"children are for the same platform, the first one is used. Attestations are left out.",
			},
		},
	}
}

func (d *manifestDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	request := acr.ManifestRequest{
		Repository:  config.text("repository"),
		Tag:         config.text("tag"),
		Digest:      config.text("digest"),
		Platform:    config.text("platform"),
		AccessToken: secret.New(config.text("access_token")),
	}
	manifest, err := client.Manifest(ctx, request)
	var images map[string]digest.Digest
	if err == nil && manifest.IsIndex() {
		images, err = client.PlatformImages(ctx, request, manifest)
	}
	pin := func(d digest.Digest) string { return client.Pin(request.Repository, d) }
	switch {
	case err == nil:
		config.write(ctx, &resp.State, &resp.Diagnostics, manifestValues(manifest, images, pin))
	case fault.IsMissing(err) && config.flag("allow_missing"):
		config.write(ctx, &resp.State, &resp.Diagnostics, values{"exists": types.BoolValue(false)})
	default:
		of := subject{repository: "repository", manifest: manifestAttribute(config.text("digest"))}
		if !config.isNull("access_token") {
			of.accessToken = "access_token"
		}
		resp.Diagnostics.Append(failureDiagnostic(err, of))
	}
}

// manifestValues returns the attributes of a manifest. images are those of an index, by platform.
func manifestValues(manifest *oci.Manifest, images map[string]digest.Digest, pin func(digest.Digest) string) values {
	pinned := types.MapNull(types.StringType)
	if manifest.IsIndex() {
		elements := values{}
		for platform, image := range images {
			elements[platform] = types.StringValue(pin(image))
		}
		pinned = types.MapValueMust(types.StringType, elements)
	}
	return values{
		"exists":         types.BoolValue(true),
		"digest":         types.StringValue(manifest.Digest.String()),
		"media_type":     textOrNull(manifest.MediaType),
		"artifact_type":  textOrNull(manifest.ArtifactType),
		"schema_version": numberOrNull(manifest.SchemaVersion),
		"size":           types.Int64Value(manifest.Size),
		"image":          types.StringValue(pin(manifest.Digest)),
		"body":           types.StringValue(string(manifest.Body)),
		"annotations":    textsOrNull(manifest.Annotations),
		"config":         objectOrNull(descriptorType(), manifest.Config, descriptorValues),
		"subject":        objectOrNull(descriptorType(), manifest.Subject, descriptorValues),
		"layers":         objectsOrNull(layerType(), manifest.Layers, layerValues),
		"manifests":      objectsOrNull(childType(), manifest.Manifests, childValues),
		"images":         pinned,
	}
}
